-- Purpose: what bars/splits.py runs, where it names every indicator column: old rows in other shares.
-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.
-- noqa: disable=all

-- name: rescale_rows
-- Old rows whose bars were dropped cannot be computed again: they are brought back to raw prices before the
-- adjustments change, and to today's shares after it. What still has its bars is computed anew besides.
UPDATE market.indicators AS x SET
    sma_20 = x.sma_20 * k.scale,
    sma_50 = x.sma_50 * k.scale,
    ema_9 = x.ema_9 * k.scale,
    ema_21 = x.ema_21 * k.scale,
    ema_50 = x.ema_50 * k.scale,
    macd_12_26_9 = x.macd_12_26_9 * k.scale,
    macd_signal_12_26_9 = x.macd_signal_12_26_9 * k.scale,
    macd_hist_12_26_9 = x.macd_hist_12_26_9 * k.scale,
    atr_14 = x.atr_14 * k.scale,
    bb_upper_20_2 = x.bb_upper_20_2 * k.scale,
    bb_middle_20_2 = x.bb_middle_20_2 * k.scale,
    bb_lower_20_2 = x.bb_lower_20_2 * k.scale,
    donchian_upper_20 = x.donchian_upper_20 * k.scale,
    donchian_lower_20 = x.donchian_lower_20 * k.scale,
    volume_sma_20 = x.volume_sma_20 / k.scale,
    obv = x.obv / k.scale,
    sma_5 = x.sma_5 * k.scale,
    sma_10 = x.sma_10 * k.scale,
    sma_100 = x.sma_100 * k.scale,
    sma_200 = x.sma_200 * k.scale,
    ema_12 = x.ema_12 * k.scale,
    ema_20 = x.ema_20 * k.scale,
    ema_26 = x.ema_26 * k.scale,
    ema_100 = x.ema_100 * k.scale,
    ema_200 = x.ema_200 * k.scale,
    wma_20 = x.wma_20 * k.scale,
    dema_20 = x.dema_20 * k.scale,
    tema_20 = x.tema_20 * k.scale,
    trima_20 = x.trima_20 * k.scale,
    kama_10 = x.kama_10 * k.scale,
    hma_20 = x.hma_20 * k.scale,
    vwma_20 = x.vwma_20 * k.scale,
    linreg_20 = x.linreg_20 * k.scale,
    linreg_slope_20 = x.linreg_slope_20 * k.scale,
    psar = x.psar * k.scale,
    supertrend_10_3 = x.supertrend_10_3 * k.scale,
    ichimoku_tenkan_9 = x.ichimoku_tenkan_9 * k.scale,
    ichimoku_kijun_26 = x.ichimoku_kijun_26 * k.scale,
    ichimoku_senkou_a_9_26 = x.ichimoku_senkou_a_9_26 * k.scale,
    ichimoku_senkou_b_52 = x.ichimoku_senkou_b_52 * k.scale,
    ichimoku_chikou_26 = x.ichimoku_chikou_26 * k.scale,
    mom_10 = x.mom_10 * k.scale,
    ao_5_34 = x.ao_5_34 * k.scale,
    true_range = x.true_range * k.scale,
    keltner_upper_20_10_2 = x.keltner_upper_20_10_2 * k.scale,
    keltner_middle_20_10_2 = x.keltner_middle_20_10_2 * k.scale,
    keltner_lower_20_10_2 = x.keltner_lower_20_10_2 * k.scale,
    donchian_middle_20 = x.donchian_middle_20 * k.scale,
    stddev_20 = x.stddev_20 * k.scale,
    ad = x.ad / k.scale,
    adosc_3_10 = x.adosc_3_10 / k.scale,
    vwap_session = x.vwap_session * k.scale,
    vwap_20 = x.vwap_20 * k.scale,
    eom_14 = x.eom_14 * k.scale * k.scale * k.scale,
    pivot = x.pivot * k.scale,
    pivot_r1 = x.pivot_r1 * k.scale,
    pivot_s1 = x.pivot_s1 * k.scale,
    pivot_r2 = x.pivot_r2 * k.scale,
    pivot_s2 = x.pivot_s2 * k.scale,
    swing_high_5 = x.swing_high_5 * k.scale,
    swing_low_5 = x.swing_low_5 * k.scale,
    ha_open = x.ha_open * k.scale,
    ha_close = x.ha_close * k.scale
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;

-- name: rescale_states
-- The anchors from which the first bars that are kept resume.
UPDATE market.indicator_state AS x SET
    ema_9_state = x.ema_9_state * k.scale,
    ema_12_state = x.ema_12_state * k.scale,
    ema_20_state = x.ema_20_state * k.scale,
    ema_21_state = x.ema_21_state * k.scale,
    ema_26_state = x.ema_26_state * k.scale,
    ema_50_state = x.ema_50_state * k.scale,
    ema_100_state = x.ema_100_state * k.scale,
    ema_200_state = x.ema_200_state * k.scale,
    macd_fast_state = x.macd_fast_state * k.scale,
    macd_signal_state = x.macd_signal_state * k.scale,
    dema_state = x.dema_state * k.scale,
    tema_state = x.tema_state * k.scale,
    trix_1_state = x.trix_1_state * k.scale,
    trix_2_state = x.trix_2_state * k.scale,
    trix_3_state = x.trix_3_state * k.scale,
    kama_state = x.kama_state * k.scale,
    gain_state = x.gain_state * k.scale,
    loss_state = x.loss_state * k.scale,
    gain_7_state = x.gain_7_state * k.scale,
    loss_7_state = x.loss_7_state * k.scale,
    change_state = x.change_state * k.scale,
    change_2_state = x.change_2_state * k.scale,
    way_state = x.way_state * k.scale,
    way_2_state = x.way_2_state * k.scale,
    atr_state = x.atr_state * k.scale,
    atr_10_state = x.atr_10_state * k.scale,
    supertrend_state = CASE WHEN x.supertrend_state IS NOT NULL THEN ARRAY[x.supertrend_state[1] * k.scale, x.supertrend_state[2], x.supertrend_state[3] * k.scale, x.supertrend_state[4] * k.scale, x.supertrend_state[5] * k.scale] END,
    psar_state = CASE WHEN x.psar_state IS NOT NULL THEN ARRAY[x.psar_state[1] * k.scale, x.psar_state[2], x.psar_state[3] * k.scale, x.psar_state[4] * k.scale, x.psar_state[5], x.psar_state[6] * k.scale, x.psar_state[7] * k.scale] END,
    plus_dm_state = x.plus_dm_state * k.scale,
    minus_dm_state = x.minus_dm_state * k.scale,
    tr_state = x.tr_state * k.scale,
    spread_state = x.spread_state * k.scale,
    spread_kept = COALESCE((SELECT array_agg(e.value * k.scale ORDER BY e.place) FROM unnest(x.spread_kept) WITH ORDINALITY AS e (value, place)), x.spread_kept),
    obv_sum = CASE WHEN x.obv_sum IS NOT NULL THEN ARRAY[x.obv_sum[1], x.obv_sum[2] / k.scale] END,
    ad_sum = CASE WHEN x.ad_sum IS NOT NULL THEN ARRAY[x.ad_sum[1], x.ad_sum[2] / k.scale] END,
    ad_fast_state = x.ad_fast_state / k.scale,
    ad_slow_state = x.ad_slow_state / k.scale,
    vwap_session_state = CASE WHEN x.vwap_session_state IS NOT NULL THEN ARRAY[x.vwap_session_state[1], x.vwap_session_state[2], x.vwap_session_state[3] / k.scale] END,
    pivot_state = CASE WHEN x.pivot_state IS NOT NULL THEN ARRAY[x.pivot_state[1], x.pivot_state[2] * k.scale, x.pivot_state[3] * k.scale, x.pivot_state[4] * k.scale, x.pivot_state[5] * k.scale, x.pivot_state[6] * k.scale, x.pivot_state[7] * k.scale] END,
    swing_high_state = x.swing_high_state * k.scale,
    swing_low_state = x.swing_low_state * k.scale,
    ha_open_state = x.ha_open_state * k.scale
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;
