-- Purpose: the open signals with where the market stands: the close of the latest closed base bar.
-- Grain:   one row per open signal.
-- Units:   prices in quote currency, those of the signal's date also after a split; unrealised_r in risks and
--          unrealised_return_pct in percent, both gross, from the fill to last_price, null until the fill is known;
--          time_left until valid_until, not below zero; validity is what can still be done with the signal, as the
--          pipeline found it last: valid, entry_missed (more would be risked than is left to win), invalidated,
--          target_reached, expired; validity_since is the close of the bar that showed it. Live signals only.
-- Read by: analysts. The present is engine.now(): no bar that closes later is looked at. Outcomes follow the
--          watermark, so last_price may already be beyond stop or target.
CREATE OR REPLACE VIEW analytics.open_signals AS
SELECT
    s.signal_id,
    s.origin,
    s.is_simulated,
    s.strategy,
    s.strategy_version,
    s.symbol,
    s.asset_class,
    s.timeframe,
    s.direction,
    s.score,
    s.entry,
    s.stop,
    s.target,
    s.close_at,
    s.valid_until,
    s.fill_at,
    s.fill_price,
    p.last_price,
    l.last_price_at,
    (p.last_price - s.fill_price) * d.sign / abs(s.entry - s.stop)::double precision AS unrealised_r,
    100.0::double precision * (p.last_price - s.fill_price) * d.sign / s.fill_price AS unrealised_return_pct,
    GREATEST(s.valid_until - engine.now(), INTERVAL '0 seconds') AS time_left,
    s.tracked_through,
    s.validity,
    s.validity_since
FROM analytics.signals AS s
CROSS JOIN LATERAL (
    SELECT CASE s.direction WHEN 'long' THEN 1.0::double precision ELSE -1.0::double precision END AS sign
) AS d
LEFT JOIN (
    -- Once an instrument, however many of its signals are open.
    SELECT
        i.instrument_id,
        i.public_symbol,
        b.close,
        b.close_at AS last_price_at,
        b.price_factor
    FROM market.instruments AS i
    CROSS JOIN LATERAL (
        SELECT x.close, x.close_at, r.price_factor
        FROM market.ruling_spans AS r
        INNER JOIN market.timeframes AS t ON r.base_timeframe = t.timeframe
        CROSS JOIN LATERAL (
            SELECT c.open_at, c.close, c.open_at + t.span AS close_at
            FROM market.bars AS c
            WHERE c.instrument_id = r.instrument_id AND c.base_timeframe = r.base_timeframe
                AND c.open_at >= r.from_at AND c.open_at < r.until_at
                AND c.open_at <= engine.now() - t.span
            ORDER BY c.open_at DESC
            LIMIT 1
        ) AS x
        WHERE r.instrument_id = i.instrument_id
        ORDER BY x.open_at DESC
        LIMIT 1
    ) AS b
) AS l ON s.symbol = l.public_symbol
LEFT JOIN market.adjustments AS a
    ON l.instrument_id = a.instrument_id AND s.open_at >= a.from_at AND s.open_at < a.to_at
CROSS JOIN LATERAL (
    SELECT l.close * (l.price_factor / COALESCE(a.price_factor, 1.0::double precision)) AS last_price
) AS p
WHERE s.status = 'open';
