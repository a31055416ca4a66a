-- Purpose: continuous aggregates go coarsest first, each hangs on the finer one.

DROP MATERIALIZED VIEW market.bars_1d;
DROP MATERIALIZED VIEW market.bars_4h;
DROP MATERIALIZED VIEW market.bars_1h;
DROP MATERIALIZED VIEW market.bars_15m;
DROP MATERIALIZED VIEW market.bars_5m;
DROP SCHEMA market CASCADE;
