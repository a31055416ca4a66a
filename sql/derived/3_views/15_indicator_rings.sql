-- Purpose: the last values of every series that the next bar needs, beside the state of the newest bar.
-- Grain:   one row per instrument, at its newest indicator row; each ring oldest first.
-- Read by: sql/queries/indicators/written.sql, which stores them in market.indicator_rings.
-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.
-- noqa: disable=all
CREATE OR REPLACE FUNCTION market.indicator_rings_of(
    instrument_ids integer[], bars_timeframe text, before_ats timestamptz[], until_ats timestamptz[]
) RETURNS TABLE (
    instrument_id integer,
    open_at timestamptz,
    high_ring double precision[],
    low_ring double precision[],
    close_ring double precision[],
    volume_ring double precision[],
    mean_10_ring double precision[],
    mean_20_ring double precision[],
    sxy_10_ring double precision[],
    hull_ring double precision[],
    high_5_ring double precision[],
    low_5_ring double precision[],
    since_high_5_ring double precision[],
    since_low_5_ring double precision[],
    range_7_ring double precision[],
    pressure_7_ring double precision[],
    flow_in_7_ring double precision[],
    flow_out_7_ring double precision[],
    moved_up_7_ring double precision[],
    moved_down_7_ring double precision[],
    ease_7_ring double precision[],
    eases_7_ring double precision[],
    median_7_ring double precision[],
    stochf_k_ring double precision[],
    stoch_k_ring double precision[],
    high_26_ring double precision[],
    low_26_ring double precision[],
    leading_a_ring double precision[],
    leading_b_ring double precision[],
    ha_close_ring double precision[]
)
LANGUAGE sql STABLE
AS $$
WITH resume AS MATERIALIZED (
    SELECT
        u.instrument_id,
        u.until_at,
        s.open_at AS anchor_at,
        COALESCE(s.n, 0) AS anchor_n,
        s.seed,
        LEAST(c.context_from, f.context_from) AS context_from
    FROM unnest(
        indicator_rings_of.instrument_ids, indicator_rings_of.before_ats, indicator_rings_of.until_ats
    ) AS u (instrument_id, before_at, until_at)
    LEFT JOIN LATERAL (
        SELECT
            a.open_at,
            a.n,
            a AS seed
        FROM market.indicator_state AS a
        WHERE a.instrument_id = u.instrument_id AND a.timeframe = indicator_rings_of.bars_timeframe
            AND a.open_at < u.before_at
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
            WHERE i.instrument_id = u.instrument_id AND i.timeframe = indicator_rings_of.bars_timeframe
                AND i.open_at <= s.open_at
            ORDER BY i.open_at DESC
            LIMIT 220
        ) AS x
    ) AS c ON TRUE
    -- Where old indicator rows were dropped (market.retention), the bars say where the context begins.
    LEFT JOIN LATERAL (
        SELECT min(x.open_at) AS context_from
        FROM (
            SELECT b.open_at
            FROM market.closed_bars AS b
            WHERE b.instrument_id = u.instrument_id AND b.timeframe = indicator_rings_of.bars_timeframe
                AND b.open_at <= s.open_at AND c.context_rows < LEAST(220, s.n)
            ORDER BY b.open_at DESC
            LIMIT 220
        ) AS x
    ) AS f ON TRUE
),

input AS (
    SELECT
        b.instrument_id,
        b.open_at,
        b.is_new,
        LEAST(b.anchor_n + count(*) FILTER (WHERE b.is_new) OVER so_far, 1000) AS n,
        row_number() OVER so_far AS place,
        date_bin(500 * b.span, b.open_at, 'epoch'::timestamptz)
        > COALESCE(lag(b.open_at) OVER so_far, '-infinity'::timestamptz) AS is_anchor,
        b.open,
        b.high,
        b.low,
        b.close,
        b.volume,
        lag(b.high) OVER so_far AS previous_high,
        lag(b.low) OVER so_far AS previous_low,
        lag(b.close) OVER so_far AS previous_close,
        b.era,
        b.session,
        -- In the first new row only: a seed carried along in every row costs more than what it seeds.
        CASE WHEN b.is_new AND NOT COALESCE(lag(b.is_new) OVER so_far, FALSE) THEN b.seed END AS seed
    FROM (
        SELECT
            a.instrument_id,
            a.open_at,
            a.open_at > COALESCE(r.anchor_at, '-infinity'::timestamptz) AS is_new,
            r.anchor_n,
            t.span,
            a.open,
            a.high,
            a.low,
            a.close,
            a.volume,
            market.era_of(indicator_rings_of.bars_timeframe, a.open_at) AS era,
            market.session_of(i.calendar, a.open_at, a.close_at) AS session,
            r.seed
        FROM resume AS r
        INNER JOIN market.instruments AS i ON r.instrument_id = i.instrument_id
        INNER JOIN market.timeframes AS t ON t.timeframe = indicator_rings_of.bars_timeframe
        INNER JOIN market.adjusted_bars AS a
            ON r.instrument_id = a.instrument_id
            AND a.timeframe = indicator_rings_of.bars_timeframe
            AND a.open_at >= COALESCE(r.context_from, '-infinity'::timestamptz)
            AND a.open_at < r.until_at
    ) AS b
    WINDOW so_far AS (PARTITION BY b.instrument_id ORDER BY b.open_at ROWS UNBOUNDED PRECEDING)
),

bars AS (
    SELECT
        (open_at AT TIME ZONE 'UTC')::date AS day,
        ta.typical_price(high, low, close) AS typical,
        ta.median_price(high, low) AS median,
        ta.true_range(high, low, previous_close) AS true_range,
        greatest(close - previous_close, 0.0::float8) AS gain,
        greatest(previous_close - close, 0.0::float8) AS loss,
        abs(close - previous_close) AS moved,
        ta.log_return(close, previous_close) AS log_return,
        abs(high - previous_low) AS moved_up,
        abs(low - previous_high) AS moved_down,
        ta.buying_pressure(low, close, previous_close) AS pressure,
        ta.positive_flow(ta.typical_price(high, low, close), ta.typical_price(previous_high, previous_low, previous_close), volume) AS flow_in,
        ta.negative_flow(ta.typical_price(high, low, close), ta.typical_price(previous_high, previous_low, previous_close), volume) AS flow_out,
        ta.money_flow_volume(high, low, close, volume) AS money_flow,
        ta.typical_turnover(high, low, close, volume) AS turnover,
        ta.vwma_term(close, volume) AS paid,
        ta.ease_of_movement(high, low, previous_high, previous_low, volume) AS ease,
        ta.ha_close_value(open, high, low, close) AS ha_close,
        input.instrument_id,
        input.open_at,
        input.place,
        input.high,
        input.low,
        input.close,
        input.volume
    FROM input
    OFFSET 0
),

framed AS (
    SELECT
        max(high) OVER w5 AS high_5,
        min(low) OVER w5 AS low_5,
        avg(close) OVER w5 AS mean_5,
        avg(median) OVER w5 AS mean_median_5,
        sum(pressure) OVER w7 AS pressure_7,
        sum(true_range) OVER w7 AS range_7,
        sum(flow_in) OVER w7 AS flow_in_7,
        sum(flow_out) OVER w7 AS flow_out_7,
        sum(moved_up) OVER w7 AS moved_up_7,
        sum(moved_down) OVER w7 AS moved_down_7,
        sum(ease) OVER w7 AS ease_7,
        count(ease) OVER w7 AS eases_7,
        sum(median) OVER w7 AS median_7,
        avg(close) OVER w10 AS mean_10,
        regr_sxy(close, place) OVER w10 AS sxy_10,
        sum(moved) OVER w10 AS moved_10,
        avg(close) OVER w20 AS mean_20,
        stddev_pop(close) OVER w20 AS deviation_20,
        regr_sxy(close, place) OVER w20 AS sxy_20,
        array_agg(typical) OVER w20 AS typicals_20,
        sum(median) OVER w20 AS median_20,
        sum(paid) OVER w20 AS paid_20,
        sum(turnover) OVER w20 AS turnover_20,
        sum(volume) OVER w20 AS volume_20,
        sum(money_flow) OVER w20 AS money_flow_20,
        stddev_samp(log_return) OVER w20 AS return_deviation_20,
        bars.ha_close,
        bars.instrument_id,
        bars.open_at,
        bars.place,
        bars.high,
        bars.low,
        bars.close,
        bars.volume
    FROM bars
    WINDOW
        w5 AS (PARTITION BY bars.instrument_id ORDER BY bars.open_at ROWS 4 PRECEDING),
        w7 AS (PARTITION BY bars.instrument_id ORDER BY bars.open_at ROWS 6 PRECEDING),
        w10 AS (PARTITION BY bars.instrument_id ORDER BY bars.open_at ROWS 9 PRECEDING),
        w20 AS (PARTITION BY bars.instrument_id ORDER BY bars.open_at ROWS 19 PRECEDING)
    OFFSET 0
),

level_1 AS (
    SELECT
        greatest(lag(high_5, 4) OVER so_far, high_5) AS high_9,
        least(lag(low_5, 4) OVER so_far, low_5) AS low_9,
        greatest(lag(high_5, 9) OVER so_far, lag(high_5, 5) OVER so_far, high_5) AS high_14,
        least(lag(low_5, 9) OVER so_far, lag(low_5, 5) OVER so_far, low_5) AS low_14,
        greatest(lag(high, 25) OVER so_far, lag(high_5, 20) OVER so_far, lag(high_5, 15) OVER so_far, lag(high_5, 10) OVER so_far, lag(high_5, 5) OVER so_far, high_5) AS high_26,
        least(lag(low, 25) OVER so_far, lag(low_5, 20) OVER so_far, lag(low_5, 15) OVER so_far, lag(low_5, 10) OVER so_far, lag(low_5, 5) OVER so_far, low_5) AS low_26,
        framed.high_5,
        framed.low_5,
        framed.mean_median_5,
        framed.pressure_7,
        framed.range_7,
        framed.flow_in_7,
        framed.flow_out_7,
        framed.moved_up_7,
        framed.moved_down_7,
        framed.ease_7,
        framed.eases_7,
        framed.median_7,
        framed.mean_10,
        framed.sxy_10,
        framed.mean_20,
        framed.deviation_20,
        framed.sxy_20,
        framed.median_20,
        framed.ha_close,
        framed.instrument_id,
        framed.open_at,
        framed.place,
        framed.high,
        framed.low,
        framed.close,
        framed.volume
    FROM framed
    WINDOW
        so_far AS (PARTITION BY framed.instrument_id ORDER BY framed.open_at ROWS UNBOUNDED PRECEDING)
    OFFSET 0
),

level_2 AS (
    SELECT
        ta.stochf_k_value(close, high_14, low_14) AS stochf_k,
        ta.ichimoku_line(high_9, low_9) AS tenkan,
        ta.ichimoku_line(high_26, low_26) AS kijun,
        level_1.high_26,
        level_1.low_26,
        level_1.high_5,
        level_1.low_5,
        level_1.mean_median_5,
        level_1.pressure_7,
        level_1.range_7,
        level_1.flow_in_7,
        level_1.flow_out_7,
        level_1.moved_up_7,
        level_1.moved_down_7,
        level_1.ease_7,
        level_1.eases_7,
        level_1.median_7,
        level_1.mean_10,
        level_1.sxy_10,
        level_1.mean_20,
        level_1.deviation_20,
        level_1.sxy_20,
        level_1.median_20,
        level_1.ha_close,
        level_1.instrument_id,
        level_1.open_at,
        level_1.place,
        level_1.high,
        level_1.low,
        level_1.close,
        level_1.volume
    FROM level_1
    OFFSET 0
),

level_3 AS (
    SELECT
        ta.hma_raw(mean_10, sxy_10, mean_20, sxy_20, 20) AS hull,
        CASE high_5 WHEN high THEN 0.0::float8 WHEN lag(high, 1) OVER so_far THEN 1.0::float8 WHEN lag(high, 2) OVER so_far THEN 2.0::float8 WHEN lag(high, 3) OVER so_far THEN 3.0::float8 ELSE 4.0::float8 END AS since_high_5,
        CASE low_5 WHEN low THEN 0.0::float8 WHEN lag(low, 1) OVER so_far THEN 1.0::float8 WHEN lag(low, 2) OVER so_far THEN 2.0::float8 WHEN lag(low, 3) OVER so_far THEN 3.0::float8 ELSE 4.0::float8 END AS since_low_5,
        ta.stoch_smooth(lag(stochf_k, 2) OVER so_far, lag(stochf_k, 1) OVER so_far, stochf_k) AS stoch_k,
        ta.ichimoku_line(tenkan, kijun) AS leading_a,
        ta.ichimoku_line(greatest(lag(high_26, 26) OVER so_far, high_26), least(lag(low_26, 26) OVER so_far, low_26)) AS leading_b,
        lag(close, 10) OVER so_far AS close_10,
        lag(ha_close, 1) OVER so_far AS previous_ha_close,
        ta.swing_high_value(lag(high, 5) OVER so_far, lag(high_5, 6) OVER so_far, high_5) AS new_swing_high,
        ta.swing_low_value(lag(low, 5) OVER so_far, lag(low_5, 6) OVER so_far, low_5) AS new_swing_low,
        level_2.stochf_k,
        level_2.high_26,
        level_2.low_26,
        level_2.high_5,
        level_2.low_5,
        level_2.mean_median_5,
        level_2.pressure_7,
        level_2.range_7,
        level_2.flow_in_7,
        level_2.flow_out_7,
        level_2.moved_up_7,
        level_2.moved_down_7,
        level_2.ease_7,
        level_2.eases_7,
        level_2.median_7,
        level_2.mean_10,
        level_2.sxy_10,
        level_2.mean_20,
        level_2.deviation_20,
        level_2.median_20,
        level_2.ha_close,
        level_2.instrument_id,
        level_2.open_at,
        level_2.place,
        level_2.high,
        level_2.low,
        level_2.close,
        level_2.volume
    FROM level_2
    WINDOW
        so_far AS (PARTITION BY level_2.instrument_id ORDER BY level_2.open_at ROWS UNBOUNDED PRECEDING)
    OFFSET 0
),

level_4 AS (
    SELECT
        (lag(mean_10, 40) OVER so_far + lag(mean_10, 30) OVER so_far + lag(mean_10, 20) OVER so_far + lag(mean_10, 10) OVER so_far + mean_10) / 5.0::float8 AS mean_50,
        (lag(mean_20, 80) OVER so_far + lag(mean_20, 60) OVER so_far + lag(mean_20, 40) OVER so_far + lag(mean_20, 20) OVER so_far + mean_20) / 5.0::float8 AS mean_100,
        (lag(mean_20, 180) OVER so_far + lag(mean_20, 160) OVER so_far + lag(mean_20, 140) OVER so_far + lag(mean_20, 120) OVER so_far + lag(mean_20, 100) OVER so_far + lag(mean_20, 80) OVER so_far + lag(mean_20, 60) OVER so_far + lag(mean_20, 40) OVER so_far + lag(mean_20, 20) OVER so_far + mean_20) / 10.0::float8 AS mean_200,
        ta.trima_value(lag(mean_10, 10) OVER so_far, lag(sxy_10, 10) OVER so_far, mean_10, sxy_10, 20) AS trima,
        ta.hma_value(lag(hull, 3) OVER so_far, lag(hull, 2) OVER so_far, lag(hull, 1) OVER so_far, hull) AS hma,
        greatest(lag(high_5, 15) OVER so_far, lag(high_5, 10) OVER so_far, lag(high_5, 5) OVER so_far, high_5) AS high_20,
        least(lag(low_5, 15) OVER so_far, lag(low_5, 10) OVER so_far, lag(low_5, 5) OVER so_far, low_5) AS low_20,
        CASE high_26 WHEN high_5 THEN since_high_5 WHEN lag(high_5, 5) OVER so_far THEN lag(since_high_5, 5) OVER so_far + 5.0::float8 WHEN lag(high_5, 10) OVER so_far THEN lag(since_high_5, 10) OVER so_far + 10.0::float8 WHEN lag(high_5, 15) OVER so_far THEN lag(since_high_5, 15) OVER so_far + 15.0::float8 WHEN lag(high_5, 20) OVER so_far THEN lag(since_high_5, 20) OVER so_far + 20.0::float8 ELSE 25.0::float8 END AS since_high,
        CASE low_26 WHEN low_5 THEN since_low_5 WHEN lag(low_5, 5) OVER so_far THEN lag(since_low_5, 5) OVER so_far + 5.0::float8 WHEN lag(low_5, 10) OVER so_far THEN lag(since_low_5, 10) OVER so_far + 10.0::float8 WHEN lag(low_5, 15) OVER so_far THEN lag(since_low_5, 15) OVER so_far + 15.0::float8 WHEN lag(low_5, 20) OVER so_far THEN lag(since_low_5, 20) OVER so_far + 20.0::float8 ELSE 25.0::float8 END AS since_low,
        lag(range_7, 7) OVER so_far + range_7 AS range_14,
        lag(pressure_7, 7) OVER so_far + pressure_7 AS pressure_14,
        ta.mfi_value(lag(flow_in_7, 7) OVER so_far + flow_in_7, lag(flow_out_7, 7) OVER so_far + flow_out_7) AS mfi,
        ta.vortex_value(lag(moved_up_7, 7) OVER so_far + moved_up_7, lag(range_7, 7) OVER so_far + range_7) AS vortex_plus,
        ta.vortex_value(lag(moved_down_7, 7) OVER so_far + moved_down_7, lag(range_7, 7) OVER so_far + range_7) AS vortex_minus,
        (coalesce(lag(ease_7, 7) OVER so_far, 0.0::float8) + coalesce(ease_7, 0.0::float8)) / nullif(lag(eases_7, 7) OVER so_far + eases_7, 0)::float8 AS eom,
        ta.ultosc_value(pressure_7, range_7, lag(pressure_7, 7) OVER so_far + pressure_7, lag(range_7, 7) OVER so_far + range_7, lag(pressure_7, 21) OVER so_far + lag(pressure_7, 14) OVER so_far + lag(pressure_7, 7) OVER so_far + pressure_7, lag(range_7, 21) OVER so_far + lag(range_7, 14) OVER so_far + lag(range_7, 7) OVER so_far + range_7) AS ultosc,
        ta.ao_value(mean_median_5, (lag(median_7, 27) OVER so_far + lag(median_7, 20) OVER so_far + median_20) / 34.0::float8) AS ao,
        ta.stddev_value(mean_20, deviation_20) AS spread_20,
        ta.stoch_smooth(lag(stoch_k, 2) OVER so_far, lag(stoch_k, 1) OVER so_far, stoch_k) AS stoch_d,
        lag(leading_a, 26) OVER so_far AS senkou_a,
        lag(leading_b, 26) OVER so_far AS senkou_b,
        lag(close, 26) OVER so_far AS close_26,
        level_3.hull,
        level_3.since_high_5,
        level_3.since_low_5,
        level_3.stoch_k,
        level_3.leading_a,
        level_3.leading_b,
        level_3.stochf_k,
        level_3.high_26,
        level_3.low_26,
        level_3.high_5,
        level_3.low_5,
        level_3.pressure_7,
        level_3.range_7,
        level_3.flow_in_7,
        level_3.flow_out_7,
        level_3.moved_up_7,
        level_3.moved_down_7,
        level_3.ease_7,
        level_3.eases_7,
        level_3.median_7,
        level_3.mean_10,
        level_3.sxy_10,
        level_3.mean_20,
        level_3.ha_close,
        level_3.instrument_id,
        level_3.open_at,
        level_3.place,
        level_3.high,
        level_3.low,
        level_3.close,
        level_3.volume
    FROM level_3
    WINDOW
        so_far AS (PARTITION BY level_3.instrument_id ORDER BY level_3.open_at ROWS UNBOUNDED PRECEDING)
    OFFSET 0
),

counted AS (
    SELECT
        level_4.*,
        row_number() OVER (PARTITION BY level_4.instrument_id ORDER BY level_4.open_at DESC) AS from_end
    FROM level_4
)

SELECT
    c.instrument_id,
    max(c.open_at) AS open_at,
    array_agg(c.high ORDER BY c.place) FILTER (WHERE c.from_end <= 25) AS high_ring,
    array_agg(c.low ORDER BY c.place) FILTER (WHERE c.from_end <= 25) AS low_ring,
    array_agg(c.close ORDER BY c.place) FILTER (WHERE c.from_end <= 26) AS close_ring,
    array_agg(c.volume ORDER BY c.place) FILTER (WHERE c.from_end <= 20) AS volume_ring,
    array_agg(c.mean_10 ORDER BY c.place) FILTER (WHERE c.from_end <= 40) AS mean_10_ring,
    array_agg(c.mean_20 ORDER BY c.place) FILTER (WHERE c.from_end <= 180) AS mean_20_ring,
    array_agg(c.sxy_10 ORDER BY c.place) FILTER (WHERE c.from_end <= 10) AS sxy_10_ring,
    array_agg(c.hull ORDER BY c.place) FILTER (WHERE c.from_end <= 3) AS hull_ring,
    array_agg(c.high_5 ORDER BY c.place) FILTER (WHERE c.from_end <= 20) AS high_5_ring,
    array_agg(c.low_5 ORDER BY c.place) FILTER (WHERE c.from_end <= 20) AS low_5_ring,
    array_agg(c.since_high_5 ORDER BY c.place) FILTER (WHERE c.from_end <= 20) AS since_high_5_ring,
    array_agg(c.since_low_5 ORDER BY c.place) FILTER (WHERE c.from_end <= 20) AS since_low_5_ring,
    array_agg(c.range_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 21) AS range_7_ring,
    array_agg(c.pressure_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 21) AS pressure_7_ring,
    array_agg(c.flow_in_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS flow_in_7_ring,
    array_agg(c.flow_out_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS flow_out_7_ring,
    array_agg(c.moved_up_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS moved_up_7_ring,
    array_agg(c.moved_down_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS moved_down_7_ring,
    array_agg(c.ease_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS ease_7_ring,
    array_agg(c.eases_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 7) AS eases_7_ring,
    array_agg(c.median_7 ORDER BY c.place) FILTER (WHERE c.from_end <= 27) AS median_7_ring,
    array_agg(c.stochf_k ORDER BY c.place) FILTER (WHERE c.from_end <= 2) AS stochf_k_ring,
    array_agg(c.stoch_k ORDER BY c.place) FILTER (WHERE c.from_end <= 2) AS stoch_k_ring,
    array_agg(c.high_26 ORDER BY c.place) FILTER (WHERE c.from_end <= 26) AS high_26_ring,
    array_agg(c.low_26 ORDER BY c.place) FILTER (WHERE c.from_end <= 26) AS low_26_ring,
    array_agg(c.leading_a ORDER BY c.place) FILTER (WHERE c.from_end <= 26) AS leading_a_ring,
    array_agg(c.leading_b ORDER BY c.place) FILTER (WHERE c.from_end <= 26) AS leading_b_ring,
    array_agg(c.ha_close ORDER BY c.place) FILTER (WHERE c.from_end <= 1) AS ha_close_ring
FROM counted AS c
GROUP BY c.instrument_id
$$;
