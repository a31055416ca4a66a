"""A made-up live market at one close: flat bars, and every instrument rises when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalhub.bars.ingest import Source
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M15, Timeframe
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import once
from signalhub.settings import Settings
from tests.engine_rows import abstentions, register, signals
from tests.market import MONDAY, bar, frame
from tests.rising import Rising

EXCHANGE = Source("exchange", is_live=True, is_backfill=False)
FILES = Source("files")
BARS = 80
SETTINGS = Settings(min_score=0.0, settle_grace_seconds=10.0)


@dataclass
class Stage:
    """Flat bars of one timeframe up to a close at which every instrument rises."""

    database: Database
    timeframe: Timeframe = M15

    @property
    def close(self) -> datetime:
        return MONDAY + (BARS + 1) * self.timeframe.span

    def instrument(self, symbol: str, source: Source = EXCHANGE) -> int:
        """Settled up to the bar before the one that rises."""
        instrument_id = register(self.database, InstrumentSpec(symbol, "test", "crypto"), source)
        span = self.timeframe.span
        self.put(instrument_id, [bar(instrument_id, MONDAY + number * span) for number in range(BARS)], source)
        self.settle(instrument_id, self.close - span)
        return instrument_id

    def rises(self, instrument_id: int, source: Source = EXCHANGE, *, is_settled: bool = True) -> None:
        """The bar that closes at `close`, and the watermark that goes with it."""
        values = {"open": 100.0, "high": 102.0, "low": 99.5, "close": 101.0}
        self.put(instrument_id, [bar(instrument_id, self.close - self.timeframe.span, **values)], source)
        if is_settled:
            self.settle(instrument_id, self.close)

    def put(self, instrument_id: int, bars: list[dict[str, Any]], source: Source) -> None:
        assert all(one["instrument_id"] == instrument_id for one in bars)
        now = max(one["open_at"] for one in bars) + self.timeframe.span
        with self.database.transaction() as connection:
            pipeline.take_in(connection, self.timeframe, frame(bars), source, {}, now)

    def settle(self, instrument_id: int, through: datetime) -> None:
        with self.database.transaction() as connection:
            pipeline.take_in(connection, self.timeframe, frame([]), EXCHANGE, {instrument_id: through}, through)

    def once(
        self, seconds: float, strategy: Rising | None = None, read_clock: Callable[[], datetime] | None = None
    ) -> int:
        """One pass this long after the close; the number of new signals."""
        now = self.close + timedelta(seconds=seconds)
        # Back to half a bar before the last close: the one before it is none of ours.
        hours = (self.timeframe.seconds / 2 + max(0.0, seconds)) / 3600
        strategies = [strategy or Rising(timeframes=(self.timeframe,))]
        done = once(self.database, strategies, SETTINGS.replace(lookback_hours=hours), read_clock or (lambda: now))
        return done.signals

    def origins(self) -> dict[str, str]:
        return {row["symbol"]: row["origin"] for row in signals(self.database)}

    def late(self) -> list[str]:
        return [row["symbol"] for row in abstentions(self.database) if row["reason"] in ("not_settled", "stale")]
