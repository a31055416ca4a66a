-- Purpose: THE place where an indicator column is written down. scripts/write-indicators makes from it the function that
--          computes them, bar after bar (market.walk_indicators: a whole history or the next bar, the same code), and
--          every list of columns; a test fails until it ran. How to add a column: docs/how-to/add-an-indicator.md.
-- Grain:   one line per value of one bar of one (instrument, timeframe).
-- Units:   after the name: price, volume (shares), none (ratios, per cent, money); what a split does to a value goes by
--          it. A state that is an array has a unit per element.
-- Read by: signalhub/indicators/declared.py, scripts/write-indicators.
-- noqa: disable=all

-- Values, each made of the bar (open, high, low, close, volume, previous_high, previous_low, previous_close; n: its
-- ordinal, counted up to 1,000; day; era and session: the begin of the era over which sums run (market.era_of) and of
-- the session (market.session_of), in seconds) and of other values:
--   lag(x, k)            x at k bars ago;
--   sum(x) OVER w5       over the last 5 bars, this one among them, oldest first; so max, min, avg, count, and with a
--                        mean: squares(x, mean) and distances(x, mean), sums of (x - mean)² and of |x - mean|;
--                        slope(x) is the sum of x times its distance from the middle of the window, in bars;
--   ta.x_step(own name, …)  a state, which goes on from the bar before; before(x) is a state at the bar before.
-- Where there are not so many bars yet a value is null. Long windows are put together from short ones: every value that
-- is looked at costs.
-- section: values
SELECT
    ta.typical_price(high, low, close) AS typical,
    ta.median_price(high, low) AS median,
    ta.true_range(high, low, previous_close) AS true_range,
    greatest(close - previous_close, 0.0::float8) AS gain,
    greatest(previous_close - close, 0.0::float8) AS loss,
    abs(close - previous_close) AS moved,
    ta.log_return(close, previous_close) AS log_return, -- none
    abs(high - previous_low) AS moved_up,
    abs(low - previous_high) AS moved_down,
    ta.buying_pressure(low, close, previous_close) AS pressure,
    lag(typical, 1) AS previous_typical,
    ta.positive_flow(typical, previous_typical, volume) AS flow_in, -- none
    ta.negative_flow(typical, previous_typical, volume) AS flow_out, -- none
    ta.money_flow_volume(high, low, close, volume) AS money_flow, -- volume
    ta.typical_turnover(high, low, close, volume) AS turnover, -- none
    ta.vwma_term(close, volume) AS paid, -- none
    ta.ease_of_movement(high, low, previous_high, previous_low, volume) AS ease, -- price2/volume
    ta.ha_close_value(open, high, low, close) AS ha_close,
    max(high) OVER w5 AS high_5,
    min(low) OVER w5 AS low_5,
    avg(close) OVER w5 AS mean_5,
    (lag(mean_5, 5) + mean_5) / 2.0::float8 AS mean_10,
    (lag(mean_10, 10) + mean_10) / 2.0::float8 AS mean_20,
    slope(close) OVER w10 AS sxy_10,
    lag(sxy_10, 10) + sxy_10 + 50.0::float8 * (mean_10 - lag(mean_10, 10)) AS sxy_20,
    sum(moved) OVER w10 AS moved_10,
    -- Below such a price a square would underflow, which is an error in PostgreSQL.
    CASE WHEN mean_5 <= 1e-130::float8 THEN 0.0::float8 ELSE squares(close, mean_5) OVER w5 END AS squares_5, -- price2
    -- Within the parts, and between them: exactly 0 where all is flat.
    CASE WHEN mean_20 <= 1e-130::float8 THEN 0.0::float8 ELSE sqrt((
        lag(squares_5, 15) + lag(squares_5, 10) + lag(squares_5, 5) + squares_5
        + 5.0::float8 * ta.squares_of_four(lag(mean_5, 15) - mean_20, lag(mean_5, 10) - mean_20, lag(mean_5, 5) - mean_20, mean_5 - mean_20)
    ) / 20.0::float8) END AS deviation_20,
    avg(typical) OVER w5 AS mean_typical_5,
    (lag(mean_typical_5, 15) + lag(mean_typical_5, 10) + lag(mean_typical_5, 5) + mean_typical_5) / 4.0::float8 AS mean_typical_20,
    distances(typical, mean_typical_20) OVER w20 AS distances_20,
    sum(pressure) OVER w7 AS pressure_7,
    sum(true_range) OVER w7 AS range_7,
    lag(pressure_7, 7) + pressure_7 AS pressure_14,
    lag(range_7, 7) + range_7 AS range_14,
    lag(pressure_7, 21) + lag(pressure_7, 14) + pressure_14 AS pressure_28,
    lag(range_7, 21) + lag(range_7, 14) + range_14 AS range_28,
    sum(flow_in) OVER w14 AS flow_in_14, -- none
    sum(flow_out) OVER w14 AS flow_out_14, -- none
    sum(moved_up) OVER w14 AS moved_up_14,
    sum(moved_down) OVER w14 AS moved_down_14,
    sum(coalesce(ease, 0)) OVER w14 AS ease_14, -- price2/volume
    count(ease) OVER w14 AS eases_14, -- none
    sum(median) OVER w7 AS median_7,
    sum(median) OVER w20 AS median_20,
    avg(median) OVER w5 AS mean_median_5,
    sum(paid) OVER w5 AS paid_5, -- none
    sum(turnover) OVER w5 AS turnover_5, -- none
    sum(volume) OVER w5 AS volume_5, -- volume
    sum(money_flow) OVER w5 AS money_flow_5, -- volume
    lag(paid_5, 15) + lag(paid_5, 10) + lag(paid_5, 5) + paid_5 AS paid_20, -- none
    lag(turnover_5, 15) + lag(turnover_5, 10) + lag(turnover_5, 5) + turnover_5 AS turnover_20, -- none
    lag(volume_5, 15) + lag(volume_5, 10) + lag(volume_5, 5) + volume_5 AS volume_20, -- volume
    lag(money_flow_5, 15) + lag(money_flow_5, 10) + lag(money_flow_5, 5) + money_flow_5 AS money_flow_20, -- volume
    avg(log_return) OVER w5 AS mean_return_5, -- none
    squares(log_return, mean_return_5) OVER w5 AS return_squares_5, -- none
    (lag(mean_return_5, 15) + lag(mean_return_5, 10) + lag(mean_return_5, 5) + mean_return_5) / 4.0::float8 AS mean_return_20, -- none
    sqrt((
        lag(return_squares_5, 15) + lag(return_squares_5, 10) + lag(return_squares_5, 5) + return_squares_5
        + 5.0::float8 * ta.squares_of_four(lag(mean_return_5, 15) - mean_return_20, lag(mean_return_5, 10) - mean_return_20, lag(mean_return_5, 5) - mean_return_20, mean_return_5 - mean_return_20)
    ) / 19.0::float8) AS return_deviation_20, -- none
    (lag(mean_10, 40) + lag(mean_10, 30) + lag(mean_10, 20) + lag(mean_10, 10) + mean_10) / 5.0::float8 AS mean_50,
    (lag(mean_50, 50) + mean_50) / 2.0::float8 AS mean_100,
    (lag(mean_100, 100) + mean_100) / 2.0::float8 AS mean_200,
    ta.trima_value(lag(mean_10, 10), lag(sxy_10, 10), mean_10, sxy_10, 20) AS trima,
    ta.hma_raw(mean_10, sxy_10, mean_20, sxy_20, 20) AS hull,
    ta.hma_value(lag(hull, 3), lag(hull, 2), lag(hull, 1), hull) AS hma,
    greatest(lag(high_5, 4), high_5) AS high_9,
    least(lag(low_5, 4), low_5) AS low_9,
    greatest(lag(high_5, 9), lag(high_5, 5), high_5) AS high_14,
    least(lag(low_5, 9), lag(low_5, 5), low_5) AS low_14,
    greatest(lag(high_5, 15), lag(high_5, 10), lag(high_5, 5), high_5) AS high_20,
    least(lag(low_5, 15), lag(low_5, 10), lag(low_5, 5), low_5) AS low_20,
    greatest(lag(high, 25), lag(high_5, 20), lag(high_5, 15), lag(high_5, 10), lag(high_5, 5), high_5) AS high_26,
    least(lag(low, 25), lag(low_5, 20), lag(low_5, 15), lag(low_5, 10), lag(low_5, 5), low_5) AS low_26,
    -- Of equal extremes the latest: Aroon asks how long ago.
    CASE high_5 WHEN high THEN 0.0::float8 WHEN lag(high, 1) THEN 1.0::float8 WHEN lag(high, 2) THEN 2.0::float8
        WHEN lag(high, 3) THEN 3.0::float8 ELSE 4.0::float8 END AS since_high_5, -- none
    CASE low_5 WHEN low THEN 0.0::float8 WHEN lag(low, 1) THEN 1.0::float8 WHEN lag(low, 2) THEN 2.0::float8
        WHEN lag(low, 3) THEN 3.0::float8 ELSE 4.0::float8 END AS since_low_5, -- none
    CASE high_26 WHEN high_5 THEN since_high_5 WHEN lag(high_5, 5) THEN lag(since_high_5, 5) + 5.0::float8
        WHEN lag(high_5, 10) THEN lag(since_high_5, 10) + 10.0::float8
        WHEN lag(high_5, 15) THEN lag(since_high_5, 15) + 15.0::float8
        WHEN lag(high_5, 20) THEN lag(since_high_5, 20) + 20.0::float8 ELSE 25.0::float8 END AS since_high, -- none
    CASE low_26 WHEN low_5 THEN since_low_5 WHEN lag(low_5, 5) THEN lag(since_low_5, 5) + 5.0::float8
        WHEN lag(low_5, 10) THEN lag(since_low_5, 10) + 10.0::float8
        WHEN lag(low_5, 15) THEN lag(since_low_5, 15) + 15.0::float8
        WHEN lag(low_5, 20) THEN lag(since_low_5, 20) + 20.0::float8 ELSE 25.0::float8 END AS since_low, -- none
    ta.mfi_value(flow_in_14, flow_out_14) AS mfi, -- none
    ta.vortex_value(moved_up_14, range_14) AS vortex_plus, -- none
    ta.vortex_value(moved_down_14, range_14) AS vortex_minus, -- none
    ease_14 / nullif(eases_14, 0.0::float8) AS eom, -- price2/volume
    ta.ultosc_value(pressure_7, range_7, pressure_14, range_14, pressure_28, range_28) AS ultosc, -- none
    ta.ao_value(mean_median_5, (lag(median_7, 27) + lag(median_7, 20) + median_20) / 34.0::float8) AS ao,
    ta.stddev_value(mean_20, deviation_20) AS spread_20,
    ta.stochf_k_value(close, high_14, low_14) AS stochf_k, -- none
    ta.stoch_smooth(lag(stochf_k, 2), lag(stochf_k, 1), stochf_k) AS stoch_k, -- none
    ta.stoch_smooth(lag(stoch_k, 2), lag(stoch_k, 1), stoch_k) AS stoch_d, -- none
    ta.ichimoku_line(high_9, low_9) AS tenkan,
    ta.ichimoku_line(high_26, low_26) AS kijun,
    ta.ichimoku_line(tenkan, kijun) AS leading_a,
    ta.ichimoku_line(greatest(lag(high_26, 26), high_26), least(lag(low_26, 26), low_26)) AS leading_b,
    lag(leading_a, 26) AS senkou_a,
    lag(leading_b, 26) AS senkou_b,
    lag(close, 26) AS close_26,
    lag(close, 10) AS close_10,
    lag(ha_close, 1) AS previous_ha_close,
    ta.swing_high_value(lag(high, 5), lag(high_5, 6), high_5) AS new_swing_high,
    ta.swing_low_value(lag(low, 5), lag(low_5, 6), low_5) AS new_swing_low,
    ta.ema_step(ema_9_state, close, n, 9) AS ema_9_state,
    ta.ema_step(ema_12_state, close, n, 12) AS ema_12_state,
    ta.ema_step(ema_20_state, close, n, 20) AS ema_20_state,
    ta.ema_step(ema_21_state, close, n, 21) AS ema_21_state,
    ta.ema_step(ema_26_state, close, n, 26) AS ema_26_state,
    ta.ema_step(ema_50_state, close, n, 50) AS ema_50_state,
    ta.ema_step(ema_100_state, close, n, 100) AS ema_100_state,
    ta.ema_step(ema_200_state, close, n, 200) AS ema_200_state,
    -- Seeded late, as TA-Lib does it, so that both averages of the MACD begin on one bar.
    ta.ema_step(macd_fast_state, close, n - 14, 12) AS macd_fast_state,
    ta.ema_step(macd_signal_state, macd_fast_state - ema_26_state, n - 25, 9) AS macd_signal_state,
    ta.ppo_value(ema_12_state, ema_26_state) AS ppo, -- none
    ta.ema_step(ppo_signal_state, ppo, n - 25, 9) AS ppo_signal_state, -- none
    ta.ema_step(dema_state, ema_20_state, n - 19, 20) AS dema_state,
    ta.ema_step(tema_state, dema_state, n - 38, 20) AS tema_state,
    ta.ema_step(trix_1_state, close, n, 15) AS trix_1_state,
    ta.ema_step(trix_2_state, trix_1_state, n - 14, 15) AS trix_2_state,
    ta.ema_step(trix_3_state, trix_2_state, n - 28, 15) AS trix_3_state,
    ta.trix_value(trix_3_state, before(trix_3_state)) AS trix, -- none
    ta.kama_step(kama_state, close, close - close_10, moved_10, n, 10, 2, 30) AS kama_state,
    ta.wilder_step(gain_state, gain, n - 1, 14) AS gain_state,
    ta.wilder_step(loss_state, loss, n - 1, 14) AS loss_state,
    ta.wilder_step(gain_7_state, gain, n - 1, 7) AS gain_7_state,
    ta.wilder_step(loss_7_state, loss, n - 1, 7) AS loss_7_state,
    CASE WHEN n >= 15 THEN ta.rsi_value(gain_state, loss_state) END AS rsi, -- none
    max(rsi) OVER w14 AS highest_rsi, -- none
    min(rsi) OVER w14 AS lowest_rsi, -- none
    ta.stochf_k_value(rsi, highest_rsi, lowest_rsi) AS stochrsi_k, -- none
    ta.stoch_smooth(lag(stochrsi_k, 2), lag(stochrsi_k, 1), stochrsi_k) AS stochrsi_d, -- none
    ta.ema_step(change_state, close - previous_close, n - 1, 25) AS change_state,
    ta.ema_step(change_2_state, change_state, n - 25, 13) AS change_2_state,
    ta.ema_step(way_state, moved, n - 1, 25) AS way_state,
    ta.ema_step(way_2_state, way_state, n - 25, 13) AS way_2_state,
    ta.wilder_step(atr_state, true_range, n - 1, 14) AS atr_state,
    ta.wilder_step(atr_10_state, true_range, n - 1, 10) AS atr_10_state,
    ta.supertrend_step(supertrend_state, high, low, close, atr_10_state, n - 10, 3.0::float8) AS supertrend_state, -- [price, none, price, price, price]
    ta.psar_step(psar_state, high, low, n, 0.02::float8, 0.2::float8) AS psar_state, -- [price, none, price, price, none, price, price]
    ta.wilder_sum_step(plus_dm_state, ta.plus_dm(high, low, previous_high, previous_low), n - 1, 14) AS plus_dm_state,
    ta.wilder_sum_step(minus_dm_state, ta.minus_dm(high, low, previous_high, previous_low), n - 1, 14) AS minus_dm_state,
    ta.wilder_sum_step(tr_state, true_range, n - 1, 14) AS tr_state,
    ta.wilder_step(adx_state, ta.dx(plus_dm_state, minus_dm_state, tr_state), n - 14, 14) AS adx_state, -- none
    ta.ema_step(spread_state, high - low, n, 10) AS spread_state,
    lag(spread_state, 10) AS spread_before,
    ta.sum_since_step(obv_sum, CASE WHEN previous_close IS NULL OR close > previous_close THEN volume
        WHEN close < previous_close THEN -volume ELSE 0.0::float8 END, era) AS obv_sum, -- [none, volume]
    ta.sum_since_step(ad_sum, money_flow, era) AS ad_sum, -- [none, volume]
    ta.ad_lag_step(ad_fast_state, money_flow, n, 3) AS ad_fast_state, -- volume
    ta.ad_lag_step(ad_slow_state, money_flow, n, 10) AS ad_slow_state, -- volume
    ta.vwap_session_step(vwap_session_state, turnover, volume, session) AS vwap_session_state, -- [none, none, volume]
    ta.ema_step(force_state, ta.force(close, previous_close, volume), n - 1, 13) AS force_state, -- none
    ta.pivot_step(pivot_state, high, low, close, day, n) AS pivot_state, -- [none, price, price, price, price, price, price]
    ta.swing_step(swing_high_state, CASE WHEN n >= 11 THEN new_swing_high END) AS swing_high_state,
    ta.swing_step(swing_low_state, CASE WHEN n >= 11 THEN new_swing_low END) AS swing_low_state,
    ta.ha_open_step(ha_open_state, open, close, previous_ha_close, n) AS ha_open_state
FROM bar;

-- The columns of market.indicators, in its order: the bar from which there is a value, and its unit.
-- section: columns
SELECT
    mean_20 AS sma_20, -- from bar 20 · price
    mean_50 AS sma_50, -- from bar 50 · price
    ema_9_state AS ema_9, -- from bar 9 · price
    ema_21_state AS ema_21, -- from bar 21 · price
    ema_50_state AS ema_50, -- from bar 50 · price
    rsi AS rsi_14, -- from bar 15 · none
    macd_fast_state - ema_26_state AS macd_12_26_9, -- from bar 34 · price
    macd_signal_state AS macd_signal_12_26_9, -- from bar 34 · price
    (macd_fast_state - ema_26_state) - macd_signal_state AS macd_hist_12_26_9, -- from bar 34 · price
    atr_state AS atr_14, -- from bar 15 · price
    ta.bb_upper_value(mean_20, spread_20, 2.0::float8) AS bb_upper_20_2, -- from bar 20 · price
    mean_20 AS bb_middle_20_2, -- from bar 20 · price
    ta.bb_upper_value(mean_20, spread_20, -2.0::float8) AS bb_lower_20_2, -- from bar 20 · price
    high_20 AS donchian_upper_20, -- from bar 20 · price
    low_20 AS donchian_lower_20, -- from bar 20 · price
    volume_20 / 20.0::float8 AS volume_sma_20, -- from bar 20 · volume
    obv_sum[2] AS obv, -- from bar 1 · volume
    adx_state AS adx_14, -- from bar 28 · none
    mean_5 AS sma_5, -- from bar 5 · price
    mean_10 AS sma_10, -- from bar 10 · price
    mean_100 AS sma_100, -- from bar 100 · price
    mean_200 AS sma_200, -- from bar 200 · price
    ema_12_state AS ema_12, -- from bar 12 · price
    ema_20_state AS ema_20, -- from bar 20 · price
    ema_26_state AS ema_26, -- from bar 26 · price
    ema_100_state AS ema_100, -- from bar 100 · price
    ema_200_state AS ema_200, -- from bar 200 · price
    ta.wma_value(mean_20, sxy_20, 20) AS wma_20, -- from bar 20 · price
    ta.dema_value(ema_20_state, dema_state) AS dema_20, -- from bar 39 · price
    ta.tema_value(ema_20_state, dema_state, tema_state) AS tema_20, -- from bar 58 · price
    trima AS trima_20, -- from bar 20 · price
    kama_state AS kama_10, -- from bar 11 · price
    hma AS hma_20, -- from bar 23 · price
    ta.vwma_value(close, paid_20, volume_20, 20) AS vwma_20, -- from bar 20 · price
    ta.linreg_value(mean_20, sxy_20, 20) AS linreg_20, -- from bar 20 · price
    ta.linreg_slope_value(sxy_20, 20) AS linreg_slope_20, -- from bar 20 · price
    ta.linreg_r2_value(mean_20, deviation_20, sxy_20, 20) AS linreg_r2_20, -- from bar 20 · none
    ppo AS ppo_12_26_9, -- from bar 26 · none
    ppo_signal_state AS ppo_signal_12_26_9, -- from bar 34 · none
    ppo - ppo_signal_state AS ppo_hist_12_26_9, -- from bar 34 · none
    trix AS trix_15, -- from bar 44 · none
    ta.di(plus_dm_state, tr_state) AS plus_di_14, -- from bar 15 · none
    ta.di(minus_dm_state, tr_state) AS minus_di_14, -- from bar 15 · none
    ta.aroon_value(since_high, 25) AS aroon_up_25, -- from bar 26 · none
    ta.aroon_value(since_low, 25) AS aroon_down_25, -- from bar 26 · none
    ta.aroon_osc_value(since_high, since_low, 25) AS aroon_osc_25, -- from bar 26 · none
    psar_state[1] AS psar, -- from bar 2 · price
    supertrend_state[1] AS supertrend_10_3, -- from bar 11 · price
    supertrend_state[2] AS supertrend_direction_10_3, -- from bar 11 · none
    tenkan AS ichimoku_tenkan_9, -- from bar 9 · price
    kijun AS ichimoku_kijun_26, -- from bar 26 · price
    senkou_a AS ichimoku_senkou_a_9_26, -- from bar 52 · price
    senkou_b AS ichimoku_senkou_b_52, -- from bar 78 · price
    close_26 AS ichimoku_chikou_26, -- from bar 27 · price
    vortex_plus AS vortex_plus_14, -- from bar 15 · none
    vortex_minus AS vortex_minus_14, -- from bar 15 · none
    ta.rsi_value(gain_7_state, loss_7_state) AS rsi_7, -- from bar 8 · none
    stochf_k AS stochf_k_14, -- from bar 14 · none
    stoch_k AS stoch_k_14_3, -- from bar 16 · none
    stoch_d AS stoch_d_14_3_3, -- from bar 18 · none
    stochrsi_k AS stochrsi_k_14, -- from bar 28 · none
    stochrsi_d AS stochrsi_d_14_3, -- from bar 30 · none
    ta.williams_r_value(close, high_14, low_14) AS williams_r_14, -- from bar 14 · none
    ta.cci_of(typical, mean_typical_20, distances_20 / 20.0::float8) AS cci_20, -- from bar 20 · none
    ta.roc_value(close, close_10) AS roc_10, -- from bar 11 · none
    ta.mom_value(close, close_10) AS mom_10, -- from bar 11 · price
    ta.cmo_value(gain_state, loss_state) AS cmo_14, -- from bar 15 · none
    ultosc AS ultosc_7_14_28, -- from bar 29 · none
    mfi AS mfi_14, -- from bar 15 · none
    ta.tsi_value(change_2_state, way_2_state) AS tsi_25_13, -- from bar 38 · none
    ao AS ao_5_34, -- from bar 34 · price
    ta.natr_value(atr_state, close) AS natr_14, -- from bar 15 · none
    true_range AS true_range, -- from bar 2 · price
    ta.bb_width_value(mean_20, spread_20, 2.0::float8) AS bb_width_20_2, -- from bar 20 · none
    ta.bb_percent_value(close, mean_20, spread_20, 2.0::float8) AS bb_percent_20_2, -- from bar 20 · none
    ta.keltner_upper_value(ema_20_state, atr_10_state, 2.0::float8) AS keltner_upper_20_10_2, -- from bar 20 · price
    ema_20_state AS keltner_middle_20_10_2, -- from bar 20 · price
    ta.keltner_upper_value(ema_20_state, atr_10_state, -2.0::float8) AS keltner_lower_20_10_2, -- from bar 20 · price
    ta.donchian_middle_value(high_20, low_20) AS donchian_middle_20, -- from bar 20 · price
    spread_20 AS stddev_20, -- from bar 20 · price
    ta.hv_value(return_deviation_20) AS hv_20, -- from bar 21 · none
    ta.chop_value(range_14, high_14, low_14, 14) AS chop_14, -- from bar 15 · none
    ta.chaikin_volatility_value(spread_state, spread_before) AS chaikin_volatility_10_10, -- from bar 20 · none
    ad_sum[2] AS ad, -- from bar 1 · volume
    ad_fast_state - ad_slow_state AS adosc_3_10, -- from bar 10 · volume
    ta.cmf_value(money_flow_20, volume_20) AS cmf_20, -- from bar 20 · none
    ta.vwap_value(vwap_session_state[2], vwap_session_state[3]) AS vwap_session, -- from bar 1 · price
    ta.vwap_value(turnover_20, volume_20) AS vwap_20, -- from bar 20 · price
    ta.volume_ratio_value(volume, volume_20 / 20.0::float8) AS volume_ratio_20, -- from bar 20 · none
    force_state AS force_index_13, -- from bar 14 · none
    eom AS eom_14, -- from bar 15 · price2/volume
    ta.pivot_value(pivot_state[5], pivot_state[6], pivot_state[7]) AS pivot, -- from bar 1 · price
    ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 1) AS pivot_r1, -- from bar 1 · price
    ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 1) AS pivot_s1, -- from bar 1 · price
    ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 2) AS pivot_r2, -- from bar 1 · price
    ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 2) AS pivot_s2, -- from bar 1 · price
    swing_high_state AS swing_high_5, -- from bar 11 · price
    swing_low_state AS swing_low_5, -- from bar 11 · price
    ta.zscore_value(close, mean_20, deviation_20) AS zscore_20, -- from bar 20 · none
    ha_open_state AS ha_open, -- from bar 1 · price
    ha_close AS ha_close -- from bar 1 · price
FROM values;
