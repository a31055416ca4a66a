"""One hand-made signal on one instrument, long or in the mirror short, with the bars its outcome hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalhub import outcomes
from signalhub.db.connection import Connection
from signalhub.domain.timeframe import M1, Timeframe
from tests.market import NEXT_YEAR
from tests.outcome_market import START_AT
from tests.signals import OHLC, Plan, add_instrument, add_signal, outcomes_of, put_bars, settle

CLOSE = START_AT
ENTRY, STOP, TARGET = 100.0, 99.0, 102.0
MINUTES_VALID = 10
DIRECTIONS = ("long", "short")
Prices = tuple[float, float, float, float]
Bars = dict[int, Prices]
"""Minute after the signal's close → open, high, low, close as a long sees them."""
QUIET: Prices = (100.0, 101.0, 99.5, 100.5)


def minute(number: float) -> datetime:
    return CLOSE + timedelta(minutes=number)


def hour(number: float) -> datetime:
    return CLOSE + timedelta(hours=number)


@dataclass(frozen=True)
class Side:
    """A short sees the prices of a long in a mirror at the entry: 101 for 99."""

    direction: str

    def price(self, price: float | None) -> float | None:
        return price if price is None or self.direction == "long" else 2 * ENTRY - price

    def bar(self, open_at: datetime, prices: Prices) -> OHLC:
        if self.direction == "long":
            return OHLC(open_at, *prices)
        open_, high, low, close = (2 * ENTRY - price for price in prices)
        return OHLC(open_at, open_, low, high, close)

    def plan(self, valid_until: datetime = minute(MINUTES_VALID)) -> Plan:
        entry, stop, target = (self.price(price) or 0.0 for price in (ENTRY, STOP, TARGET))
        return Plan(self.direction, CLOSE, valid_until, entry, stop, target)


@dataclass
class Stage:
    """One instrument with one signal on it."""

    connection: Connection
    side: Side
    instrument_id: int = 0
    signal_id: int = 0

    def __post_init__(self) -> None:
        self.instrument_id = add_instrument(self.connection)

    def bars(self, bars: Bars, timeframe: Timeframe = M1, now: datetime = NEXT_YEAR) -> None:
        made = [self.side.bar(minute(number), prices) for number, prices in bars.items()]
        put_bars(self.connection, self.instrument_id, made, timeframe, now)

    def signal(self, valid_until: datetime = minute(MINUTES_VALID)) -> None:
        self.signal_id = add_signal(self.connection, self.instrument_id, self.side.plan(valid_until))

    def settle(self, through: datetime, timeframe: Timeframe = M1) -> None:
        settle(self.connection, self.instrument_id, through, timeframe)

    def track(self, now: datetime = NEXT_YEAR, cost_bps: float = 0.0) -> dict[str, Any]:
        outcomes.track(self.connection, now, cost_bps)
        return self.outcome()

    def outcome(self) -> dict[str, Any]:
        return outcomes_of(self.connection)[self.signal_id]
