"""Performance over HTTP: what became of the signals, as analytics defines it; a subscriber sees what they own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.enums import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation

from signalhub.api import problems
from signalhub.api.access import SUBSCRIBER, Access
from signalhub.api.answers import from_memory
from signalhub.api.edge import Edge, EdgeDependency
from signalhub.api.parameters import instant
from signalhub.db.connection import Connection
from signalhub.domain.wire import plain_row
from signalhub.performance import statistics as performance
from signalhub.performance.statistics import PerformanceFilter
from signalhub.signals.read import ORIGINS


@dataclass(frozen=True)
class Statistics:
    """One row per group and (origin, is_simulated), which are never mixed; the columns of docs/analytics.md."""

    items: list[dict[str, Any]]


def performance_filter(
    access: NamedDependency[SkipValidation[Access]],
    origin: Annotated[
        str | None, QueryParameter(description="How signals came to be.", schema_extra={"enum": list(ORIGINS)})
    ] = None,
    is_simulated: Annotated[
        bool | None, QueryParameter(description="Only simulated prices, or only real ones.")
    ] = None,
    symbol: Annotated[str | None, QueryParameter(description="Public symbol, or SYMBOL@VENUE.")] = None,
    since: Annotated[
        str | None,
        QueryParameter(
            description="Only signals whose bar closed at or after this instant: ISO-8601 with a zone.",
            schema_extra={"format": "date-time"},
        ),
    ] = None,
) -> PerformanceFilter:
    """The signals that count: those of the query parameters, of strategies that may be seen.

    Raises: UsageInvalid for a time that is none, or has no zone.
    """
    return PerformanceFilter(
        origin=origin,
        is_simulated=is_simulated,
        strategies=None if access.visible is None else access.visible.strategies,
        symbol=symbol,
        since=None if since is None else instant("since", since),
    )


_ROW = {
    "origin": "live",
    "is_simulated": False,
    "strategy": "momentum",
    "strategy_version": "1-0a1b2c3d",
    "n_signals": 120,
    "n_decided": 100,
    "win_rate": 0.41,
    "win_rate_low": 0.32,
    "win_rate_high": 0.51,
    "expectancy_r": 0.18,
    "profit_factor": 1.31,
}
_DOCUMENTED = {
    200: ResponseSpec(
        Statistics,
        description="Rates from 0 to 1, R net of fees and slippage, returns in percent; null where nothing is decided.",
        generate_examples=False,
        examples=[Example(summary="Some columns of one row", value=Statistics([_ROW]))],
    ),
    **problems.documented(400, 401, 403, 404, 429, 503),
}
_ANY: dict[str, Any] = {
    "sync_to_thread": True,
    "before_request": from_memory,
    "media_type": MediaType.JSON,
    "responses": _DOCUMENTED,
}
Reader: TypeAlias = Callable[[Connection, PerformanceFilter], list[dict[str, Any]]]
AnyRequest: TypeAlias = Request[Any, Any, Any]
ChosenDependency: TypeAlias = NamedDependency[SkipValidation[PerformanceFilter]]


class Performance(Controller):
    """What became of the signals."""

    path = "/api/v1/performance"
    tags = ("performance",)
    opt = {  # noqa: RUF012 — Litestar's attribute.
        "role": SUBSCRIBER,
        "parameters": ("origin", "is_simulated", "symbol", "since"),
    }
    dependencies = {"chosen": Provide(performance_filter, sync_to_thread=False)}  # noqa: RUF012 — Litestar's attribute.

    @get("/strategies", summary="By strategy", **_ANY)
    def strategies(self, request: AnyRequest, edge: EdgeDependency, chosen: ChosenDependency) -> Response[bytes]:
        """One row per strategy and version."""
        return _answer(request, edge, performance.by_strategy, chosen)

    @get("/instruments", summary="By symbol", **_ANY)
    def instruments(self, request: AnyRequest, edge: EdgeDependency, chosen: ChosenDependency) -> Response[bytes]:
        """One row per symbol."""
        return _answer(request, edge, performance.by_instrument, chosen)

    @get("/timeframes", summary="By timeframe", **_ANY)
    def timeframes(self, request: AnyRequest, edge: EdgeDependency, chosen: ChosenDependency) -> Response[bytes]:
        """One row per timeframe."""
        return _answer(request, edge, performance.by_timeframe, chosen)

    @get("/daily", summary="By day", **_ANY)
    def daily(self, request: AnyRequest, edge: EdgeDependency, chosen: ChosenDependency) -> Response[bytes]:
        """One row per strategy, version and UTC day of exit."""
        return _answer(request, edge, performance.daily, chosen)

    @get("/equity", summary="Equity curve", **_ANY)
    def equity(self, request: AnyRequest, edge: EdgeDependency, chosen: ChosenDependency) -> Response[bytes]:
        """Cumulative net R per strategy and version, one row per instant of exit."""
        return _answer(request, edge, performance.equity_curve, chosen)


def _answer(request: AnyRequest, edge: Edge, read: Reader, chosen: PerformanceFilter) -> Response[bytes]:
    def make() -> Statistics:
        with edge.database.transaction() as connection:
            return Statistics([plain_row(row) for row in read(connection, chosen)])

    return Response(edge.answers.made(request, make), media_type=MediaType.JSON)
