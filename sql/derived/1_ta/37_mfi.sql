-- Family: money flow index (MFI), the RSI weighted by volume.
-- Author: Gene Quong and Avrum Soudack.
-- Source: Quong and Soudack, Volume-Weighted RSI: Money Flow, Technical Analysis of Stocks & Commodities 7:3 (1989).
-- Read by: sql/queries/indicators (ta.positive_flow, ta.negative_flow, ta.mfi_value), analysts (ta.mfi).
-- Units: MFI 0 to 100; money flow price times volume.

-- ta.positive_flow: money flow of a bar whose typical price rose.
-- Formula: typical * volume where typical - previous_typical is above 1e-14 * (abs(typical) +
--   abs(previous_typical)), else 0.
-- Parameters: typical = ta.typical_price of the bar; previous_typical of the bar before; volume of the bar.
-- Warm-up: from bar 2 on.
-- Bounds: >= 0 for prices and volumes >= 0.
-- NULL: NULL where an argument is NULL (the first bar).
-- Flat: 0; a rise that small is a rounding, as in TA-Lib >= 0.8.
-- TA-Lib: a term inside MFI.
CREATE OR REPLACE FUNCTION ta.positive_flow(
    typical float8, previous_typical float8, volume float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN typical - previous_typical > 1e-14::float8 * (abs(typical) + abs(previous_typical))
            THEN typical * volume
        WHEN typical - previous_typical IS NOT NULL AND volume IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.negative_flow: money flow of a bar whose typical price fell.
-- Formula: typical * volume where previous_typical - typical is above 1e-14 * (abs(typical) +
--   abs(previous_typical)), else 0.
-- Parameters, warm-up, bounds, NULL, flat: as ta.positive_flow.
-- TA-Lib: a term inside MFI.
CREATE OR REPLACE FUNCTION ta.negative_flow(
    typical float8, previous_typical float8, volume float8
) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN previous_typical - typical > 1e-14::float8 * (abs(typical) + abs(previous_typical))
            THEN typical * volume
        WHEN typical - previous_typical IS NOT NULL AND volume IS NOT NULL THEN 0.0::float8
    END
$$;

-- ta.mfi_value: MFI from the two sums of money flow.
-- Formula: 100 * (positive / (positive + negative)).
-- Parameters: sums of ta.positive_flow and ta.negative_flow over the last period bars, the oldest first.
-- Warm-up: the caller's: meaningful from bar period + 1 on.
-- Bounds: 0 to 100.
-- NULL: NULL where an argument is NULL.
-- Flat: 0 where no money flowed at all.
-- TA-Lib: the last step of MFI.
CREATE OR REPLACE FUNCTION ta.mfi_value(positive float8, negative float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT CASE
        WHEN positive + negative <= 0.0::float8 THEN 0.0::float8
        ELSE 100.0::float8 * (positive / (positive + negative))
    END
$$;

-- ta.mfi_accumulate: state of ta.mfi: a window, one row longer than the period, of rows
--   {typical price, positive flow, negative flow}. The first bar of all brings no flow; a full window reads
--   everything but its oldest row.
CREATE OR REPLACE FUNCTION ta.mfi_accumulate(
    state float8[], high float8, low float8, close float8, volume float8, period int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    typical float8 := ta.typical_price(high, low, close);
    previous_typical float8 := coalesce(state[cardinality(state) - 2], typical);
BEGIN
    RETURN ta.window_push(
        state,
        ARRAY[
            typical,
            ta.positive_flow(typical, previous_typical, volume),
            ta.negative_flow(typical, previous_typical, volume)
        ],
        CASE WHEN period >= 1 THEN period + 1 END
    );
END
$$;

-- ta.mfi_result: masks the warm-up of ta.mfi.
CREATE OR REPLACE FUNCTION ta.mfi_result(state float8[]) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN CASE
        WHEN ta.window_is_full(state) THEN ta.mfi_value(
            ta.window_sum(state, 2, state[1]::int - 1), ta.window_sum(state, 3, state[1]::int - 1)
        )
    END;
END
$$;

-- ta.mfi: money flow index, for any table.
-- Usage: ta.mfi(high, low, close, volume, 14) OVER (PARTITION BY symbol ORDER BY open_at). The frame must begin
--   at the first row.
-- Formula: ta.mfi_value of the sums of ta.positive_flow and ta.negative_flow over period bars.
-- Parameters: high, low, close, volume; period >= 2 for TA-Lib's values (the same on every row).
-- Warm-up: NULL until the bar number period + 1.
-- Bounds: 0 to 100.
-- NULL: a row with a NULL price or volume is skipped: it counts for nothing and shows the value so far; period <
--   1 gives NULL.
-- Flat: 0; also 0 where nothing was traded.
-- TA-Lib: MFI.
CREATE OR REPLACE AGGREGATE ta.mfi(high float8, low float8, close float8, volume float8, period int) (
    SFUNC = ta.mfi_accumulate,
    STYPE = float8[],
    FINALFUNC = ta.mfi_result,
    INITCOND = '{}',
    PARALLEL = SAFE
);
