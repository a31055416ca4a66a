"""What names every column: the statements that store them, the view, the snapshot's query, the units at a split."""

from __future__ import annotations

from collections.abc import Iterable

from signalhub.indicators.declared import Item, declared
from signalhub.indicators.written.parts import BASE, HEAD, listed, names, rings


def _insert_state(source: str) -> str:
    stated = names(declared().states)
    return f"""\
INSERT INTO market.indicator_state AS s (
        instrument_id, timeframe, open_at, n, is_anchor,
{listed(stated, 8)}
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at, c.n, c.is_anchor,
{listed((f"c.{name}" for name in stated), 8)}
    FROM {source}"""


def _insert_rows() -> str:
    columns = names(declared().columns)
    return f"""\
INSERT INTO market.indicators (
        instrument_id, timeframe, open_at, n,
{listed(columns, 8)}
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at, c.n,
{listed((f"c.{name}" for name in columns), 8)}
    FROM computed AS c
    ORDER BY c.instrument_id, c.open_at"""


def _insert_rings(source: str) -> str:
    kept = [f"{name}_ring" for name in rings()]
    return f"""\
INSERT INTO market.indicator_rings AS r (
        instrument_id, timeframe, open_at,
{listed(kept, 8)}
    )
    SELECT
        c.instrument_id, %(timeframe)s::text, c.open_at,
{listed((f"c.{name}" for name in kept), 8)}
    FROM {source} AS c
    ON CONFLICT (instrument_id, timeframe) DO UPDATE SET
        open_at = excluded.open_at,
{listed((f"{name} = excluded.{name}" for name in kept), 8)}"""


_SPANS = """(
        %(instrument_ids)s::integer[], %(timeframe)s::text,
        %(before_ats)s::timestamptz[], %(until_ats)s::timestamptz[]
    )"""
_NEWEST_AND_ANCHORS = """(
        SELECT
            z.*,
            row_number() OVER (PARTITION BY z.instrument_id ORDER BY z.open_at DESC) = 1 AS is_latest
        FROM computed AS z
    ) AS c
    WHERE c.is_latest OR c.is_anchor"""


def statements() -> str:
    """What indicators/compute.py runs where every column is named."""
    stated = ["n", "is_anchor", *names(declared().states)]
    return f"""\
-- Purpose: what indicators/compute.py runs, where it names every column.
{HEAD}-- noqa: disable=all

-- name: compute
WITH computed AS MATERIALIZED (
    SELECT c.*
    FROM market.indicator_rows{_SPANS} AS c
),

-- Of the states only those that are not what they were: text tells every bit.
kept AS (
    {_insert_state(_NEWEST_AND_ANCHORS)}
    ON CONFLICT (instrument_id, timeframe, open_at) DO UPDATE SET
{listed((f"{name} = excluded.{name}" for name in stated), 8)}
    WHERE ROW({", ".join(f"s.{name}" for name in stated)})::text
        IS DISTINCT FROM ROW({", ".join(f"excluded.{name}" for name in stated)})::text
    RETURNING instrument_id, open_at
),

stored AS (
    {_insert_rows()}
)

SELECT
    c.instrument_id,
    count(*) AS rows_written,
    COALESCE(max(k.open_at) = max(c.open_at), FALSE) AS is_other
FROM computed AS c
LEFT JOIN kept AS k ON c.instrument_id = k.instrument_id AND c.open_at = k.open_at
GROUP BY c.instrument_id;

-- name: keep_rings
{_dedented(_insert_rings(f"market.indicator_rings_of{_SPANS}"))};

-- name: step
WITH computed AS MATERIALIZED (
    SELECT c.*
    FROM market.next_indicator_rows(
        %(instrument_ids)s::integer[], %(timeframe)s::text, %(from_ats)s::timestamptz[], %(most)s::integer
    ) AS c
),

kept AS (
    {_insert_state("computed AS c")}
),

thinned AS (
    DELETE FROM market.indicator_state AS s
    USING computed AS c
    WHERE s.instrument_id = c.instrument_id AND s.timeframe = %(timeframe)s::text AND s.open_at = c.resumed_from
        AND NOT s.is_anchor
),

ringed AS (
    {_insert_rings("computed")}
),

stored AS (
    {_insert_rows()}
)

SELECT
    c.instrument_id,
    c.newer
FROM computed AS c;
"""


def _dedented(text: str) -> str:
    return text.replace("\n    ", "\n")


def view() -> str:
    """The view of the analysts."""
    columns = listed(f"x.{name}" for name in names(declared().columns))
    bars = listed(
        f"b.{name} {'/' if name == 'volume' else '*'} COALESCE(a.price_factor, 1.0::double precision) AS {name}"
        for name in BASE
    )
    newest = listed((f"max(b.{name}) AS {name}" for name in BASE), 8)
    return f"""\
-- Purpose: bars with their indicators (name + parameters) of all timeframes for analysts; null during warm-up.
-- Grain:   one row per (symbol, timeframe, open_at) of a closed bar; n is the bar's ordinal, counted up to 1,000.
-- Units:   open to volume as in analytics.adjusted_bars, in shares of today; null where old bars were dropped.
-- Why an aggregate over the one bar there is: the planner then drops the look-up where no bar column is read, and it
-- looks up by key, row by row, else: joined to market.adjusted_bars it thinks of a few rows and reads all bars.
{HEAD}CREATE OR REPLACE VIEW analytics.indicators AS
SELECT
    i.public_symbol AS symbol,
    x.timeframe,
    x.open_at,
    x.open_at + t.span AS close_at,
    x.n,
{bars},
{columns}
FROM market.indicators AS x
INNER JOIN market.instruments AS i ON x.instrument_id = i.instrument_id
INNER JOIN market.timeframes AS t ON x.timeframe = t.timeframe
LEFT JOIN market.instrument_bases AS r
    ON x.instrument_id = r.instrument_id AND x.open_at >= r.rules_from AND x.open_at < r.rules_until
LEFT JOIN market.adjustments AS a
    ON x.instrument_id = a.instrument_id AND x.open_at >= a.from_at AND x.open_at < a.to_at
LEFT JOIN LATERAL (
    SELECT
{newest}
    FROM market.all_bars AS b
    WHERE b.instrument_id = x.instrument_id AND b.timeframe = x.timeframe AND b.open_at = x.open_at
        AND b.base_timeframe = r.base_timeframe AND r.base_timeframe = ANY(b.bases)
) AS b ON TRUE;
"""


def _scaled(value: str, unit: str) -> str:
    power = {"price": " * k.scale", "volume": " / k.scale", "none": ""}
    if unit == "price2/volume":
        return f"{value} * k.scale * k.scale * k.scale"
    return value + power[unit]


def _rescaled(table: str, items: Iterable[Item]) -> str:
    lines = []
    for item in items:
        if set(item.units) == {"none"}:
            continue
        if item.is_array and len(item.units) > 1:
            elements = ", ".join(_scaled(f"x.{item.name}[{place}]", unit) for place, unit in enumerate(item.units, 1))
            lines.append(f"{item.name} = CASE WHEN x.{item.name} IS NOT NULL THEN ARRAY[{elements}] END")
        elif item.is_array:
            scaled = _scaled("e.value", item.units[0])
            lines.append(
                f"{item.name} = COALESCE((SELECT array_agg({scaled} ORDER BY e.place) "
                f"FROM unnest(x.{item.name}) WITH ORDINALITY AS e (value, place)), x.{item.name})"
            )
        else:
            lines.append(f"{item.name} = {_scaled(f'x.{item.name}', item.units[0])}")
    return f"""\
UPDATE market.{table} AS x SET
{listed(lines)}
FROM (
    SELECT
        a.from_at,
        a.to_at,
        CASE WHEN %(is_back)s::boolean THEN 1.0::double precision / a.price_factor ELSE a.price_factor END AS scale
    FROM market.adjustments AS a
    WHERE a.instrument_id = %(instrument_id)s::integer
) AS k
WHERE x.instrument_id = %(instrument_id)s::integer AND x.open_at >= k.from_at AND x.open_at < k.to_at
    AND x.open_at < (SELECT max(r.kept_from) FROM market.retention AS r)
    AND k.scale <> 1.0::double precision;
"""


def rescale() -> str:
    """What bars/splits.py runs."""
    return f"""\
-- Purpose: what bars/splits.py runs, where it names every indicator column: old rows in other shares.
{HEAD}-- noqa: disable=all

-- name: rescale_rows
-- Old rows whose bars were dropped cannot be computed again: they are brought back to raw prices before the
-- adjustments change, and to today's shares after it. What still has its bars is computed anew besides.
{_rescaled("indicators", declared().columns)}
-- name: rescale_states
-- The anchors from which the first bars that are kept resume.
{_rescaled("indicator_state", declared().states)}"""


def snapshot() -> str:
    """What snapshot.py reads."""
    columns = listed(f"x.{name}" for name in names(declared().columns))
    return f"""\
-- Purpose: the indicators of a snapshot (snapshot.py); of these columns only those that are asked for are read.
{HEAD}
-- name: load_indicators
SELECT
    x.instrument_id,
    (date_part('epoch', x.open_at) * 1000000.0::double precision)::bigint AS open_at,
    x.n,
{columns}
FROM unnest(%(instrument_ids)s::integer[], %(from_ats)s::timestamptz[]) AS c (instrument_id, from_at)
INNER JOIN market.indicators AS x
    ON c.instrument_id = x.instrument_id
    AND x.timeframe = %(timeframe)s::text
    AND x.open_at >= c.from_at
    AND x.open_at >= %(first_needed)s::timestamptz
    AND x.open_at <= %(last_open)s::timestamptz;
"""
