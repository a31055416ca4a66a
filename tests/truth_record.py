"""Signals as they are stored, to the last byte, and where two records differ first."""

from __future__ import annotations

import json
from typing import Any

from signalhub.db.engine import Database
from tests.market import rows_of

Record = dict[tuple[str, ...], dict[str, Any]]
"""Each value as the text of its bytes, by identity."""
_RECORD = """
SELECT to_json(s)::text AS signal, p.inputs, i.public_symbol AS symbol, v.strategy, v.version
FROM engine.signals AS s
INNER JOIN engine.signal_inputs AS p ON s.signal_id = p.signal_id
INNER JOIN market.instruments AS i ON s.instrument_id = i.instrument_id
INNER JOIN engine.strategies AS v ON s.strategy_id = v.strategy_id
ORDER BY s.signal_id
"""
_SURROGATES = {"signal_id", "instrument_id", "strategy_id"}
_WALL_CLOCK = {"recorded_at", "published_at"}
IDENTITY = ("origin", "strategy", "version", "symbol", "timeframe", "close_at", "direction")


def record(database: Database) -> Record:
    """Every signal with its inputs, without surrogates and wall clock."""
    found: Record = {}
    with database.transaction() as connection:
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        stored = rows_of(connection, _RECORD)
    for row in stored:
        signal = json.loads(row.pop("signal"), parse_float=str, parse_int=str)
        inputs = json.loads(row["inputs"], parse_float=str, parse_int=str)
        kept = {name: value for name, value in signal.items() if name not in _SURROGATES | _WALL_CLOCK}
        # Columns before what was made of them: the first difference is where it began.
        whole = {"input": inputs} | kept | row
        found[tuple(str(whole[name]) for name in IDENTITY)] = whole
    return found


def first_difference(one: Any, other: Any, field: str = "") -> tuple[str, Any, Any] | None:
    """Where two values differ first: `input.window.close[59]`, and both values there."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        pairs = [(f"{field}.{name}".lstrip("."), one.get(name), other.get(name)) for name in names]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{field}[{place}]", *pair) for place, pair in enumerate(zip(one, other, strict=True))]
    else:
        return None if one == other else (field, one, other)
    return next((found for name, *pair in pairs if (found := first_difference(*pair, name))), None)


def miss(expected: Record, found: Record) -> str | None:
    """The first signal, by close, that is not the same in both, and its first field that differs."""
    for key in sorted({*expected, *found}, key=lambda key: (key[5], key)):
        if key not in found or key not in expected:
            return f"{key} is {'missing' if key not in found else 'not in the first run'}"
        different = first_difference(expected[key], found[key])
        if different is not None:
            return "{}: {} was {} and is {}".format(key, *different)
    return None
