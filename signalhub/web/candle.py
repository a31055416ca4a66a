"""Candles and what is drawn beside them: plain values, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from signalhub.domain.timeframe import Timeframe


@dataclass(frozen=True)
class Candle:
    """One closed bar: prices in quote currency, volume in base units, [open_at, close_at)."""

    open_at: datetime
    close_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Charted:
    """What a chart shows of a signal. Prices in quote currency; no fill and no exit while there is none."""

    symbol: str
    timeframe: Timeframe
    direction: str
    close_at: datetime
    valid_until: datetime
    entry: Decimal
    stop: Decimal
    target: Decimal
    fill_at: datetime | None = None
    fill_price: float | None = None
    exit_at: datetime | None = None
    exit_price: float | None = None

    @property
    def levels(self) -> tuple[tuple[str, Decimal], ...]:
        """The three levels by name."""
        return ("target", self.target), ("entry", self.entry), ("stop", self.stop)
