"""The record, read: signals newest first in pages, one signal, and what became of them.

Shared by the command line and the API; what is asked for wrongly is said in one line before SQL sees it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from signalhub import plugins
from signalhub.bars import instruments
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.signal import Direction, Origin
from signalhub.errors import NotFound, UsageInvalid
from signalhub.strategies.base import Strategy

MAX_LIMIT = 500
STATUSES = ("open", "target_hit", "stop_hit", "expired", "cancelled")
DIRECTIONS = tuple(item.value for item in Direction)
ORIGINS = tuple(item.value for item in Origin)

_SQL = Queries("signals/read")
_LAST_ID = 2**63 - 1
_NEWER_THAN_ALL = ("infinity", _LAST_ID)
_BROKEN = "is no cursor of ours. Take next_cursor of the page before as it is, or leave it out."


@dataclass(frozen=True)
class SignalFilter:
    """Which signals, and where the page begins; None does not narrow. `since` keeps close_at >= since."""

    symbol: str | None = None
    timeframe: str | None = None
    strategy: str | None = None
    direction: str | None = None
    status: str | None = None
    origin: str | None = None
    since: datetime | None = None
    is_open: bool | None = None
    limit: int = 50
    cursor: str | None = None

    def at(self, cursor: str | None, limit: int) -> SignalFilter:
        """The same choice, another page."""
        return dataclasses.replace(self, cursor=cursor, limit=limit)


@dataclass(frozen=True)
class Page:
    """Rows of analytics.signals, instants in UTC; next_cursor is None on the last page."""

    items: list[dict[str, Any]]
    next_cursor: str | None


def page(connection: Connection, chosen: SignalFilter) -> Page:
    """The newest signals by (close_at, signal_id) that come after the cursor.

    Guarantees: pages walked to the end hold every signal of the beginning exactly once, whatever arrives.
    Raises: UsageInvalid, naming what is allowed; NotFound for a symbol that does not exist.
    """
    parameters = _parameters(connection, chosen)
    rows = _SQL.rows(connection, "page", **parameters)
    items = [_in_utc(row) for row in rows[: chosen.limit]]
    return Page(items, _cursor(items[-1]) if len(rows) > chosen.limit else None)


def one(connection: Connection, signal_id: int) -> dict[str, Any] | None:
    """The signal of this id, or None."""
    if not 0 <= signal_id <= _LAST_ID:
        return None
    rows = _SQL.rows(connection, "one", signal_id=signal_id)
    return _in_utc(rows[0]) if rows else None


def summary(connection: Connection) -> list[dict[str, Any]]:
    """Rows of analytics.performance_by_strategy, by name."""
    return _SQL.rows(connection, "summary")


def _parameters(connection: Connection, chosen: SignalFilter) -> dict[str, Any]:
    before_close_at, before_signal_id = _position(chosen.cursor) if chosen.cursor is not None else _NEWER_THAN_ALL
    return {
        "before_close_at": before_close_at,
        "before_signal_id": before_signal_id,
        "since": _since(chosen.since),
        "symbol": _symbol(connection, chosen.symbol),
        "timeframe": None if chosen.timeframe is None else timeframes.parse(chosen.timeframe).code,
        "strategy": _strategy(connection, chosen.strategy),
        "direction": _known("direction", chosen.direction, DIRECTIONS),
        "status": _known("status", chosen.status, STATUSES),
        "origin": _known("origin", chosen.origin, ORIGINS),
        "is_open": chosen.is_open,
        # One more than asked for tells whether there is a next page.
        "limit": _limit(chosen.limit) + 1,
    }


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise UsageInvalid(f"limit {limit} is not from 1 to {MAX_LIMIT}.")
    return limit


def _since(since: datetime | None) -> datetime | str:
    if since is None:
        return "-infinity"
    if since.tzinfo is None:
        raise UsageInvalid(f"since {since.isoformat()} has no time zone. Write 2026-01-02T03:00:00Z.")
    return since


def _known(what: str, value: str | None, allowed: Iterable[str]) -> str | None:
    if value is not None and value not in allowed:
        raise UsageInvalid(f"{value!r} is no {what}. Use one of {', '.join(allowed)}.")
    return value


def _symbol(connection: Connection, symbol: str | None) -> str | None:
    if symbol is None:
        return None
    if "\0" in symbol:
        raise NotFound(f"No instrument has the symbol {symbol!r}.")
    return instruments.find(connection, symbol).public_symbol


def _strategy(connection: Connection, strategy: str | None) -> str | None:
    if strategy is None:
        return None
    # Signals outlive the file of their strategy, and a new file has none yet: both names are right.
    recorded = {row["strategy"] for row in _SQL.rows(connection, "strategies")}
    if strategy in recorded:
        return strategy
    declared = plugins.declared("signalhub.strategies", "STRATEGY", Strategy).values()
    return _known("strategy", strategy, sorted(recorded | {item.name for item in declared}))


def _cursor(row: dict[str, Any]) -> str:
    return _encoded(row["close_at"], row["signal_id"])


def _encoded(close_at: datetime, signal_id: int) -> str:
    text = f"{close_at.astimezone(UTC).isoformat()}|{signal_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[datetime, int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        close_at, _, signal_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition("|")
        position = datetime.fromisoformat(close_at), int(signal_id)
        # Only what we would have written ourselves is a cursor: no other spelling of it slips through.
        is_ours = 0 <= position[1] <= _LAST_ID and _encoded(*position) == cursor
    except (ValueError, OverflowError, binascii.Error):
        is_ours = False
    if not is_ours:
        raise UsageInvalid(f"cursor {cursor[:40]!r} {_BROKEN}")
    return position


def _in_utc(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}
