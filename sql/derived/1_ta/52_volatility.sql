-- Family: how much the price moves: historical volatility and choppiness.
-- Author: historical volatility textbook (J. C. Hull); choppiness E. W. "Bill" Dreiss (1993).
-- Source: Hull, Options, Futures, and Other Derivatives; cinar/indicator and Lean (CHOP).
-- Read by: sql/queries/indicators (ta.log_return, the …_value functions), analysts.
-- Units: historical volatility a plain fraction per bar (or year), choppiness 0 to 100.

-- ta.log_return: logarithmic return of one bar.
-- Formula: ln(close / previous_close).
-- Parameters: close of the bar; previous_close of the bar before.
-- Warm-up: from bar 2 on.
-- Bounds: none; may be negative.
-- NULL: NULL where an argument is NULL or outside 1e-150 to 1e150 (a price of 0 or below has no logarithm).
-- Flat: 0.
-- TA-Lib: LN of the close's ROCR with period 1.
CREATE OR REPLACE FUNCTION ta.log_return(close float8, previous_close float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN
            close BETWEEN 1e-150::float8 AND 1e150::float8
            AND previous_close BETWEEN 1e-150::float8 AND 1e150::float8
            THEN ln(close / previous_close)
    END
$$;

-- ta.hv_value: historical volatility from the deviation of the log returns.
-- Formula: deviation * sqrt(bars_per_year).
-- Parameters: deviation = stddev_samp of ta.log_return over period bars; bars_per_year > 0, 1 leaves the volatility
--   of one bar.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: >= 0.
-- NULL: NULL where an argument is NULL or bars_per_year is not positive.
-- Flat: 0.
-- TA-Lib: none; textbook (Hull).
CREATE OR REPLACE FUNCTION ta.hv_value(
    deviation float8, bars_per_year float8 DEFAULT 1.0::float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN bars_per_year > 0.0::float8 THEN deviation * sqrt(bars_per_year) END
$$;

-- ta.chop_value: choppiness index from the way gone and the range covered.
-- Formula: 100 * log10(range_sum / (highest - lowest)) / log10(period); a way shorter than the range counts as equal.
-- Parameters: range_sum = sum of ta.true_range, highest = max(high), lowest = min(low) over the same period bars;
--   period >= 2.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100, more only where the bars gap away from the closes before them.
-- NULL: NULL where an argument is NULL, the range is 0 or period < 2.
-- Flat: undefined (NULL).
-- TA-Lib: none; cinar/indicator and Lean.
CREATE OR REPLACE FUNCTION ta.chop_value(
    range_sum float8, highest float8, lowest float8, period int
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period >= 2 AND highest > lowest AND range_sum IS NOT NULL
            THEN
                100.0::float8 * log(greatest(range_sum / (highest - lowest), 1.0::float8))
                / log(period::float8)
    END
$$;

-- ta.hv_accumulate: the window of ta.hv: {close, bars per year} a row, a bar more than there are returns.
CREATE OR REPLACE FUNCTION ta.hv_accumulate(
    state float8[], close float8, period int, bars_per_year float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[close, bars_per_year], period + 1);
END
$$;

CREATE OR REPLACE FUNCTION ta.hv_accumulate(state float8[], close float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[close, 1.0::float8], period + 1);
END
$$;

-- ta.hv_result: the volatility of a full window.
CREATE OR REPLACE FUNCTION ta.hv_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    closes float8[] := ta.window_column(state, 1);
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ta.hv_value(stddev_samp(ta.log_return(closes[i], closes[i - 1])), state[cardinality(state)])
                FROM generate_series(2, cardinality(closes)) AS places (i)
            )
    END;
END
$$;

-- ta.chop_accumulate: the window of ta.chop: {high, low, close} a row, a bar more than there are true ranges.
CREATE OR REPLACE FUNCTION ta.chop_accumulate(
    state float8[], high float8, low float8, close float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[high, low, close], period + 1);
END
$$;

-- ta.chop_result: the choppiness of a full window.
CREATE OR REPLACE FUNCTION ta.chop_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    highs float8[] := ta.window_column(state, 1);
    lows float8[] := ta.window_column(state, 2);
    closes float8[] := ta.window_column(state, 3);
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT
                    ta.chop_value(
                        sum(ta.true_range(highs[i], lows[i], closes[i - 1])), max(highs[i]), min(lows[i]), count(*)::int
                    )
                FROM generate_series(2, cardinality(closes)) AS places (i)
            )
    END;
END
$$;

-- ta.hv: historical volatility of one bar, for any table.
-- Usage: ta.hv(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: sample standard deviation of the last period log returns.
-- Parameters: close; period >= 2 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; period < 2 gives
--   NULL; a return from or to a price of 0 or below is left out.
-- Flat: 0.
-- TA-Lib: none; textbook (Hull): sample deviation of log returns. cinar/indicator takes the population deviation of
--   simple returns over 21.
CREATE OR REPLACE AGGREGATE ta.hv(close float8, period int) (
    SFUNC = ta.hv_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.hv_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.hv: historical volatility of a year, for any table.
-- Usage: ta.hv(close, 20, 365) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.hv(close, period) * sqrt(bars_per_year).
-- Parameters: close; period >= 2; bars_per_year > 0: 365 for daily bars of a market that never closes, 252 for those of
--   an exchange, 8760 for hourly ones (all the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: >= 0.
-- NULL: as ta.hv(close, period); bars_per_year <= 0 gives NULL.
-- Flat: 0.
-- TA-Lib: none; textbook (Hull): sample deviation of log returns. cinar/indicator takes the population deviation of
--   simple returns over 21.
CREATE OR REPLACE AGGREGATE ta.hv(close float8, period int, bars_per_year float8) (
    SFUNC = ta.hv_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.hv_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.chop: choppiness index, near 100 while the price goes nowhere, near 0 in a trend, for any table.
-- Usage: ta.chop(high, low, close, 14) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: 100 * log10(sum of ta.true_range / (highest high - lowest low)) / log10(period), all over period bars.
-- Parameters: high, low, close; period >= 2 (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100, more only where bars gap away from the closes before them.
-- NULL: a row with a NULL price is skipped: it counts for nothing and shows the value so far; period < 2 gives
--   NULL.
-- Flat: undefined (NULL) while the window has no range.
-- TA-Lib: none; cinar/indicator and Lean, to their last digit (Lean begins a bar earlier, with a range in place of the
--   first true range).
CREATE OR REPLACE AGGREGATE ta.chop(high float8, low float8, close float8, period int) (
    SFUNC = ta.chop_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.chop_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
