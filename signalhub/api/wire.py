"""Signals as they go over the wire: the same in lists, alone, and in the live feed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from signalhub.domain.wire import number
from signalhub.signals import read


@dataclass(frozen=True)
class Signal:
    """A published proposal and where it stands.

    Prices in quote currency; returns in percent (2.21 means 2.21 %); r_multiple, mfe_r, mae_r gross and net_r net, in
    risks; position_size_pct and max_risk_pct in percent of the equity. Filter on origin and is_simulated before you
    count anything.
    """

    signal_id: int
    strategy: str
    strategy_version: str
    symbol: str
    asset_class: str
    timeframe: str
    direction: str
    open_at: datetime
    close_at: datetime
    entry: float
    stop: float
    target: float
    risk_reward: float
    score: float
    components: dict[str, float]
    confidence: float | None
    confidence_n: int
    reason: str
    valid_until: datetime
    published_at: datetime | None
    status: str
    is_ambiguous: bool
    fill_price: float | None
    fill_at: datetime | None
    exit_price: float | None
    exit_at: datetime | None
    gross_return_pct: float | None
    net_return_pct: float | None
    r_multiple: float | None
    net_r: float | None
    mfe_r: float | None
    mae_r: float | None
    tracked_through: datetime
    input_hash: str
    origin: str
    is_simulated: bool
    recorded_at: datetime
    atr: float | None
    position_size_pct: float | None
    max_risk_pct: float | None
    weights: dict[str, float] | None
    left_out: list[str] | None
    is_best: bool | None
    validity: str | None
    validity_since: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Signal:
        """The signal of a row of analytics.signals."""
        values: dict[str, Any] = {field.name: row[field.name] for field in dataclasses.fields(cls)}
        numbers = {name: number(value) for name, value in values.items() if isinstance(value, Decimal)}
        return cls(**values | numbers)


@dataclass(frozen=True)
class SignalPage:
    """Signals newest first; next_cursor leads to the next page and is null on the last."""

    items: list[Signal]
    next_cursor: str | None

    @classmethod
    def of(cls, page: read.Page) -> SignalPage:
        """The page as it goes over the wire."""
        return cls([Signal.of(row) for row in page.items], page.next_cursor)


EXAMPLE = Signal(
    signal_id=4711,
    strategy="momentum",
    strategy_version="1-0a1b2c3d",
    symbol="BTC/USDT",
    asset_class="crypto",
    timeframe="1h",
    direction="long",
    open_at=datetime(2026, 1, 2, 2, tzinfo=UTC),
    close_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    entry=100.5,
    stop=99.5,
    target=102.5,
    risk_reward=2,
    score=71.25,
    components={"trend": 0.8, "volume": 0.55},
    confidence=61.5,
    confidence_n=240,
    reason="EMA 9 crossed above EMA 21 with volume 1.6 times its average.",
    valid_until=datetime(2026, 1, 2, 15, tzinfo=UTC),
    published_at=datetime(2026, 1, 2, 3, 0, 1, tzinfo=UTC),
    status="target_hit",
    is_ambiguous=False,
    fill_price=100.6,
    fill_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    exit_price=102.5,
    exit_at=datetime(2026, 1, 2, 7, tzinfo=UTC),
    gross_return_pct=1.89,
    net_return_pct=1.69,
    r_multiple=1.9,
    net_r=1.7,
    mfe_r=1.9,
    mae_r=-0.3,
    tracked_through=datetime(2026, 1, 2, 7, tzinfo=UTC),
    input_hash="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    origin="live",
    is_simulated=False,
    recorded_at=datetime(2026, 1, 2, 3, 0, 1, tzinfo=UTC),
    atr=1.0,
    position_size_pct=100,
    max_risk_pct=0.995,
    weights={"trend": 30, "volume": 15},
    left_out=["open_interest"],
    is_best=True,
    validity="target_reached",
    validity_since=datetime(2026, 1, 2, 7, tzinfo=UTC),
)
