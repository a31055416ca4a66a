"""The indicators of an instrument's newest closed bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signalhub.bars import instruments
from signalhub.bars.instruments import Instrument
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import NotFound
from signalhub.indicators.columns import INDICATOR_COLUMNS

_SQL = Queries("indicators/newest")


@dataclass(frozen=True)
class Newest:
    """A closed bar over [open_at, close_at) and its indicators; None during their warm-up, or where there is nothing.

    Units: `n` is the bar's ordinal, counted up to 1,000. `known_at`: since when this version of the bar is believed.
    """

    instrument: Instrument
    timeframe: Timeframe
    open_at: datetime
    close_at: datetime
    n: int
    known_at: datetime | None
    values: dict[str, float | None]


def newest(connection: Connection, symbol: str, timeframe: Timeframe) -> Newest:
    """The newest bar of a symbol that has indicators.

    Raises: NotFound for a symbol that nobody has, and where nothing is computed, naming the timeframes that have some.
    """
    instrument = instruments.find(connection, symbol)
    asked = {"instrument_id": instrument.instrument_id, "timeframe": timeframe.code}
    rows = _SQL.rows(connection, "newest", **asked)
    if not rows:
        raise NotFound(_missing(connection, instrument, timeframe))
    row = rows[0]
    stored = row.pop("indicators")
    values = {name: None if stored[name] is None else float(stored[name]) for name in INDICATOR_COLUMNS}
    return Newest(instrument, timeframe, values=values, **row)


def _missing(connection: Connection, instrument: Instrument, timeframe: Timeframe) -> str:
    rows = _SQL.rows(connection, "timeframes", instrument_id=instrument.instrument_id)
    others = ", ".join(row["timeframe"] for row in rows)
    return f"{instrument.public_symbol} has no indicators of {timeframe.code}: " + (
        f"there are some of {others}."
        if others
        else "it has no closed bars. `signalhub import` or `signalhub backfill` brings some."
    )
