-- Family: linear regression over the last bars: the line's end, its slope, its fit.
-- Author: least squares by Legendre (1805) and Gauss (1809).
-- Source: TA-Lib 0.8; closed forms of the sums of 1, 2, … period.
-- Read by: the indicator store (the value functions, on native frames), analysts (the aggregates).
-- Units: the line's end that of x; the slope that of x per bar; the fit 0 to 1.
-- Everything rests on avg(x), stddev_pop(x) and regr_sxy(x, n) OVER (ROWS period - 1 PRECEDING). PostgreSQL computes
-- regr_sxy by updates (Youngs and Cramer) that see ordinals as differences only: for whole numbers n the result does
-- not change by a bit where the count begins elsewhere. |x| must stay below 1e150: those functions square it.

-- ta.linreg_value: the end of the regression line, at the latest bar.
-- Formula: mean + slope * (period - 1) / 2 = mean + 6 * sxy / (period * (period + 1)).
-- Parameters: mean = avg(x), sxy = regr_sxy(x, n), both over the last `period` rows; period >= 2.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: none: it overshoots.
-- NULL: NULL where an argument is NULL; period < 2 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: LINEARREG.
CREATE OR REPLACE FUNCTION ta.linreg_value(mean float8, sxy float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period >= 2 AND abs(sxy) < 1e-280::float8 THEN mean
        WHEN period >= 2 THEN mean + 6.0::float8 * sxy / (period::float8 * (period::float8 + 1.0::float8))
    END
$$;

-- ta.linreg_slope_value: the slope of the regression line.
-- Formula: sxy / sxx = 12 * sxy / (period * (period ^ 2 - 1)).
-- Parameters: sxy = regr_sxy(x, n) over the last `period` rows; period >= 2.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: none; may be negative.
-- NULL: NULL where an argument is NULL; period < 2 gives NULL.
-- Flat: 0, up to a rounding of x.
-- TA-Lib: LINEARREG_SLOPE, whose own rounding is that of period * x.
CREATE OR REPLACE FUNCTION ta.linreg_slope_value(sxy float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period >= 2 AND abs(sxy) < 1e-280::float8 THEN 0.0::float8
        WHEN period >= 2
            THEN 12.0::float8 * sxy / (period::float8 * (period::float8 * period::float8 - 1.0::float8))
    END
$$;

-- ta.linreg_r2_value: the share of x's variance that the line explains.
-- Formula: (sxy / deviation) ^ 2 / (period ^ 2 * (period ^ 2 - 1) / 12), the squared correlation of x and ordinal.
-- Parameters: mean = avg(x), deviation = stddev_pop(x), sxy = regr_sxy(x, n), all over the last `period` rows;
--   period >= 2.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: 0 to 1.
-- NULL: NULL where an argument is NULL; period < 2 gives NULL.
-- Flat: 0 (there is no trend; PostgreSQL's regr_r2 says 1): a deviation up to 1e-12 of the mean is rounding.
-- TA-Lib: the square of CORREL with the ordinals; Stock.Indicators' rSquared. That of TA-Lib is as good as its
--   running sums of squares.
CREATE OR REPLACE FUNCTION ta.linreg_r2_value(mean float8, deviation float8, sxy float8, period int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period < 2 OR mean IS NULL OR deviation IS NULL OR sxy IS NULL THEN NULL
        WHEN deviation * 1e12::float8 <= abs(mean) OR abs(sxy) * 1e100::float8 < deviation THEN 0.0::float8
        ELSE least(
            (sxy / deviation) * (sxy / deviation) / (
                period::float8 * period::float8 * (period::float8 * period::float8 - 1.0::float8) / 12.0::float8
            ),
            1.0::float8
        )
    END
$$;

-- ta.linreg_result, ta.linreg_slope_result, ta.linreg_r2_result: the values of a full window.
CREATE OR REPLACE FUNCTION ta.linreg_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    line float8[] := ta.window_line(state);
BEGIN
    RETURN ta.linreg_value(line[1], line[3], state[1]::int);
END
$$;

CREATE OR REPLACE FUNCTION ta.linreg_slope_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    line float8[] := ta.window_line(state);
BEGIN
    RETURN ta.linreg_slope_value(line[3], state[1]::int);
END
$$;

CREATE OR REPLACE FUNCTION ta.linreg_r2_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    line float8[] := ta.window_line(state);
BEGIN
    RETURN ta.linreg_r2_value(line[1], line[2], line[3], state[1]::int);
END
$$;

-- ta.linreg: linear regression, the end of the line through the last bars, for any table.
-- Usage: ta.linreg(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.linreg_value.
-- Parameters: x; period >= 2 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: none: it overshoots.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 2 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: LINEARREG.
CREATE OR REPLACE AGGREGATE ta.linreg(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.linreg_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.linreg_slope: slope of that regression line, per bar, for any table.
-- Usage: ta.linreg_slope(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.linreg_slope_value.
-- Parameters: x; period >= 2 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: none; may be negative.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 2 gives NULL.
-- Flat: 0, up to a rounding of x.
-- TA-Lib: LINEARREG_SLOPE, whose own rounding is that of period * x.
CREATE OR REPLACE AGGREGATE ta.linreg_slope(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.linreg_slope_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.linreg_r2: fit of that regression line (r²), for any table.
-- Usage: ta.linreg_r2(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.linreg_r2_value.
-- Parameters: x; period >= 2 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: 0 to 1.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 2 gives NULL.
-- Flat: 0.
-- TA-Lib: none; FOLLOWED skender/slope (rSquared), and the square of TA-Lib's CORREL with the ordinals.
CREATE OR REPLACE AGGREGATE ta.linreg_r2(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.linreg_r2_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
