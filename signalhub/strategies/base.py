"""The contract of a strategy: two steps, both shared by live, replay and backtest.

Step one, `propose`, is a few Polars expressions over stored columns of the snapshot, vectorised over all
instruments. Step two, `assess`, looks at one candidate's row and fixed window and says what its score is made
of. A strategy module declares `STRATEGY`, an instance of a subclass of Strategy.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from typing import Any, ClassVar

import polars as pl

from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.indicators.window_features import Window


@dataclass(frozen=True)
class Proposal:
    """Step one: boolean expressions over the snapshot's columns; null counts as no."""

    long: pl.Expr
    short: pl.Expr


@dataclass(frozen=True)
class Candidate:
    """What step two may look at: the signal bar's stored row, its window, and TA-Lib's features of it."""

    direction: Direction
    row: Mapping[str, float]
    previous: Mapping[str, float]
    window: Window
    features: Mapping[str, float]


@dataclass(frozen=True)
class Component:
    """A part of the score: its weight, and its value from 0 to 1, or None where the instrument lacks it."""

    name: str
    weight: float
    value: float | None


@dataclass(frozen=True)
class Assessment:
    """Step two: what the score is made of, and the reason in plain words with the numbers."""

    components: Sequence[Component]
    reason: str


class Strategy(ABC):
    """A named rule. Parameters are a frozen dataclass; a changed parameter is a new version."""

    name: ClassVar[str]
    code_version: ClassVar[int]
    """Raised by hand when the rule itself changes."""
    needs: ClassVar[tuple[str, ...]]
    """Indicator columns that must have a value on the signal bar and the bar before it."""
    timeframes: ClassVar[tuple[Timeframe, ...]] = TIMEFRAMES
    asset_classes: ClassVar[tuple[str, ...]] = ASSET_CLASSES

    parameters: Any

    @abstractmethod
    def propose(self) -> Proposal:
        """Which bars are candidates. Earlier bars are reached with `previous(column, bars)` only."""

    @abstractmethod
    def assess(self, candidate: Candidate) -> Assessment:
        """What the candidate's score is made of."""

    @property
    def stored(self) -> tuple[str, ...]:
        """Indicator columns that a signal is made from: what the rule needs, and the ATR of its levels."""
        return tuple(sorted({*self.needs, "atr_14"}))

    @property
    def stop_atr(self) -> float:
        """Distance of the stop from entry, in ATR."""
        return float(getattr(self.parameters, "stop_atr", 1.0))

    @property
    def target_atr(self) -> float:
        """Distance of the target from entry, in ATR."""
        return float(getattr(self.parameters, "target_atr", 2.0))

    @property
    def valid_bars(self) -> int:
        """Expected bars after which the signal is no longer valid."""
        return int(getattr(self.parameters, "valid_bars", 12))

    def cooldown_bars(self, timeframe: Timeframe) -> int:
        """Bars in which a second proposal of the same direction is suppressed; never under five minutes."""
        return max(int(getattr(self.parameters, "cooldown_bars", 5)), -(-300 // timeframe.seconds))

    @cached_property
    def version(self) -> str:
        """Code version and a hash of the parameters: the same version is the same rule, in every database."""
        text = json.dumps(self.parameter_values, sort_keys=True, separators=(",", ":"))
        return f"{self.code_version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def parameter_values(self) -> dict[str, Any]:
        """The parameters as plain values."""
        return asdict(self.parameters) if is_dataclass(self.parameters) else {}  # type: ignore[arg-type]


def previous(column: str, bars: int = 1) -> pl.Expr:
    """The column's value some bars before, of the same instrument."""
    return pl.col(column).shift(bars).over("instrument_id")


def unit(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` (0) and `high` (1), clipped; `low` may be the greater one."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def shown(price: float) -> str:
    """A price for people: thousands separated, two decimals from 1,000 up, else some six digits, no exponent."""
    decimals = max(0, 2 if price >= 1000 else 6 - len(str(int(price))) if price >= 1 else _small_decimals(price))
    text = f"{price:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text and price < 1000 else text


def _small_decimals(price: float) -> int:
    leading = len(f"{price:.16f}".split(".")[1]) - len(f"{price:.16f}".split(".")[1].lstrip("0"))
    return min(14, leading + 5)
