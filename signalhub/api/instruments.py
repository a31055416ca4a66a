"""Instruments over HTTP: what there are signals for."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from signalhub.api import problems
from signalhub.api.access import SUBSCRIBER
from signalhub.api.parameters import DatabaseDependency
from signalhub.bars import instruments
from signalhub.domain.wire import number


@dataclass(frozen=True)
class Instrument:
    """A tradable thing at a venue; tick_size is in quote currency, null where it is not known."""

    symbol: str
    venue: str
    asset_class: str
    calendar: str
    tick_size: float | None
    is_simulated: bool

    @classmethod
    def of(cls, row: instruments.Instrument) -> Instrument:
        """The instrument as it goes over the wire, under its public symbol."""
        tick = None if row.tick_size is None else number(row.tick_size)
        return cls(row.public_symbol, row.venue, row.asset_class, row.calendar, tick, row.is_simulated)


@dataclass(frozen=True)
class InstrumentList:
    """All active instruments by symbol."""

    items: list[Instrument]


_EXAMPLE = Instrument("BTC/USDT", "binance", "crypto", "24/7", 0.01, is_simulated=False)


class Instruments(Controller):
    """What the engine watches."""

    path = "/api/v1/instruments"
    tags = ("instruments",)
    opt = {"role": SUBSCRIBER}  # noqa: RUF012 — Litestar's attribute.

    @get(
        sync_to_thread=True,
        summary="List instruments",
        responses={
            200: ResponseSpec(
                InstrumentList,
                description="All active instruments, by symbol.",
                generate_examples=False,
                examples=[Example(summary="One instrument", value=InstrumentList([_EXAMPLE]))],
            ),
            **problems.documented(400, 401, 403, 429, 503),
        },
    )
    def every(self, database: DatabaseDependency) -> InstrumentList:
        """All active instruments."""
        with database.transaction() as connection:
            return InstrumentList([Instrument.of(row) for row in instruments.every(connection)])
