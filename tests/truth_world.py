"""A world that a live pipeline looks at: random markets, and when each bar, correction and observation reaches us.

Bars come on time, late, never, or after their watermark; feeds stall; what was told is corrected, and taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from signalhub.bars.ingest import Source
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M5, M15, Timeframe
from tests.live_stage import EXCHANGE
from tests.lively import lively_bars
from tests.market import MONDAY

HISTORY_HOURS = {M5: 22, M15: 66, H1: 264}
"""Enough for windows of a quarter of an hour, of an hour, and of four hours."""
LIVE_FROM = MONDAY + timedelta(hours=264)
STEP = M5.span
DUMPS = Source("files", is_live=False, is_backfill=False)
"""Whose bars are never live; they come as they close, or with corrections of what others told."""
_KINDS = ("open_interest", "liquidations_long", "liquidations_short", "event_impact")
_TICKS = (Decimal("0.01"), Decimal("0.05"), None)
Bar = dict[str, Any]
Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Asset:
    """An instrument, its base timeframe, and who tells its bars."""

    spec: InstrumentSpec
    base: Timeframe
    source: Source = EXCHANGE

    @property
    def symbol(self) -> str:
        return self.spec.symbol


@dataclass
class Delivery:
    """What one source tells at one instant of one timeframe: bars by symbol, and how far each is settled."""

    at: datetime
    base: Timeframe
    source: Source
    bars: dict[tuple[str, datetime], Bar] = field(default_factory=dict)
    settled: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """An observation."""

    symbol: str
    kind: str
    observed_at: datetime
    known_at: datetime
    value: float


class World:
    """Everything that is told between LIVE_FROM and `until`, and the history before it."""

    def __init__(self, seed: int, instruments: int, hours: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.until = LIVE_FROM + timedelta(hours=hours)
        self.assets = [self._asset(number) for number in range(instruments)]
        self._told: dict[tuple[datetime, Timeframe, Source], Delivery] = {}
        silences = [self._span(self._some_time(), 8 * 60, 16 * 60) for _ in range(1 + hours // 9)]
        for number, asset in enumerate(self.assets):
            own = [self._span(self._some_time(), 8, 20 * 60) for _ in range(1 + hours // 5)]
            self._tell(asset, self._bars(seed * 1000 + number, asset), [*silences, *own])
        order = sorted(self._told, key=lambda key: (key[0], key[1], key[2].name, not key[2].is_backfill))
        self.deliveries = [self._told[key] for key in order]
        self.observations = sorted(self._observed(), key=lambda seen: seen.known_at)

    def _asset(self, number: int) -> Asset:
        base = (M5, M15, M5, M5, M15, M5, H1, M5)[number % 8]
        asset_class = "forex" if number % 7 == 5 else "crypto"
        spec = InstrumentSpec(f"W{number:02}/USDT", "test", asset_class, _TICKS[number % 3], calendar="24/7")
        return Asset(spec, base, DUMPS if number % 9 == 8 else EXCHANGE)

    def _bars(self, seed: int, asset: Asset) -> list[Bar]:
        start = LIVE_FROM - timedelta(hours=HISTORY_HOURS[asset.base])
        count = (self.until - start) // asset.base.span
        whole = lively_bars(seed, 0, start, asset.base, count, has_volume=seed % 11 != 3)
        # A bar in fifty was never traded.
        return [bar for bar in whole.iter_rows(named=True) if self.rng.random() > 0.02]

    def _tell(self, asset: Asset, bars: list[Bar], stalls: Spans) -> None:
        old = [bar for bar in bars if bar["open_at"] + asset.base.span <= LIVE_FROM]
        history = self._delivery(LIVE_FROM, asset, replace(asset.source, is_backfill=True))
        history.bars |= {(asset.symbol, bar["open_at"]): bar for bar in old}
        history.settled[asset.symbol] = LIVE_FROM
        told_at = {bar["open_at"]: LIVE_FROM for bar in old}
        for bar in bars[len(old) :]:
            close = bar["open_at"] + asset.base.span
            after = self.rng.choice([2.0, 4.0, 7.0, 20.0, 1500.0], p=[0.8, 0.16, 0.02, 0.01, 0.01])
            told_at[bar["open_at"]] = self._stalled(close + timedelta(seconds=float(after)), stalls)
            self._delivery(told_at[bar["open_at"]], asset, asset.source).bars[asset.symbol, bar["open_at"]] = bar
        self._settle(asset, stalls, told_at)
        self._correct(asset, bars, told_at)

    def _settle(self, asset: Asset, stalls: Spans, told_at: Mapping[datetime, datetime]) -> None:
        """Each watermark comes with its bar; every second time not even a late bar holds it up."""
        close = LIVE_FROM + asset.base.span
        while close <= self.until:
            at = told_at.get(close - asset.base.span, close + timedelta(seconds=2))
            if at > close + timedelta(seconds=7) and self.rng.random() < 0.5:
                at = self._stalled(close + timedelta(seconds=4), stalls)
            self._delivery(at, asset, asset.source).settled[asset.symbol] = close
            close += asset.base.span

    def _correct(self, asset: Asset, bars: list[Bar], told_at: Mapping[datetime, datetime]) -> None:
        """One new bar in twenty and a few old ones say something else later; some of these are taken back."""
        for bar in bars:
            is_old = told_at[bar["open_at"]] == LIVE_FROM
            if self.rng.random() > (4 / len(bars) if is_old else 0.05):
                continue
            reach = 60 * 60 * 2 if is_old else 60 * 60
            at = told_at[bar["open_at"]] + timedelta(seconds=int(self.rng.integers(1, reach // 150)) * 150)
            source = DUMPS if self.rng.random() < 0.1 else asset.source
            between = round(float(self.rng.random()), 2)
            changed = bar | {"close": round(bar["low"] + (bar["high"] - bar["low"]) * between, 2)}
            if self.rng.random() < 0.5:
                changed["volume"] = bar["volume"] + 7.25
            self._delivery(at, asset, source).bars[asset.symbol, bar["open_at"]] = changed
            if self.rng.random() < 0.3:
                self._delivery(at + timedelta(minutes=12), asset, source).bars[asset.symbol, bar["open_at"]] = bar

    def _delivery(self, at: datetime, asset: Asset, source: Source) -> Delivery:
        key = (at, asset.base, source)
        return self._told.setdefault(key, Delivery(at, asset.base, source))

    def _observed(self) -> Iterable[Seen]:
        hours = (self.until - LIVE_FROM) // timedelta(hours=1)
        for asset in self.assets[::2]:
            for hour in range(-30, hours):
                observed_at = LIVE_FROM + timedelta(hours=hour, minutes=int(self.rng.integers(0, 59)))
                known_at = observed_at + timedelta(seconds=int(self.rng.integers(0, 1200)))
                kind = _KINDS[int(self.rng.integers(0, len(_KINDS)))]
                yield Seen(asset.symbol, kind, observed_at, known_at, round(float(self.rng.normal(0.5, 0.4)), 3))

    def _some_time(self) -> datetime:
        seconds = int(self.rng.integers(0, (self.until - LIVE_FROM) // timedelta(seconds=1)))
        return LIVE_FROM + timedelta(seconds=seconds)

    def _span(self, begin: datetime, least: int, most: int) -> tuple[datetime, datetime]:
        return begin, begin + timedelta(seconds=int(self.rng.integers(least, most)))

    @staticmethod
    def _stalled(at: datetime, stalls: Spans) -> datetime:
        """When it comes through: at the end of the last of the silences that it falls into."""
        return max([end for begin, end in stalls if begin <= at < end], default=at)
