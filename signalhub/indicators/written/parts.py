"""What the written SQL has in common: names, lists, and the levels of the derived values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from signalhub.indicators.declared import Item, declared, levels
from signalhub.indicators.reach import FRAME

BASE = ("open", "high", "low", "close", "volume")
RINGED = ("high", "low", "close", "volume")
PREVIOUS = ("high", "low", "close")
INPUT_NAMES = (
    *("instrument_id", "open_at", "is_new", "n", "place", "is_anchor", "seed", *BASE),
    *(f"previous_{name}" for name in PREVIOUS),
    *("era", "session"),
)
LAG = re.compile(r"\blag\((\w+), (\d+)\)")
BEFORE = re.compile(r"\bbefore\((\w+)\)")
FRAME_CALL = re.compile(r"^(?P<call>.+) OVER w(?P<size>\d+)$")
STEP_CALL = re.compile(r"^ta\.(\w+)_step\(\w+, (.*)\)$")
HEAD = "-- Written by scripts/write-indicators from sql/indicators.sql: do not edit.\n"


def type_of(item: Item) -> str:
    """The SQL type of a value."""
    return "double precision[]" if item.is_array else "double precision"


def names(items: Iterable[Item]) -> list[str]:
    """Their names."""
    return [item.name for item in items]


def listed(lines: Iterable[str], indent: int = 4) -> str:
    """Lines with commas between them."""
    return ",\n".join(" " * indent + line for line in lines)


def rings() -> dict[str, int]:
    """Series → how many of its last values the next bar needs, beside the states."""
    found = dict.fromkeys(RINGED, FRAME)
    for item in declared().derived:
        for name, back in LAG.findall(item.expression):
            found[name] = max(found.get(name, 0), int(back))
    return found


def masked(item: Item) -> str:
    """A column, null during its warm-up."""
    return item.expression if item.first_bar <= 1 else f"CASE WHEN n >= {item.first_bar} THEN {item.expression} END"


def output(*, with_rings: bool) -> list[tuple[str, str]]:
    """Name and type of what a function gives."""
    given = [("instrument_id", "integer"), ("open_at", "timestamptz"), ("n", "bigint"), ("is_anchor", "boolean")]
    given += [(item.name, "double precision") for item in declared().columns]
    given += [(item.name, type_of(item)) for item in declared().states]
    if with_rings:
        given += [(f"{name}_ring", "double precision[]") for name in rings()]
        given += [("resumed_from", "timestamptz"), ("newer", "bigint")]
    return given


def function(name: str, arguments: str, output: Iterable[tuple[str, str]], body: str) -> str:
    """A function of the schema market."""
    table = listed(f"{column} {kind}" for column, kind in output)
    return (
        f"CREATE OR REPLACE FUNCTION market.{name}(\n    {arguments}\n) RETURNS TABLE (\n{table}\n)\n"
        f"LANGUAGE sql STABLE\nAS $$\n{body}\n$$;\n"
    )


def steps(keep: Callable[[Item], bool] = lambda _: True) -> list[tuple[str, list[Item]]]:
    """The levels from bars to the last derived value, with the items of each that are to be kept."""
    chosen = [[item for item in items if keep(item)] for items in levels()]
    numbered = [(f"level_{number}", items) for number, items in enumerate(filter(None, chosen), 1)]
    return [("bars", list(declared().bars)), ("framed", list(declared().frames)), *numbered]
