-- Purpose: the rules by which analytics.data_quality judges: the settings as the program last wrote them down, else
--          their defaults (bars/quality.py holds the same, and a test compares them).
-- Grain:   one row.
-- Units:   fresh_bars base bars, fresh_hours hours, complete_pct percent, outlier_z robust standard deviations,
--          flat_bars bars.
-- Read by: analytics.data_quality.
CREATE OR REPLACE VIEW market.quality_rules AS
SELECT
    COALESCE((m.rules ->> 'fresh_bars')::double precision, 2.0::double precision) AS fresh_bars,
    COALESCE((m.rules ->> 'fresh_hours')::double precision, 2.0::double precision) AS fresh_hours,
    COALESCE((m.rules ->> 'complete_pct')::double precision, 90.0::double precision) AS complete_pct,
    COALESCE((m.rules ->> 'outlier_z')::double precision, 12.0::double precision) AS outlier_z,
    COALESCE((m.rules ->> 'flat_bars')::integer, 10) AS flat_bars
FROM (VALUES ('quality_rules')) AS k (key)
LEFT JOIN LATERAL (
    SELECT o.value::jsonb AS rules FROM market.meta AS o WHERE o.key = k.key
) AS m ON TRUE;
