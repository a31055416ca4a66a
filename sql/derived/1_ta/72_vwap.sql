-- Family: volume-weighted average price (VWAP): rolling, and since the opening of the session.
-- Author: James Elkins, Abel/Noser (1984).
-- Source: TradingView (typical price, anchored on the session); bukosabino/ta (rolling).
-- Read by: sql/queries/indicators (ta.typical_turnover, ta.vwap_value, ta.vwap_session_state), analysts.
-- Units: those of the price.

-- ta.typical_turnover: what one bar's trades cost if all were made at its typical price. Where the true turnover is
--   known (analytics.bars.vwap * volume), ta.vwap_value of its sum is the true VWAP.
-- Formula: ta.typical_price * volume, that is (high + low + close) / 3 * volume.
-- Parameters: high, low, close; volume >= 0.
-- Warm-up: none.
-- Bounds: >= 0 for positive prices.
-- NULL: NULL where an argument is NULL.
-- Flat: the price times the volume.
-- TA-Lib: TYPPRICE times the volume.
CREATE OR REPLACE FUNCTION ta.typical_turnover(
    high float8, low float8, close float8, volume float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT ta.typical_price(high, low, close) * volume
$$;

-- ta.vwap_value: VWAP from its two sums.
-- Formula: turnover_sum / volume_sum.
-- Parameters: turnover_sum, volume_sum: sums of ta.typical_turnover and of the volume over the same bars.
-- Warm-up: the caller's: the frame must be full (rolling); none (session).
-- Bounds: within the prices of those bars, up to a rounding.
-- NULL: NULL where an argument is NULL or nothing was traded.
-- Flat: the price.
-- TA-Lib: none; DaveSkender/Stock.Indicators and bukosabino/ta.
CREATE OR REPLACE FUNCTION ta.vwap_value(turnover_sum float8, volume_sum float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE WHEN volume_sum > 0.0::float8 THEN turnover_sum / volume_sum END
$$;

-- ta.vwap_session_step: the ONE formula of the session's sums, one bar further.
-- Formula: {session, state[2] + turnover, state[3] + volume}; {session, turnover, volume} where the session is another
--   one than state[1].
-- Parameters: state = result for the bar before: {session, sum of the turnover, sum of the volume}; turnover =
--   ta.typical_turnover of this bar; volume; session = key of the bar's session, the epoch of its opening; seed =
--   state to continue from where `state` is NULL (the first row of a resumed aggregate); NULL otherwise.
-- Warm-up: none.
-- Bounds: >= 0 for positive prices.
-- NULL: a bar with a NULL argument leaves the state as it is; no state begins one: the key tells where sums begin, so
--   a state that is missing in the middle of a session shows as one that is too young, not as NULL.
-- Flat: sums grow by the volume.
-- TA-Lib: none; TradingView.
CREATE OR REPLACE FUNCTION ta.vwap_session_step(
    state float8[], turnover float8, volume float8, session float8, seed float8[] DEFAULT NULL
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    before float8[] := coalesce(state, seed);
BEGIN
    RETURN CASE
        WHEN turnover IS NULL OR volume IS NULL OR session IS NULL THEN before
        WHEN before[1] = session THEN ARRAY[session, before[2] + turnover, before[3] + volume]
        ELSE ARRAY[session, turnover, volume]
    END;
END
$$;

-- ta.vwap_session_state: ta.vwap_session_step as a resumable aggregate; ta.vwap_value of its second and
--   third element is the VWAP.
-- Usage: ta.vwap_session_state(turnover, volume, session, seed) OVER (PARTITION BY instrument_id ORDER BY open_at).
-- Parameters: as ta.vwap_session_step; seed = the state stored with the last bar before these rows.
-- NULL: as ta.vwap_session_step.
-- TA-Lib: none; TradingView.
CREATE OR REPLACE AGGREGATE ta.vwap_session_state(
    turnover float8, volume float8, session float8, seed float8[]
) (
    SFUNC = ta.vwap_session_step,
    STYPE = float8[],
    PARALLEL = SAFE
);

-- ta.vwap_session_accumulate: state of ta.vwap_session, that of ta.vwap_session_step.
CREATE OR REPLACE FUNCTION ta.vwap_session_accumulate(
    state float8[], high float8, low float8, close float8, volume float8, session float8
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.vwap_session_step(state, ta.typical_turnover(high, low, close, volume), volume, session);
END
$$;

-- ta.vwap_session_result: the VWAP out of the state.
CREATE OR REPLACE FUNCTION ta.vwap_session_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.vwap_value(state[2], state[3]);
END
$$;

-- ta.vwap_accumulate: the window of ta.vwap: {turnover, volume} a row.
CREATE OR REPLACE FUNCTION ta.vwap_accumulate(
    state float8[], high float8, low float8, close float8, volume float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN ta.window_push(state, ARRAY[ta.typical_turnover(high, low, close, volume), volume], period);
END
$$;

-- ta.vwap_result: the VWAP of a full window.
CREATE OR REPLACE FUNCTION ta.vwap_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state)
            THEN (
                SELECT ta.vwap_value(sum(kept.turnover), sum(kept.volume))
                FROM unnest(ta.window_column(state, 1), ta.window_column(state, 2)) AS kept (turnover, volume)
            )
    END;
END
$$;

-- ta.vwap: volume-weighted average price of the last period bars, for any table.
-- Usage: ta.vwap(high, low, close, volume, 20) OVER (PARTITION BY symbol ORDER BY open_at).
--   The frame must begin at the first row.
-- Formula: sum of (high + low + close) / 3 * volume, divided by the sum of the volume, both over period bars.
-- Parameters: high, low, close; volume >= 0; period >= 1 (the same on every row).
-- Warm-up: NULL until the period-th bar.
-- Bounds: within the prices of the window, up to a rounding.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far; a period < 1
--   gives NULL.
-- Flat: the price; undefined (NULL) where nothing was traded.
-- TA-Lib: none; bukosabino/ta.
CREATE OR REPLACE AGGREGATE ta.vwap(high float8, low float8, close float8, volume float8, period int) (
    SFUNC = ta.vwap_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.vwap_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);

-- ta.vwap_session: volume-weighted average price since the opening of the session, for any table.
-- Usage: ta.vwap_session(high, low, close, volume, extract(epoch FROM session_open_at)::float8)
--   OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin at the first row.
-- Formula: ta.vwap over the bars of the session so far.
-- Parameters: high, low, close; volume >= 0; session = any number that is the same on all bars of a session and another
--   on the next one's.
-- Warm-up: none: the first value is that of the session's first bar.
-- Bounds: within the prices of the session, up to a rounding.
-- NULL: a row with a NULL input is skipped: it counts for nothing and shows the value so far.
-- Flat: the price; undefined (NULL) while nothing has been traded.
-- TA-Lib: none; DaveSkender/Stock.Indicators, which anchors once, and TradingView.
CREATE OR REPLACE AGGREGATE ta.vwap_session(
    high float8, low float8, close float8, volume float8, session float8
) (
    SFUNC = ta.vwap_session_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.vwap_session_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
