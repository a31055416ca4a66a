"""Signals: a strategy's proposal with levels, score and reason, before and after it is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum


class Direction(StrEnum):
    """Which way the price is expected to go."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, −1 for short."""
        return 1 if self is Direction.LONG else -1


class Origin(StrEnum):
    """How a signal came to be; never mixed in a statistic."""

    LIVE = "live"
    REPLAY = "replay"


class Reason(StrEnum):
    """Why an instrument was not scored, or a candidate was held back."""

    WARMING_UP = "warming_up"
    NOT_SETTLED = "not_settled"
    FILLED_BARS = "filled_bars"
    INCOMPLETE = "incomplete"
    DIRTY = "dirty"
    STALE = "stale"
    NOT_LISTED = "not_listed"
    FLAGGED_BARS = "flagged_bars"
    COOLDOWN = "cooldown"
    SCORE_BELOW_THRESHOLD = "score_below_threshold"
    RISK_BELOW_TICK = "risk_below_tick"


@dataclass(frozen=True)
class Levels:
    """Entry, stop and target in quote currency, rounded to the tick."""

    entry: Decimal
    stop: Decimal
    target: Decimal

    @property
    def risk_reward(self) -> Decimal:
        """How many times the risk the target is away."""
        ratio = abs(self.target - self.entry) / abs(self.entry - self.stop)
        return ratio.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@dataclass(frozen=True)
class Size:
    """How much to put in, both in percent of the equity: the position, and what its stop would cost."""

    position_pct: Decimal
    risk_pct: Decimal


@dataclass(frozen=True)
class SignalDraft:
    """A signal ready to be stored. `inputs` are the exact bytes it was made from, `input_hash` their sha256.

    `components` are points out of 100; `weights` those of the strategy; `left_out` what the instrument lacked;
    `is_best` says whether it is among the best of its cycle, None where nobody asks.
    """

    instrument_id: int
    open_at: datetime
    close_at: datetime
    direction: Direction
    levels: Levels
    score: Decimal
    components: dict[str, float]
    reason: str
    valid_until: datetime
    inputs: str
    input_hash: str
    atr: float
    size: Size
    weights: dict[str, float]
    left_out: tuple[str, ...] = ()
    is_best: bool | None = None


@dataclass(frozen=True)
class Abstention:
    """An instrument that was not scored (no direction), or a candidate held back."""

    instrument_id: int
    reason: Reason
    direction: Direction | None = None
    score: Decimal | None = None


@dataclass
class Evaluation:
    """What one strategy made of one close of one timeframe."""

    close_at: datetime
    instruments_seen: int = 0
    candidates: int = 0
    signals: list[SignalDraft] = field(default_factory=list)
    abstentions: list[Abstention] = field(default_factory=list)

    @property
    def instruments_abstained(self) -> int:
        """How many instruments were not scored."""
        return sum(1 for abstention in self.abstentions if abstention.direction is None)
