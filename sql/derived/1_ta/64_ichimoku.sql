-- Family: Ichimoku Kinko Hyo, five lines, each as it is known at the bar: none looks ahead.
-- Author: Goichi Hosoda, as Ichimoku Sanjin (1969).
-- Source: the lines of Stock.Indicators (DaveSkender), the lagging one of cinar/indicator.
-- Read by: market.indicator_rows (ta.ichimoku_line), analysts (ta.ichimoku_tenkan and the like).
-- Units: those of the price.
-- The senkou lines are drawn 26 bars ahead, so what stands AT a bar was computed 26 bars earlier. The chikou line
-- is drawn 26 bars back: what stands at a bar on a chart is a close 26 bars in its future, which nobody knows
-- there. Known is what this close is held against when it is drawn: the close 26 bars earlier, and that is our
-- chikou: "the chikou is above the price" reads close > chikou.

-- ta.ichimoku_line: the middle of a range; of a window, or of the two lines that make senkou A.
-- Formula: (highest + lowest) / 2.
-- Parameters: highest high and lowest low of the window; or tenkan and kijun.
-- Warm-up: the caller's: a full window, 9 (tenkan), 26 (kijun) or 52 bars (senkou B), and 26 bars more for both
--   senkou lines: bar 52 for A, 78 for B.
-- Bounds: between its arguments.
-- NULL: NULL where an argument is NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (ichimoku).
CREATE OR REPLACE FUNCTION ta.ichimoku_line(highest float8, lowest float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT (highest + lowest) / 2.0::float8
$$;

-- ta.ichimoku_accumulate: state of the Ichimoku aggregates: a window of rows {high, low, period, second period}
--   that reaches back over the longer period and over `shift` bars more.
CREATE OR REPLACE FUNCTION ta.ichimoku_accumulate(
    state float8[], high float8, low float8, period int, second_period int, shift int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(
        state,
        ARRAY[high, low, period::float8, second_period::float8],
        CASE WHEN least(period, second_period) >= 1 AND shift >= 0 THEN greatest(period, second_period) + shift END
    );
END
$$;

-- ta.ichimoku_window_line: ta.ichimoku_line over the last `period` bars of the oldest `longest` ones.
CREATE OR REPLACE FUNCTION ta.ichimoku_window_line(state float8[], longest int, period int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highest float8;
    lowest float8;
BEGIN
    FOR place IN 3 + 4 * (longest - period) .. 2 + 4 * longest BY 4 LOOP
        highest := greatest(highest, state[place]);
        lowest := least(lowest, state[place + 1]);
    END LOOP;
    RETURN ta.ichimoku_line(highest, lowest);
END
$$;

-- ta.ichimoku_result: the line out of a full window: of one period, or senkou A of two.
CREATE OR REPLACE FUNCTION ta.ichimoku_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    first_period int := state[5];
    second_period int := state[6];
    longest int := greatest(first_period, second_period);
BEGIN
    RETURN CASE
        WHEN NOT ta.window_is_full(state) THEN NULL
        WHEN first_period = second_period THEN ta.ichimoku_window_line(state, longest, first_period)
        ELSE ta.ichimoku_line(
            ta.ichimoku_window_line(state, longest, first_period),
            ta.ichimoku_window_line(state, longest, second_period)
        )
    END;
END
$$;

-- ta.ichimoku_line_accumulate: state of tenkan and kijun: as ta.ichimoku_accumulate.
CREATE OR REPLACE FUNCTION ta.ichimoku_line_accumulate(
    state float8[], high float8, low float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.ichimoku_accumulate(state, high, low, period, period, 0);
END
$$;

-- ta.ichimoku_senkou_a_accumulate: state of senkou A: as ta.ichimoku_accumulate.
CREATE OR REPLACE FUNCTION ta.ichimoku_senkou_a_accumulate(
    state float8[], high float8, low float8, conversion int, base int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.ichimoku_accumulate(state, high, low, conversion, base, base);
END
$$;

-- ta.ichimoku_senkou_b_accumulate: state of senkou B: as ta.ichimoku_accumulate.
CREATE OR REPLACE FUNCTION ta.ichimoku_senkou_b_accumulate(
    state float8[], high float8, low float8, period int, shift int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.ichimoku_accumulate(state, high, low, period, period, shift);
END
$$;

-- ta.ichimoku_chikou_accumulate: state of the chikou: a window of shift + 1 closes.
CREATE OR REPLACE FUNCTION ta.ichimoku_chikou_accumulate(state float8[], close float8, shift int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[close], CASE WHEN shift >= 1 THEN shift + 1 END);
END
$$;

-- ta.ichimoku_chikou_result: the oldest close of a full window.
CREATE OR REPLACE FUNCTION ta.ichimoku_chikou_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN ta.window_is_full(state) THEN state[3] END;
END
$$;

-- ta.ichimoku_tenkan: Ichimoku's conversion line (tenkan), for any table.
-- Usage: ta.ichimoku_tenkan(high, low, 9) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.ichimoku_line of the highest high and the lowest low of the last period bars.
-- Parameters: high, low; period >= 1, 9 as a rule (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the range of its window.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 gives
--   NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (ichimoku tenkanSen).
CREATE OR REPLACE AGGREGATE ta.ichimoku_tenkan(high float8, low float8, period int) (
    SFUNC = ta.ichimoku_line_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ichimoku_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.ichimoku_kijun: Ichimoku's base line (kijun), for any table.
-- Usage: ta.ichimoku_kijun(high, low, 26) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at
--   the first row.
-- Formula: ta.ichimoku_line of the highest high and the lowest low of the last period bars.
-- Parameters: high, low; period >= 1, 26 as a rule (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the range of its window.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 gives
--   NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (ichimoku kijunSen).
CREATE OR REPLACE AGGREGATE ta.ichimoku_kijun(high float8, low float8, period int) (
    SFUNC = ta.ichimoku_line_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ichimoku_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.ichimoku_senkou_a: Ichimoku's leading span A (senkou) as drawn at the bar, for any table.
-- Usage: ta.ichimoku_senkou_a(high, low, 9, 26) OVER (PARTITION BY symbol ORDER BY open_at). The frame must
--   begin at the first row.
-- Formula: ta.ichimoku_line of tenkan (conversion bars) and kijun (base bars), both as of base bars earlier.
-- Parameters: high, low; conversion >= 1, base >= 1, 9 and 26 as a rule (the same on every row).
-- Warm-up: NULL until the bar number base + the greater of both periods.
-- Bounds: within the range of its window.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; a period < 1 gives
--   NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (ichimoku senkouSpanA).
CREATE OR REPLACE AGGREGATE ta.ichimoku_senkou_a(high float8, low float8, conversion int, base int) (
    SFUNC = ta.ichimoku_senkou_a_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ichimoku_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.ichimoku_senkou_b: Ichimoku's leading span B (senkou) as drawn at the bar, for any table.
-- Usage: ta.ichimoku_senkou_b(high, low, 52, 26) OVER (PARTITION BY symbol ORDER BY open_at). The frame must
--   begin at the first row.
-- Formula: ta.ichimoku_line of the highest high and the lowest low of the period bars up to shift bars earlier.
-- Parameters: high, low; period >= 1, shift >= 0, 52 and 26 as a rule (the same on every row).
-- Warm-up: NULL until the bar number period + shift.
-- Bounds: within the range of its window.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 1 or
--   shift < 0 gives NULL.
-- Flat: the price.
-- TA-Lib: none; Stock.Indicators (ichimoku senkouSpanB).
CREATE OR REPLACE AGGREGATE ta.ichimoku_senkou_b(high float8, low float8, period int, shift int) (
    SFUNC = ta.ichimoku_senkou_b_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ichimoku_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.ichimoku_chikou: what Ichimoku's lagging line (chikou) is held against at the bar, for any table.
-- Usage: ta.ichimoku_chikou(close, 26) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the
--   first row.
-- Formula: the close of shift bars earlier. (On a chart the chikou at a bar is the close of shift bars LATER.)
-- Parameters: close; shift >= 1, 26 as a rule (the same on every row).
-- Warm-up: NULL until the bar number shift + 1.
-- Bounds: within the least and the greatest close so far.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; shift < 1 gives NULL.
-- Flat: the price.
-- TA-Lib: none; cinar/indicator (ichimoku_cloud LaggingLine).
CREATE OR REPLACE AGGREGATE ta.ichimoku_chikou(close float8, shift int) (
    SFUNC = ta.ichimoku_chikou_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.ichimoku_chikou_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
