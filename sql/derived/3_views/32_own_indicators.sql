-- Purpose: users' own indicators (docs/how-to/add-your-own-indicator.md), whatever tables they are in.
-- Grain:   one row per (indicator, column_name, symbol, timeframe, open_at) of a closed bar.
-- Read by: analysts. Empty until there are some: signalhub/indicators/own.py then puts their tables in its place.
CREATE OR REPLACE VIEW analytics.own_indicators AS
SELECT
    NULL::text AS symbol,
    NULL::text AS timeframe,
    NULL::timestamptz AS open_at,
    NULL::timestamptz AS close_at,
    NULL::text AS indicator,
    NULL::text AS column_name,
    NULL::double precision AS value
WHERE FALSE;
