-- Purpose: what jobs/status.py runs: how much there is and how fresh it is.

-- name: counts
SELECT
    (SELECT count(*) FROM market.instruments) AS instruments,
    (SELECT count(*) FROM market.bars) AS bars,
    (SELECT count(*) FROM engine.signals) AS signals,
    (SELECT count(*) FROM engine.outcomes AS o WHERE o.status = 'open') AS open_signals,
    (SELECT count(*) FROM market.dirty_ranges AS d WHERE d.timeframe IS NULL) AS dirty_ranges;

-- name: last_close
SELECT t.timeframe, (
    SELECT max(x.open_at) + t.span FROM market.indicators AS x WHERE x.timeframe = t.timeframe
) AS last_close
FROM market.timeframes AS t
ORDER BY t.position;
