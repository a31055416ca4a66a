"""A made-up record: instruments, strategies, signals and their outcomes, put in by SQL."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from psycopg.types.json import Jsonb

from signalhub.db.connection import Connection

CLOSE = datetime(2026, 1, 2, 3, tzinfo=UTC)
ROUNDS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Rounds of a random test that share one connection, and roll back what they add."""
_HASHES = itertools.count(1)


def add_instrument(connection: Connection, symbol: str = "BTC/USDT", **changes: Any) -> int:
    """An instrument at venue `test`."""
    row = {
        "venue": "test",
        "symbol": symbol,
        "public_symbol": symbol,
        "asset_class": "crypto",
        "calendar": "24/7",
        "tick_size": None,
        "is_simulated": False,
        "created_at": CLOSE,
    } | changes
    return _insert(connection, "market.instruments", row, "instrument_id")


def add_instruments(connection: Connection, count: int) -> list[int]:
    """So many of them: T0/USDT, T1/USDT, …"""
    return [add_instrument(connection, f"T{index}/USDT") for index in range(count)]


def add_strategy(connection: Connection, strategy: str = "momentum", version: str = "1-aaaaaaaa") -> int:
    """A version of a strategy."""
    row = {"strategy": strategy, "version": version, "parameters": Jsonb({}), "created_at": CLOSE}
    return _insert(connection, "engine.strategies", row, "strategy_id")


def add_signal(
    connection: Connection,
    instrument_id: int,
    strategy_id: int,
    close_at: datetime = CLOSE,
    outcome: dict[str, Any] | None = None,
    **changes: Any,
) -> int:
    """A long signal of one hour, 100 → 102 with the stop at 99, and its outcome: open unless given."""
    row = {
        "origin": "replay",
        "strategy_id": strategy_id,
        "instrument_id": instrument_id,
        "timeframe": "1h",
        "open_at": close_at - timedelta(hours=1),
        "close_at": close_at,
        "direction": "long",
        "entry": 100,
        "stop": 99,
        "target": 102,
        "score": 71.25,
        "components": Jsonb({"trend": 0.8, "volume": 0.55}),
        "reason": "Up × 2 − made up",
        "valid_until": close_at + timedelta(hours=12),
        "input_hash": f"{next(_HASHES):064x}",
        "recorded_at": close_at + timedelta(seconds=1, microseconds=250),
    } | changes
    signal_id = _insert(connection, "engine.signals", row, "signal_id")
    standing = {"signal_id": signal_id, "tracked_through": close_at} | (outcome or {})
    _insert(connection, "engine.outcomes", standing, "signal_id")
    return signal_id


def closed(status: str, net_r: float, **changes: Any) -> dict[str, Any]:
    """An outcome that was filled at 100 and closed with so many R net."""
    return {
        "status": status,
        "fill_at": CLOSE,
        "fill_price": 100.0,
        "exit_at": CLOSE + timedelta(hours=2),
        "exit_price": 100.0 + net_r,
        "gross_return_pct": net_r,
        "net_return_pct": net_r,
        "r_multiple": net_r,
        "net_r": net_r,
        "mfe_r": max(net_r, 0.0),
        "mae_r": min(net_r, 0.0),
    } | changes


def _insert(connection: Connection, table: str, row: dict[str, Any], key: str) -> int:
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    text = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING {key}"
    found = connection.execute(text.encode(), row).fetchone()
    assert found is not None
    return int(found[0])
