"""People who ask the API: one of every kind, each with a key, over a record of two strategies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from signalhub import clock
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.settings import Settings
from signalhub.subscribers import entitlements, keys, people
from tests import records
from tests.records import CLOSE, closed

CLOSED = Settings(rate_limit=1_000_000)
"""Nobody without a key sees anything."""
PATIENCE_SECONDS = 30.0
CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND query IN ('LISTEN signalhub_signals', 'SELECT 1')"
)
"""Ends the connection that listens; other ones of the pool are replaced without anybody noticing."""
ROLES = ("stranger", "subscriber", "entitled", "analyst", "operator", "revoked", "expired", "inactive")


@dataclass
class Town:
    """Tokens by who holds them; MOMENTUM and BREAKOUT are signals of these strategies."""

    momentum: int
    breakout: int
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    def headers(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {}


def settle(connection: Connection) -> Town:
    """A signal of each of two strategies, and somebody in every role; `entitled` owns momentum."""
    instrument = records.add_instrument(connection, "BTC/USDT")
    momentum, breakout = (records.add_strategy(connection, name) for name in ("momentum", "breakout"))
    town = Town(
        records.add_signal(connection, instrument, momentum, CLOSE, closed("target_hit", 2.0)),
        records.add_signal(connection, instrument, breakout, CLOSE + timedelta(hours=1)),
    )
    for who in ROLES[1:]:
        add(connection, town, who, role=who if who in keys.ROLES else "subscriber")
    entitlements.grant(connection, town.ids["entitled"], ["momentum"], clock.now())
    connection.execute(
        "UPDATE account.keys SET created_at = created_at - interval '2 hours', "
        "expires_at = created_at - interval '1 hour' WHERE subscriber_id = %s",
        (town.ids["expired"],),
    )
    keys.revoke(connection, town.tokens["revoked"], clock.now())
    people.change(connection, town.ids["inactive"], {"is_active": False}, CLOSED)
    return town


def add(connection: Connection, town: Town, who: str, role: str = "subscriber", **given: Any) -> None:
    now = clock.now()
    made = people.add(connection, who, {"email": f"{who}@example.org"} | given, CLOSED, now)
    town.ids[who] = made.subscriber_id
    town.tokens[who], _ = keys.issue(connection, made.subscriber_id, now, role)


def settled(database: Database) -> Town:
    with database.transaction() as connection:
        return settle(connection)


def until(what: Callable[[], bool]) -> None:
    """Waits for an announcement to arrive."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
