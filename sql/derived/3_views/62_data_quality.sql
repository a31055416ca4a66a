-- Purpose: how good the bars of each instrument are now, with a grade and the reasons for it.
-- Grain:   one row per (followed instrument, timeframe from its ruling base on).
-- Units:   overdue_seconds: how long the oldest close that was expected and is not settled is over, 0 when none is;
--          complete_*_pct: base bars that came (not filled in by us) in % of those the calendar expects, else null;
--          runs: newest bars in a row, at most 60, without volume, or on which the price did not move at all.
-- is_fresh: no close is overdue for longer than fresh_bars base bars, nor than fresh_hours.
-- Grade:   D stale or no bars · C incomplete, flat, or without volume though it had some · B gaps or outliers of the
--          last seven days · A none of that. Rules: market.quality_rules.
-- Read by: signalhub quality, analysts.
-- What is of the instrument is computed once for it, hence MATERIALIZED; base bars are counted by the rollups of an
-- hour or of the base, never one by one.
CREATE OR REPLACE VIEW analytics.data_quality AS
WITH bases AS MATERIALIZED (
    SELECT
        i.instrument_id,
        i.public_symbol,
        r.base_timeframe,
        b.position,
        b.span AS base_span,
        n.now,
        q.complete_pct,
        q.flat_bars,
        l.patience,
        w.settled_through,
        GREATEST(s.open_at, w.settled_through) AS next_open,
        LEAST(c.bars_24h, x.expected_24h) * 100.0::double precision / NULLIF(x.expected_24h, 0) AS complete_24h_pct,
        LEAST(c.bars_7d, x.expected_7d) * 100.0::double precision / NULLIF(x.expected_7d, 0) AS complete_7d_pct,
        c.has_volume,
        g.open_gaps,
        g.gaps_7d,
        f.outliers_7d,
        v.last_correction_at
    FROM market.instruments AS i
    CROSS JOIN market.quality_rules AS q
    CROSS JOIN (SELECT engine.now() AS now) AS n
    INNER JOIN market.instrument_bases AS r ON i.instrument_id = r.instrument_id AND r.rules_until = 'infinity'
    INNER JOIN market.timeframes AS b ON r.base_timeframe = b.timeframe
    LEFT JOIN market.watermarks AS w ON r.instrument_id = w.instrument_id AND r.base_timeframe = w.timeframe
    CROSS JOIN LATERAL (SELECT LEAST(q.fresh_bars * b.span, q.fresh_hours * INTERVAL '1 hour') AS patience) AS l
    CROSS JOIN LATERAL (
        SELECT min(o.open_at) AS first_at
        FROM market.bars AS o
        WHERE o.instrument_id = r.instrument_id AND o.base_timeframe = r.base_timeframe
    ) AS o
    CROSS JOIN LATERAL (
        -- What may still be under way is not missed.
        SELECT
            GREATEST(b.span, INTERVAL '1 hour') AS unit,
            date_bin(
                GREATEST(b.span, INTERVAL '1 hour'), n.now - l.patience, '2000-01-01 00:00:00+00'::timestamptz
            ) AS until
    ) AS e
    CROSS JOIN LATERAL (
        SELECT
            -- Nothing is expected before the first bar, nor before this base ruled.
            GREATEST(e.until - INTERVAL '24 hours', r.rules_from, o.first_at) AS from_24h,
            GREATEST(e.until - INTERVAL '168 hours', r.rules_from, o.first_at) AS from_7d
    ) AS p
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN p.from_24h < e.until THEN market.expected_bars(i.calendar, b.timeframe, p.from_24h, e.until)
            END AS expected_24h,
            CASE WHEN p.from_7d < e.until THEN market.expected_bars(i.calendar, b.timeframe, p.from_7d, e.until)
            END AS expected_7d
    ) AS x
    CROSS JOIN LATERAL (
        SELECT
            COALESCE(sum(h.bars) FILTER (WHERE h.open_at + e.unit > p.from_24h), 0) AS bars_24h,
            COALESCE(sum(h.bars), 0) AS bars_7d,
            bool_or(h.volume > 0.0::double precision) AS has_volume
        FROM (
            SELECT y.open_at, y.volume, y.bar_count - y.filled_count AS bars
            FROM market.bars_1h AS y
            WHERE b.span <= INTERVAL '1 hour'
                AND y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe
                AND y.open_at > p.from_7d - e.unit AND y.open_at < e.until
            UNION ALL
            SELECT y.open_at, y.volume, y.bar_count - y.filled_count AS bars
            FROM market.bars_4h AS y
            WHERE b.span = INTERVAL '4 hours'
                AND y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe
                AND y.open_at > p.from_7d - e.unit AND y.open_at < e.until
            UNION ALL
            SELECT y.open_at, y.volume, y.bar_count - y.filled_count AS bars
            FROM market.bars_1d AS y
            WHERE b.span = INTERVAL '24 hours'
                AND y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe
                AND y.open_at > p.from_7d - e.unit AND y.open_at < e.until
        ) AS h
    ) AS c
    CROSS JOIN LATERAL (
        SELECT
            count(*) AS open_gaps,
            count(*) FILTER (WHERE y.to_at > n.now - INTERVAL '168 hours') AS gaps_7d
        FROM market.gaps AS y
        WHERE y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe AND y.status = 'open'
    ) AS g
    CROSS JOIN LATERAL (
        SELECT count(*) AS outliers_7d
        FROM market.bar_flags AS y
        WHERE y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe AND y.flag = 'outlier'
            AND y.open_at > n.now - INTERVAL '168 hours' AND y.score >= q.outlier_z
    ) AS f
    CROSS JOIN LATERAL (
        SELECT max(y.superseded_at) AS last_correction_at
        FROM market.bar_revisions AS y
        WHERE y.instrument_id = r.instrument_id AND y.base_timeframe = r.base_timeframe
    ) AS v
    LEFT JOIN LATERAL (
        -- The session that is on, or the next one. No session is longer than a week.
        SELECT y.open_at
        FROM market.sessions AS y
        WHERE y.calendar = i.calendar AND y.close_at > w.settled_through
            AND y.open_at > w.settled_through - INTERVAL '168 hours'
        ORDER BY y.open_at
        LIMIT 1
    ) AS s ON TRUE
    WHERE i.is_active
),
judged AS (
    SELECT
        b.public_symbol,
        t.timeframe,
        b.base_timeframe,
        z.last_close_at,
        b.settled_through,
        u.overdue_seconds,
        d.is_fresh,
        b.complete_24h_pct,
        b.complete_7d_pct,
        b.open_gaps,
        z.zero_volume_run,
        z.flat_run,
        b.outliers_7d,
        b.last_correction_at,
        array_remove(ARRAY[
            CASE WHEN z.last_close_at IS NULL THEN 'no_bars' END,
            CASE WHEN NOT d.is_fresh THEN 'stale' END
        ], NULL) AS reasons_d,
        array_remove(ARRAY[
            CASE WHEN b.complete_24h_pct < b.complete_pct THEN 'incomplete_24h' END,
            CASE WHEN b.complete_7d_pct < b.complete_pct THEN 'incomplete_7d' END,
            CASE WHEN z.flat_run >= b.flat_bars THEN 'flat_run' END,
            CASE WHEN b.has_volume AND z.zero_volume_run >= b.flat_bars THEN 'zero_volume_run' END
        ], NULL) AS reasons_c,
        array_remove(ARRAY[
            CASE WHEN b.gaps_7d > 0 THEN 'open_gaps' END,
            CASE WHEN b.outliers_7d > 0 THEN 'outliers' END
        ], NULL) AS reasons_b
    FROM bases AS b
    INNER JOIN market.timeframes AS t ON b.position <= t.position
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN b.settled_through IS NOT NULL
                THEN GREATEST(0.0::double precision, date_part('epoch', b.now - (
                    date_bin(t.span, b.next_open, '2000-01-01 00:00:00+00'::timestamptz) + t.span
                )))
        END AS overdue_seconds
    ) AS u
    CROSS JOIN LATERAL (SELECT COALESCE(u.overdue_seconds <= date_part('epoch', b.patience), FALSE) AS is_fresh) AS d
    CROSS JOIN LATERAL (
        SELECT
            max(m.close_at) AS last_close_at,
            COALESCE(min(m.k) FILTER (WHERE m.volume > 0.0::double precision) - 1, count(*)) AS zero_volume_run,
            COALESCE(min(m.k) FILTER (WHERE m.high <> m.low OR m.close <> m.last_close) - 1, count(*)) AS flat_run
        FROM (
            SELECT
                y.open_at + t.span AS close_at,
                y.high,
                y.low,
                y.close,
                y.volume,
                row_number() OVER (ORDER BY y.open_at DESC) AS k,
                first_value(y.close) OVER (ORDER BY y.open_at DESC) AS last_close
            -- A branch for each relation: over market.closed_bars all of them would be sorted.
            FROM (
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars AS a
                    WHERE t.timeframe = '1m' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
                UNION ALL
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars_5m AS a
                    WHERE t.timeframe = '5m' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
                UNION ALL
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars_15m AS a
                    WHERE t.timeframe = '15m' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
                UNION ALL
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars_1h AS a
                    WHERE t.timeframe = '1h' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
                UNION ALL
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars_4h AS a
                    WHERE t.timeframe = '4h' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
                UNION ALL
                (
                    SELECT a.open_at, a.high, a.low, a.close, a.volume
                    FROM market.bars_1d AS a
                    WHERE t.timeframe = '1d' AND a.instrument_id = b.instrument_id
                        AND a.base_timeframe = b.base_timeframe
                    ORDER BY a.open_at DESC LIMIT 60
                )
            ) AS y
        ) AS m
    ) AS z
)
SELECT
    j.public_symbol AS symbol,
    j.timeframe,
    j.base_timeframe,
    CASE
        WHEN j.reasons_d <> '{}' THEN 'D'
        WHEN j.reasons_c <> '{}' THEN 'C'
        WHEN j.reasons_b <> '{}' THEN 'B'
        ELSE 'A'
    END AS grade,
    j.reasons_d || j.reasons_c || j.reasons_b AS reasons,
    j.is_fresh,
    j.overdue_seconds,
    j.last_close_at,
    j.settled_through,
    j.complete_24h_pct,
    j.complete_7d_pct,
    j.open_gaps,
    j.zero_volume_run,
    j.flat_run,
    j.outliers_7d,
    j.last_correction_at
FROM judged AS j;
