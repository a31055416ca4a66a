"""What sql/indicators.sql declares: the one place where an indicator column is written down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from signalhub import resources

_SECTION = re.compile(r"^-- section: (\w+)$", re.MULTILINE)
_ITEM = re.compile(r"^    (?P<expression>\S.*?) AS (?P<name>\w+),?(?: -- (?P<note>.+))?$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r" AS \w+,?(?: -- .+)?$")
_WORD = re.compile(r"(?<![\w.])[a-z_]\w*(?![\w(])")
_STEP = re.compile(r"^ta\.(?P<function>\w+)_step\((?P<arguments>.*)\)$", re.DOTALL)
POWERS = {"price": 1, "volume": -1, "price2/volume": 3, "none": 0}
"""Unit → the power of a split's price factor that it goes with; money (price × volume) has none."""


@dataclass(frozen=True)
class Item:
    """One line: an expression and its name; what the note says of it."""

    name: str
    expression: str
    note: str

    @property
    def words(self) -> set[str]:
        """The names that the expression may lean on."""
        return set(_WORD.findall(self.expression)) - ({self.name} if self.is_state else set())

    @property
    def is_state(self) -> bool:
        """Whether it goes on from the bar before: `ta.x_step(own_name, …) AS own_name`."""
        match = _STEP.match(self.expression)
        return bool(match and re.match(rf"{self.name}\b", match["arguments"]))

    @property
    def needs_seed(self) -> bool:
        """Whether it leans on the state before the first row."""
        return self.is_state or "before(" in self.expression

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

    bars: tuple[Item, ...]
    frames: tuple[Item, ...]
    derived: tuple[Item, ...]
    columns: tuple[Item, ...]

    @property
    def states(self) -> tuple[Item, ...]:
        """What is carried from bar to bar."""
        return tuple(item for item in self.derived if item.is_state)


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


def levels() -> list[list[Item]]:
    """The derived values in levels, each leaning only on those before it, on frames and on bars.

    Guarantees: as few levels as can be, and each value as late as can be: what is there is carried through all levels.
    """
    items = {item.name: item for item in declared().derived}
    early = _early(items)
    last = max(early.values())
    late: dict[str, int] = {}
    for name in sorted(items, key=lambda name: -early[name]):
        late[name] = min([late[user] - 1 for user, item in items.items() if name in item.words], default=last)
    return [[item for item in items.values() if late[item.name] == level] for level in range(last + 1)]


def free() -> list[Item]:
    """The derived values without a state below them: what a lag may look at."""
    items = {item.name: item for item in declared().derived}
    bound = {item.name for item in items.values() if item.is_state or "before(" in item.expression}
    while more := {item.name for item in items.values() if item.name not in bound and item.words & bound}:
        bound |= more
    return [item for item in items.values() if item.name not in bound]


def _early(items: dict[str, Item]) -> dict[str, int]:
    """Name → the first level on which it can be computed."""
    found: dict[str, int] = {}
    while len(found) < len(items):
        ready = [
            item for item in items.values() if item.name not in found and not item.words & (items.keys() - found.keys())
        ]
        assert ready, f"a circle among {sorted(items.keys() - found.keys())}"
        found |= {item.name: 1 + max((found[word] for word in item.words & items.keys()), default=-1) for item in ready}
    return found
