-- Purpose: the indicator rows of instruments, computed from their closed bars: the ONE formula, of what is stored and
--          of what the auditor expects. Resumed from a stored anchor and its context rows it gives the same bits as
--          from the first bar, because every frame sees the same rows in the same order and the recursive aggregates
--          go on from their seed.
-- Grain:   one row per closed bar of the timeframe after the newest anchor before before_at ('-infinity': from the
--          first bar on, whatever is stored) and before until_at. Units: see market.indicators; n_state columns are
--          those of market.indicator_state, for every row.
-- Read by: sql/queries/indicators (compute, audit).
-- context_bars: at least 49, the longest frame without the row itself. More changes no bit, and makes up for stray
-- rows among the context.
-- SQL and neither strict nor volatile: the planner puts the body in the place of the call.
-- A parameter goes by the function's name:
-- noqa: disable=RF01,RF03
CREATE OR REPLACE FUNCTION market.indicator_rows(
    instrument_ids integer[], bars_timeframe text, before_at timestamptz, until_at timestamptz, context_bars integer
) RETURNS TABLE (
    instrument_id integer,
    open_at timestamptz,
    n bigint,
    sma_20 double precision,
    sma_50 double precision,
    ema_9 double precision,
    ema_21 double precision,
    ema_50 double precision,
    rsi_14 double precision,
    macd_12_26_9 double precision,
    macd_signal_12_26_9 double precision,
    macd_hist_12_26_9 double precision,
    atr_14 double precision,
    bb_upper_20_2 double precision,
    bb_middle_20_2 double precision,
    bb_lower_20_2 double precision,
    donchian_upper_20 double precision,
    donchian_lower_20 double precision,
    volume_sma_20 double precision,
    obv double precision,
    adx_14 double precision,
    ema_9_state double precision,
    ema_21_state double precision,
    ema_50_state double precision,
    macd_fast_state double precision,
    macd_slow_state double precision,
    macd_signal_state double precision,
    gain_state double precision,
    loss_state double precision,
    atr_state double precision,
    plus_dm_state double precision,
    minus_dm_state double precision,
    tr_state double precision,
    adx_state double precision,
    obv_state double precision
)
LANGUAGE sql STABLE
AS $$
WITH resume AS MATERIALIZED (
    SELECT
        u.instrument_id,
        s.open_at AS anchor_at,
        COALESCE(s.n, 0) AS anchor_n,
        LEAST(c.context_from, f.context_from) AS context_from,
        s.ema_9_state AS seed_ema_9,
        s.ema_21_state AS seed_ema_21,
        s.ema_50_state AS seed_ema_50,
        s.macd_fast_state AS seed_macd_fast,
        s.macd_slow_state AS seed_macd_slow,
        s.macd_signal_state AS seed_macd_signal,
        s.gain_state AS seed_gain,
        s.loss_state AS seed_loss,
        s.atr_state AS seed_atr,
        s.plus_dm_state AS seed_plus_dm,
        s.minus_dm_state AS seed_minus_dm,
        s.tr_state AS seed_tr,
        s.adx_state AS seed_adx,
        s.obv_state AS seed_obv
    FROM unnest(indicator_rows.instrument_ids) AS u (instrument_id)
    LEFT JOIN LATERAL (
        SELECT a.*
        FROM market.indicator_state AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = indicator_rows.bars_timeframe
            AND a.open_at < indicator_rows.before_at
        ORDER BY a.open_at DESC
        LIMIT 1
    ) AS s ON TRUE
    LEFT JOIN LATERAL (
        SELECT
            min(x.open_at) AS context_from,
            count(*) AS context_rows
        FROM (
            SELECT i.open_at
            FROM market.indicators AS i
            WHERE i.instrument_id = u.instrument_id AND i.timeframe = indicator_rows.bars_timeframe
                AND i.open_at <= s.open_at
            ORDER BY i.open_at DESC
            LIMIT indicator_rows.context_bars
        ) AS x
    ) AS c ON TRUE
    -- Where old indicator rows were dropped (market.retention), the bars say where the context begins.
    LEFT JOIN LATERAL (
        SELECT min(x.open_at) AS context_from
        FROM (
            SELECT b.open_at
            FROM market.closed_bars AS b
            WHERE b.instrument_id = u.instrument_id AND b.timeframe = indicator_rows.bars_timeframe
                AND b.open_at <= s.open_at AND c.context_rows < LEAST(indicator_rows.context_bars, s.n)
            ORDER BY b.open_at DESC
            LIMIT indicator_rows.context_bars
        ) AS x
    ) AS f ON TRUE
),

input AS (
    SELECT
        b.instrument_id,
        b.open_at,
        r.anchor_n + count(*) FILTER (WHERE b.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz)) OVER (
            PARTITION BY b.instrument_id ORDER BY b.open_at ROWS UNBOUNDED PRECEDING
        ) AS n,
        b.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz) AS is_new,
        b.high,
        b.low,
        b.close,
        b.volume,
        r.seed_ema_9,
        r.seed_ema_21,
        r.seed_ema_50,
        r.seed_macd_fast,
        r.seed_macd_slow,
        r.seed_macd_signal,
        r.seed_gain,
        r.seed_loss,
        r.seed_atr,
        r.seed_plus_dm,
        r.seed_minus_dm,
        r.seed_tr,
        r.seed_adx,
        r.seed_obv
    FROM resume AS r
    INNER JOIN market.adjusted_bars AS b
        ON r.instrument_id = b.instrument_id
        AND b.timeframe = indicator_rows.bars_timeframe
        AND b.open_at >= COALESCE(r.context_from, '-infinity'::timestamptz)
        AND b.open_at < indicator_rows.until_at
),

framed AS (
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
),

computed AS (
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
)

SELECT
    c.instrument_id,
    c.open_at,
    c.n,
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
    c.adx_14,
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
FROM computed AS c
$$;
