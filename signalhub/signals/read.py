"""The record, read: signals newest first in pages, and one signal.

Shared by the command line and the API; what is asked for wrongly is said in one line before SQL sees it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from signalhub.bars import instruments
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.signal import Direction, Origin
from signalhub.errors import NotFound, UsageInvalid
from signalhub.strategies.declared import declared

MAX_LIMIT = 500
STATUSES = ("open", "target_hit", "stop_hit", "expired", "cancelled")
DIRECTIONS = tuple(item.value for item in Direction)
ORIGINS = tuple(item.value for item in Origin)

_SQL = Queries("signals/read")
_LAST_ID = 2**63 - 1
_NEWER_THAN_ALL = ("infinity", _LAST_ID)
_BROKEN = "is no cursor of ours. Take next_cursor of the page before as it is, or leave it out."


@dataclass(frozen=True)
class Visible:
    """What somebody may see: some strategies as a whole, of others what closed in half-open spans."""

    strategies: tuple[str, ...] = ()
    spans: tuple[tuple[str, datetime, datetime], ...] = ()

    def covers(self, strategy: str, close_at: datetime) -> bool:
        """Whether a signal of this strategy and close is among it."""
        return strategy in self.strategies or any(
            strategy == name and begin <= close_at < end for name, begin, end in self.spans
        )


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
    visible: Visible | None = None
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
    # Whoever sees nothing would have the whole record searched for it.
    rows = [] if chosen.visible == Visible() else _SQL.rows(connection, "page", **parameters)
    items = rows[: chosen.limit]
    return Page(items, _cursor(items[-1]) if len(rows) > chosen.limit else None)


def one(connection: Connection, signal_id: int, visible: Visible | None = None) -> dict[str, Any] | None:
    """The signal of this id; None where there is none, or none of what is visible."""
    if not 0 <= signal_id <= _LAST_ID:
        return None
    rows = some(connection, [signal_id])
    is_hidden = visible is not None and rows and not visible.covers(rows[0]["strategy"], rows[0]["close_at"])
    return rows[0] if rows and not is_hidden else None


def some(connection: Connection, signal_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The signals of these ids, by id."""
    return _SQL.rows(connection, "some", signal_ids=list(signal_ids))


def _parameters(connection: Connection, chosen: SignalFilter) -> dict[str, Any]:
    before_close_at, before_signal_id = _position(chosen.cursor) if chosen.cursor is not None else _NEWER_THAN_ALL
    return {
        "before_close_at": before_close_at,
        "before_signal_id": before_signal_id,
        "since": known_since(chosen.since),
        "symbol": known_symbol(connection, chosen.symbol),
        "timeframe": None if chosen.timeframe is None else timeframes.parse(chosen.timeframe).code,
        "strategy": known_strategy(connection, chosen.strategy),
        "direction": known("direction", chosen.direction, DIRECTIONS),
        "status": known("status", chosen.status, STATUSES),
        "origin": known("origin", chosen.origin, ORIGINS),
        "is_open": chosen.is_open,
        **_visible(chosen.visible),
        # One more than asked for tells whether there is a next page.
        "limit": _limit(chosen.limit) + 1,
    }


def _visible(visible: Visible | None) -> dict[str, Any]:
    spans = visible.spans if visible else ()
    return {
        "visible_strategies": None if visible is None else list(visible.strategies),
        "span_strategies": [strategy for strategy, _, _ in spans],
        "spans_from": [begin for _, begin, _ in spans],
        "spans_until": [end for _, _, end in spans],
    }


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise UsageInvalid(f"limit {limit} is not from 1 to {MAX_LIMIT}.")
    return limit


def known_since(since: datetime | None) -> datetime | str:
    """The instant as SQL takes it. Raises: UsageInvalid for one without a time zone."""
    if since is None:
        return "-infinity"
    if since.tzinfo is None:
        raise UsageInvalid(f"since {since.isoformat()} has no time zone. Write 2026-01-02T03:00:00Z.")
    return since


def known(what: str, value: str | None, allowed: Iterable[str]) -> str | None:
    """The value. Raises: UsageInvalid for one that is not allowed, naming those that are."""
    if value is not None and value not in allowed:
        raise UsageInvalid(f"{value!r} is no {what}. Use one of {', '.join(allowed)}.")
    return value


def known_symbol(connection: Connection, symbol: str | None) -> str | None:
    """The symbol as it is stored. Raises: NotFound where no instrument has it."""
    if symbol is None:
        return None
    if "\0" in symbol:
        raise NotFound(f"No instrument has the symbol {symbol!r}.")
    return instruments.find(connection, symbol).public_symbol


def known_strategy(connection: Connection, strategy: str | None) -> str | None:
    """The strategy. Raises: UsageInvalid where none is called so, naming those there are."""
    return known("strategy", strategy, [] if strategy is None else strategies(connection))


def strategies(connection: Connection) -> list[str]:
    """Strategies there are, by name: declared by a plug-in, or recorded by the engine."""
    # Signals outlive the file of their strategy, and a new file has none yet: both names are right.
    recorded = {row["strategy"] for row in _SQL.rows(connection, "strategies")}
    return sorted(recorded | {item.name for item in declared()})


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
