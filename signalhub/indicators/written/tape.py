"""The tape: the last values of every series that is looked back at, in one array, and expressions that read it.

Each series has as many cells as it is looked back, one series after the other, each oldest first. With every bar the
pointer moves on by one cell, and a series' newest value takes the cell in which the oldest of the next one stood:
nothing is shifted, and where a value stands beside the pointer never changes.
"""

from __future__ import annotations

import re
from functools import cache

from signalhub.indicators.declared import UNITS, Item, declared

_PREVIOUS = re.compile(r"\bprevious_(high|low|close)\b")
_LAG = re.compile(r"\blag\((\w+), (\d+)\)")
_BEFORE = re.compile(r"\bbefore\((\w+)\)")
_FRAME = re.compile(
    r"\b(?P<kind>max|min|avg|sum|count|squares|distances|slope)"
    r"\((?P<given>coalesce\((?P<sparse>\w+), 0\)|(?P<series>\w+)(?:, (?P<mean>\w+))?)\) OVER w(?P<size>\d+)"
)
PREVIOUS = tuple(f"previous_{name}" for name in ("high", "low", "close"))


@cache
def depths() -> dict[str, int]:
    """Series → how many bars it is looked back at most."""
    found: dict[str, int] = {"high": 1, "low": 1, "close": 1}
    for item in (*declared().values, *declared().columns):
        looks = [(name, int(back)) for name, back in _LAG.findall(item.expression)]
        looks += [
            (match["series"] or match["sparse"], int(match["size"]) - 1) for match in _FRAME.finditer(item.expression)
        ]
        for name, back in looks:
            found[name] = max(found.get(name, 0), back)
    return found


def length() -> int:
    """How many cells all series take."""
    return sum(depths().values())


def ends() -> dict[str, int]:
    """Series → the place of its last cell."""
    found, place = {}, 0
    for name, depth in depths().items():
        place += depth
        found[name] = place
    return found


def remembered() -> list[tuple[Item, int]]:
    """The states with the places of their last cells in the memory, which is the tape and behind it the states."""
    found, place = [], length()
    for item in declared().states:
        place += len(item.units)
        found.append((item, place))
    return found


def units() -> list[str]:
    """The unit of each cell of the memory."""
    known = UNITS | {item.name: item.units[0] for item in declared().values}
    of_series = [known[name] for name, depth in depths().items() for _ in range(depth)]
    return of_series + [unit for item in declared().states for unit in item.units]


def ago(name: str, back: int) -> str:
    """A value of some bars ago."""
    return f"tape[cell + {ends()[name] + 1 - back}]" if back else name


def read(expression: str) -> str:
    """An expression over this bar's values and the tape."""
    text = _FRAME.sub(lambda match: _frame(match), expression)
    text = _LAG.sub(lambda match: ago(match[1], int(match[2])), text)
    return _BEFORE.sub(r"\1_before", text)


def _frame(match: re.Match[str]) -> str:
    """A window, written out: of sums the oldest first."""
    size, mean = int(match["size"]), match["mean"]
    values = [ago(match["series"] or match["sparse"], back) for back in range(size - 1, -1, -1)]
    if match["sparse"]:
        values = [f"coalesce({value}, 0.0::float8)" for value in values]
    terms = {
        "count": (f"CASE WHEN {value} IS NULL THEN 0.0::float8 ELSE 1.0::float8 END" for value in values),
        "squares": (f"({value} - {mean}) * ({value} - {mean})" for value in values),
        "distances": (f"abs({value} - {mean})" for value in values),
        "slope": (f"{place - (size - 1) / 2}::float8 * {value}" for place, value in enumerate(values)),
    }
    kind = match["kind"]
    if kind in ("max", "min"):
        return f"{'greatest' if kind == 'max' else 'least'}({', '.join(values)})"
    total = f"({' + '.join(terms.get(kind, iter(values)))})"
    return f"{total} / {size}.0::float8" if kind == "avg" else total


def previous_values() -> list[str]:
    """The lines that look up what many expressions lean on."""
    return [f"{name} := {ago(name.removeprefix('previous_'), 1)};" for name in PREVIOUS]


def pushes() -> list[str]:
    """The lines that put this bar's values on the tape, once the pointer has moved on."""
    return [f"tape[cell + {place}] := {name};" for name, place in ends().items()]


def looked_at_before() -> set[str]:
    """The states of which the value of the bar before is asked for."""
    return {name for item in declared().values for name in _BEFORE.findall(item.expression)}
