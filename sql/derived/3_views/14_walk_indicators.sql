-- Purpose: the indicators of one instrument's bars, from the first bar of all or on from a stored state: a whole
--          history or the next bar, by the same lines, so that the bits are the same.
-- Grain:   one row per bar given, in the order given: bars holds open, high, low, close, volume, era and session of
--          each. row_values: the columns of market.indicators from the first indicator on; memory: at anchors and at
--          the last bar, all that later bars lean on.
-- Units:   sql/indicators.sql. Eras and sessions in seconds (market.era_of, market.session_of).
-- Read by: market.indicator_rows.
-- Why one loop: a value in a variable costs 0.1 µs, a call of a function or a window's row several times that. What is
-- looked back at lies on a tape (indicators/written/tape.py), which is stored with the states behind it.
-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.
-- noqa: disable=all
CREATE OR REPLACE FUNCTION market.walk_indicators(
    span interval, bars_before bigint, previous_at timestamptz, remembered double precision[],
    open_ats timestamptz[], bars double precision[]
) RETURNS TABLE (
    open_at timestamptz, n bigint, is_anchor boolean, row_values double precision[], memory double precision[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    last_bar integer := coalesce(cardinality(open_ats), 0);
    tape double precision[] := coalesce(remembered, array_fill(NULL::double precision, ARRAY[905]));
    cell integer := 0;
    day date;
    open double precision;
    high double precision;
    low double precision;
    close double precision;
    volume double precision;
    era double precision;
    session double precision;
    previous_high double precision;
    previous_low double precision;
    previous_close double precision;
    typical double precision;
    median double precision;
    true_range double precision;
    gain double precision;
    loss double precision;
    moved double precision;
    log_return double precision;
    moved_up double precision;
    moved_down double precision;
    pressure double precision;
    previous_typical double precision;
    flow_in double precision;
    flow_out double precision;
    money_flow double precision;
    turnover double precision;
    paid double precision;
    ease double precision;
    ha_close double precision;
    high_5 double precision;
    low_5 double precision;
    mean_5 double precision;
    mean_10 double precision;
    mean_20 double precision;
    sxy_10 double precision;
    sxy_20 double precision;
    moved_10 double precision;
    squares_5 double precision;
    deviation_20 double precision;
    mean_typical_5 double precision;
    mean_typical_20 double precision;
    distances_20 double precision;
    pressure_7 double precision;
    range_7 double precision;
    pressure_14 double precision;
    range_14 double precision;
    pressure_28 double precision;
    range_28 double precision;
    flow_in_14 double precision;
    flow_out_14 double precision;
    moved_up_14 double precision;
    moved_down_14 double precision;
    ease_14 double precision;
    eases_14 double precision;
    median_7 double precision;
    median_20 double precision;
    mean_median_5 double precision;
    paid_5 double precision;
    turnover_5 double precision;
    volume_5 double precision;
    money_flow_5 double precision;
    paid_20 double precision;
    turnover_20 double precision;
    volume_20 double precision;
    money_flow_20 double precision;
    mean_return_5 double precision;
    return_squares_5 double precision;
    mean_return_20 double precision;
    return_deviation_20 double precision;
    mean_50 double precision;
    mean_100 double precision;
    hull double precision;
    high_9 double precision;
    low_9 double precision;
    high_14 double precision;
    low_14 double precision;
    high_20 double precision;
    low_20 double precision;
    high_26 double precision;
    low_26 double precision;
    since_high_5 double precision;
    since_low_5 double precision;
    since_high double precision;
    since_low double precision;
    spread_20 double precision;
    stochf_k double precision;
    stoch_k double precision;
    tenkan double precision;
    kijun double precision;
    leading_a double precision;
    leading_b double precision;
    close_10 double precision;
    previous_ha_close double precision;
    new_swing_high double precision;
    new_swing_low double precision;
    ema_9_state double precision := remembered[842];
    ema_12_state double precision := remembered[843];
    ema_20_state double precision := remembered[844];
    ema_21_state double precision := remembered[845];
    ema_26_state double precision := remembered[846];
    ema_50_state double precision := remembered[847];
    ema_100_state double precision := remembered[848];
    ema_200_state double precision := remembered[849];
    macd_fast_state double precision := remembered[850];
    given_93 float8;
    macd_signal_state double precision := remembered[851];
    ppo double precision;
    ppo_signal_state double precision := remembered[852];
    dema_state double precision := remembered[853];
    tema_state double precision := remembered[854];
    trix_1_state double precision := remembered[855];
    trix_2_state double precision := remembered[856];
    trix_3_state_before double precision;
    trix_3_state double precision := remembered[857];
    kama_state double precision := remembered[858];
    gain_state double precision := remembered[859];
    loss_state double precision := remembered[860];
    gain_7_state double precision := remembered[861];
    loss_7_state double precision := remembered[862];
    rsi double precision;
    highest_rsi double precision;
    lowest_rsi double precision;
    stochrsi_k double precision;
    given_112 float8;
    change_state double precision := remembered[863];
    change_2_state double precision := remembered[864];
    way_state double precision := remembered[865];
    way_2_state double precision := remembered[866];
    atr_state double precision := remembered[867];
    atr_10_state double precision := remembered[868];
    supertrend_state double precision[] := CASE WHEN num_nonnulls(remembered[869], remembered[870], remembered[871], remembered[872], remembered[873]) > 0 THEN ARRAY[remembered[869], remembered[870], remembered[871], remembered[872], remembered[873]] END;
    psar_state double precision[] := CASE WHEN num_nonnulls(remembered[874], remembered[875], remembered[876], remembered[877], remembered[878], remembered[879], remembered[880]) > 0 THEN ARRAY[remembered[874], remembered[875], remembered[876], remembered[877], remembered[878], remembered[879], remembered[880]] END;
    given_121 float8;
    plus_dm_state double precision := remembered[881];
    given_123 float8;
    minus_dm_state double precision := remembered[882];
    tr_state double precision := remembered[883];
    given_126 float8;
    adx_state double precision := remembered[884];
    given_128 float8;
    spread_state double precision := remembered[885];
    spread_before double precision;
    given_131 float8;
    obv_sum double precision[] := CASE WHEN num_nonnulls(remembered[886], remembered[887]) > 0 THEN ARRAY[remembered[886], remembered[887]] END;
    ad_sum double precision[] := CASE WHEN num_nonnulls(remembered[888], remembered[889]) > 0 THEN ARRAY[remembered[888], remembered[889]] END;
    ad_fast_state double precision := remembered[890];
    ad_slow_state double precision := remembered[891];
    vwap_session_state double precision[] := CASE WHEN num_nonnulls(remembered[892], remembered[893], remembered[894]) > 0 THEN ARRAY[remembered[892], remembered[893], remembered[894]] END;
    given_137 float8;
    force_state double precision := remembered[895];
    pivot_state double precision[] := CASE WHEN num_nonnulls(remembered[896], remembered[897], remembered[898], remembered[899], remembered[900], remembered[901], remembered[902]) > 0 THEN ARRAY[remembered[896], remembered[897], remembered[898], remembered[899], remembered[900], remembered[901], remembered[902]] END;
    swing_high_state double precision := remembered[903];
    swing_low_state double precision := remembered[904];
    ha_open_state double precision := remembered[905];
BEGIN
    n := bars_before;
    FOR bar IN 1 .. last_bar LOOP
        open_at := open_ats[bar];
        open := bars[bar][1];
        high := bars[bar][2];
        low := bars[bar][3];
        close := bars[bar][4];
        volume := bars[bar][5];
        era := bars[bar][6];
        session := bars[bar][7];
        n := least(n + 1, 1000);
        day := (open_at AT TIME ZONE 'UTC')::date;
        is_anchor := date_bin(500 * span, open_at, '1970-01-01 00:00:00+00') > previous_at;
        previous_at := open_at;
        previous_high := tape[cell + 25];
        previous_low := tape[cell + 50];
        previous_close := tape[cell + 76];
        typical := ta.typical_price(high, low, close);
        median := ta.median_price(high, low);
        true_range := ta.true_range(high, low, previous_close);
        gain := greatest(close - previous_close, 0.0::float8);
        loss := greatest(previous_close - close, 0.0::float8);
        moved := abs(close - previous_close);
        log_return := ta.log_return(close, previous_close);
        moved_up := abs(high - previous_low);
        moved_down := abs(low - previous_high);
        pressure := ta.buying_pressure(low, close, previous_close);
        previous_typical := tape[cell + 95];
        flow_in := ta.positive_flow(typical, previous_typical, volume);
        flow_out := ta.negative_flow(typical, previous_typical, volume);
        money_flow := ta.money_flow_volume(high, low, close, volume);
        turnover := ta.typical_turnover(high, low, close, volume);
        paid := ta.vwma_term(close, volume);
        ease := ta.ease_of_movement(high, low, previous_high, previous_low, volume);
        ha_close := ta.ha_close_value(open, high, low, close);
        high_5 := greatest(tape[cell + 22], tape[cell + 23], tape[cell + 24], tape[cell + 25], high);
        low_5 := least(tape[cell + 47], tape[cell + 48], tape[cell + 49], tape[cell + 50], low);
        mean_5 := (tape[cell + 73] + tape[cell + 74] + tape[cell + 75] + tape[cell + 76] + close) / 5.0::float8;
        mean_10 := (tape[cell + 106] + mean_5) / 2.0::float8;
        mean_20 := (tape[cell + 141] + mean_10) / 2.0::float8;
        sxy_10 := (-4.5::float8 * tape[cell + 68] + -3.5::float8 * tape[cell + 69] + -2.5::float8 * tape[cell + 70] + -1.5::float8 * tape[cell + 71] + -0.5::float8 * tape[cell + 72] + 0.5::float8 * tape[cell + 73] + 1.5::float8 * tape[cell + 74] + 2.5::float8 * tape[cell + 75] + 3.5::float8 * tape[cell + 76] + 4.5::float8 * close);
        sxy_20 := tape[cell + 151] + sxy_10 + 50.0::float8 * (mean_10 - tape[cell + 141]);
        moved_10 := (tape[cell + 161] + tape[cell + 162] + tape[cell + 163] + tape[cell + 164] + tape[cell + 165] + tape[cell + 166] + tape[cell + 167] + tape[cell + 168] + tape[cell + 169] + moved);
        squares_5 := CASE WHEN mean_5 <= 1e-130::float8 THEN 0.0::float8 ELSE ((tape[cell + 73] - mean_5) * (tape[cell + 73] - mean_5) + (tape[cell + 74] - mean_5) * (tape[cell + 74] - mean_5) + (tape[cell + 75] - mean_5) * (tape[cell + 75] - mean_5) + (tape[cell + 76] - mean_5) * (tape[cell + 76] - mean_5) + (close - mean_5) * (close - mean_5)) END;
        deviation_20 := CASE WHEN mean_20 <= 1e-130::float8 THEN 0.0::float8 ELSE sqrt(( tape[cell + 170] + tape[cell + 175] + tape[cell + 180] + squares_5 + 5.0::float8 * ta.squares_of_four(tape[cell + 96] - mean_20, tape[cell + 101] - mean_20, tape[cell + 106] - mean_20, mean_5 - mean_20) ) / 20.0::float8) END;
        mean_typical_5 := (tape[cell + 92] + tape[cell + 93] + tape[cell + 94] + tape[cell + 95] + typical) / 5.0::float8;
        mean_typical_20 := (tape[cell + 185] + tape[cell + 190] + tape[cell + 195] + mean_typical_5) / 4.0::float8;
        distances_20 := (abs(tape[cell + 77] - mean_typical_20) + abs(tape[cell + 78] - mean_typical_20) + abs(tape[cell + 79] - mean_typical_20) + abs(tape[cell + 80] - mean_typical_20) + abs(tape[cell + 81] - mean_typical_20) + abs(tape[cell + 82] - mean_typical_20) + abs(tape[cell + 83] - mean_typical_20) + abs(tape[cell + 84] - mean_typical_20) + abs(tape[cell + 85] - mean_typical_20) + abs(tape[cell + 86] - mean_typical_20) + abs(tape[cell + 87] - mean_typical_20) + abs(tape[cell + 88] - mean_typical_20) + abs(tape[cell + 89] - mean_typical_20) + abs(tape[cell + 90] - mean_typical_20) + abs(tape[cell + 91] - mean_typical_20) + abs(tape[cell + 92] - mean_typical_20) + abs(tape[cell + 93] - mean_typical_20) + abs(tape[cell + 94] - mean_typical_20) + abs(tape[cell + 95] - mean_typical_20) + abs(typical - mean_typical_20));
        pressure_7 := (tape[cell + 200] + tape[cell + 201] + tape[cell + 202] + tape[cell + 203] + tape[cell + 204] + tape[cell + 205] + pressure);
        range_7 := (tape[cell + 206] + tape[cell + 207] + tape[cell + 208] + tape[cell + 209] + tape[cell + 210] + tape[cell + 211] + true_range);
        pressure_14 := tape[cell + 226] + pressure_7;
        range_14 := tape[cell + 247] + range_7;
        pressure_28 := tape[cell + 212] + tape[cell + 219] + pressure_14;
        range_28 := tape[cell + 233] + tape[cell + 240] + range_14;
        flow_in_14 := (tape[cell + 254] + tape[cell + 255] + tape[cell + 256] + tape[cell + 257] + tape[cell + 258] + tape[cell + 259] + tape[cell + 260] + tape[cell + 261] + tape[cell + 262] + tape[cell + 263] + tape[cell + 264] + tape[cell + 265] + tape[cell + 266] + flow_in);
        flow_out_14 := (tape[cell + 267] + tape[cell + 268] + tape[cell + 269] + tape[cell + 270] + tape[cell + 271] + tape[cell + 272] + tape[cell + 273] + tape[cell + 274] + tape[cell + 275] + tape[cell + 276] + tape[cell + 277] + tape[cell + 278] + tape[cell + 279] + flow_out);
        moved_up_14 := (tape[cell + 280] + tape[cell + 281] + tape[cell + 282] + tape[cell + 283] + tape[cell + 284] + tape[cell + 285] + tape[cell + 286] + tape[cell + 287] + tape[cell + 288] + tape[cell + 289] + tape[cell + 290] + tape[cell + 291] + tape[cell + 292] + moved_up);
        moved_down_14 := (tape[cell + 293] + tape[cell + 294] + tape[cell + 295] + tape[cell + 296] + tape[cell + 297] + tape[cell + 298] + tape[cell + 299] + tape[cell + 300] + tape[cell + 301] + tape[cell + 302] + tape[cell + 303] + tape[cell + 304] + tape[cell + 305] + moved_down);
        ease_14 := (coalesce(tape[cell + 306], 0.0::float8) + coalesce(tape[cell + 307], 0.0::float8) + coalesce(tape[cell + 308], 0.0::float8) + coalesce(tape[cell + 309], 0.0::float8) + coalesce(tape[cell + 310], 0.0::float8) + coalesce(tape[cell + 311], 0.0::float8) + coalesce(tape[cell + 312], 0.0::float8) + coalesce(tape[cell + 313], 0.0::float8) + coalesce(tape[cell + 314], 0.0::float8) + coalesce(tape[cell + 315], 0.0::float8) + coalesce(tape[cell + 316], 0.0::float8) + coalesce(tape[cell + 317], 0.0::float8) + coalesce(tape[cell + 318], 0.0::float8) + coalesce(ease, 0.0::float8));
        eases_14 := (CASE WHEN tape[cell + 306] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 307] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 308] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 309] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 310] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 311] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 312] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 313] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 314] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 315] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 316] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 317] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN tape[cell + 318] IS NULL THEN 0.0::float8 ELSE 1.0::float8 END + CASE WHEN ease IS NULL THEN 0.0::float8 ELSE 1.0::float8 END);
        median_7 := (tape[cell + 332] + tape[cell + 333] + tape[cell + 334] + tape[cell + 335] + tape[cell + 336] + tape[cell + 337] + median);
        median_20 := (tape[cell + 319] + tape[cell + 320] + tape[cell + 321] + tape[cell + 322] + tape[cell + 323] + tape[cell + 324] + tape[cell + 325] + tape[cell + 326] + tape[cell + 327] + tape[cell + 328] + tape[cell + 329] + tape[cell + 330] + tape[cell + 331] + tape[cell + 332] + tape[cell + 333] + tape[cell + 334] + tape[cell + 335] + tape[cell + 336] + tape[cell + 337] + median);
        mean_median_5 := (tape[cell + 334] + tape[cell + 335] + tape[cell + 336] + tape[cell + 337] + median) / 5.0::float8;
        paid_5 := (tape[cell + 338] + tape[cell + 339] + tape[cell + 340] + tape[cell + 341] + paid);
        turnover_5 := (tape[cell + 342] + tape[cell + 343] + tape[cell + 344] + tape[cell + 345] + turnover);
        volume_5 := (tape[cell + 346] + tape[cell + 347] + tape[cell + 348] + tape[cell + 349] + volume);
        money_flow_5 := (tape[cell + 350] + tape[cell + 351] + tape[cell + 352] + tape[cell + 353] + money_flow);
        paid_20 := tape[cell + 354] + tape[cell + 359] + tape[cell + 364] + paid_5;
        turnover_20 := tape[cell + 369] + tape[cell + 374] + tape[cell + 379] + turnover_5;
        volume_20 := tape[cell + 384] + tape[cell + 389] + tape[cell + 394] + volume_5;
        money_flow_20 := tape[cell + 399] + tape[cell + 404] + tape[cell + 409] + money_flow_5;
        mean_return_5 := (tape[cell + 414] + tape[cell + 415] + tape[cell + 416] + tape[cell + 417] + log_return) / 5.0::float8;
        return_squares_5 := ((tape[cell + 414] - mean_return_5) * (tape[cell + 414] - mean_return_5) + (tape[cell + 415] - mean_return_5) * (tape[cell + 415] - mean_return_5) + (tape[cell + 416] - mean_return_5) * (tape[cell + 416] - mean_return_5) + (tape[cell + 417] - mean_return_5) * (tape[cell + 417] - mean_return_5) + (log_return - mean_return_5) * (log_return - mean_return_5));
        mean_return_20 := (tape[cell + 418] + tape[cell + 423] + tape[cell + 428] + mean_return_5) / 4.0::float8;
        return_deviation_20 := sqrt(( tape[cell + 433] + tape[cell + 438] + tape[cell + 443] + return_squares_5 + 5.0::float8 * ta.squares_of_four(tape[cell + 418] - mean_return_20, tape[cell + 423] - mean_return_20, tape[cell + 428] - mean_return_20, mean_return_5 - mean_return_20) ) / 19.0::float8);
        mean_50 := (tape[cell + 111] + tape[cell + 121] + tape[cell + 131] + tape[cell + 141] + mean_10) / 5.0::float8;
        mean_100 := (tape[cell + 448] + mean_50) / 2.0::float8;
        hull := ta.hma_raw(mean_10, sxy_10, mean_20, sxy_20, 20);
        high_9 := greatest(tape[cell + 617], high_5);
        low_9 := least(tape[cell + 637], low_5);
        high_14 := greatest(tape[cell + 612], tape[cell + 616], high_5);
        low_14 := least(tape[cell + 632], tape[cell + 636], low_5);
        high_20 := greatest(tape[cell + 606], tape[cell + 611], tape[cell + 616], high_5);
        low_20 := least(tape[cell + 626], tape[cell + 631], tape[cell + 636], low_5);
        high_26 := greatest(tape[cell + 1], tape[cell + 601], tape[cell + 606], tape[cell + 611], tape[cell + 616], high_5);
        low_26 := least(tape[cell + 26], tape[cell + 621], tape[cell + 626], tape[cell + 631], tape[cell + 636], low_5);
        since_high_5 := CASE high_5 WHEN high THEN 0.0::float8 WHEN tape[cell + 25] THEN 1.0::float8 WHEN tape[cell + 24] THEN 2.0::float8 WHEN tape[cell + 23] THEN 3.0::float8 ELSE 4.0::float8 END;
        since_low_5 := CASE low_5 WHEN low THEN 0.0::float8 WHEN tape[cell + 50] THEN 1.0::float8 WHEN tape[cell + 49] THEN 2.0::float8 WHEN tape[cell + 48] THEN 3.0::float8 ELSE 4.0::float8 END;
        since_high := CASE high_26 WHEN high_5 THEN since_high_5 WHEN tape[cell + 616] THEN tape[cell + 656] + 5.0::float8 WHEN tape[cell + 611] THEN tape[cell + 651] + 10.0::float8 WHEN tape[cell + 606] THEN tape[cell + 646] + 15.0::float8 WHEN tape[cell + 601] THEN tape[cell + 641] + 20.0::float8 ELSE 25.0::float8 END;
        since_low := CASE low_26 WHEN low_5 THEN since_low_5 WHEN tape[cell + 636] THEN tape[cell + 676] + 5.0::float8 WHEN tape[cell + 631] THEN tape[cell + 671] + 10.0::float8 WHEN tape[cell + 626] THEN tape[cell + 666] + 15.0::float8 WHEN tape[cell + 621] THEN tape[cell + 661] + 20.0::float8 ELSE 25.0::float8 END;
        spread_20 := ta.stddev_value(mean_20, deviation_20);
        stochf_k := ta.stochf_k_value(close, high_14, low_14);
        stoch_k := ta.stoch_smooth(tape[cell + 708], tape[cell + 709], stochf_k);
        tenkan := ta.ichimoku_line(high_9, low_9);
        kijun := ta.ichimoku_line(high_26, low_26);
        leading_a := ta.ichimoku_line(tenkan, kijun);
        leading_b := ta.ichimoku_line(greatest(tape[cell + 712], high_26), least(tape[cell + 738], low_26));
        close_10 := tape[cell + 67];
        previous_ha_close := tape[cell + 816];
        new_swing_high := ta.swing_high_value(tape[cell + 21], tape[cell + 615], high_5);
        new_swing_low := ta.swing_low_value(tape[cell + 46], tape[cell + 635], low_5);
        ema_9_state := CASE WHEN n > ((9)::int) AND abs(close - coalesce(ema_9_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_9_state, ((NULL)::float8))) * (2.0::float8 / (((9)::int) + 1)::float8) + coalesce(ema_9_state, ((NULL)::float8)) WHEN n > ((9)::int) THEN coalesce(ema_9_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_9_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((9)::int) THEN coalesce((coalesce(ema_9_state, ((NULL)::float8)) + close) / ((9)::int)::float8, coalesce(ema_9_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_9_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_12_state := CASE WHEN n > ((12)::int) AND abs(close - coalesce(ema_12_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_12_state, ((NULL)::float8))) * (2.0::float8 / (((12)::int) + 1)::float8) + coalesce(ema_12_state, ((NULL)::float8)) WHEN n > ((12)::int) THEN coalesce(ema_12_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_12_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((12)::int) THEN coalesce((coalesce(ema_12_state, ((NULL)::float8)) + close) / ((12)::int)::float8, coalesce(ema_12_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_12_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_20_state := CASE WHEN n > ((20)::int) AND abs(close - coalesce(ema_20_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_20_state, ((NULL)::float8))) * (2.0::float8 / (((20)::int) + 1)::float8) + coalesce(ema_20_state, ((NULL)::float8)) WHEN n > ((20)::int) THEN coalesce(ema_20_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_20_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((20)::int) THEN coalesce((coalesce(ema_20_state, ((NULL)::float8)) + close) / ((20)::int)::float8, coalesce(ema_20_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_20_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_21_state := CASE WHEN n > ((21)::int) AND abs(close - coalesce(ema_21_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_21_state, ((NULL)::float8))) * (2.0::float8 / (((21)::int) + 1)::float8) + coalesce(ema_21_state, ((NULL)::float8)) WHEN n > ((21)::int) THEN coalesce(ema_21_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_21_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((21)::int) THEN coalesce((coalesce(ema_21_state, ((NULL)::float8)) + close) / ((21)::int)::float8, coalesce(ema_21_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_21_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_26_state := CASE WHEN n > ((26)::int) AND abs(close - coalesce(ema_26_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_26_state, ((NULL)::float8))) * (2.0::float8 / (((26)::int) + 1)::float8) + coalesce(ema_26_state, ((NULL)::float8)) WHEN n > ((26)::int) THEN coalesce(ema_26_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_26_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((26)::int) THEN coalesce((coalesce(ema_26_state, ((NULL)::float8)) + close) / ((26)::int)::float8, coalesce(ema_26_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_26_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_50_state := CASE WHEN n > ((50)::int) AND abs(close - coalesce(ema_50_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_50_state, ((NULL)::float8))) * (2.0::float8 / (((50)::int) + 1)::float8) + coalesce(ema_50_state, ((NULL)::float8)) WHEN n > ((50)::int) THEN coalesce(ema_50_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_50_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((50)::int) THEN coalesce((coalesce(ema_50_state, ((NULL)::float8)) + close) / ((50)::int)::float8, coalesce(ema_50_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_50_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_100_state := CASE WHEN n > ((100)::int) AND abs(close - coalesce(ema_100_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_100_state, ((NULL)::float8))) * (2.0::float8 / (((100)::int) + 1)::float8) + coalesce(ema_100_state, ((NULL)::float8)) WHEN n > ((100)::int) THEN coalesce(ema_100_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_100_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((100)::int) THEN coalesce((coalesce(ema_100_state, ((NULL)::float8)) + close) / ((100)::int)::float8, coalesce(ema_100_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_100_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        ema_200_state := CASE WHEN n > ((200)::int) AND abs(close - coalesce(ema_200_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(ema_200_state, ((NULL)::float8))) * (2.0::float8 / (((200)::int) + 1)::float8) + coalesce(ema_200_state, ((NULL)::float8)) WHEN n > ((200)::int) THEN coalesce(ema_200_state, ((NULL)::float8)) + coalesce(close - coalesce(ema_200_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((200)::int) THEN coalesce((coalesce(ema_200_state, ((NULL)::float8)) + close) / ((200)::int)::float8, coalesce(ema_200_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(ema_200_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        macd_fast_state := CASE WHEN ((n - 14)::bigint) > ((12)::int) AND abs(close - coalesce(macd_fast_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(macd_fast_state, ((NULL)::float8))) * (2.0::float8 / (((12)::int) + 1)::float8) + coalesce(macd_fast_state, ((NULL)::float8)) WHEN ((n - 14)::bigint) > ((12)::int) THEN coalesce(macd_fast_state, ((NULL)::float8)) + coalesce(close - coalesce(macd_fast_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 14)::bigint) = 1 THEN close WHEN ((n - 14)::bigint) = ((12)::int) THEN coalesce((coalesce(macd_fast_state, ((NULL)::float8)) + close) / ((12)::int)::float8, coalesce(macd_fast_state, ((NULL)::float8))) WHEN ((n - 14)::bigint) > 1 THEN coalesce(macd_fast_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        given_93 := macd_fast_state - ema_26_state;
        macd_signal_state := CASE WHEN ((n - 25)::bigint) > ((9)::int) AND abs(given_93 - coalesce(macd_signal_state, ((NULL)::float8))) >= 1e-280::float8 THEN (given_93 - coalesce(macd_signal_state, ((NULL)::float8))) * (2.0::float8 / (((9)::int) + 1)::float8) + coalesce(macd_signal_state, ((NULL)::float8)) WHEN ((n - 25)::bigint) > ((9)::int) THEN coalesce(macd_signal_state, ((NULL)::float8)) + coalesce(given_93 - coalesce(macd_signal_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 25)::bigint) = 1 THEN given_93 WHEN ((n - 25)::bigint) = ((9)::int) THEN coalesce((coalesce(macd_signal_state, ((NULL)::float8)) + given_93) / ((9)::int)::float8, coalesce(macd_signal_state, ((NULL)::float8))) WHEN ((n - 25)::bigint) > 1 THEN coalesce(macd_signal_state, ((NULL)::float8)) + coalesce(given_93, 0.0::float8) END;
        ppo := ta.ppo_value(ema_12_state, ema_26_state);
        ppo_signal_state := CASE WHEN ((n - 25)::bigint) > ((9)::int) AND abs(ppo - coalesce(ppo_signal_state, ((NULL)::float8))) >= 1e-280::float8 THEN (ppo - coalesce(ppo_signal_state, ((NULL)::float8))) * (2.0::float8 / (((9)::int) + 1)::float8) + coalesce(ppo_signal_state, ((NULL)::float8)) WHEN ((n - 25)::bigint) > ((9)::int) THEN coalesce(ppo_signal_state, ((NULL)::float8)) + coalesce(ppo - coalesce(ppo_signal_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 25)::bigint) = 1 THEN ppo WHEN ((n - 25)::bigint) = ((9)::int) THEN coalesce((coalesce(ppo_signal_state, ((NULL)::float8)) + ppo) / ((9)::int)::float8, coalesce(ppo_signal_state, ((NULL)::float8))) WHEN ((n - 25)::bigint) > 1 THEN coalesce(ppo_signal_state, ((NULL)::float8)) + coalesce(ppo, 0.0::float8) END;
        dema_state := CASE WHEN ((n - 19)::bigint) > ((20)::int) AND abs(ema_20_state - coalesce(dema_state, ((NULL)::float8))) >= 1e-280::float8 THEN (ema_20_state - coalesce(dema_state, ((NULL)::float8))) * (2.0::float8 / (((20)::int) + 1)::float8) + coalesce(dema_state, ((NULL)::float8)) WHEN ((n - 19)::bigint) > ((20)::int) THEN coalesce(dema_state, ((NULL)::float8)) + coalesce(ema_20_state - coalesce(dema_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 19)::bigint) = 1 THEN ema_20_state WHEN ((n - 19)::bigint) = ((20)::int) THEN coalesce((coalesce(dema_state, ((NULL)::float8)) + ema_20_state) / ((20)::int)::float8, coalesce(dema_state, ((NULL)::float8))) WHEN ((n - 19)::bigint) > 1 THEN coalesce(dema_state, ((NULL)::float8)) + coalesce(ema_20_state, 0.0::float8) END;
        tema_state := CASE WHEN ((n - 38)::bigint) > ((20)::int) AND abs(dema_state - coalesce(tema_state, ((NULL)::float8))) >= 1e-280::float8 THEN (dema_state - coalesce(tema_state, ((NULL)::float8))) * (2.0::float8 / (((20)::int) + 1)::float8) + coalesce(tema_state, ((NULL)::float8)) WHEN ((n - 38)::bigint) > ((20)::int) THEN coalesce(tema_state, ((NULL)::float8)) + coalesce(dema_state - coalesce(tema_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 38)::bigint) = 1 THEN dema_state WHEN ((n - 38)::bigint) = ((20)::int) THEN coalesce((coalesce(tema_state, ((NULL)::float8)) + dema_state) / ((20)::int)::float8, coalesce(tema_state, ((NULL)::float8))) WHEN ((n - 38)::bigint) > 1 THEN coalesce(tema_state, ((NULL)::float8)) + coalesce(dema_state, 0.0::float8) END;
        trix_1_state := CASE WHEN n > ((15)::int) AND abs(close - coalesce(trix_1_state, ((NULL)::float8))) >= 1e-280::float8 THEN (close - coalesce(trix_1_state, ((NULL)::float8))) * (2.0::float8 / (((15)::int) + 1)::float8) + coalesce(trix_1_state, ((NULL)::float8)) WHEN n > ((15)::int) THEN coalesce(trix_1_state, ((NULL)::float8)) + coalesce(close - coalesce(trix_1_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN close WHEN n = ((15)::int) THEN coalesce((coalesce(trix_1_state, ((NULL)::float8)) + close) / ((15)::int)::float8, coalesce(trix_1_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(trix_1_state, ((NULL)::float8)) + coalesce(close, 0.0::float8) END;
        trix_2_state := CASE WHEN ((n - 14)::bigint) > ((15)::int) AND abs(trix_1_state - coalesce(trix_2_state, ((NULL)::float8))) >= 1e-280::float8 THEN (trix_1_state - coalesce(trix_2_state, ((NULL)::float8))) * (2.0::float8 / (((15)::int) + 1)::float8) + coalesce(trix_2_state, ((NULL)::float8)) WHEN ((n - 14)::bigint) > ((15)::int) THEN coalesce(trix_2_state, ((NULL)::float8)) + coalesce(trix_1_state - coalesce(trix_2_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 14)::bigint) = 1 THEN trix_1_state WHEN ((n - 14)::bigint) = ((15)::int) THEN coalesce((coalesce(trix_2_state, ((NULL)::float8)) + trix_1_state) / ((15)::int)::float8, coalesce(trix_2_state, ((NULL)::float8))) WHEN ((n - 14)::bigint) > 1 THEN coalesce(trix_2_state, ((NULL)::float8)) + coalesce(trix_1_state, 0.0::float8) END;
        trix_3_state_before := trix_3_state;
        trix_3_state := CASE WHEN ((n - 28)::bigint) > ((15)::int) AND abs(trix_2_state - coalesce(trix_3_state, ((NULL)::float8))) >= 1e-280::float8 THEN (trix_2_state - coalesce(trix_3_state, ((NULL)::float8))) * (2.0::float8 / (((15)::int) + 1)::float8) + coalesce(trix_3_state, ((NULL)::float8)) WHEN ((n - 28)::bigint) > ((15)::int) THEN coalesce(trix_3_state, ((NULL)::float8)) + coalesce(trix_2_state - coalesce(trix_3_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 28)::bigint) = 1 THEN trix_2_state WHEN ((n - 28)::bigint) = ((15)::int) THEN coalesce((coalesce(trix_3_state, ((NULL)::float8)) + trix_2_state) / ((15)::int)::float8, coalesce(trix_3_state, ((NULL)::float8))) WHEN ((n - 28)::bigint) > 1 THEN coalesce(trix_3_state, ((NULL)::float8)) + coalesce(trix_2_state, 0.0::float8) END;
        kama_state := ta.kama_step(kama_state, close, close - close_10, moved_10, n, 10, 2, 30);
        gain_state := CASE WHEN ((n - 1)::bigint) > ((14)::int) AND abs(coalesce(gain_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(gain_state, ((NULL)::float8)) * (((14)::int) - 1)::float8 + gain) / ((14)::int)::float8, coalesce(gain_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((14)::int) AND coalesce(gain_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(gain, 0.0::float8) / ((14)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(gain, 0.0::float8) WHEN ((n - 1)::bigint) = ((14)::int) THEN (coalesce(gain_state, ((NULL)::float8)) + coalesce(gain, 0.0::float8)) / ((14)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(gain_state, ((NULL)::float8)) + coalesce(gain, 0.0::float8) END;
        loss_state := CASE WHEN ((n - 1)::bigint) > ((14)::int) AND abs(coalesce(loss_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(loss_state, ((NULL)::float8)) * (((14)::int) - 1)::float8 + loss) / ((14)::int)::float8, coalesce(loss_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((14)::int) AND coalesce(loss_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(loss, 0.0::float8) / ((14)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(loss, 0.0::float8) WHEN ((n - 1)::bigint) = ((14)::int) THEN (coalesce(loss_state, ((NULL)::float8)) + coalesce(loss, 0.0::float8)) / ((14)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(loss_state, ((NULL)::float8)) + coalesce(loss, 0.0::float8) END;
        gain_7_state := CASE WHEN ((n - 1)::bigint) > ((7)::int) AND abs(coalesce(gain_7_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(gain_7_state, ((NULL)::float8)) * (((7)::int) - 1)::float8 + gain) / ((7)::int)::float8, coalesce(gain_7_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((7)::int) AND coalesce(gain_7_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(gain, 0.0::float8) / ((7)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((7)::int) >= 1 THEN coalesce(gain, 0.0::float8) WHEN ((n - 1)::bigint) = ((7)::int) THEN (coalesce(gain_7_state, ((NULL)::float8)) + coalesce(gain, 0.0::float8)) / ((7)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(gain_7_state, ((NULL)::float8)) + coalesce(gain, 0.0::float8) END;
        loss_7_state := CASE WHEN ((n - 1)::bigint) > ((7)::int) AND abs(coalesce(loss_7_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(loss_7_state, ((NULL)::float8)) * (((7)::int) - 1)::float8 + loss) / ((7)::int)::float8, coalesce(loss_7_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((7)::int) AND coalesce(loss_7_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(loss, 0.0::float8) / ((7)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((7)::int) >= 1 THEN coalesce(loss, 0.0::float8) WHEN ((n - 1)::bigint) = ((7)::int) THEN (coalesce(loss_7_state, ((NULL)::float8)) + coalesce(loss, 0.0::float8)) / ((7)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(loss_7_state, ((NULL)::float8)) + coalesce(loss, 0.0::float8) END;
        rsi := CASE WHEN n >= 15 THEN ta.rsi_value(gain_state, loss_state) END;
        highest_rsi := greatest(tape[cell + 817], tape[cell + 818], tape[cell + 819], tape[cell + 820], tape[cell + 821], tape[cell + 822], tape[cell + 823], tape[cell + 824], tape[cell + 825], tape[cell + 826], tape[cell + 827], tape[cell + 828], tape[cell + 829], rsi);
        lowest_rsi := least(tape[cell + 817], tape[cell + 818], tape[cell + 819], tape[cell + 820], tape[cell + 821], tape[cell + 822], tape[cell + 823], tape[cell + 824], tape[cell + 825], tape[cell + 826], tape[cell + 827], tape[cell + 828], tape[cell + 829], rsi);
        stochrsi_k := ta.stochf_k_value(rsi, highest_rsi, lowest_rsi);
        given_112 := close - previous_close;
        change_state := CASE WHEN ((n - 1)::bigint) > ((25)::int) AND abs(given_112 - coalesce(change_state, ((NULL)::float8))) >= 1e-280::float8 THEN (given_112 - coalesce(change_state, ((NULL)::float8))) * (2.0::float8 / (((25)::int) + 1)::float8) + coalesce(change_state, ((NULL)::float8)) WHEN ((n - 1)::bigint) > ((25)::int) THEN coalesce(change_state, ((NULL)::float8)) + coalesce(given_112 - coalesce(change_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 1)::bigint) = 1 THEN given_112 WHEN ((n - 1)::bigint) = ((25)::int) THEN coalesce((coalesce(change_state, ((NULL)::float8)) + given_112) / ((25)::int)::float8, coalesce(change_state, ((NULL)::float8))) WHEN ((n - 1)::bigint) > 1 THEN coalesce(change_state, ((NULL)::float8)) + coalesce(given_112, 0.0::float8) END;
        change_2_state := CASE WHEN ((n - 25)::bigint) > ((13)::int) AND abs(change_state - coalesce(change_2_state, ((NULL)::float8))) >= 1e-280::float8 THEN (change_state - coalesce(change_2_state, ((NULL)::float8))) * (2.0::float8 / (((13)::int) + 1)::float8) + coalesce(change_2_state, ((NULL)::float8)) WHEN ((n - 25)::bigint) > ((13)::int) THEN coalesce(change_2_state, ((NULL)::float8)) + coalesce(change_state - coalesce(change_2_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 25)::bigint) = 1 THEN change_state WHEN ((n - 25)::bigint) = ((13)::int) THEN coalesce((coalesce(change_2_state, ((NULL)::float8)) + change_state) / ((13)::int)::float8, coalesce(change_2_state, ((NULL)::float8))) WHEN ((n - 25)::bigint) > 1 THEN coalesce(change_2_state, ((NULL)::float8)) + coalesce(change_state, 0.0::float8) END;
        way_state := CASE WHEN ((n - 1)::bigint) > ((25)::int) AND abs(moved - coalesce(way_state, ((NULL)::float8))) >= 1e-280::float8 THEN (moved - coalesce(way_state, ((NULL)::float8))) * (2.0::float8 / (((25)::int) + 1)::float8) + coalesce(way_state, ((NULL)::float8)) WHEN ((n - 1)::bigint) > ((25)::int) THEN coalesce(way_state, ((NULL)::float8)) + coalesce(moved - coalesce(way_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 1)::bigint) = 1 THEN moved WHEN ((n - 1)::bigint) = ((25)::int) THEN coalesce((coalesce(way_state, ((NULL)::float8)) + moved) / ((25)::int)::float8, coalesce(way_state, ((NULL)::float8))) WHEN ((n - 1)::bigint) > 1 THEN coalesce(way_state, ((NULL)::float8)) + coalesce(moved, 0.0::float8) END;
        way_2_state := CASE WHEN ((n - 25)::bigint) > ((13)::int) AND abs(way_state - coalesce(way_2_state, ((NULL)::float8))) >= 1e-280::float8 THEN (way_state - coalesce(way_2_state, ((NULL)::float8))) * (2.0::float8 / (((13)::int) + 1)::float8) + coalesce(way_2_state, ((NULL)::float8)) WHEN ((n - 25)::bigint) > ((13)::int) THEN coalesce(way_2_state, ((NULL)::float8)) + coalesce(way_state - coalesce(way_2_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 25)::bigint) = 1 THEN way_state WHEN ((n - 25)::bigint) = ((13)::int) THEN coalesce((coalesce(way_2_state, ((NULL)::float8)) + way_state) / ((13)::int)::float8, coalesce(way_2_state, ((NULL)::float8))) WHEN ((n - 25)::bigint) > 1 THEN coalesce(way_2_state, ((NULL)::float8)) + coalesce(way_state, 0.0::float8) END;
        atr_state := CASE WHEN ((n - 1)::bigint) > ((14)::int) AND abs(coalesce(atr_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(atr_state, ((NULL)::float8)) * (((14)::int) - 1)::float8 + true_range) / ((14)::int)::float8, coalesce(atr_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((14)::int) AND coalesce(atr_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(true_range, 0.0::float8) / ((14)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(true_range, 0.0::float8) WHEN ((n - 1)::bigint) = ((14)::int) THEN (coalesce(atr_state, ((NULL)::float8)) + coalesce(true_range, 0.0::float8)) / ((14)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(atr_state, ((NULL)::float8)) + coalesce(true_range, 0.0::float8) END;
        atr_10_state := CASE WHEN ((n - 1)::bigint) > ((10)::int) AND abs(coalesce(atr_10_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(atr_10_state, ((NULL)::float8)) * (((10)::int) - 1)::float8 + true_range) / ((10)::int)::float8, coalesce(atr_10_state, ((NULL)::float8)) ) WHEN ((n - 1)::bigint) > ((10)::int) AND coalesce(atr_10_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(true_range, 0.0::float8) / ((10)::int)::float8 WHEN ((n - 1)::bigint) = 1 AND ((10)::int) >= 1 THEN coalesce(true_range, 0.0::float8) WHEN ((n - 1)::bigint) = ((10)::int) THEN (coalesce(atr_10_state, ((NULL)::float8)) + coalesce(true_range, 0.0::float8)) / ((10)::int)::float8 WHEN ((n - 1)::bigint) > 1 THEN coalesce(atr_10_state, ((NULL)::float8)) + coalesce(true_range, 0.0::float8) END;
        supertrend_state := ta.supertrend_step(supertrend_state, high, low, close, atr_10_state, n - 10, 3.0::float8);
        psar_state := ta.psar_step(psar_state, high, low, n, 0.02::float8, 0.2::float8);
        given_121 := ta.plus_dm(high, low, previous_high, previous_low);
        plus_dm_state := CASE WHEN ((n - 1)::bigint) >= ((14)::int) AND abs(coalesce(plus_dm_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce(plus_dm_state, ((NULL)::float8)) - coalesce(plus_dm_state, ((NULL)::float8)) / ((14)::int)::float8 + coalesce(given_121, 0.0::float8) WHEN ((n - 1)::bigint) >= ((14)::int) AND coalesce(plus_dm_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(given_121, 0.0::float8) WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(given_121, 0.0::float8) WHEN ((n - 1)::bigint) > 1 THEN coalesce(plus_dm_state, ((NULL)::float8)) + coalesce(given_121, 0.0::float8) END;
        given_123 := ta.minus_dm(high, low, previous_high, previous_low);
        minus_dm_state := CASE WHEN ((n - 1)::bigint) >= ((14)::int) AND abs(coalesce(minus_dm_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce(minus_dm_state, ((NULL)::float8)) - coalesce(minus_dm_state, ((NULL)::float8)) / ((14)::int)::float8 + coalesce(given_123, 0.0::float8) WHEN ((n - 1)::bigint) >= ((14)::int) AND coalesce(minus_dm_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(given_123, 0.0::float8) WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(given_123, 0.0::float8) WHEN ((n - 1)::bigint) > 1 THEN coalesce(minus_dm_state, ((NULL)::float8)) + coalesce(given_123, 0.0::float8) END;
        tr_state := CASE WHEN ((n - 1)::bigint) >= ((14)::int) AND abs(coalesce(tr_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce(tr_state, ((NULL)::float8)) - coalesce(tr_state, ((NULL)::float8)) / ((14)::int)::float8 + coalesce(true_range, 0.0::float8) WHEN ((n - 1)::bigint) >= ((14)::int) AND coalesce(tr_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(true_range, 0.0::float8) WHEN ((n - 1)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(true_range, 0.0::float8) WHEN ((n - 1)::bigint) > 1 THEN coalesce(tr_state, ((NULL)::float8)) + coalesce(true_range, 0.0::float8) END;
        given_126 := ta.dx(plus_dm_state, minus_dm_state, tr_state);
        adx_state := CASE WHEN ((n - 14)::bigint) > ((14)::int) AND abs(coalesce(adx_state, ((NULL)::float8))) >= 1e-280::float8 THEN coalesce( (coalesce(adx_state, ((NULL)::float8)) * (((14)::int) - 1)::float8 + given_126) / ((14)::int)::float8, coalesce(adx_state, ((NULL)::float8)) ) WHEN ((n - 14)::bigint) > ((14)::int) AND coalesce(adx_state, ((NULL)::float8)) IS NOT NULL THEN coalesce(given_126, 0.0::float8) / ((14)::int)::float8 WHEN ((n - 14)::bigint) = 1 AND ((14)::int) >= 1 THEN coalesce(given_126, 0.0::float8) WHEN ((n - 14)::bigint) = ((14)::int) THEN (coalesce(adx_state, ((NULL)::float8)) + coalesce(given_126, 0.0::float8)) / ((14)::int)::float8 WHEN ((n - 14)::bigint) > 1 THEN coalesce(adx_state, ((NULL)::float8)) + coalesce(given_126, 0.0::float8) END;
        given_128 := high - low;
        spread_state := CASE WHEN n > ((10)::int) AND abs(given_128 - coalesce(spread_state, ((NULL)::float8))) >= 1e-280::float8 THEN (given_128 - coalesce(spread_state, ((NULL)::float8))) * (2.0::float8 / (((10)::int) + 1)::float8) + coalesce(spread_state, ((NULL)::float8)) WHEN n > ((10)::int) THEN coalesce(spread_state, ((NULL)::float8)) + coalesce(given_128 - coalesce(spread_state, ((NULL)::float8)), 0.0::float8) WHEN n = 1 THEN given_128 WHEN n = ((10)::int) THEN coalesce((coalesce(spread_state, ((NULL)::float8)) + given_128) / ((10)::int)::float8, coalesce(spread_state, ((NULL)::float8))) WHEN n > 1 THEN coalesce(spread_state, ((NULL)::float8)) + coalesce(given_128, 0.0::float8) END;
        spread_before := tape[cell + 832];
        given_131 := CASE WHEN previous_close IS NULL OR close > previous_close THEN volume WHEN close < previous_close THEN -volume ELSE 0.0::float8 END;
        obv_sum := CASE WHEN obv_sum IS NOT NULL AND obv_sum[1] IS NOT DISTINCT FROM era THEN ARRAY[era, obv_sum[2] + coalesce(given_131, 0.0::float8)] WHEN obv_sum IS NULL AND ((NULL)::float8[]) IS NOT NULL AND ((NULL)::float8[])[1] IS NOT DISTINCT FROM era THEN ARRAY[era, ((NULL)::float8[])[2] + coalesce(given_131, 0.0::float8)] ELSE ARRAY[era, coalesce(given_131, 0.0::float8)] END;
        ad_sum := CASE WHEN ad_sum IS NOT NULL AND ad_sum[1] IS NOT DISTINCT FROM era THEN ARRAY[era, ad_sum[2] + coalesce(money_flow, 0.0::float8)] WHEN ad_sum IS NULL AND ((NULL)::float8[]) IS NOT NULL AND ((NULL)::float8[])[1] IS NOT DISTINCT FROM era THEN ARRAY[era, ((NULL)::float8[])[2] + coalesce(money_flow, 0.0::float8)] ELSE ARRAY[era, coalesce(money_flow, 0.0::float8)] END;
        ad_fast_state := ta.ad_lag_step(ad_fast_state, money_flow, n, 3);
        ad_slow_state := ta.ad_lag_step(ad_slow_state, money_flow, n, 10);
        vwap_session_state := ta.vwap_session_step(vwap_session_state, turnover, volume, session);
        given_137 := ta.force(close, previous_close, volume);
        force_state := CASE WHEN ((n - 1)::bigint) > ((13)::int) AND abs(given_137 - coalesce(force_state, ((NULL)::float8))) >= 1e-280::float8 THEN (given_137 - coalesce(force_state, ((NULL)::float8))) * (2.0::float8 / (((13)::int) + 1)::float8) + coalesce(force_state, ((NULL)::float8)) WHEN ((n - 1)::bigint) > ((13)::int) THEN coalesce(force_state, ((NULL)::float8)) + coalesce(given_137 - coalesce(force_state, ((NULL)::float8)), 0.0::float8) WHEN ((n - 1)::bigint) = 1 THEN given_137 WHEN ((n - 1)::bigint) = ((13)::int) THEN coalesce((coalesce(force_state, ((NULL)::float8)) + given_137) / ((13)::int)::float8, coalesce(force_state, ((NULL)::float8))) WHEN ((n - 1)::bigint) > 1 THEN coalesce(force_state, ((NULL)::float8)) + coalesce(given_137, 0.0::float8) END;
        pivot_state := ta.pivot_step(pivot_state, high, low, close, day, n);
        swing_high_state := coalesce(((CASE WHEN n >= 11 THEN new_swing_high END)::float8), swing_high_state, ((NULL)::float8));
        swing_low_state := coalesce(((CASE WHEN n >= 11 THEN new_swing_low END)::float8), swing_low_state, ((NULL)::float8));
        ha_open_state := CASE WHEN n = 1 THEN (open + close) / 2.0::float8 WHEN n > 1 THEN coalesce( (coalesce(ha_open_state, ((NULL)::float8)) + previous_ha_close) / 2.0::float8, coalesce(ha_open_state, ((NULL)::float8)) ) END;
        row_values := ARRAY[
            CASE WHEN n >= 20 THEN mean_20 END,
            CASE WHEN n >= 50 THEN mean_50 END,
            CASE WHEN n >= 9 THEN ema_9_state END,
            CASE WHEN n >= 21 THEN ema_21_state END,
            CASE WHEN n >= 50 THEN ema_50_state END,
            CASE WHEN n >= 15 THEN rsi END,
            CASE WHEN n >= 34 THEN macd_fast_state - ema_26_state END,
            CASE WHEN n >= 34 THEN macd_signal_state END,
            CASE WHEN n >= 34 THEN (macd_fast_state - ema_26_state) - macd_signal_state END,
            CASE WHEN n >= 15 THEN atr_state END,
            CASE WHEN n >= 20 THEN ta.bb_upper_value(mean_20, spread_20, 2.0::float8) END,
            CASE WHEN n >= 20 THEN mean_20 END,
            CASE WHEN n >= 20 THEN ta.bb_upper_value(mean_20, spread_20, -2.0::float8) END,
            CASE WHEN n >= 20 THEN high_20 END,
            CASE WHEN n >= 20 THEN low_20 END,
            CASE WHEN n >= 20 THEN volume_20 / 20.0::float8 END,
            obv_sum[2],
            CASE WHEN n >= 28 THEN adx_state END,
            CASE WHEN n >= 5 THEN mean_5 END,
            CASE WHEN n >= 10 THEN mean_10 END,
            CASE WHEN n >= 100 THEN mean_100 END,
            CASE WHEN n >= 200 THEN (tape[cell + 498] + mean_100) / 2.0::float8 END,
            CASE WHEN n >= 12 THEN ema_12_state END,
            CASE WHEN n >= 20 THEN ema_20_state END,
            CASE WHEN n >= 26 THEN ema_26_state END,
            CASE WHEN n >= 100 THEN ema_100_state END,
            CASE WHEN n >= 200 THEN ema_200_state END,
            CASE WHEN n >= 20 THEN ta.wma_value(mean_20, sxy_20, 20) END,
            CASE WHEN n >= 39 THEN ta.dema_value(ema_20_state, dema_state) END,
            CASE WHEN n >= 58 THEN ta.tema_value(ema_20_state, dema_state, tema_state) END,
            CASE WHEN n >= 20 THEN ta.trima_value(tape[cell + 141], tape[cell + 151], mean_10, sxy_10, 20) END,
            CASE WHEN n >= 11 THEN kama_state END,
            CASE WHEN n >= 23 THEN ta.hma_value(tape[cell + 598], tape[cell + 599], tape[cell + 600], hull) END,
            CASE WHEN n >= 20 THEN ta.vwma_value(close, paid_20, volume_20, 20) END,
            CASE WHEN n >= 20 THEN ta.linreg_value(mean_20, sxy_20, 20) END,
            CASE WHEN n >= 20 THEN ta.linreg_slope_value(sxy_20, 20) END,
            CASE WHEN n >= 20 THEN ta.linreg_r2_value(mean_20, deviation_20, sxy_20, 20) END,
            CASE WHEN n >= 26 THEN ppo END,
            CASE WHEN n >= 34 THEN ppo_signal_state END,
            CASE WHEN n >= 34 THEN ppo - ppo_signal_state END,
            CASE WHEN n >= 44 THEN ta.trix_value(trix_3_state, trix_3_state_before) END,
            CASE WHEN n >= 15 THEN ta.di(plus_dm_state, tr_state) END,
            CASE WHEN n >= 15 THEN ta.di(minus_dm_state, tr_state) END,
            CASE WHEN n >= 26 THEN ta.aroon_value(since_high, 25) END,
            CASE WHEN n >= 26 THEN ta.aroon_value(since_low, 25) END,
            CASE WHEN n >= 26 THEN ta.aroon_osc_value(since_high, since_low, 25) END,
            CASE WHEN n >= 2 THEN psar_state[1] END,
            CASE WHEN n >= 11 THEN supertrend_state[1] END,
            CASE WHEN n >= 11 THEN supertrend_state[2] END,
            CASE WHEN n >= 9 THEN tenkan END,
            CASE WHEN n >= 26 THEN kijun END,
            CASE WHEN n >= 52 THEN tape[cell + 764] END,
            CASE WHEN n >= 78 THEN tape[cell + 790] END,
            CASE WHEN n >= 27 THEN tape[cell + 51] END,
            CASE WHEN n >= 15 THEN ta.vortex_value(moved_up_14, range_14) END,
            CASE WHEN n >= 15 THEN ta.vortex_value(moved_down_14, range_14) END,
            CASE WHEN n >= 8 THEN ta.rsi_value(gain_7_state, loss_7_state) END,
            CASE WHEN n >= 14 THEN stochf_k END,
            CASE WHEN n >= 16 THEN stoch_k END,
            CASE WHEN n >= 18 THEN ta.stoch_smooth(tape[cell + 710], tape[cell + 711], stoch_k) END,
            CASE WHEN n >= 28 THEN stochrsi_k END,
            CASE WHEN n >= 30 THEN ta.stoch_smooth(tape[cell + 830], tape[cell + 831], stochrsi_k) END,
            CASE WHEN n >= 14 THEN ta.williams_r_value(close, high_14, low_14) END,
            CASE WHEN n >= 20 THEN ta.cci_of(typical, mean_typical_20, distances_20 / 20.0::float8) END,
            CASE WHEN n >= 11 THEN ta.roc_value(close, close_10) END,
            CASE WHEN n >= 11 THEN ta.mom_value(close, close_10) END,
            CASE WHEN n >= 15 THEN ta.cmo_value(gain_state, loss_state) END,
            CASE WHEN n >= 29 THEN ta.ultosc_value(pressure_7, range_7, pressure_14, range_14, pressure_28, range_28) END,
            CASE WHEN n >= 15 THEN ta.mfi_value(flow_in_14, flow_out_14) END,
            CASE WHEN n >= 38 THEN ta.tsi_value(change_2_state, way_2_state) END,
            CASE WHEN n >= 34 THEN ta.ao_value(mean_median_5, (tape[cell + 681] + tape[cell + 688] + median_20) / 34.0::float8) END,
            CASE WHEN n >= 15 THEN ta.natr_value(atr_state, close) END,
            CASE WHEN n >= 2 THEN true_range END,
            CASE WHEN n >= 20 THEN ta.bb_width_value(mean_20, spread_20, 2.0::float8) END,
            CASE WHEN n >= 20 THEN ta.bb_percent_value(close, mean_20, spread_20, 2.0::float8) END,
            CASE WHEN n >= 20 THEN ta.keltner_upper_value(ema_20_state, atr_10_state, 2.0::float8) END,
            CASE WHEN n >= 20 THEN ema_20_state END,
            CASE WHEN n >= 20 THEN ta.keltner_upper_value(ema_20_state, atr_10_state, -2.0::float8) END,
            CASE WHEN n >= 20 THEN ta.donchian_middle_value(high_20, low_20) END,
            CASE WHEN n >= 20 THEN spread_20 END,
            CASE WHEN n >= 21 THEN ta.hv_value(return_deviation_20) END,
            CASE WHEN n >= 15 THEN ta.chop_value(range_14, high_14, low_14, 14) END,
            CASE WHEN n >= 20 THEN ta.chaikin_volatility_value(spread_state, spread_before) END,
            ad_sum[2],
            CASE WHEN n >= 10 THEN ad_fast_state - ad_slow_state END,
            CASE WHEN n >= 20 THEN ta.cmf_value(money_flow_20, volume_20) END,
            ta.vwap_value(vwap_session_state[2], vwap_session_state[3]),
            CASE WHEN n >= 20 THEN ta.vwap_value(turnover_20, volume_20) END,
            CASE WHEN n >= 20 THEN ta.volume_ratio_value(volume, volume_20 / 20.0::float8) END,
            CASE WHEN n >= 14 THEN force_state END,
            CASE WHEN n >= 15 THEN ease_14 / nullif(eases_14, 0.0::float8) END,
            ta.pivot_value(pivot_state[5], pivot_state[6], pivot_state[7]),
            ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 1),
            ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 1),
            ta.pivot_r_value(pivot_state[5], pivot_state[6], pivot_state[7], 2),
            ta.pivot_s_value(pivot_state[5], pivot_state[6], pivot_state[7], 2),
            CASE WHEN n >= 11 THEN swing_high_state END,
            CASE WHEN n >= 11 THEN swing_low_state END,
            CASE WHEN n >= 20 THEN ta.zscore_value(close, mean_20, deviation_20) END,
            ha_open_state,
            ha_close
        ];
        cell := cell + 1;
        tape[cell + 25] := high;
        tape[cell + 50] := low;
        tape[cell + 76] := close;
        tape[cell + 95] := typical;
        tape[cell + 110] := mean_5;
        tape[cell + 150] := mean_10;
        tape[cell + 160] := sxy_10;
        tape[cell + 169] := moved;
        tape[cell + 184] := squares_5;
        tape[cell + 199] := mean_typical_5;
        tape[cell + 205] := pressure;
        tape[cell + 211] := true_range;
        tape[cell + 232] := pressure_7;
        tape[cell + 253] := range_7;
        tape[cell + 266] := flow_in;
        tape[cell + 279] := flow_out;
        tape[cell + 292] := moved_up;
        tape[cell + 305] := moved_down;
        tape[cell + 318] := ease;
        tape[cell + 337] := median;
        tape[cell + 341] := paid;
        tape[cell + 345] := turnover;
        tape[cell + 349] := volume;
        tape[cell + 353] := money_flow;
        tape[cell + 368] := paid_5;
        tape[cell + 383] := turnover_5;
        tape[cell + 398] := volume_5;
        tape[cell + 413] := money_flow_5;
        tape[cell + 417] := log_return;
        tape[cell + 432] := mean_return_5;
        tape[cell + 447] := return_squares_5;
        tape[cell + 497] := mean_50;
        tape[cell + 597] := mean_100;
        tape[cell + 600] := hull;
        tape[cell + 620] := high_5;
        tape[cell + 640] := low_5;
        tape[cell + 660] := since_high_5;
        tape[cell + 680] := since_low_5;
        tape[cell + 707] := median_7;
        tape[cell + 709] := stochf_k;
        tape[cell + 711] := stoch_k;
        tape[cell + 737] := high_26;
        tape[cell + 763] := low_26;
        tape[cell + 789] := leading_a;
        tape[cell + 815] := leading_b;
        tape[cell + 816] := ha_close;
        tape[cell + 829] := rsi;
        tape[cell + 831] := stochrsi_k;
        tape[cell + 841] := spread_state;
        IF is_anchor OR bar = last_bar THEN
            memory := tape[cell + 1 : cell + 841] || ARRAY[
                ema_9_state, ema_12_state, ema_20_state, ema_21_state, ema_26_state, ema_50_state, ema_100_state, ema_200_state, macd_fast_state, macd_signal_state, ppo_signal_state, dema_state, tema_state, trix_1_state, trix_2_state, trix_3_state, kama_state, gain_state, loss_state, gain_7_state, loss_7_state, change_state, change_2_state, way_state, way_2_state, atr_state, atr_10_state, supertrend_state[1], supertrend_state[2], supertrend_state[3], supertrend_state[4], supertrend_state[5], psar_state[1], psar_state[2], psar_state[3], psar_state[4], psar_state[5], psar_state[6], psar_state[7], plus_dm_state, minus_dm_state, tr_state, adx_state, spread_state, obv_sum[1], obv_sum[2], ad_sum[1], ad_sum[2], ad_fast_state, ad_slow_state, vwap_session_state[1], vwap_session_state[2], vwap_session_state[3], force_state, pivot_state[1], pivot_state[2], pivot_state[3], pivot_state[4], pivot_state[5], pivot_state[6], pivot_state[7], swing_high_state, swing_low_state, ha_open_state
            ];
            IF bar < last_bar THEN
                tape := memory;
                cell := 0;
            END IF;
        ELSE
            memory := NULL;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
