-- Purpose: every correction of a base bar: what was believed, what took its place, how far apart they are, and the
--          signals that were made of the old version. Those stay as they were: this view is where they are told of.
-- Grain:   one row per superseded version of a base bar, believed from known_at until superseded_at.
-- Units:   prices in quote currency, volume in base units; close_change_pct in percent of the old close (2.21 means
--          2.21 %), volume_change in base units; source is the one that corrected.
-- signals_touched: signals recorded while the old version was believed, whose window (the 60 bars of the signal's
--          timeframe that end at its close: snapshot.WINDOW_BARS) holds the bar, counted by the bars there are now, of
--          the base that rules now. Indicators reach further back than the window: `signalhub drift` sees that too.
--          A bar that was dropped since has no new values and touches nothing that could still be told.
-- Read by: analysts. Filter on symbol or superseded_at.
CREATE OR REPLACE VIEW analytics.bar_corrections AS
SELECT
    i.public_symbol AS symbol,
    v.base_timeframe,
    v.open_at,
    v.open AS old_open,
    v.high AS old_high,
    v.low AS old_low,
    v.close AS old_close,
    v.volume AS old_volume,
    n.open AS new_open,
    n.high AS new_high,
    n.low AS new_low,
    n.close AS new_close,
    n.volume AS new_volume,
    v.known_at,
    v.superseded_at,
    100.0::double precision * (n.close - v.close) / v.close AS close_change_pct,
    n.volume - v.volume AS volume_change,
    s.source,
    ARRAY( -- noqa: CP03
        SELECT g.signal_id
        FROM market.timeframes AS b
        INNER JOIN market.instrument_bases AS r
            ON b.timeframe = r.base_timeframe AND r.instrument_id = v.instrument_id
            AND v.open_at >= r.rules_from AND v.open_at < r.rules_until
        INNER JOIN market.timeframes AS t ON b.position <= t.position
        INNER JOIN market.indicators AS x
            ON x.instrument_id = v.instrument_id AND t.timeframe = x.timeframe
            AND x.open_at = date_bin(t.span, v.open_at, '2000-01-01 00:00:00+00'::timestamptz)
        INNER JOIN engine.signals AS g
            ON g.instrument_id = v.instrument_id AND t.timeframe = g.timeframe
            AND g.open_at >= x.open_at
            AND g.recorded_at >= v.known_at AND g.recorded_at < v.superseded_at
            -- The window of the bar's last reader ends 59 bars on.
            AND g.open_at <= COALESCE((
                SELECT y.open_at
                FROM market.indicators AS y
                WHERE y.instrument_id = v.instrument_id AND y.timeframe = t.timeframe AND y.open_at >= x.open_at
                ORDER BY y.open_at
                LIMIT 1 OFFSET 59
            ), 'infinity'::timestamptz)
        WHERE b.timeframe = v.base_timeframe
        ORDER BY g.signal_id
    ) AS signals_touched
FROM market.bar_revisions AS v
INNER JOIN market.instruments AS i ON v.instrument_id = i.instrument_id
LEFT JOIN LATERAL (
    -- What took its place: the next version that was superseded too, else the bar as it is now.
    SELECT
        w.open, w.high, w.low, w.close, w.volume, w.source_id
    FROM (
        SELECT
            z.open, z.high, z.low, z.close, z.volume, z.source_id, z.known_at, z.revision_id
        FROM market.bar_revisions AS z
        WHERE z.instrument_id = v.instrument_id AND z.base_timeframe = v.base_timeframe AND z.open_at = v.open_at
            AND z.known_at >= v.superseded_at AND z.revision_id > v.revision_id
        UNION ALL
        SELECT
            c.open, c.high, c.low, c.close, c.volume, c.source_id, c.known_at, NULL AS revision_id
        FROM market.bars AS c
        WHERE c.instrument_id = v.instrument_id AND c.base_timeframe = v.base_timeframe AND c.open_at = v.open_at
    ) AS w
    ORDER BY w.known_at, w.revision_id NULLS LAST
    LIMIT 1
) AS n ON TRUE
LEFT JOIN market.sources AS s ON n.source_id = s.source_id;
