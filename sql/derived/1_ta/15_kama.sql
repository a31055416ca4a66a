-- Family: Kaufman's adaptive moving average (KAMA).
-- Author: Perry J. Kaufman, Smarter Trading (1995); the first value as seed is TA-Lib's convention.
-- Source: TA-Lib 0.8.
-- Read by: the indicator store (ta.kama_state), analysts (ta.kama).
-- Units: those of x.

-- ta.kama_smoothing: the root of Kaufman's smoothing constant, from how straight the way was.
-- Formula: efficiency ratio e = abs(change) / volatility, 1 where volatility <= change or there was none;
--   e * (2 / (fast + 1) - 2 / (slow + 1)) + 2 / (slow + 1).
-- Parameters: change = x - x of `period` bars before; volatility = sum of abs(x - x before) over the last `period`
--   bars; fast, slow >= 1.
-- Warm-up: the caller's.
-- Bounds: 2 / (slow + 1) to 2 / (fast + 1), for fast <= slow.
-- NULL: NULL where an argument is NULL, or fast or slow < 1.
-- Flat: the fast end: an average that lags behind a dead market catches up with it.
-- TA-Lib: inside KAMA.
CREATE OR REPLACE FUNCTION ta.kama_smoothing(change float8, volatility float8, fast int, slow int) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN fast >= 1 AND slow >= 1
            THEN CASE
                    WHEN volatility <= change OR volatility < 1e-250::float8 THEN 1.0::float8
                    WHEN abs(change) < volatility * 1e-20::float8 THEN 0.0::float8
                    ELSE abs(change) / volatility
                END * (2.0::float8 / (fast::float8 + 1.0::float8) - 2.0::float8 / (slow::float8 + 1.0::float8))
                + 2.0::float8 / (slow::float8 + 1.0::float8)
    END
$$;

-- ta.kama_step: the ONE formula of KAMA, one bar further.
-- Formula: n = period: x; n > period: (x - state) * k ^ 2 + state with
--   k = ta.kama_smoothing(change, volatility, fast, slow); period 1: x, as in TA-Lib.
-- Parameters: state = result for the bar before; x = this bar's value; change = x - x of `period` bars before;
--   volatility = sum of abs(x - x before) over the last `period` bars, this one included; n = dense ordinal of this
--   bar, 1 at the first bar of the series; period, fast, slow >= 1 (10, 2, 30 are usual); seed = state to continue
--   from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: the average from n = period + 1 on (period 1: from n = 1); at n = period the state is x and must be masked.
-- Bounds: within the least and the greatest x so far.
-- NULL: n < period gives NULL; x NULL leaves the state as it is; no state where one is needed (n > period) gives
--   NULL, never a silent restart; period, fast or slow < 1 gives NULL.
-- Flat: settles on x up to its last rounding; a distance below 1e-280 counts as none, since float8 underflow is an
--   error in PostgreSQL.
-- TA-Lib: KAMA (one iteration of its loop), which has fast = 2 and slow = 30.
CREATE OR REPLACE FUNCTION ta.kama_step(
    state float8,
    x float8,
    change float8,
    volatility float8,
    n bigint,
    period int,
    fast int,
    slow int,
    seed float8 DEFAULT NULL
) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    k float8 := ta.kama_smoothing(change, volatility, fast, slow);
BEGIN
    RETURN CASE
        WHEN n < period OR n < 1 OR period < 1 OR fast < 1 OR slow < 1 THEN NULL
        WHEN x IS NULL THEN coalesce(state, seed)
        WHEN n = period OR period = 1 THEN x
        WHEN abs(x - coalesce(state, seed)) >= 1e-280::float8
            THEN (x - coalesce(state, seed)) * (k * k) + coalesce(state, seed)
        ELSE coalesce(state, seed) + (x - coalesce(state, seed))
    END;
END
$$;

-- ta.kama_state: ta.kama_step as a resumable aggregate; the result is the raw state (mask it by n > period).
-- Usage: ta.kama_state(close, close - close_10_before, sum_of_moves_10, n, 10, 2, 30, seed) OVER (PARTITION BY
--   instrument_id ORDER BY open_at).
-- Parameters, warm-up, NULL, flat: as ta.kama_step; seed = the state stored with the last bar before these rows.
-- TA-Lib: KAMA.
CREATE OR REPLACE AGGREGATE ta.kama_state(
    x float8, change float8, volatility float8, n bigint, period int, fast int, slow int, seed float8
) (
    SFUNC = ta.kama_step,
    STYPE = float8,
    PARALLEL = SAFE
);

-- ta.volatility_of_moves: sum of the distances between neighbours, oldest first; 0 for fewer than two.
-- NULL: a NULL among the values gives NULL.
CREATE OR REPLACE FUNCTION ta.volatility_of_moves(x float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    total float8 := 0.0::float8;
BEGIN
    FOR i IN 2 .. cardinality(x) LOOP
        total := total + abs(x[i] - x[i - 1]);
    END LOOP;
    RETURN total;
END
$$;

-- ta.kama_accumulate: state of ta.kama: {values seen, KAMA, period, the last period + 1 values, oldest first}.
CREATE OR REPLACE FUNCTION ta.kama_accumulate(
    state float8[], x float8, period int, fast int, slow int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    n bigint := state[1]::bigint + 1;
    latest float8[] := CASE WHEN n > period + 1 THEN state[5:] ELSE state[4:] END || x;
BEGIN
    RETURN CASE
        WHEN x IS NULL OR coalesce(period < 1, TRUE) THEN state
        ELSE ARRAY[
            n::float8,
            ta.kama_step(state[2], x, x - latest[1], ta.volatility_of_moves(latest), n, period, fast, slow),
            period::float8
        ] || latest
    END;
END
$$;

-- ta.kama_result: masks the warm-up of ta.kama.
CREATE OR REPLACE FUNCTION ta.kama_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE WHEN state[1] > state[3] OR state[3] = 1.0::float8 THEN state[2] END;
END
$$;

-- ta.kama: Kaufman's adaptive moving average, for any table.
-- Usage: ta.kama(close, 10, 2, 30) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first
--   row.
-- Formula: ta.kama_step.
-- Parameters: x; period, fast, slow >= 1 (the same on every row).
-- Warm-up: NULL until the value number period + 1 (period 1: none).
-- Bounds: within the least and the greatest x so far.
-- NULL: a NULL row is skipped: it counts for nothing and shows the value so far; period, fast or slow < 1 gives NULL.
-- Flat: settles on x.
-- TA-Lib: KAMA, for fast = 2 and slow = 30.
CREATE OR REPLACE AGGREGATE ta.kama(x float8, period int, fast int, slow int) (
    SFUNC = ta.kama_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.kama_result,
    INITCOND = '{0,NULL,NULL}',
    PARALLEL = SAFE
);
