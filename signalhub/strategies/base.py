"""The contract of a strategy: two steps, both shared by live, replay and backtest.

Step one, `propose`, is a few Polars expressions over stored columns of the snapshot, vectorised over all
instruments. Step two, `assess`, looks at one candidate's row and fixed window and says what its score is made
of. A strategy module declares `STRATEGY`, an instance of a subclass of Strategy.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import polars as pl

from signalhub.domain import timeframe as timeframes
from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.indicators.window_features import Window


@dataclass(frozen=True)
class Proposal:
    """Step one: boolean expressions over the snapshot's columns; null counts as no."""

    long: pl.Expr
    short: pl.Expr
    shared: Mapping[str, pl.Expr] = field(default_factory=dict)
    """What both look at and is worth computing once: expressions over columns, by names that no column has."""

    @property
    def reads(self) -> set[str]:
        """The snapshot's columns that it looks at."""
        expressions = (self.long, self.short, *self.shared.values())
        return {name for one in expressions for name in one.meta.root_names()} - self.shared.keys()

    def over(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`long` and `short` of every row, never null."""
        whole = frame.with_columns(**self.shared) if self.shared else frame
        sides = {"long": self.long, "short": self.short}
        flags = {name: side.fill_null(value=False).cast(pl.Boolean) for name, side in sides.items()}
        # With a column of the frame, for a literal alone would be one row.
        found = whole.select("instrument_id", **flags)
        return pl.DataFrame([found[name] for name in flags])


@dataclass(frozen=True)
class Candidate:
    """What step two may look at: the signal bar's stored row, its window, and TA-Lib's features of it.

    `row` and `previous` hold bars, the indicators of `Strategy.stored`, and the columns of `Strategy.joined`; what has
    no value is NaN: read it through `known`.
    """

    direction: Direction
    row: Mapping[str, float]
    previous: Mapping[str, float]
    window: Window
    features: Mapping[str, float]
    timeframe: Timeframe | None = None
    """The signal's: with it reasons name the timeframe that `+1` means."""


class Component(NamedTuple):
    """A part of the score: its weight, and its value from 0 to 1, or None where the instrument lacks it."""

    name: str
    weight: float
    value: float | None


@dataclass(frozen=True)
class Assessment:
    """Step two: what the score is made of, and the reason in plain words with the numbers.

    The reason may be told by a function: to write it takes as long as the rest, and of a candidate that is held back,
    or in a backtest, nobody reads it.
    """

    components: Sequence[Component]
    reason: str | Callable[[], str]

    @property
    def words(self) -> str:
        """The reason."""
        return self.reason if isinstance(self.reason, str) else self.reason()


class Strategy(ABC):
    """A named rule. Parameters are a frozen dataclass; a changed parameter is a new version."""

    name: ClassVar[str]
    code_version: ClassVar[int]
    """Raised by hand when the rule itself changes."""
    needs: ClassVar[tuple[str, ...]]
    """Indicator columns that must have a value on the signal bar and the bar before it."""
    wants: ClassVar[tuple[str, ...]] = ()
    """Indicator columns that are read where they have a value; NaN where not."""
    context: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Columns wanted of coarser timeframes: `{"+1": ("ema_50",), "4h": ("close",)}` gives `+1.ema_50`, `4h.close`.

    A key is a timeframe's code, or `+1` … `+3`: so many steps coarser than the signal's. They are as of the signal
    bar's close: of the last bar that had closed by then. NaN where there is none: no timeframe so coarse, or a code
    that is not coarser, too short a history, or a bar that is out of date.
    """
    observations: ClassVar[tuple[str, ...]] = ()
    """Kinds of market.observations, as known at the close: `obs.open_interest`, and `obs.open_interest.before` as it
    was known 24 bars before. NaN where there is none, or only one older than a day."""
    timeframes: ClassVar[tuple[Timeframe, ...]] = TIMEFRAMES
    asset_classes: ClassVar[tuple[str, ...]] = ASSET_CLASSES

    parameters: Any

    @abstractmethod
    def propose(self) -> Proposal:
        """Which bars are candidates. Earlier bars are reached with `previous(column, bars)` only."""

    @abstractmethod
    def assess(self, candidate: Candidate) -> Assessment:
        """What the candidate's score is made of."""

    def structure(self, candidate: Candidate) -> tuple[float, float] | None:  # noqa: ARG002
        """Stop and target out of the chart's structure, in quote currency; None: multiples of ATR.

        They are rounded and checked like all levels.
        """
        return None

    @property
    def stored(self) -> tuple[str, ...]:
        """Indicator columns that a signal is made from: what the rule needs and wants, and the ATR of its levels."""
        return tuple(sorted({*self.needs, *self.wants, "atr_14"}))

    def contexts(self, timeframe: Timeframe) -> dict[str, Timeframe]:
        """The keys of `context` that mean something for signals of a timeframe, and the timeframe each means."""
        found = {key: context_timeframe(timeframe, key) for key in self.context}
        return {key: coarser for key, coarser in found.items() if coarser is not None}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column beside the bars' own that a snapshot must hold for it."""
        return (*self.stored, *self.joined)

    @property
    def joined(self) -> tuple[str, ...]:
        """Columns of `context` and `observations` as they are called in the frame and in rows, at any timeframe."""
        contexts = [f"{key}.{name}" for key, names in self.context.items() for name in names]
        observed = [f"obs.{kind}{end}" for kind in self.observations for end in ("", ".before")]
        return tuple(sorted({*contexts, *observed}))

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

    @cached_property
    def proposal(self) -> Proposal:
        """What `propose` gives: it is the same at every close, and takes a while to be put together."""
        return self.propose()

    @property
    def parameter_values(self) -> dict[str, Any]:
        """The parameters as plain values."""
        return asdict(self.parameters) if is_dataclass(self.parameters) else {}  # type: ignore[arg-type]


def previous(column: str | pl.Expr, bars: int = 1) -> pl.Expr:
    """The value of a column, or of an expression over columns, some bars before, of the same instrument.

    The frame has an instrument's bars together, ascending: a shift and a look at whose bar it is take a tenth of
    the time of a shift over each instrument.
    """
    value = pl.col(column) if isinstance(column, str) else column
    is_its = pl.col("instrument_id") == pl.col("instrument_id").shift(bars)
    return pl.when(is_its).then(value.shift(bars))


def known(value: float | None) -> float | None:
    """The value, or None where there is none: a component of None is left out of the score."""
    return None if value is None or math.isnan(value) else value


def context_timeframe(timeframe: Timeframe, key: str) -> Timeframe | None:
    """The coarser timeframe that a key of `Strategy.context` means beside `timeframe`; None where there is none."""
    return timeframes.coarser(timeframe, key)


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
