"""Entitlements: which strategies a subscriber owns, in spans [valid_from, valid_until).

The rows are history. A grant adds rows for what is not covered yet, so that no two spans of a strategy overlap and
each says when it was granted; revoking ends spans now and touches nothing that has been. So the rows with
granted_at <= t tell who was entitled at t as it was known at t, whatever is granted or revoked later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import NotFound, UsageInvalid
from signalhub.signals.read import strategies
from signalhub.subscribers import people, values

ALL = "all"
_SQL = Queries("subscribers/entitlements")


@dataclass(frozen=True)
class Entitlement:
    """A row of account.entitlements. valid_until None: without end; one that ends as it begins never held."""

    entitlement_id: int
    strategy: str
    valid_from: datetime
    valid_until: datetime | None
    granted_at: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether the instant is in the span."""
        return self.valid_from <= instant and (self.valid_until is None or instant < self.valid_until)


def chosen(connection: Connection, names: Sequence[str]) -> list[str]:
    """The strategies of these names; `all` is each one known.

    Raises: NotFound, naming those there are.
    """
    there_are = strategies(connection)
    unknown = [name for name in names if name not in (*there_are, ALL)]
    if unknown:
        raise NotFound(f"No strategy is called {unknown[0][:80]!r}. There are: {', '.join(there_are)}.")
    return there_are if ALL in names else sorted(set(names))


def grant(
    connection: Connection,
    subscriber_id: int,
    names: Sequence[str],
    now: datetime,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> list[Entitlement]:
    """Entitles to strategies from then (None: now) until then (None: without end); the rows that are new.

    Guarantees: afterwards every instant of the span is covered, what was covered before still is, and nothing twice.
    Raises: NotFound for an unknown strategy; UsageInvalid for a span without length.
    """
    strategies = chosen(connection, names)
    begin = values.instant(valid_from or now, "from")
    if valid_until is not None and values.instant(valid_until, "until") <= begin:
        raise UsageInvalid(f"until {valid_until:%Y-%m-%dT%H:%MZ} is not after from {begin:%Y-%m-%dT%H:%MZ}.")
    people.lock(connection, subscriber_id)
    rows = _SQL.rows(
        connection,
        "grant",
        subscriber_id=subscriber_id,
        strategies=strategies,
        valid_from=begin,
        valid_until=valid_until,
        now=now,
    )
    return [Entitlement(**row) for row in rows]


def revoke(connection: Connection, subscriber_id: int, names: Sequence[str], now: datetime) -> list[str]:
    """Ends what is owned of these strategies now, and what was to begin later; the strategies it concerned.

    Raises: NotFound for a strategy that is neither known nor was ever owned.
    """
    people.lock(connection, subscriber_id)
    owned = {row.strategy for row in history(connection, subscriber_id)}
    strategies = owned if ALL in names else owned.intersection(names) | set(chosen(connection, _not(names, owned)))
    rows = _SQL.rows(connection, "revoke", subscriber_id=subscriber_id, strategies=sorted(strategies), now=now)
    return sorted({row["strategy"] for row in rows})


def _not(names: Sequence[str], owned: set[str]) -> list[str]:
    return [name for name in names if name not in owned]


def history(connection: Connection, subscriber_id: int) -> list[Entitlement]:
    """Every span there is or was, by strategy and beginning."""
    rows = _SQL.rows(connection, "history", subscriber_id=subscriber_id)
    return [Entitlement(**row) for row in rows]


def current(connection: Connection, now: datetime) -> dict[int, list[str]]:
    """The strategies each subscriber owns now, by subscriber_id; whoever owns none is not in it."""
    return {row["subscriber_id"]: row["strategies"] for row in _SQL.rows(connection, "current", now=now)}
