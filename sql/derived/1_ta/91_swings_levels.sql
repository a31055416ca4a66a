-- Family: levels of support and resistance out of swing highs and lows (see 91_swings.sql).
-- Author: our own clustering.
-- Source: swings as in B. Williams, Trading Chaos (1995).
-- Read by: analysts.
-- Units: those of the price; touches and bars are counts.

-- ta.levels: prices at which a stretch of bars turned more than once, or once.
-- Usage: SELECT l.* FROM (SELECT array_agg(high ORDER BY open_at) AS highs, array_agg(low ORDER BY open_at) AS
--   lows FROM analytics.bars WHERE symbol = 'BTC/USDT' AND timeframe = '1h' AND open_at >= …) AS b
--   CROSS JOIN LATERAL ta.levels(b.highs, b.lows, 5, 0.005) AS l WHERE l.touches >= 2.
-- Formula: every swing high and swing low (strict, k bars on each side) of the stretch is a touch; from the lowest
--   on, touches within tolerance of the lowest of their group are one level, at the mean of its touches. A level
--   above the last close is a resistance, one below it a support.
-- Parameters: highs, lows: bars of one instrument, the oldest first; k >= 1; tolerance >= 0, as a share of the price
--   (0.005 is half a per cent).
-- Warm-up: the first and the last k bars hold no swing: a turn counts once it is confirmed.
-- Bounds: one row per level, the lowest first; from_highs + from_lows = touches; last_bar = place of the latest
--   touch in the arrays, from 1.
-- NULL: bars with a NULL are left out; k < 1, tolerance < 0 or a NULL parameter gives no rows.
-- Flat: no rows.
-- TA-Lib: none; FRACTAL finds the same swings.
CREATE OR REPLACE FUNCTION ta.levels(highs float8[], lows float8[], k int, tolerance float8)
RETURNS TABLE (level float8, touches int, from_highs int, from_lows int, last_bar int)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE CALLED ON NULL INPUT
AS $$
DECLARE
    touch record;
    lowest float8;
    total float8;
BEGIN
    IF (k >= 1 AND tolerance >= 0.0::float8) IS NOT TRUE THEN
        RETURN;
    END IF;
    FOR touch IN
        WITH bars AS (
            SELECT
                b.place,
                b.high,
                b.low,
                row_number() OVER w AS n,
                count(*) OVER () AS bar_count,
                max(b.high) OVER (w ROWS BETWEEN k PRECEDING AND 1 PRECEDING) AS highest_before,
                max(b.high) OVER (w ROWS BETWEEN 1 FOLLOWING AND k FOLLOWING) AS highest_after,
                min(b.low) OVER (w ROWS BETWEEN k PRECEDING AND 1 PRECEDING) AS lowest_before,
                min(b.low) OVER (w ROWS BETWEEN 1 FOLLOWING AND k FOLLOWING) AS lowest_after
            FROM unnest(highs, lows) WITH ORDINALITY AS b (high, low, place)
            WHERE b.high IS NOT NULL AND b.low IS NOT NULL
            WINDOW w AS (ORDER BY b.place)
        )

        SELECT
            swings.price,
            bars.place,
            swings.is_high
        FROM bars
        CROSS JOIN LATERAL (
            VALUES
            (ta.swing_high_value(bars.high, bars.highest_before, bars.highest_after), 1),
            (ta.swing_low_value(bars.low, bars.lowest_before, bars.lowest_after), 0)
        ) AS swings (price, is_high)
        WHERE bars.n > k AND bars.n <= bars.bar_count - k AND swings.price IS NOT NULL
        ORDER BY swings.price, bars.place
    LOOP
        IF touch.price - lowest > tolerance * abs(lowest) THEN
            RETURN NEXT;
            lowest := NULL;
        END IF;
        IF lowest IS NULL THEN
            lowest := touch.price;
            total := 0.0::float8;
            touches := 0;
            from_highs := 0;
            last_bar := 0;
        END IF;
        total := total + touch.price;
        touches := touches + 1;
        from_highs := from_highs + touch.is_high;
        from_lows := touches - from_highs;
        last_bar := greatest(last_bar, touch.place);
        level := total / touches::float8;
    END LOOP;
    IF touches > 0 THEN
        RETURN NEXT;
    END IF;
END
$$;
