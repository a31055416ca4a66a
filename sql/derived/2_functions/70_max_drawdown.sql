-- Purpose: the deepest fall of the equity curve below its highest point so far, in R. What exits at the same instant
--          counts at once; the curve starts at 0, which is its first high.
-- Usage:   analytics.max_drawdown(net_r, exit_at ORDER BY exit_at, signal_id). Nulls of net_r are skipped.
-- Units:   R, 0 and up; null where nothing exited. Read by: analytics.performance; anybody over exits of their own.
-- state:   instant (seconds), what exited at it, equity before it, the high before it, the deepest fall before it.
CREATE OR REPLACE FUNCTION analytics.max_drawdown_step(
    state double precision[], net_r double precision, exit_at timestamptz
) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    instant constant double precision := date_part('epoch', exit_at);
    equity double precision;
    high double precision;
BEGIN
    IF net_r IS NULL OR exit_at IS NULL THEN
        RETURN state;
    ELSIF state IS NULL THEN
        RETURN ARRAY[instant, net_r, 0, 0, 0];
    ELSIF instant = state[1] THEN
        state[2] := state[2] + net_r;
        RETURN state;
    END IF;
    equity := state[3] + state[2];
    high := GREATEST(state[4], equity);
    RETURN ARRAY[instant, net_r, equity, high, GREATEST(state[5], high - equity)];
END
$$;

CREATE OR REPLACE FUNCTION analytics.max_drawdown_result(state double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
RETURN GREATEST(state[5], state[4] - (state[3] + state[2]));

CREATE OR REPLACE AGGREGATE analytics.max_drawdown(net_r double precision, exit_at timestamptz) ( -- noqa: PRS
    SFUNC = analytics.max_drawdown_step,
    STYPE = double precision[],
    FINALFUNC = analytics.max_drawdown_result,
    PARALLEL = SAFE
);
