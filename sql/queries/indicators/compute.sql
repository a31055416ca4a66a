-- Purpose: what indicators/compute.py runs: indicator rows from an anchor on, for any number of instruments.
-- The formula itself is market.indicator_rows, which the auditor reads too.

-- name: unpack_what_is_needed
-- See bars/ingest.sql.
SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', TRUE);

-- name: forget_states
DELETE FROM market.indicator_state AS s
USING unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS u (instrument_id, from_at)
WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text AND s.open_at >= u.from_at;

-- name: first_anchor
-- Before this nothing is computed again.
SELECT COALESCE(min(COALESCE((
    SELECT max(s.open_at) FROM market.indicator_state AS s
    WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text
), '-infinity')), '-infinity')::text
FROM unnest(%(instrument_ids)s::integer[]) AS u (instrument_id);

-- name: forget_rows
-- All rows after the anchor are computed again; where another base rules now some have no bar any more. The constants
-- let PostgreSQL leave out chunks, and TimescaleDB unpack no more of a compressed one than it must.
DELETE FROM market.indicators AS x
USING (
    SELECT
        u.instrument_id,
        (
            SELECT max(s.open_at) FROM market.indicator_state AS s
            WHERE s.instrument_id = u.instrument_id AND s.timeframe = %(timeframe)s::text
        ) AS anchor_at
    FROM unnest(%(instrument_ids)s::integer[]) AS u (instrument_id)
) AS r
WHERE x.instrument_id = r.instrument_id AND x.timeframe = %(timeframe)s::text
    AND x.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz)
    AND x.instrument_id = ANY(%(instrument_ids)s::integer[])
    AND x.open_at > %(after)s::timestamptz;

-- name: compute
WITH computed AS MATERIALIZED (
    SELECT c.*
    FROM market.indicator_rows(
        %(instrument_ids)s::integer[], %(timeframe)s::text, 'infinity'::timestamptz, 'infinity'::timestamptz, 49
    ) AS c
),

kept AS (
    INSERT INTO market.indicator_state (
        instrument_id, timeframe, open_at, n,
        ema_9_state,
        ema_21_state,
        ema_50_state,
        macd_fast_state,
        macd_slow_state,
        macd_signal_state,
        gain_state,
        loss_state,
        atr_state,
        plus_dm_state,
        minus_dm_state,
        tr_state,
        adx_state,
        obv_state
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at, c.n,
        c.ema_9_state,
        c.ema_21_state,
        c.ema_50_state,
        c.macd_fast_state,
        c.macd_slow_state,
        c.macd_signal_state,
        c.gain_state,
        c.loss_state,
        c.atr_state,
        c.plus_dm_state,
        c.minus_dm_state,
        c.tr_state,
        c.adx_state,
        c.obv_state
    FROM (
        SELECT
            z.*,
            row_number() OVER (PARTITION BY z.instrument_id ORDER BY z.open_at DESC) = 1 AS is_latest
        FROM computed AS z
    ) AS c
    WHERE c.is_latest OR mod(c.n, 500) = 0
)

INSERT INTO market.indicators (
    instrument_id, timeframe, open_at, n,
    sma_20,
    sma_50,
    ema_9,
    ema_21,
    ema_50,
    rsi_14,
    macd_12_26_9,
    macd_signal_12_26_9,
    macd_hist_12_26_9,
    atr_14,
    bb_upper_20_2,
    bb_middle_20_2,
    bb_lower_20_2,
    donchian_upper_20,
    donchian_lower_20,
    volume_sma_20,
    obv,
    adx_14
)
SELECT
    c.instrument_id, %(timeframe)s::text, c.open_at, c.n,
    c.sma_20,
    c.sma_50,
    c.ema_9,
    c.ema_21,
    c.ema_50,
    c.rsi_14,
    c.macd_12_26_9,
    c.macd_signal_12_26_9,
    c.macd_hist_12_26_9,
    c.atr_14,
    c.bb_upper_20_2,
    c.bb_middle_20_2,
    c.bb_lower_20_2,
    c.donchian_upper_20,
    c.donchian_lower_20,
    c.volume_sma_20,
    c.obv,
    c.adx_14
FROM computed AS c
ORDER BY c.instrument_id, c.open_at;

-- name: thin_states
-- Only every 500th anchor stays beside the latest one.
DELETE FROM market.indicator_state AS s
WHERE s.instrument_id = ANY(%(instrument_ids)s::integer[]) AND s.timeframe = %(timeframe)s::text
    AND mod(s.n, 500) <> 0
    AND EXISTS (
        SELECT 1 FROM market.indicator_state AS l
        WHERE l.instrument_id = s.instrument_id AND l.timeframe = s.timeframe AND l.open_at > s.open_at
    );
