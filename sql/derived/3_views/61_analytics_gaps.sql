-- Purpose: where expected bars are missing below the watermark, and what became of it.
-- Grain:   one row per span in which bars of a base timeframe were missing when it was detected.
-- Units:   [from_at, to_at) UTC; expected and missing count base bars, missing those that are not there now. A bar we
--          filled in ourselves is still missing.
-- status:  open; filled (the bars came); unavailable (the feed was asked and has none); closed_session (the calendar
--          says by now that nothing was to be expected).
CREATE OR REPLACE VIEW analytics.gaps AS
SELECT
    i.public_symbol AS symbol,
    g.base_timeframe AS timeframe,
    g.from_at,
    g.to_at,
    g.expected,
    g.missing,
    g.status,
    g.detected_at,
    g.asked_at,
    g.closed_at,
    g.detail
FROM market.gaps AS g
INNER JOIN market.instruments AS i ON g.instrument_id = i.instrument_id;
