-- Family: triangular (TRIMA) and Hull (HMA) moving averages: fixed weights over a window.
-- Author: HMA by Alan Hull (2005); TRIMA is older than its name.
-- Source: TA-Lib 0.8.
-- Read by: the indicator store (the value functions, on native frames and their lags), analysts (ta.trima, ta.hma).
-- Units: those of x.
-- Both are sums of linear weights, and those come from avg(x) and regr_sxy(x, n), as in 11_moving_averages.sql: from
-- each window anew, never by a running sum.

-- ta.trima_value: the triangular average of a window, from its older and its newer half.
-- Formula: weights 1 … a over the older a = period / 2 rows (rounded down) and b … 1 over the newer b = period - a:
--   (A * old_mean + old_sxy + B * new_mean - new_sxy) / (A + B) with A = a * (a + 1) / 2, B = b * (b + 1) / 2.
-- Parameters: new_mean = avg(x), new_sxy = regr_sxy(x, n) over the last b rows; old_mean, old_sxy the same over the a
--   rows before those (for an even period: lag(new_mean, b), lag(new_sxy, b)); period >= 1.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: within the least and the greatest x of the window, up to a rounding.
-- NULL: NULL where an argument is NULL (the older half does not count for period 1); period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: TRIMA.
CREATE OR REPLACE FUNCTION ta.trima_value(
    old_mean float8, old_sxy float8, new_mean float8, new_sxy float8, period int
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period = 1 THEN new_mean
        WHEN period > 1 AND abs(old_mean) + abs(old_sxy) + abs(new_mean) + abs(new_sxy) < 1e-280::float8
            THEN 0.0::float8
        WHEN period > 1
            THEN (
                (period / 2)::float8 * (period / 2 + 1)::float8 / 2.0::float8 * old_mean + old_sxy
                + (period - period / 2)::float8 * (period - period / 2 + 1)::float8 / 2.0::float8 * new_mean - new_sxy
            ) / (
                (period / 2)::float8 * (period / 2 + 1)::float8 / 2.0::float8
                + (period - period / 2)::float8 * (period - period / 2 + 1)::float8 / 2.0::float8
            )
    END
$$;

-- ta.trima_result: ta.trima_value of a full window.
CREATE OR REPLACE FUNCTION ta.trima_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    old_length int := floor(state[1] / 2.0::float8)::int;
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ta.trima_value(
                    avg(w.x) FILTER (WHERE w.n <= old_length),
                    regr_sxy(w.x, w.n) FILTER (WHERE w.n <= old_length),
                    avg(w.x) FILTER (WHERE w.n > old_length),
                    regr_sxy(w.x, w.n) FILTER (WHERE w.n > old_length),
                    state[1]::int
                )
                FROM unnest(state[3:]) WITH ORDINALITY AS w (x, n)
            )
    END;
END
$$;

-- ta.trima: triangular moving average, for any table.
-- Usage: ta.trima(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.trima_value.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th value.
-- Bounds: within the least and the greatest x of the window, up to a rounding.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: TRIMA.
CREATE OR REPLACE AGGREGATE ta.trima(x float8, period int) (
    SFUNC = ta.window_of_one,
    STYPE = float8[],
    FINALFUNC = ta.trima_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.hma_smoothing: over how many bars HMA is smoothed at last: the root of its period, rounded down (4 for 20).
-- Parameters: period >= 1.
-- NULL: period < 1 gives NULL.
CREATE OR REPLACE FUNCTION ta.hma_smoothing(period int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN period >= 1 THEN floor(sqrt(period::float8))::int END
$$;

-- ta.hma_raw: Hull's average before its last smoothing.
-- Formula: 2 * WMA(period / 2, rounded down) - WMA(period), each by ta.wma_value; x for period 1, as in TA-Lib.
-- Parameters: half_mean = avg(x), half_sxy = regr_sxy(x, n) over the last period / 2 rows; mean, sxy the same over the
--   last `period` rows; period >= 1.
-- Warm-up: the caller's: meaningful from value `period` on.
-- Bounds: none: it overshoots.
-- NULL: NULL where an argument is NULL (the half does not count for period 1); period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: inside HMA.
CREATE OR REPLACE FUNCTION ta.hma_raw(
    half_mean float8, half_sxy float8, mean float8, sxy float8, period int
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN period = 1 THEN mean
        WHEN period > 1
            THEN 2.0::float8 * ta.wma_value(half_mean, half_sxy, period / 2) - ta.wma_value(mean, sxy, period)
    END
$$;

-- ta.hma_value: Hull's average, from its last values before smoothing: of any number, and (the same bits, inlined) of
--   four, which is what periods 16 to 24 take.
-- Formula: (1 * oldest + 2 * next + … ) / (1 + 2 + …).
-- Parameters: ta.hma_raw of the last ta.hma_smoothing(period) rows, the oldest first: raw, lag(raw, 1) and so on.
-- Warm-up: the caller's: meaningful from value period + ta.hma_smoothing(period) - 1 on (23 for 20).
-- Bounds: none: it overshoots.
-- NULL: a NULL among the values gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: the last step of HMA.
CREATE OR REPLACE FUNCTION ta.hma_value(raws float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    total float8 := 0.0::float8;
    weights float8 := 0.0::float8;
BEGIN
    FOR i IN 1 .. cardinality(raws) LOOP
        total := total + i::float8 * raws[i];
        weights := weights + i::float8;
    END LOOP;
    RETURN CASE WHEN abs(total) < 1e-280::float8 THEN 0.0::float8 ELSE total / weights END;
END
$$;

CREATE OR REPLACE FUNCTION ta.hma_value(raw_3 float8, raw_2 float8, raw_1 float8, raw float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN abs(raw_3 + 2.0::float8 * raw_2 + 3.0::float8 * raw_1 + 4.0::float8 * raw) < 1e-280::float8
            THEN 0.0::float8
        ELSE (raw_3 + 2.0::float8 * raw_2 + 3.0::float8 * raw_1 + 4.0::float8 * raw) / 10.0::float8
    END
$$;

-- ta.hma_raw_of_window: ta.hma_raw of the last `period` values.
CREATE OR REPLACE FUNCTION ta.hma_raw_of_window(x float8[], period int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN (
        SELECT ta.hma_raw(
            avg(w.x) FILTER (WHERE w.n > period - period / 2),
            regr_sxy(w.x, w.n) FILTER (WHERE w.n > period - period / 2),
            avg(w.x),
            regr_sxy(w.x, w.n),
            period
        )
        FROM unnest(x) WITH ORDINALITY AS w (x, n)
    );
END
$$;

-- ta.hma_accumulate: state of ta.hma: {values seen, period, the last values of ta.hma_raw, the last `period` values of
--   x}, the oldest first; the former are as many as ta.hma_smoothing says, NULL until they are meaningful.
CREATE OR REPLACE FUNCTION ta.hma_accumulate(state float8[], x float8, period int) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n float8 := state[1] + 1.0::float8;
    smoothing int := ta.hma_smoothing(period);
    latest float8[];
BEGIN
    IF x IS NULL OR coalesce(period < 1, TRUE) THEN
        RETURN state;
    END IF;
    latest := CASE WHEN n > period THEN state[smoothing + 4:] ELSE state[smoothing + 3:] END || x;
    RETURN ARRAY[n, period::float8]
        || CASE WHEN n > 1.0::float8 THEN state[4:smoothing + 2] ELSE array_fill(NULL::float8, ARRAY[smoothing - 1]) END
        || CASE WHEN n >= period THEN ta.hma_raw_of_window(latest, period) END
        || latest;
END
$$;

-- ta.hma_result: smooths, and masks the warm-up of ta.hma.
CREATE OR REPLACE FUNCTION ta.hma_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    smoothing int := ta.hma_smoothing(state[2]::int);
BEGIN
    RETURN CASE WHEN state[1] >= state[2] + smoothing - 1 THEN ta.hma_value(state[3:smoothing + 2]) END;
END
$$;

-- ta.hma: Hull moving average, for any table.
-- Usage: ta.hma(close, 20) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.hma_value of ta.hma_raw: WMA(2 * WMA(x, period / 2) - WMA(x, period), root of the period), both rounded
--   down.
-- Parameters: x; period >= 1 (the same on every row).
-- Warm-up: NULL until the value number period + root of the period (rounded down) - 1: 23 for 20.
-- Bounds: none: it overshoots.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period < 1 gives NULL.
-- Flat: x, up to a rounding.
-- TA-Lib: HMA.
CREATE OR REPLACE AGGREGATE ta.hma(x float8, period int) (
    SFUNC = ta.hma_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.hma_result,
    INITCOND = '{0,NULL}',
    PARALLEL = SAFE
);
