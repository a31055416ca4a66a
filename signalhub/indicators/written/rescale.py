"""What a split does to what is stored: old rows and anchors in other shares, each value by its unit."""

from __future__ import annotations

from signalhub.indicators.declared import declared
from signalhub.indicators.written import tape
from signalhub.indicators.written.parts import HEAD, listed


def _scaled(value: str, unit: str) -> str:
    power = {"price": " * k.scale", "price2": " * k.scale * k.scale", "volume": " / k.scale", "none": ""}
    if unit == "price2/volume":
        return f"{value} * k.scale * k.scale * k.scale"
    return value + power[unit]


def _memory() -> list[str]:
    """The cells of the memory, each by its unit."""
    places: dict[str, list[str]] = {}
    for place, unit in enumerate(tape.units(), 1):
        places.setdefault(unit, []).append(str(place))
    cases = [
        f"        WHEN e.place IN ({', '.join(found)}) THEN {_scaled('e.value', unit)}"
        for unit, found in places.items()
        if unit != "none"
    ]
    return [
        "memory = (\n        SELECT array_agg(CASE",
        *cases,
        "        ELSE e.value END ORDER BY e.place)",
        "        FROM unnest(x.memory) WITH ORDINALITY AS e (value, place)\n    )",
    ]


def _columns() -> list[str]:
    """The columns of the rows."""
    scaled = ((item.name, item.units[0]) for item in declared().columns if item.units != ("none",))
    return [f"{name} = {_scaled(f'x.{name}', unit)}" for name, unit in scaled]


def _rescaled(table: str, assignments: str) -> str:
    return f"""\
UPDATE market.{table} AS x SET
{assignments}
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


def rescaling() -> str:
    """What bars/splits.py runs."""
    return f"""\
-- Purpose: what bars/splits.py runs, where it names every indicator column: old rows in other shares.
{HEAD}-- noqa: disable=all

-- name: rescale_rows
-- Old rows whose bars were dropped cannot be computed again: they are brought back to raw prices before the
-- adjustments change, and to today's shares after it. What still has its bars is computed anew besides.
{_rescaled("indicators", listed(_columns()))}
-- name: rescale_states
-- The anchors from which the first bars that are kept resume.
{_rescaled("indicator_state", "    " + chr(10).join(_memory()))}"""
