"""market.walk_indicators: bar after bar of one instrument, everything in variables, one assignment per value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from signalhub.indicators.declared import BAR, Item, declared, ordered
from signalhub.indicators.reach import ANCHOR_BARS, ORDINAL_MOST
from signalhub.indicators.written import tape
from signalhub.indicators.written.parts import HEAD, listed
from signalhub.indicators.written.steps import written_out

_HEAD = f"""\
-- Purpose: the indicators of one instrument's bars, from the first bar of all or on from a stored state: a whole
--          history or the next bar, by the same lines, so that the bits are the same.
-- Grain:   one row per bar given, in the order given: bars holds open, high, low, close, volume, era and session of
--          each. row_values: the columns of market.indicators from the first indicator on; memory: at anchors and at
--          the last bar, all that later bars lean on.
-- Units:   sql/indicators.sql. Eras and sessions in seconds (market.era_of, market.session_of).
-- Read by: market.indicator_rows.
-- Why one loop: a value in a variable costs 0.1 µs, a call of a function or a window's row several times that. What is
-- looked back at lies on a tape (indicators/written/tape.py), which is stored with the states behind it.
{HEAD}-- noqa: disable=all
"""


@dataclass
class _Lines:
    """What the function declares, and what it does with every bar."""

    declared: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def variable(self, name: str, kind: str, value: str) -> None:
        """A variable, and its value at this bar."""
        self.declared.append(f"{name} {kind};")
        self.done.append(f"{name} := {value};")

    def named(self, kind: str, value: str) -> str:
        """The name of a variable that holds a value."""
        name = f"given_{len(self.declared)}"
        self.variable(name, kind, value)
        return name

    def state(self, item: Item) -> None:
        """A state, which begins as it is stored."""
        kind = _kind(item)
        if item.name in tape.looked_at_before():
            self.variable(f"{item.name}_before", kind, item.name)
        value = written_out(tape.read(item.expression), self.named)
        remembered = _as_remembered(item, dict(tape.remembered())[item])
        self.declared.append(f"{item.name} {kind} := {remembered};")
        self.done.append(f"{item.name} := {value};")


def _kind(item: Item) -> str:
    return "double precision[]" if item.is_array else "double precision"


def _as_remembered(item: Item, last: int) -> str:
    """A state as the memory holds it; an array that is not there yet is one of nulls in it."""
    if not item.is_array:
        return f"remembered[{last}]"
    # Cell by cell: a slice would copy the whole memory first.
    cells = ", ".join(f"remembered[{place}]" for place in range(last - len(item.units) + 1, last + 1))
    return f"CASE WHEN num_nonnulls({cells}) > 0 THEN ARRAY[{cells}] END"


def _states() -> str:
    """All states in a row, element by element."""
    cells = []
    for item in declared().states:
        places = [f"[{place}]" for place in range(1, len(item.units) + 1)] if item.is_array else [""]
        cells += [item.name + place for place in places]
    return ", ".join(cells)


def walk_function() -> str:
    """The file."""
    lines = _Lines()
    for item in ordered():
        if item.is_state:
            lines.state(item)
        elif item.name not in _straight():
            lines.variable(item.name, "double precision", tape.read(item.expression))
    return _HEAD + _function(lines)


def _straight() -> dict[str, str]:
    """The values that nothing but one column shows: written there, they need no variable."""
    items = {item.name: item for item in declared().values if not item.is_state}
    uses = Counter(word for item in (*declared().values, *declared().columns) for word in item.words)
    shown = [item.expression for item in declared().columns]
    return {
        name: tape.read(item.expression)
        for name, item in items.items()
        if uses[name] == 1 and name in shown and name not in tape.depths()
    }


def _column(item: Item) -> str:
    value = _straight().get(item.expression) or tape.read(item.expression)
    return value if item.first_bar <= 1 else f"CASE WHEN n >= {item.first_bar} THEN {value} END"


def _function(lines: _Lines) -> str:
    def block(given: list[str], indent: int) -> str:
        return "\n".join(" " * indent + line for line in given)

    given = [*BAR, "era", "session"]
    cells = len(tape.units())
    return f"""\
CREATE OR REPLACE FUNCTION market.walk_indicators(
    span interval, bars_before bigint, previous_at timestamptz, remembered double precision[],
    open_ats timestamptz[], bars double precision[]
) RETURNS TABLE (
    open_at timestamptz, n bigint, is_anchor boolean, row_values double precision[], memory double precision[]
)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    last_bar integer := coalesce(cardinality(open_ats), 0);
    tape double precision[] := coalesce(remembered, array_fill(NULL::double precision, ARRAY[{cells}]));
    cell integer := 0;
    day date;
{block([f"{name} double precision;" for name in given], 4)}
{block([f"{name} double precision;" for name in tape.PREVIOUS], 4)}
{block(lines.declared, 4)}
BEGIN
    n := bars_before;
    FOR bar IN 1 .. last_bar LOOP
        open_at := open_ats[bar];
{block([f"{name} := bars[bar][{place}];" for place, name in enumerate(given, 1)], 8)}
        n := least(n + 1, {ORDINAL_MOST});
        day := (open_at AT TIME ZONE 'UTC')::date;
        is_anchor := date_bin({ANCHOR_BARS} * span, open_at, '1970-01-01 00:00:00+00') > previous_at;
        previous_at := open_at;
{block(tape.previous_values(), 8)}
{block(lines.done, 8)}
        row_values := ARRAY[
{listed((_column(item) for item in declared().columns), 12)}
        ];
        cell := cell + 1;
{block(tape.pushes(), 8)}
        IF is_anchor OR bar = last_bar THEN
            memory := tape[cell + 1 : cell + {tape.length()}] || ARRAY[
                {_states()}
            ];
            IF bar < last_bar THEN
                tape := memory;
                cell := 0;
            END IF;
        ELSE
            memory := NULL;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
"""
