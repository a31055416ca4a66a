"""The candles around a signal, read from the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain import timeframe as timeframes
from signalhub.web.candle import Candle, Charted
from signalhub.web.chart import SIZES

_SQL = Queries("web/candles")
_BEFORE = max(size.before for size in SIZES)
_AFTER = 40
_BEYOND = 6
"""Bars after the signal's end: what became of the market then."""
_CLOSED_MARKET = 6
"""Markets are closed at times: so many times the span surely holds the bars that are wanted."""
_LONGEST_BREAK = timedelta(days=5)


def charted(row: Mapping[str, Any]) -> Charted:
    """What a chart shows of a row of analytics.signals."""
    names = ("symbol", "direction", "close_at", "valid_until", "entry", "stop", "target")
    ends = ("fill_at", "fill_price", "exit_at", "exit_price")
    return Charted(timeframe=timeframes.parse(row["timeframe"]), **{name: row[name] for name in (*names, *ends)})


def around(connection: Connection, row: Mapping[str, Any]) -> list[Candle]:
    """Closed candles of the signal's timeframe before and after it, ascending; none where no bars are kept."""
    span = timeframes.parse(row["timeframe"]).span
    end = max(row["valid_until"], row["exit_at"] or row["valid_until"])
    found = _SQL.rows(
        connection,
        "around",
        symbol=row["symbol"],
        timeframe=row["timeframe"],
        open_at=row["open_at"],
        from_at=row["open_at"] - _BEFORE * _CLOSED_MARKET * span - _LONGEST_BREAK,
        until_at=end + _BEYOND * span,
        before=_BEFORE,
        after=_AFTER,
    )
    return [Candle(**bar) for bar in found]
