-- Purpose: the indicator store resumes from a state that holds all that later bars lean on: its memory, the last values
--          of every series that is looked back at. No rings beside it, and no bars before it are read any more.
-- All indicators are computed again: their states have another form.
DROP TABLE market.indicator_rings;
DELETE FROM market.indicator_state;
ALTER TABLE market.indicator_state
DROP COLUMN ema_9_state,
DROP COLUMN ema_21_state,
DROP COLUMN ema_50_state,
DROP COLUMN macd_fast_state,
DROP COLUMN macd_signal_state,
DROP COLUMN gain_state,
DROP COLUMN loss_state,
DROP COLUMN atr_state,
DROP COLUMN plus_dm_state,
DROP COLUMN minus_dm_state,
DROP COLUMN tr_state,
DROP COLUMN adx_state,
DROP COLUMN ema_12_state,
DROP COLUMN ema_20_state,
DROP COLUMN ema_26_state,
DROP COLUMN ema_100_state,
DROP COLUMN ema_200_state,
DROP COLUMN ppo_signal_state,
DROP COLUMN dema_state,
DROP COLUMN tema_state,
DROP COLUMN trix_1_state,
DROP COLUMN trix_2_state,
DROP COLUMN trix_3_state,
DROP COLUMN kama_state,
DROP COLUMN gain_7_state,
DROP COLUMN loss_7_state,
DROP COLUMN rsi_kept,
DROP COLUMN stochrsi_kept,
DROP COLUMN change_state,
DROP COLUMN change_2_state,
DROP COLUMN way_state,
DROP COLUMN way_2_state,
DROP COLUMN atr_10_state,
DROP COLUMN supertrend_state,
DROP COLUMN psar_state,
DROP COLUMN spread_state,
DROP COLUMN spread_kept,
DROP COLUMN obv_sum,
DROP COLUMN ad_sum,
DROP COLUMN ad_fast_state,
DROP COLUMN ad_slow_state,
DROP COLUMN vwap_session_state,
DROP COLUMN force_state,
DROP COLUMN pivot_state,
DROP COLUMN swing_high_state,
DROP COLUMN swing_low_state,
DROP COLUMN ha_open_state,
ADD COLUMN memory double precision[] NOT NULL;
-- Kept inside the page: it is rewritten with every bar, and packing it would cost more than it saves.
ALTER TABLE market.indicator_state ALTER COLUMN memory SET STORAGE MAIN;
ALTER TABLE market.indicator_state SET (toast_tuple_target = 8160);

INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, from_at, to_at)
SELECT b.instrument_id, b.base_timeframe, min(b.open_at), max(b.open_at) + INTERVAL '24 hours'
FROM market.bars AS b
GROUP BY b.instrument_id, b.base_timeframe
ON CONFLICT ON CONSTRAINT dirty_range_is_recorded_once DO NOTHING;
