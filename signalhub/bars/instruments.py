"""Instruments as rows: registered once per (venue, symbol), found by their public symbol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.instrument import InstrumentSpec
from signalhub.errors import NotFound

_SQL = Queries("bars/instruments")


@dataclass(frozen=True)
class Instrument:
    """A row of market.instruments."""

    instrument_id: int
    venue: str
    symbol: str
    public_symbol: str
    asset_class: str
    calendar: str
    tick_size: Decimal | None
    is_simulated: bool


def register(connection: Connection, spec: InstrumentSpec, source: str, *, is_live: bool, now: datetime) -> int:
    """The instrument's id; makes its row and the source's right to write its bars where they are missing."""
    _SQL.run(connection, "lock_register")
    found = _SQL.scalar(connection, "find_at_venue", venue=spec.venue, symbol=spec.symbol)
    instrument_id: int = found if found is not None else _insert(connection, spec, now)
    if spec.tick_size is not None:
        _SQL.run(connection, "update_tick_size", instrument_id=instrument_id, tick_size=spec.tick_size)
    _SQL.run(connection, "add_source", instrument_id=instrument_id, source=source, symbol=spec.symbol, is_live=is_live)
    return instrument_id


def _insert(connection: Connection, spec: InstrumentSpec, now: datetime) -> int:
    instrument_id: int = _SQL.scalar(
        connection,
        "insert",
        venue=spec.venue,
        symbol=spec.symbol,
        asset_class=spec.asset_class,
        calendar=spec.trading_calendar,
        tick_size=spec.tick_size,
        is_simulated=spec.is_simulated,
        now=now,
    )
    return instrument_id


def find(connection: Connection, symbol: str) -> Instrument:
    """The instrument of a public symbol, or of `SYMBOL@VENUE`.

    Raises: NotFound, naming a few that exist.
    """
    rows = _SQL.rows(connection, "by_symbol", symbol=symbol)
    if rows:
        return Instrument(**rows[0])
    known = [instrument.public_symbol for instrument in every(connection)]
    hint = f"Known: {', '.join(known[:8])}{' …' if len(known) > 8 else ''}." if known else "There are none yet."
    raise NotFound(f"No instrument has the symbol {symbol!r}. {hint}")


def every(connection: Connection) -> list[Instrument]:
    """All active instruments by public symbol."""
    return _SQL.made(connection, "all", Instrument)


def ever(connection: Connection) -> list[Instrument]:
    """All instruments there ever were, followed today or not, by public symbol: what a replay may meet."""
    return _SQL.made(connection, "ever", Instrument)


def of_source(connection: Connection, source: str, venue: str) -> list[InstrumentSpec]:
    """The active instruments of a venue that a source may write, in the order in which they came."""
    return [InstrumentSpec(**row) for row in _SQL.rows(connection, "of_source", source=source, venue=venue)]
