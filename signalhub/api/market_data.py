"""Market data over HTTP: closed bars and the indicators that were computed for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from signalhub.api import problems
from signalhub.api.access import SUBSCRIBER
from signalhub.api.parameters import DatabaseDependency, instant
from signalhub.bars import instruments
from signalhub.bars.instruments import Instrument
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.errors import NotFound, UsageInvalid
from signalhub.indicators.columns import INDICATOR_COLUMNS

MAX_BARS = 5_000
_SQL = Queries("api/market_data")
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class BarWithIndicators:
    """A closed bar over [open_at, close_at), prices in quote currency; indicators are null during warm-up.

    bar_count base bars are in it, filled_count of them filled in by us; vwap is null at zero volume.
    """

    open_at: datetime
    close_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    vwap: float | None
    bar_count: int
    filled_count: int
    indicators: dict[str, float | None]

    @classmethod
    def of(cls, row: dict[str, Any], names: Sequence[str]) -> BarWithIndicators:
        """The bar of a row of the query, with the indicators of these names."""
        whole = {field.name: row[field.name] for field in dataclasses.fields(cls) if field.name != "indicators"}
        return cls(**whole, indicators={name: row[name] for name in names})


@dataclass(frozen=True)
class Latest:
    """The newest closed bar of every timeframe there is one of."""

    symbol: str
    is_simulated: bool
    timeframes: dict[str, BarWithIndicators]


@dataclass(frozen=True)
class History:
    """Closed bars of one timeframe, oldest first. The ones before: ask again with `to` = the first open_at."""

    symbol: str
    timeframe: str
    is_simulated: bool
    items: list[BarWithIndicators]


_BAR = BarWithIndicators(
    open_at=datetime(2026, 1, 2, 2, tzinfo=UTC),
    close_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    open=100,
    high=101.5,
    low=99.75,
    close=100.5,
    volume=1250.5,
    vwap=100.4,
    bar_count=60,
    filled_count=0,
    indicators={"rsi_14": 58.25, "ema_50": 99.5},
)
_SYMBOL = PathParameter(
    description="Public symbol, or SYMBOL@VENUE; its slash is written as a hyphen.",
    examples=[Example(summary="BTC/USDT", value="BTC-USDT")],
)
_INDICATORS = QueryParameter(
    description=f"Names separated by commas: {', '.join(INDICATOR_COLUMNS)}. Left out: all of them; empty: none.",
    examples=[Example(summary="Two", value="rsi_14,ema_50")],
)
_TIMEFRAME = QueryParameter(description="Timeframe.", schema_extra={"enum": [item.code for item in TIMEFRAMES]})
_FROM = QueryParameter(
    name="from", description="Bars that open at or after this instant.", schema_extra={"format": "date-time"}
)
_TO = QueryParameter(name="to", description="Bars that open before this instant.", schema_extra={"format": "date-time"})
_LIMIT = QueryParameter(description=f"The newest so many of them, from 1 to {MAX_BARS}.", ge=1, le=MAX_BARS)
_PROBLEMS = problems.documented(400, 401, 403, 404, 429, 503)


class MarketData(Controller):
    """Bars and indicators."""

    path = "/api/v1/market-data"
    tags = ("market data",)
    opt = {"role": SUBSCRIBER}  # noqa: RUF012 — Litestar's attribute.

    @get(
        "/{symbol:str}",
        opt={"parameters": ("indicators",)},
        sync_to_thread=True,
        summary="Latest bars",
        responses={
            200: ResponseSpec(
                Latest,
                description="The newest closed bar of every timeframe, with indicators.",
                generate_examples=False,
                examples=[Example(summary="One timeframe", value=Latest("BTC/USDT", False, {"1h": _BAR}))],
            ),
            **_PROBLEMS,
        },
    )
    def latest(
        self,
        database: DatabaseDependency,
        symbol: Annotated[str, _SYMBOL],
        indicators: Annotated[str | None, _INDICATORS] = None,
    ) -> Latest:
        """The newest closed bar per timeframe."""
        with database.transaction() as connection:
            return latest(connection, instrument_of(connection, symbol), chosen(indicators))

    @get(
        "/{symbol:str}/history",
        opt={"parameters": ("timeframe", "from", "to", "limit", "indicators")},
        sync_to_thread=True,
        summary="Bars",
        responses={
            200: ResponseSpec(
                History,
                description="The newest bars of the span, oldest first, with indicators.",
                generate_examples=False,
                examples=[Example(summary="One bar", value=History("BTC/USDT", "1h", False, [_BAR]))],
            ),
            **_PROBLEMS,
        },
    )
    def history(
        self,
        database: DatabaseDependency,
        symbol: Annotated[str, _SYMBOL],
        timeframe: Annotated[str, _TIMEFRAME] = "1h",
        from_at: Annotated[str | None, _FROM] = None,
        to_at: Annotated[str | None, _TO] = None,
        limit: Annotated[int, _LIMIT] = 500,
        indicators: Annotated[str | None, _INDICATORS] = None,
    ) -> History:
        """Bars of one timeframe."""
        span = (
            _EARLIEST if from_at is None else instant("from", from_at),
            _LATEST if to_at is None else instant("to", to_at),
        )
        with database.transaction() as connection:
            instrument = instrument_of(connection, symbol)
            return history(connection, instrument, timeframes.parse(timeframe).code, span, limit, chosen(indicators))


def instrument_of(connection: Connection, symbol: str) -> Instrument:
    """The instrument of a symbol as it stands in a path: as it is, else with slashes for hyphens.

    Raises: NotFound, naming a few that exist.
    """
    if "\0" in symbol:
        raise NotFound(f"No instrument has the symbol {symbol[:40]!r}.")
    try:
        return instruments.find(connection, symbol)
    except NotFound:
        return instruments.find(connection, symbol.replace("-", "/"))


def latest(connection: Connection, instrument: Instrument, names: Sequence[str]) -> Latest:
    """The newest closed bar of every timeframe."""
    newest = _SQL.rows(connection, "newest", instrument_id=instrument.instrument_id)
    bars: dict[str, BarWithIndicators] = {}
    for row in newest:
        span = (row["open_at"], row["open_at"] + timeframes.parse(row["timeframe"]).span)
        found = history(connection, instrument, row["timeframe"], span, 1, names).items
        bars |= {row["timeframe"]: found[0]} if found else {}
    return Latest(instrument.public_symbol, instrument.is_simulated, bars)


def history(
    connection: Connection,
    instrument: Instrument,
    timeframe: str,
    span: tuple[datetime, datetime],
    limit: int,
    names: Sequence[str],
) -> History:
    """The newest `limit` closed bars that open in [from, to), oldest first."""
    key = {"instrument_id": instrument.instrument_id, "timeframe": timeframe}
    rows = _SQL.rows(connection, "history", from_at=span[0], to_at=span[1], limit=limit, **key)
    bars = [BarWithIndicators.of(row, names) for row in rows]
    return History(instrument.public_symbol, timeframe, instrument.is_simulated, bars)


def chosen(names: str | None) -> tuple[str, ...]:
    """The indicators of a list of names with commas; all of them for None.

    Raises: UsageInvalid, listing what there is.
    """
    wanted = INDICATOR_COLUMNS if names is None else tuple(name.strip() for name in names.split(",") if name.strip())
    for name in wanted:
        if name not in INDICATOR_COLUMNS:
            raise UsageInvalid(f"{name[:40]!r} is no indicator. There are: {', '.join(INDICATOR_COLUMNS)}.")
    return wanted
