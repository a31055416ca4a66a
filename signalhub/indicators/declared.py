"""What sql/indicators.sql declares: the one place where an indicator column is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from signalhub import resources

_SECTION = re.compile(r"^-- section: (\w+)$", re.MULTILINE)
_ITEM = re.compile(r"^    (?P<expression>\S.*?) AS (?P<name>\w+),?(?: -- (?P<note>.+))?$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r" AS \w+,?(?: -- .+)?$")
_WORD = re.compile(r"(?<![\w.])[a-z_]\w*(?![\w(])")
_STEP = re.compile(r"^ta\.\w+_step\((?P<name>\w+)\b")
_AGO = re.compile(r"\b(?:lag\(\w+, \d+\)|before\(\w+\))")
BAR = ("open", "high", "low", "close", "volume")
UNITS = {name: "volume" if name == "volume" else "price" for name in BAR}
"""Of the bar's own values."""
POWERS = {"price": 1, "price2": 2, "volume": -1, "price2/volume": 3, "none": 0}
"""Unit → the power of a split's price factor that it goes with; money (price × volume) has none."""


@dataclass(frozen=True)
class Item:
    """One line: an expression and its name; what the note says of it."""

    name: str
    expression: str
    note: str

    @property
    def words(self) -> set[str]:
        """The names of this bar's values that the expression may lean on."""
        return set(_WORD.findall(_AGO.sub("", self.expression))) - {self.name}

    @property
    def is_state(self) -> bool:
        """Whether it goes on from the bar before: `ta.x_step(own_name, …) AS own_name`."""
        match = _STEP.match(self.expression)
        return bool(match and match["name"] == self.name)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit, or those of the elements of a state that is an array."""
        return tuple(self.note.split("·")[-1].strip().removeprefix("[").removesuffix("]").split(", "))

    @property
    def is_array(self) -> bool:
        """Whether it is an array of numbers."""
        return "[" in self.note

    @property
    def first_bar(self) -> int:
        """Of a column: the ordinal of the bar from which it has a value."""
        return int(self.note.split("·")[0].removeprefix("from bar "))


@dataclass(frozen=True)
class Declared:
    """The sections of the file, each in its order."""

    values: tuple[Item, ...]
    columns: tuple[Item, ...]

    @property
    def states(self) -> tuple[Item, ...]:
        """What is carried from bar to bar."""
        return tuple(item for item in self.values if item.is_state)


@cache
def declared() -> Declared:
    """The file, read once."""
    text = (resources.folder("sql") / "indicators.sql").read_text(encoding="utf-8")
    parts = _SECTION.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Declared(**{name: tuple(_items(body)) for name, body in sections.items()})


def _items(body: str) -> list[Item]:
    found: list[Item] = []
    pending: list[str] = []
    for line in body.split("SELECT\n", 1)[1].split("\nFROM", 1)[0].splitlines():
        if line.strip().startswith("--"):
            continue
        pending.append(line)
        if _LINE.search(line):
            match = _ITEM.fullmatch("\n".join(pending))
            assert match, pending
            found.append(Item(match["name"], " ".join(match["expression"].split()), match["note"] or "price"))
            pending = []
    return found


def ordered() -> list[Item]:
    """The values in an order in which each leans only on those before it, and on bars before this one."""
    items = {item.name: item for item in declared().values}
    found: dict[str, Item] = {}
    for name in items:
        _visit(name, items, found, ())
    return list(found.values())


def _visit(name: str, items: Mapping[str, Item], found: dict[str, Item], above: tuple[str, ...]) -> None:
    assert name not in above, f"a circle: {' → '.join((*above, name))}"
    if name in found:
        return
    for word in sorted(items[name].words & items.keys()):
        _visit(word, items, found, (*above, name))
    found[name] = items[name]
