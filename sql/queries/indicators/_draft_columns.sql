-- Purpose: all indicator columns and resumable states of the new bars of any number of instruments, in one pass.
-- Grain: one row per (instrument_id, open_at) of `input` with is_new.
-- Units: prices and volumes as in `input`; rsi and adx 0 to 100.
-- Read by: indicators.compute.
--
-- `input` (a CTE or temporary table of the caller): instrument_id, open_at, n, is_new, high, low, close, volume
-- and a seed_X for every X_state below.
--   n        dense ordinal of the bar, 1 at the instrument's first bar; it runs on through the context rows.
--   is_new   false for the context rows: the last 49 bars before the first new one (all there are, if fewer).
--   seed_X   X_state of the bar before the first new one, the same on every row of the instrument; NULL where
--            the first new one is bar 1.
-- Guarantees: resumed from states + 49 context rows = computed from the first bar, bit for bit. Every frame
-- below sees the same rows in the same order either way; the recursive ones see the new rows only and continue
-- from the seed.
-- Why three levels: a frame, a recursion over it, a recursion over that (signal over macd, adx over dx). Each
-- distinct frame is a WindowAgg node, so there are four; all share one sort. ROWS spares the peer check that
-- RANGE would make.
WITH framed AS (
    SELECT
        input.*,
        avg(input.close) OVER last_50 AS mean_50,
        avg(input.close) OVER last_20 AS mean_20,
        stddev_pop(input.close) OVER last_20 AS deviation_20,
        max(input.high) OVER last_20 AS highest_20,
        min(input.low) OVER last_20 AS lowest_20,
        avg(input.volume) OVER last_20 AS mean_volume_20,
        lag(input.high) OVER last_20 AS previous_high,
        lag(input.low) OVER last_20 AS previous_low,
        lag(input.close) OVER last_20 AS previous_close
    FROM input
    WINDOW
        last_20 AS (PARTITION BY input.instrument_id ORDER BY input.open_at ROWS 19 PRECEDING),
        last_50 AS (PARTITION BY input.instrument_id ORDER BY input.open_at ROWS 49 PRECEDING)
),

recursed AS (
    SELECT
        framed.*,
        ta.ema_state(framed.close, framed.n, 9, framed.seed_ema_9) OVER so_far AS ema_9_state,
        ta.ema_state(framed.close, framed.n, 21, framed.seed_ema_21) OVER so_far AS ema_21_state,
        ta.ema_state(framed.close, framed.n, 50, framed.seed_ema_50) OVER so_far AS ema_50_state,
        ta.ema_state(framed.close, framed.n - 14, 12, framed.seed_macd_fast) OVER so_far AS macd_fast_state,
        ta.ema_state(framed.close, framed.n, 26, framed.seed_macd_slow) OVER so_far AS macd_slow_state,
        ta.wilder_state(
            greatest(framed.close - framed.previous_close, 0.0::float8), framed.n - 1, 14, framed.seed_gain
        ) OVER so_far AS gain_state,
        ta.wilder_state(
            greatest(framed.previous_close - framed.close, 0.0::float8), framed.n - 1, 14, framed.seed_loss
        ) OVER so_far AS loss_state,
        ta.wilder_state(
            ta.true_range(framed.high, framed.low, framed.previous_close), framed.n - 1, 14, framed.seed_atr
        ) OVER so_far AS atr_state,
        ta.wilder_sum_state(
            ta.plus_dm(framed.high, framed.low, framed.previous_high, framed.previous_low),
            framed.n - 1, 14, framed.seed_plus_dm
        ) OVER so_far AS plus_dm_state,
        ta.wilder_sum_state(
            ta.minus_dm(framed.high, framed.low, framed.previous_high, framed.previous_low),
            framed.n - 1, 14, framed.seed_minus_dm
        ) OVER so_far AS minus_dm_state,
        ta.wilder_sum_state(
            ta.true_range(framed.high, framed.low, framed.previous_close), framed.n - 1, 14, framed.seed_tr
        ) OVER so_far AS tr_state,
        ta.obv_state(framed.close, framed.previous_close, framed.volume, framed.seed_obv) OVER so_far AS obv_state
    FROM framed
    WHERE framed.is_new
    WINDOW so_far AS (PARTITION BY framed.instrument_id ORDER BY framed.open_at ROWS UNBOUNDED PRECEDING)
),

composed AS (
    SELECT
        recursed.*,
        ta.ema_state(
            recursed.macd_fast_state - recursed.macd_slow_state, recursed.n - 25, 9, recursed.seed_macd_signal
        ) OVER so_far AS macd_signal_state,
        ta.wilder_state(
            ta.dx(recursed.plus_dm_state, recursed.minus_dm_state, recursed.tr_state),
            recursed.n - 14, 14, recursed.seed_adx
        ) OVER so_far AS adx_state
    FROM recursed
    WINDOW so_far AS (PARTITION BY recursed.instrument_id ORDER BY recursed.open_at ROWS UNBOUNDED PRECEDING)
)

SELECT
    composed.instrument_id,
    composed.open_at,
    composed.n,
    CASE WHEN composed.n >= 20 THEN composed.mean_20 END AS sma_20,
    CASE WHEN composed.n >= 50 THEN composed.mean_50 END AS sma_50,
    CASE WHEN composed.n >= 9 THEN composed.ema_9_state END AS ema_9,
    CASE WHEN composed.n >= 21 THEN composed.ema_21_state END AS ema_21,
    CASE WHEN composed.n >= 50 THEN composed.ema_50_state END AS ema_50,
    CASE WHEN composed.n >= 15 THEN ta.rsi_value(composed.gain_state, composed.loss_state) END AS rsi_14,
    CASE WHEN composed.n >= 34 THEN composed.macd_fast_state - composed.macd_slow_state END AS macd_12_26_9,
    CASE WHEN composed.n >= 34 THEN composed.macd_signal_state END AS macd_signal_12_26_9,
    CASE
        WHEN composed.n >= 34
            THEN (composed.macd_fast_state - composed.macd_slow_state) - composed.macd_signal_state
    END AS macd_hist_12_26_9,
    CASE WHEN composed.n >= 15 THEN composed.atr_state END AS atr_14,
    CASE WHEN composed.n >= 20 THEN composed.mean_20 + 2.0::float8 * composed.deviation_20 END AS bb_upper_20_2,
    CASE WHEN composed.n >= 20 THEN composed.mean_20 END AS bb_middle_20_2,
    CASE WHEN composed.n >= 20 THEN composed.mean_20 - 2.0::float8 * composed.deviation_20 END AS bb_lower_20_2,
    CASE WHEN composed.n >= 20 THEN composed.highest_20 END AS donchian_upper_20,
    CASE WHEN composed.n >= 20 THEN composed.lowest_20 END AS donchian_lower_20,
    CASE WHEN composed.n >= 20 THEN composed.mean_volume_20 END AS volume_sma_20,
    composed.obv_state AS obv,
    CASE WHEN composed.n >= 28 THEN composed.adx_state END AS adx_14,
    composed.ema_9_state,
    composed.ema_21_state,
    composed.ema_50_state,
    composed.macd_fast_state,
    composed.macd_slow_state,
    composed.macd_signal_state,
    composed.gain_state,
    composed.loss_state,
    composed.atr_state,
    composed.plus_dm_state,
    composed.minus_dm_state,
    composed.tr_state,
    composed.adx_state,
    composed.obv_state
FROM composed
