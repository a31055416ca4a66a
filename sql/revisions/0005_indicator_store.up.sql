-- Purpose: the indicator store in full: the columns of sql/indicators.sql, the states they go on from, and rings.
-- Why everything is computed again: a state that is not there cannot be resumed. Rows whose bars were dropped stay,
--          with null in what is new.

-- One row per indicator row that computing may resume from: the newest one, and an anchor every some 500 bars.
DELETE FROM market.indicator_state;
ALTER TABLE market.indicator_state
DROP COLUMN macd_slow_state,
DROP COLUMN obv_state,
ADD COLUMN is_anchor boolean NOT NULL,
ADD COLUMN ema_12_state double precision,
ADD COLUMN ema_20_state double precision,
ADD COLUMN ema_26_state double precision,
ADD COLUMN ema_100_state double precision,
ADD COLUMN ema_200_state double precision,
ADD COLUMN ppo_signal_state double precision,
ADD COLUMN dema_state double precision,
ADD COLUMN tema_state double precision,
ADD COLUMN trix_1_state double precision,
ADD COLUMN trix_2_state double precision,
ADD COLUMN trix_3_state double precision,
ADD COLUMN kama_state double precision,
ADD COLUMN gain_7_state double precision,
ADD COLUMN loss_7_state double precision,
ADD COLUMN rsi_kept double precision[],
ADD COLUMN stochrsi_kept double precision[],
ADD COLUMN change_state double precision,
ADD COLUMN change_2_state double precision,
ADD COLUMN way_state double precision,
ADD COLUMN way_2_state double precision,
ADD COLUMN atr_10_state double precision,
ADD COLUMN supertrend_state double precision[],
ADD COLUMN psar_state double precision[],
ADD COLUMN spread_state double precision,
ADD COLUMN spread_kept double precision[],
ADD COLUMN obv_sum double precision[],
ADD COLUMN ad_sum double precision[],
ADD COLUMN ad_fast_state double precision,
ADD COLUMN ad_slow_state double precision,
ADD COLUMN vwap_session_state double precision[],
ADD COLUMN force_state double precision,
ADD COLUMN pivot_state double precision[],
ADD COLUMN swing_high_state double precision,
ADD COLUMN swing_low_state double precision,
ADD COLUMN ha_open_state double precision;

ALTER TABLE market.indicators
ADD COLUMN sma_5 double precision,
ADD COLUMN sma_10 double precision,
ADD COLUMN sma_100 double precision,
ADD COLUMN sma_200 double precision,
ADD COLUMN ema_12 double precision,
ADD COLUMN ema_20 double precision,
ADD COLUMN ema_26 double precision,
ADD COLUMN ema_100 double precision,
ADD COLUMN ema_200 double precision,
ADD COLUMN wma_20 double precision,
ADD COLUMN dema_20 double precision,
ADD COLUMN tema_20 double precision,
ADD COLUMN trima_20 double precision,
ADD COLUMN kama_10 double precision,
ADD COLUMN hma_20 double precision,
ADD COLUMN vwma_20 double precision,
ADD COLUMN linreg_20 double precision,
ADD COLUMN linreg_slope_20 double precision,
ADD COLUMN linreg_r2_20 double precision,
ADD COLUMN ppo_12_26_9 double precision,
ADD COLUMN ppo_signal_12_26_9 double precision,
ADD COLUMN ppo_hist_12_26_9 double precision,
ADD COLUMN trix_15 double precision,
ADD COLUMN plus_di_14 double precision,
ADD COLUMN minus_di_14 double precision,
ADD COLUMN aroon_up_25 double precision,
ADD COLUMN aroon_down_25 double precision,
ADD COLUMN aroon_osc_25 double precision,
ADD COLUMN psar double precision,
ADD COLUMN supertrend_10_3 double precision,
ADD COLUMN supertrend_direction_10_3 double precision,
ADD COLUMN ichimoku_tenkan_9 double precision,
ADD COLUMN ichimoku_kijun_26 double precision,
ADD COLUMN ichimoku_senkou_a_9_26 double precision,
ADD COLUMN ichimoku_senkou_b_52 double precision,
ADD COLUMN ichimoku_chikou_26 double precision,
ADD COLUMN vortex_plus_14 double precision,
ADD COLUMN vortex_minus_14 double precision,
ADD COLUMN rsi_7 double precision,
ADD COLUMN stochf_k_14 double precision,
ADD COLUMN stoch_k_14_3 double precision,
ADD COLUMN stoch_d_14_3_3 double precision,
ADD COLUMN stochrsi_k_14 double precision,
ADD COLUMN stochrsi_d_14_3 double precision,
ADD COLUMN williams_r_14 double precision,
ADD COLUMN cci_20 double precision,
ADD COLUMN roc_10 double precision,
ADD COLUMN mom_10 double precision,
ADD COLUMN cmo_14 double precision,
ADD COLUMN ultosc_7_14_28 double precision,
ADD COLUMN mfi_14 double precision,
ADD COLUMN tsi_25_13 double precision,
ADD COLUMN ao_5_34 double precision,
ADD COLUMN natr_14 double precision,
ADD COLUMN true_range double precision,
ADD COLUMN bb_width_20_2 double precision,
ADD COLUMN bb_percent_20_2 double precision,
ADD COLUMN keltner_upper_20_10_2 double precision,
ADD COLUMN keltner_middle_20_10_2 double precision,
ADD COLUMN keltner_lower_20_10_2 double precision,
ADD COLUMN donchian_middle_20 double precision,
ADD COLUMN stddev_20 double precision,
ADD COLUMN hv_20 double precision,
ADD COLUMN chop_14 double precision,
ADD COLUMN chaikin_volatility_10_10 double precision,
ADD COLUMN ad double precision,
ADD COLUMN adosc_3_10 double precision,
ADD COLUMN cmf_20 double precision,
ADD COLUMN vwap_session double precision,
ADD COLUMN vwap_20 double precision,
ADD COLUMN volume_ratio_20 double precision,
ADD COLUMN force_index_13 double precision,
ADD COLUMN eom_14 double precision,
ADD COLUMN pivot double precision,
ADD COLUMN pivot_r1 double precision,
ADD COLUMN pivot_s1 double precision,
ADD COLUMN pivot_r2 double precision,
ADD COLUMN pivot_s2 double precision,
ADD COLUMN swing_high_5 double precision,
ADD COLUMN swing_low_5 double precision,
ADD COLUMN zscore_20 double precision,
ADD COLUMN ha_open double precision,
ADD COLUMN ha_close double precision;

-- One row per (instrument, timeframe): the last values of every series that the next bar needs beside the newest state,
-- oldest first. Kept inside the page: a ring is rewritten with every bar, and unpacking would cost more than it saves.
-- Unlogged: they can be made again from the bars, and are, where a crash of the server has emptied the table.
CREATE UNLOGGED TABLE market.indicator_rings (
    instrument_id integer NOT NULL,
    timeframe text NOT NULL REFERENCES market.timeframes,
    open_at timestamptz NOT NULL,
    high_ring double precision[] NOT NULL,
    low_ring double precision[] NOT NULL,
    close_ring double precision[] NOT NULL,
    volume_ring double precision[] NOT NULL,
    mean_10_ring double precision[] NOT NULL,
    mean_20_ring double precision[] NOT NULL,
    sxy_10_ring double precision[] NOT NULL,
    hull_ring double precision[] NOT NULL,
    high_5_ring double precision[] NOT NULL,
    low_5_ring double precision[] NOT NULL,
    since_high_5_ring double precision[] NOT NULL,
    since_low_5_ring double precision[] NOT NULL,
    range_7_ring double precision[] NOT NULL,
    pressure_7_ring double precision[] NOT NULL,
    flow_in_7_ring double precision[] NOT NULL,
    flow_out_7_ring double precision[] NOT NULL,
    moved_up_7_ring double precision[] NOT NULL,
    moved_down_7_ring double precision[] NOT NULL,
    ease_7_ring double precision[] NOT NULL,
    eases_7_ring double precision[] NOT NULL,
    median_7_ring double precision[] NOT NULL,
    stochf_k_ring double precision[] NOT NULL,
    stoch_k_ring double precision[] NOT NULL,
    high_26_ring double precision[] NOT NULL,
    low_26_ring double precision[] NOT NULL,
    leading_a_ring double precision[] NOT NULL,
    leading_b_ring double precision[] NOT NULL,
    ha_close_ring double precision[] NOT NULL,
    PRIMARY KEY (instrument_id, timeframe)
) WITH (toast_tuple_target = 8160);
ALTER TABLE market.indicator_rings ALTER COLUMN high_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN low_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN close_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN volume_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN mean_10_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN mean_20_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN sxy_10_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN hull_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN high_5_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN low_5_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN since_high_5_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN since_low_5_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN range_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN pressure_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN flow_in_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN flow_out_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN moved_up_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN moved_down_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN ease_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN eases_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN median_7_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN stochf_k_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN stoch_k_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN high_26_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN low_26_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN leading_a_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN leading_b_ring SET STORAGE MAIN;
ALTER TABLE market.indicator_rings ALTER COLUMN ha_close_ring SET STORAGE MAIN;

INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT b.instrument_id, b.base_timeframe, min(b.open_at), max(b.open_at) + INTERVAL '24 hours'
FROM market.bars AS b
GROUP BY b.instrument_id, b.base_timeframe;
