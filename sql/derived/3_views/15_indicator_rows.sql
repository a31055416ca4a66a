-- Purpose: the indicator rows of instruments, computed from their closed bars: any stretch of history, or the next
--          bar. Resumed from a stored state it gives the same bits as from the first bar: the state holds all that
--          later bars lean on.
-- Grain:   one row per closed bar of the timeframe after the newest state before before_at ('-infinity': from the
--          first bar on, whatever is stored) and before until_at. row_values: the columns of market.indicators from its
--          first indicator on, in order; memory: all that later bars lean on, at anchors and at the last bar.
-- Units:   sql/indicators.sql.
-- Read by: sql/queries/indicators (written, audit).
CREATE OR REPLACE FUNCTION market.indicator_rows(
    instrument_ids integer[], bars_timeframe text, before_ats timestamptz[], until_ats timestamptz[]
) RETURNS TABLE (
    instrument_id integer,
    resumed_from timestamptz,
    open_at timestamptz,
    n bigint,
    is_anchor boolean,
    row_values double precision[],
    memory double precision[]
)
LANGUAGE sql STABLE
AS $$
SELECT
    u.instrument_id,
    s.open_at,
    w.*
FROM unnest(
    indicator_rows.instrument_ids, indicator_rows.before_ats, indicator_rows.until_ats
) AS u (instrument_id, before_at, until_at)
INNER JOIN market.timeframes AS t ON t.timeframe = indicator_rows.bars_timeframe
INNER JOIN market.instruments AS i ON u.instrument_id = i.instrument_id
LEFT JOIN LATERAL (
    -- The instant by the index alone, and then one row: a state fills a page.
    SELECT a.open_at
    FROM market.indicator_state AS a
    WHERE a.instrument_id = u.instrument_id AND a.timeframe = indicator_rows.bars_timeframe
        AND a.open_at < u.before_at
    ORDER BY a.open_at DESC
    LIMIT 1
) AS l ON TRUE
LEFT JOIN market.indicator_state AS s
    ON u.instrument_id = s.instrument_id AND s.timeframe = indicator_rows.bars_timeframe AND l.open_at = s.open_at
CROSS JOIN LATERAL (
    SELECT
        array_agg(b.open_at) AS open_ats,
        array_agg(b.bar) AS bars
    FROM (
        SELECT
            a.open_at,
            ARRAY[
                a.open, a.high, a.low, a.close, a.volume,
                market.era_of(indicator_rows.bars_timeframe, a.open_at),
                s.began
            ] AS bar
        FROM market.adjusted_bars AS a
        CROSS JOIN LATERAL market.session_of(i.calendar, a.open_at, a.close_at) AS s
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = indicator_rows.bars_timeframe
            AND a.open_at > COALESCE(l.open_at, '-infinity'::timestamptz) AND a.open_at < u.until_at
        ORDER BY a.open_at
    ) AS b
) AS b
CROSS JOIN LATERAL market.walk_indicators(
    t.span, COALESCE(s.n, 0), COALESCE(s.open_at, '-infinity'::timestamptz), s.memory, b.open_ats, b.bars
) AS w
$$;
