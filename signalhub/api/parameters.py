"""What a request may ask for: query parameters into typed values."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation

from signalhub.db.engine import Database
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.errors import UsageInvalid
from signalhub.signals.read import DIRECTIONS, MAX_LIMIT, STATUSES, SignalFilter

DatabaseDependency: TypeAlias = NamedDependency[SkipValidation[Database]]

_SYMBOL = QueryParameter(
    description="Public symbol, or SYMBOL@VENUE.", examples=[Example(summary="For instance", value="BTC/USDT")]
)
_TIMEFRAME = QueryParameter(description="Timeframe.", schema_extra={"enum": [item.code for item in TIMEFRAMES]})
_STRATEGY = QueryParameter(
    description="Name of the strategy.", examples=[Example(summary="For instance", value="momentum")]
)
_DIRECTION = QueryParameter(description="Direction.", schema_extra={"enum": list(DIRECTIONS)})
_STATUS = QueryParameter(description="Where the signal stands.", schema_extra={"enum": list(STATUSES)})
_SINCE = QueryParameter(
    description="Only signals whose bar closed at or after this instant: ISO-8601 with a zone.",
    schema_extra={"format": "date-time"},
    examples=[Example(summary="For instance", value="2026-01-02T03:00:00Z")],
)
_LIMIT = QueryParameter(description=f"Signals on a page, from 1 to {MAX_LIMIT}.", ge=1, le=MAX_LIMIT)
_CURSOR = QueryParameter(description="next_cursor of the page before, as it is.")


def signal_filter(  # noqa: PLR0913 — Litestar documents and reads one argument per query parameter.
    symbol: Annotated[str | None, _SYMBOL] = None,
    timeframe: Annotated[str | None, _TIMEFRAME] = None,
    strategy: Annotated[str | None, _STRATEGY] = None,
    direction: Annotated[str | None, _DIRECTION] = None,
    status: Annotated[str | None, _STATUS] = None,
    since: Annotated[str | None, _SINCE] = None,
    limit: Annotated[int, _LIMIT] = 50,
    cursor: Annotated[str | None, _CURSOR] = None,
) -> SignalFilter:
    """The choice of signals that the query parameters say.

    Raises: UsageInvalid for a time that is none, or has no zone.
    """
    return SignalFilter(
        symbol=symbol,
        timeframe=timeframe,
        strategy=strategy,
        direction=direction,
        status=status,
        since=None if since is None else instant("since", since),
        limit=limit,
        cursor=cursor,
    )


FILTERS = tuple(inspect.signature(signal_filter).parameters)
"""Names of the query parameters of a list of signals."""


def instant(name: str, text: str) -> datetime:
    """The instant of an ISO-8601 time with a zone.

    Raises: UsageInvalid, saying how it is written.
    """
    # In a query string a bare + means a blank: 03:00:00+01:00 arrives as 03:00:00 01:00.
    repaired = re.sub(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", r"\1+\2", text)
    try:
        read = datetime.fromisoformat(repaired)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageInvalid(f"{name}: {text!r} is no ISO-8601 time. Write 2026-01-02T03:00:00Z.") from None
    raise UsageInvalid(f"{name}: {text!r} has no time zone. Write 2026-01-02T03:00:00Z.")
