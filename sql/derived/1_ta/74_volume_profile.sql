-- Family: volume profile: the volume of many bars by price, point of control, value area.
-- Author: J. Peter Steidlmayer, Market Profile (Chicago Board of Trade, 1984); by volume instead of time: common usage.
-- Source: TradingView (bars spread over their range), QuantConnect/Lean (MarketProfile: ties, how the area grows).
-- Read by: analysts. Not stored: a profile belongs to a span of bars that its reader chooses.
-- Units: prices, and volumes.
-- A profile is one array: {lowest price, highest price, volume of each bin from the lowest price up}; the bins divide
-- the range evenly. ta.volume_profile_bins shows it as rows.

-- ta.volume_profile_of: the ONE formula of the profile, for the bars of three arrays.
-- Usage: SELECT ta.volume_profile_of(array_agg(high), array_agg(low), array_agg(volume), 24) FROM …: the same as
--   ta.volume_profile, and a hundred times quicker for many thousand bars.
-- Formula: each bar's volume, divided among the bins in proportion to what they share with its range; a bar without a
--   range gives all of it to the bin it stands in (the upper one on a border).
-- Parameters: highs, lows, volumes of the same length; bins from 1 to 10000.
-- Warm-up: none.
-- Bounds: volumes >= 0; they add up to the volume of the bars.
-- NULL: a bar with a NULL is left out; no bar, or bins out of range, gives NULL.
-- Flat: all volume in the first bin.
-- TA-Lib: none; a brute-force check of our own.
CREATE OR REPLACE FUNCTION ta.volume_profile_of(
    highs float8[], lows float8[], volumes float8[], bins int
) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    lowest float8;
    highest float8;
    profile float8[];
    bottom float8;
    top float8;
BEGIN
    SELECT
        min(bars.low),
        max(bars.high)
    INTO lowest, highest
    FROM unnest(highs, lows, volumes) AS bars (high, low, volume)
    WHERE bars.high IS NOT NULL AND bars.low IS NOT NULL AND bars.volume IS NOT NULL;
    IF lowest IS NULL OR bins IS NULL OR bins NOT BETWEEN 1 AND 10000 THEN
        RETURN NULL;
    END IF;
    profile := ARRAY[lowest, highest] || array_fill(0.0::float8, ARRAY[bins]);
    FOR i IN 1..cardinality(highs) LOOP
        CONTINUE WHEN highs[i] IS NULL OR lows[i] IS NULL OR volumes[i] IS NULL;
        -- Places on the scale of the bins: bin k goes from k - 1 to k.
        bottom := CASE WHEN highest > lowest THEN (lows[i] - lowest) / (highest - lowest) * bins ELSE 0.0::float8 END;
        top := CASE WHEN highest > lowest THEN (highs[i] - lowest) / (highest - lowest) * bins ELSE 0.0::float8 END;
        FOR k IN least(bins, floor(bottom)::int + 1)..least(bins, greatest(floor(bottom)::int + 1, ceil(top)::int)) LOOP
            profile[2 + k] := profile[2 + k] + volumes[i] * CASE
                WHEN top > bottom THEN (least(top, k::float8) - greatest(bottom, (k - 1)::float8)) / (top - bottom)
                ELSE 1.0::float8
            END;
        END LOOP;
    END LOOP;
    RETURN profile;
END
$$;

-- ta.volume_profile_peak: number of the bin with the most volume; of equal ones the one nearest to the middle, then
-- the lower one. NULL where nothing was traded.
CREATE OR REPLACE FUNCTION ta.volume_profile_peak(profile float8[]) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN (
        SELECT bins.bin::int
        FROM unnest(profile[3:]) WITH ORDINALITY AS bins (volume, bin)
        WHERE bins.volume > 0.0::float8
        ORDER BY bins.volume DESC, abs(2 * bins.bin - cardinality(profile) + 1), bins.bin
        LIMIT 1
    );
END
$$;

-- ta.volume_profile_price: price at a place on the scale of the bins: 0 the lowest, the number of bins the highest.
CREATE OR REPLACE FUNCTION ta.volume_profile_price(profile float8[], place float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
BEGIN
    RETURN profile[1] + (profile[2] - profile[1]) * (place / (cardinality(profile) - 2)::float8);
END
$$;

-- ta.value_area: first and last bin of the value area.
-- Formula: from the peak on, the neighbour with more volume is taken in (the upper one of equal ones) until so much of
--   the volume is inside.
-- Parameters: profile of ta.volume_profile; volume_share from 0 to 1, 0.7 by tradition.
-- Warm-up: none.
-- Bounds: both within the bins, the peak between them.
-- NULL: NULL where nothing was traded or volume_share is NULL.
-- Flat: the first bin.
-- TA-Lib: none; QuantConnect/Lean (MarketProfile), which stops at an empty bin and asks for more than the share.
CREATE OR REPLACE FUNCTION ta.value_area(
    profile float8[], volume_share float8 DEFAULT 0.7::float8
) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    first_bin int := ta.volume_profile_peak(profile);
    last_bin int := first_bin;
    -- Less a rounding, or 0.7 of a round sum may lie a hair above it.
    wanted float8 := volume_share * (1.0::float8 - 1e-12::float8) * (
        SELECT sum(bins.volume) FROM unnest(profile[3:]) AS bins (volume)
    );
    inside float8 := profile[2 + first_bin];
BEGIN
    WHILE inside < wanted AND (first_bin > 1 OR last_bin < cardinality(profile) - 2) LOOP
        IF first_bin = 1 OR profile[3 + last_bin] >= profile[1 + first_bin] THEN
            last_bin := last_bin + 1;
            inside := inside + profile[2 + last_bin];
        ELSE
            first_bin := first_bin - 1;
            inside := inside + profile[2 + first_bin];
        END IF;
    END LOOP;
    RETURN CASE WHEN wanted IS NOT NULL AND first_bin IS NOT NULL THEN ARRAY[first_bin, last_bin] END;
END
$$;

-- ta.volume_profile_bins: a profile as rows, the lowest bin first.
-- Usage: SELECT b.* FROM (SELECT ta.volume_profile(high, low, volume, 24) AS profile FROM analytics.bars WHERE …)
--   AS p, ta.volume_profile_bins(p.profile) AS b
-- Formula: as ta.volume_profile_of and ta.value_area.
-- Parameters: profile of ta.volume_profile; value_area_share from 0 to 1, 0.7 by tradition.
-- Warm-up: none.
-- Bounds: volume_share from 0 to 1; the shares add up to 1.
-- NULL: no row without a profile; volume_share is NULL where nothing was traded.
-- Flat: all volume in the first bin.
-- TA-Lib: none; a brute-force check of our own.
CREATE OR REPLACE FUNCTION ta.volume_profile_bins(
    profile float8[], value_area_share float8 DEFAULT 0.7::float8
) RETURNS TABLE (
    bin int,
    price_from float8,
    price_to float8,
    volume float8,
    volume_share float8,
    is_point_of_control boolean,
    is_in_value_area boolean
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
    SELECT
        bins.bin::int,
        ta.volume_profile_price(known.profile, (bins.bin - 1)::float8),
        ta.volume_profile_price(known.profile, bins.bin::float8),
        bins.volume,
        bins.volume / nullif(sum(bins.volume) OVER (), 0.0::float8),
        coalesce(bins.bin = known.peak, FALSE),
        coalesce(bins.bin BETWEEN known.area[1] AND known.area[2], FALSE)
    FROM (
        SELECT
            profile,
            ta.volume_profile_peak(profile) AS peak,
            ta.value_area(profile, value_area_share) AS area
        OFFSET 0
    ) AS known
    CROSS JOIN LATERAL unnest(known.profile[3:]) WITH ORDINALITY AS bins (volume, bin)
    ORDER BY bins.bin
$$;
