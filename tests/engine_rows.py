"""What the engine recorded, without surrogate keys and wall-clock columns: for comparing two runs."""

from __future__ import annotations

from typing import Any

from signalhub.bars import instruments
from signalhub.bars.ingest import Source
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from tests.market import HISTORY, MONDAY, rows

_WALL_CLOCK = ("signal_id", "recorded_at", "published_at")


def register(database: Database, spec: InstrumentSpec, source: Source = HISTORY) -> int:
    """An instrument that a source may write; a second source may follow."""
    with database.transaction() as connection:
        return instruments.register(connection, spec, source.name, is_live=source.is_live, now=MONDAY)


def signals(database: Database, *without: str) -> list[dict[str, Any]]:
    """Rows of analytics.signals by identity, without surrogate, wall-clock and other named columns."""
    found = rows(
        database, "SELECT * FROM analytics.signals ORDER BY origin, strategy, symbol, timeframe, close_at, direction"
    )
    return [{name: value for name, value in row.items() if name not in (*_WALL_CLOCK, *without)} for row in found]


def evaluations(database: Database, *without: str) -> list[dict[str, Any]]:
    """Evaluations by identity, with their counts."""
    found = rows(
        database,
        "SELECT e.origin, v.strategy, v.version, e.timeframe, e.close_at, e.instruments_seen, "
        "e.instruments_abstained, e.candidates, e.signals "
        "FROM engine.evaluations AS e INNER JOIN engine.strategies AS v ON e.strategy_id = v.strategy_id "
        "ORDER BY 1, 2, 3, 4, 5",
    )
    return [{name: value for name, value in row.items() if name not in without} for row in found]


def abstentions(database: Database, *without: str) -> list[dict[str, Any]]:
    """Abstentions by identity."""
    found = rows(
        database,
        "SELECT e.origin, v.strategy, e.timeframe, e.close_at, i.public_symbol AS symbol, "
        "a.direction, a.reason, a.score "
        "FROM engine.abstentions AS a "
        "INNER JOIN engine.evaluations AS e ON a.evaluation_id = e.evaluation_id "
        "INNER JOIN engine.strategies AS v ON e.strategy_id = v.strategy_id "
        "INNER JOIN market.instruments AS i ON a.instrument_id = i.instrument_id "
        "ORDER BY 1, 2, 3, 4, 5, 6",
    )
    return [{name: value for name, value in row.items() if name not in without} for row in found]


def record(database: Database) -> tuple[list[dict[str, Any]], ...]:
    """All of it."""
    return signals(database), evaluations(database), abstentions(database)


def every_byte(database: Database) -> list[list[dict[str, Any]]]:
    """Every row of the engine's tables as text."""
    tables = ("strategies", "evaluations", "abstentions", "signals", "signal_inputs", "outcomes")
    return [rows(database, f"SELECT x::text AS row FROM engine.{table} AS x ORDER BY 1") for table in tables]


def forget(database: Database) -> None:
    """Empties the engine's record and leaves the market."""
    with database.transaction() as connection:
        connection.execute(
            "TRUNCATE account.feedback, engine.outcomes, engine.signal_inputs, engine.signal_validity, engine.signals, "
            "engine.abstentions, engine.evaluations"
        )
