-- Purpose: the bars of a symbol as they were known at an instant: the versions believed then, rolled up.
-- Grain:   one row per bar of the timeframe that opens in [from_at, to_at) and closed by known_at, of the base that
--          rules now, by open_at. Prices are raw: of their day, not adjusted for later splits.
-- Read by: auditors and analysts: SELECT * FROM market.bars_as_of('BTC/USDT', '1h', from, to, known_at).
-- How:     base bars are read version by version. Of coarser ones the stored rollup is the answer wherever all that
--          is in it was known by then; a bucket that holds a later version, or waits to be rolled up, is rolled up
--          anew from the versions, level by level, so that the bits are those which the rollup had then.
-- Where the base bars were dropped (market.retention), a bucket that would have to be rolled up anew is left out: what
-- is there is never wrong. A first version that came by backfill counts as known at its close.
-- PL/pgSQL: its text is looked at when it runs, so that it may stand before the views.
CREATE OR REPLACE FUNCTION market.bars_as_of(
    symbol text, timeframe text, from_at timestamptz, to_at timestamptz, known_at timestamptz
) RETURNS TABLE (
    open_at timestamptz, open double precision, high double precision, low double precision,
    close double precision, volume double precision, turnover double precision,
    bar_count integer, filled_count integer
)
LANGUAGE plpgsql STABLE
-- Our sessions force custom plans: the two small queries would be planned at each call. What is EXECUTEd is planned for
-- its own values all the same.
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    asked record;
    rule record;
    finer record;
    versions text;
    rolled_up text;
BEGIN
    SELECT
        i.instrument_id, t.timeframe, t.span, t.position,
        -- Whole bars that have closed: the first and the last grid point of the span.
        date_bin(t.span, bars_as_of.from_at + t.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00')
            AS first_at,
        LEAST(
            date_bin(t.span, bars_as_of.to_at + t.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'),
            date_bin(t.span, bars_as_of.known_at, '2000-01-01 00:00:00+00')
        ) AS end_at
    INTO asked
    FROM market.instruments AS i
    INNER JOIN market.timeframes AS t ON t.timeframe = bars_as_of.timeframe
    WHERE i.public_symbol = bars_as_of.symbol;

    -- The versions of base bars that were believed: $1 instrument, $2 base, $3 from, $4 until, $5 known at.
    -- From and until always, though a bucket has bounds of its own: by constants the planner leaves out chunks.
    versions := $sql$
        SELECT b.open_at, b.open, b.high, b.low, b.close, b.volume,
            COALESCE(b.turnover, b.volume * (b.high + b.low + b.close) / 3.0::double precision) AS turnover,
            b.bar_count, b.filled_count
        FROM market.bars AS b
        WHERE b.instrument_id = $1 AND b.base_timeframe = $2 AND b.open_at >= %1$s AND b.open_at < %2$s
            AND b.open_at >= $3 AND b.open_at < $4 AND b.known_at <= $5
        UNION ALL
        SELECT v.open_at, v.open, v.high, v.low, v.close, v.volume,
            COALESCE(v.turnover, v.volume * (v.high + v.low + v.close) / 3.0::double precision) AS turnover,
            1 AS bar_count, v.filled_count
        FROM market.bar_revisions AS v
        WHERE v.instrument_id = $1 AND v.base_timeframe = $2 AND v.open_at >= %1$s AND v.open_at < %2$s
            AND v.known_at <= $5 AND v.superseded_at > $5
    $sql$;

    -- Bases rule whole days, one after the other: no bar straddles two of them, and answers come in order.
    FOR rule IN
        SELECT
            r.base_timeframe,
            GREATEST(r.rules_from, asked.first_at) AS from_at,
            LEAST(r.rules_until, asked.end_at) AS to_at
        FROM market.instrument_bases AS r
        INNER JOIN market.timeframes AS b ON r.base_timeframe = b.timeframe
        WHERE r.instrument_id = asked.instrument_id AND b.position <= asked.position
            AND asked.first_at < asked.end_at AND r.rules_from < asked.end_at AND r.rules_until > asked.first_at
        ORDER BY r.rules_from
    LOOP
        IF rule.base_timeframe = asked.timeframe THEN
            RETURN QUERY EXECUTE format(versions, '$3', '$4') || ' ORDER BY 1'
            USING asked.instrument_id, rule.base_timeframe, rule.from_at, rule.to_at, bars_as_of.known_at;
            CONTINUE;
        END IF;
        rolled_up := format(versions, 'lower(s.span)', 'upper(s.span)');
        FOR finer IN
            SELECT t.span FROM market.timeframes AS t WHERE t.position BETWEEN 2 AND asked.position ORDER BY t.position
        LOOP
            rolled_up := format($sql$
                SELECT date_bin(%L::interval, b.open_at, '2000-01-01 00:00:00+00'::timestamptz) AS open_at,
                    (array_agg(b.open ORDER BY b.open_at))[1] AS open, max(b.high) AS high, min(b.low) AS low,
                    (array_agg(b.close ORDER BY b.open_at DESC))[1] AS close, sum(b.volume ORDER BY b.open_at) AS volume,
                    sum(b.turnover ORDER BY b.open_at) AS turnover, sum(b.bar_count)::integer AS bar_count,
                    sum(b.filled_count)::integer AS filled_count
                FROM (%s) AS b
                GROUP BY 1
            $sql$, finer.span, rolled_up);
        END LOOP;
        RETURN QUERY EXECUTE format($sql$
            WITH waiting AS (
                -- Buckets some of whose bars are written and not rolled up yet.
                SELECT COALESCE(range_agg(tstzrange(
                    date_bin($6, d.from_at, '2000-01-01 00:00:00+00'),
                    date_bin($6, d.to_at - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00') + $6
                )), '{}') AS spans
                FROM market.dirty_ranges AS d
                WHERE d.instrument_id = $1 AND d.base_timeframe = $2 AND d.from_at < $4
                    AND d.to_at > $3 AND (d.timeframe IS NULL OR d.timeframe = $7)
            ),
            stored AS MATERIALIZED (
                SELECT b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover, b.bar_count, b.filled_count,
                    b.known_at <= $5 AND NOT b.open_at <@ w.spans AS is_as_known
                FROM market.%1$I AS b
                CROSS JOIN waiting AS w
                WHERE b.instrument_id = $1 AND b.base_timeframe = $2 AND b.open_at >= $3 AND b.open_at < $4
            ),
            anew AS (
                SELECT unnest(
                    (w.spans + COALESCE((
                        SELECT range_agg(tstzrange(b.open_at, b.open_at + $6)) FROM stored AS b WHERE NOT b.is_as_known
                    ), '{}')) * tstzmultirange(tstzrange($3, $4)) * tstzmultirange(tstzrange($8, NULL))
                ) AS span
                FROM waiting AS w
            )
            SELECT b.open_at, b.open, b.high, b.low, b.close, b.volume, b.turnover, b.bar_count, b.filled_count
            FROM stored AS b
            WHERE b.is_as_known
            UNION ALL
            SELECT b.* FROM anew AS s CROSS JOIN LATERAL (%2$s) AS b
            ORDER BY 1
        $sql$, 'bars_' || asked.timeframe, rolled_up)
        USING asked.instrument_id, rule.base_timeframe, rule.from_at, rule.to_at, bars_as_of.known_at, asked.span,
            asked.timeframe, (
                -- The first whole bucket that all its base bars are kept of.
                SELECT date_bin(
                    asked.span, max(k.kept_from) + asked.span - INTERVAL '1 microsecond', '2000-01-01 00:00:00+00'
                )
                FROM market.retention AS k
                WHERE k.relation = 'market.bars' AND k.timeframe = rule.base_timeframe
            );
    END LOOP;
END
$$;
