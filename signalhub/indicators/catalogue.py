"""The catalogue of the indicator columns: each with the call that gives its values on any table, and its facts.

Put together from sql/indicators.sql (columns, first bars, units) and the head comments of the `ta` functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from signalhub import resources
from signalhub.indicators import heads
from signalhub.indicators.declared import Item, declared
from signalhub.indicators.heads import Head

WINDOW = " OVER (PARTITION BY symbol ORDER BY open_at)"
_ENDS_IN_NUMBER = re.compile(r"(\w+?)_?(\d+)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UNITS = {"none": "no unit", "price2/volume": "price² / volume"}
_SESSION = "A session is the trading day of the instrument's calendar; the UTC day where that has none of a day (24/7)."
_DAY = "The day before is the last earlier UTC day that has a bar."


@dataclass(frozen=True)
class Indicator:
    """One column of market.indicators.

    Units: `first_bar` is the ordinal of the first bar that can have a value, 1 at the instrument's first of the
    timeframe; `unit` price, volume, price2/volume or none.
    """

    column: str
    head: Head
    call: str
    parameters: Mapping[str, int | float]
    first_bar: int
    unit: str
    note: str

    @property
    def unit_text(self) -> str:
        """The unit in words."""
        return _UNITS.get(self.unit, self.unit)

    @property
    def short_call(self) -> str:
        """The call without its window."""
        return self.call.removesuffix(WINDOW)

    @property
    def talib(self) -> str | None:
        """The twin in TA-Lib."""
        return None if self._is_followed else self.head.facts["ta-lib"]

    @property
    def oracle(self) -> str | None:
        """Whose values are followed where TA-Lib has none."""
        return self.head.facts["ta-lib"].removeprefix("none; ").removeprefix("FOLLOWED ") if self._is_followed else None

    @property
    def _is_followed(self) -> bool:
        return self.head.facts["ta-lib"].startswith("none")


@cache
def catalogue() -> tuple[Indicator, ...]:
    """Every column, in the order of the table."""
    return tuple(_indicator(item) for item in declared().columns)


def facts_of(item: Indicator) -> dict[str, Any]:
    """One row of analytics.indicator_catalogue but for its place; what is not there is None."""
    head, facts = item.head, item.head.facts
    row = {
        "column_name": item.column,
        "name": head.title,
        "family": head.family.title,
        "ta_function": f"ta.{head.name}",
        "call": item.call,
        "parameters": dict(item.parameters),
        "first_bar": item.first_bar,
        "unit": item.unit,
        "unit_note": head.family.units,
        "bounds": facts["bounds"],
        "null_behaviour": facts["null"],
        "flat_behaviour": facts["flat"],
        "warm_up": facts["warm-up"],
        "formula": heads.written_out(head),
        "author": head.family.author,
        "source": head.family.source,
        "talib": item.talib,
        "oracle": item.oracle,
        "note": item.note,
    }
    return {name: value.removesuffix(".") or None if isinstance(value, str) else value for name, value in row.items()}


def eras() -> str:
    """What market.era_of says of the eras."""
    path = resources.folder("sql") / "derived" / "2_functions" / "21_era_of.sql"
    match = re.search(r"^-- (1m: .*?)\n-- Read by", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert match
    return match[1].replace("\n-- ", " ")


def _indicator(item: Item) -> Indicator:
    head, numbers = _function_of(item.name)
    call = _called(head.call, numbers)
    return Indicator(
        item.name, head, call, _parameters(head, call), item.first_bar, item.units[0], _note(_leans_on(item))
    )


def _function_of(column: str) -> tuple[Head, list[str]]:
    """The public function that a column is named for, and the numbers in its name: `pivot_r2` is `ta.pivot_r`, 2."""
    functions = {head.name: head for head in reversed(heads.public())}
    numbers: list[str] = []
    name = column
    while name not in functions:
        match = _ENDS_IN_NUMBER.fullmatch(name)
        assert match, f"no public function of ta is called like the column {column}"
        name = match[1]
        numbers.insert(0, match[2])
    return functions[name], numbers


def _called(example: str, numbers: Sequence[str]) -> str:
    """The example with a column's numbers: as it is where it holds them in order, else the first ones replaced."""
    name, inside, window = _taken_apart(example)
    arguments = heads.split(inside)
    places = [place for place, argument in enumerate(arguments) if _NUMBER.fullmatch(argument)]
    left = iter(float(arguments[place]) for place in places)
    if not all(float(number) in left for number in numbers):
        for place, number in zip(places, numbers, strict=False):
            arguments[place] = number
    return f"{name}({', '.join(arguments)}){window}"


def _parameters(head: Head, call: str) -> dict[str, int | float]:
    """The numbers of a call by the names of their arguments."""
    given = zip(head.arguments, heads.split(_taken_apart(call)[1]), strict=True)
    return {
        argument.split()[0]: int(value) if value.isdigit() else float(value)
        for argument, value in given
        if _NUMBER.fullmatch(value)
    }


def _taken_apart(call: str) -> tuple[str, str, str]:
    """The function, its arguments, and the window after them."""
    name, _, inside = call.removesuffix(WINDOW).partition("(")
    return name, inside.removesuffix(")"), WINDOW if call.endswith(WINDOW) else ""


def _leans_on(item: Item) -> set[str]:
    """The names that a column is made of, however far down."""
    items = {other.name: other for other in declared().values}
    found, waiting = set[str](), list(item.words)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += items[name].words if name in items else ()
    return found


def _note(names: set[str]) -> str:
    notes = []
    if "era" in names:
        notes.append(
            "The stored sum begins anew with every era, so that a late bar changes no more than one; the call begins "
            f"with its first row. Within an era they differ by a constant. The eras: {eras()}"
        )
    if "session" in names:
        notes.append(_SESSION)
    if "day" in names:
        notes.append(_DAY)
    return " ".join(notes)
