-- Purpose: takes back 0006: states by name and rings beside them.
DELETE FROM market.indicator_state;
ALTER TABLE market.indicator_state
DROP COLUMN memory,
ADD COLUMN ema_9_state double precision,
ADD COLUMN ema_21_state double precision,
ADD COLUMN ema_50_state double precision,
ADD COLUMN macd_fast_state double precision,
ADD COLUMN macd_signal_state double precision,
ADD COLUMN gain_state double precision,
ADD COLUMN loss_state double precision,
ADD COLUMN atr_state double precision,
ADD COLUMN plus_dm_state double precision,
ADD COLUMN minus_dm_state double precision,
ADD COLUMN tr_state double precision,
ADD COLUMN adx_state double precision,
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
ALTER TABLE market.indicator_state RESET (toast_tuple_target);

-- The last values of every series that the next bar needs.
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
GROUP BY b.instrument_id, b.base_timeframe
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO NOTHING;
