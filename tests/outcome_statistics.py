"""The statistics once more, by their definitions alone: exact fractions and calendars, no SQL, no running sums."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

STATUSES = ("open", "target_hit", "stop_hit", "expired", "cancelled")
CLOSE_TO = 1e-9
"""Sums of some tens of R differ from exact fractions by less, and ratios of them by little more."""
Z = statistics.NormalDist().inv_cdf(0.975)
WEEKDAY_CLASSES = {"equity", "forex"}
NO_DEVIATION = 1e-12
"""Of the mean: less is what rounding leaves of equal days."""


@dataclass(frozen=True)
class Made:
    """A made-up outcome; exit_at and net_r as its status needs them."""

    status: str
    exit_at: datetime | None = None
    net_r: float | None = None
    held: timedelta = timedelta(0)
    is_ambiguous: bool = False
    asset_class: str = "crypto"

    @property
    def is_decided(self) -> bool:
        return self.status != "open" and self.net_r is not None


def about(value: Any) -> Any:
    """What a float computed in another order may differ from this by; anything else as it is."""
    return pytest.approx(value, rel=100 * CLOSE_TO, abs=CLOSE_TO) if isinstance(value, float) else value


def expected(made: Sequence[Made]) -> dict[str, Any]:
    """Every statistic of a group of signals, as performance.by_strategy names them."""
    decided = [one for one in made if one.is_decided]
    results = [Fraction(one.net_r or 0.0) for one in decided]
    n, won = len(decided), [result for result in results if result > 0]
    sure = sum(1 for one, result in zip(decided, results, strict=True) if result > 0 and not one.is_ambiguous)
    unsure = sum(one.is_ambiguous for one in decided)
    lost = -sum(result for result in results if result < 0)
    low, high = wilson(len(won), n)
    counts = {f"n_{status}": sum(one.status == status for one in made) for status in STATUSES}
    held = [one.held.total_seconds() for one in decided]
    return counts | {
        "n_signals": len(made),
        "n_decided": n,
        "n_ambiguous": unsure,
        "n_won": len(won),
        "win_rate": len(won) / n if n else None,
        "win_rate_low": low,
        "win_rate_high": high,
        "win_rate_best": (sure + unsure) / n if n else None,
        "win_rate_worst": sure / n if n else None,
        "expectancy_r": float(statistics.mean(results)) if n else None,
        "total_r": float(sum(results)) if n else None,
        "profit_factor": float(sum(won) / lost) if lost else None,
        # The makers of these outcomes give every R one percent.
        "average_return_pct": float(statistics.mean(results)) if n else None,
        "median_return_pct": float(statistics.median(results)) if n else None,
        "sharpe": sharpe(decided),
        "sortino": sortino(decided),
        "max_drawdown_r": max_drawdown(decided),
        "exposure": exposure(decided),
        # As the makers of these outcomes give them: no excursion but the exit's own.
        "average_mfe_r": float(statistics.mean(max(result, Fraction(0)) for result in results)) if n else None,
        "average_mae_r": float(statistics.mean(min(result, Fraction(0)) for result in results)) if n else None,
        "average_duration_s": statistics.mean(held) if n else None,
    }


def wilson(won: int, n: int) -> tuple[float | None, float | None]:
    """The two rates p at which won of n lies just z standard errors off: roots of (won/n − p)² = z²·p(1 − p)/n."""
    if not n:
        return None, None
    a, b, c = 1 + Z * Z / n, -(2 * won / n + Z * Z / n), (won / n) ** 2
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def sharpe(decided: Iterable[Made]) -> float | None:
    """Over a list that holds every single day, those without an exit too."""
    series, rests = daily(decided)
    if len(series) < 2:
        return None
    mean, deviation = float(statistics.mean(series)), float(statistics.stdev(series))
    if deviation <= NO_DEVIATION * abs(mean):
        return None
    return mean / deviation * math.sqrt(252 if rests else 365)


def sortino(decided: Iterable[Made]) -> float | None:
    """The same over the root of the mean square of the losing days."""
    series, rests = daily(decided)
    squares = sum(min(result, Fraction(0)) ** 2 for result in series)
    if len(series) < 2 or not squares:
        return None
    return float(statistics.mean(series)) / math.sqrt(squares / len(series)) * math.sqrt(252 if rests else 365)


def exposure(decided: Iterable[Made]) -> float | None:
    """Minute by minute: the share of those from the first fill to the last exit that some signal was held in.

    A signal held for no time at all does not count, and none would be: a bar has a length.
    """
    spans = [(one.exit_at - one.held, one.exit_at) for one in decided if one.exit_at is not None and one.held]
    if not spans:
        return None
    first, last = min(fill for fill, _ in spans), max(exit_at for _, exit_at in spans)
    minute = timedelta(minutes=1)
    held = {first + n * minute for fill, end in spans for n in range((fill - first) // minute, (end - first) // minute)}
    return len(held) / ((last - first) // minute) if last > first else None


def daily(decided: Iterable[Made]) -> tuple[list[Fraction], bool]:
    """R of every day that counts, and whether all are of classes that rest on weekends."""
    by_day: dict[date, Fraction] = {}
    classes = set()
    for one in decided:
        assert one.exit_at is not None
        classes.add(one.asset_class)
        day = one.exit_at.astimezone(UTC).date()
        by_day[day] = by_day.get(day, Fraction(0)) + Fraction(one.net_r or 0.0)
    rests = classes <= WEEKDAY_CLASSES
    if not by_day:
        return [], rests
    span = [min(by_day) + timedelta(days=index) for index in range((max(by_day) - min(by_day)).days + 1)]
    return [by_day.get(day, Fraction(0)) for day in span if not rests or day.weekday() < 5 or day in by_day], rests


def max_drawdown(decided: Sequence[Made]) -> float | None:
    """The greatest fall from an earlier point of the curve to a later one, over all pairs."""
    curve = [Fraction(0), *(equity for _, equity in equity_curve(decided))]
    if len(curve) == 1:
        return None
    return float(max(high - low for index, high in enumerate(curve) for low in curve[index:]))


def equity_curve(decided: Sequence[Made]) -> list[tuple[datetime, Fraction]]:
    """(instant, equity after all that exited until then)."""
    instants = sorted({one.exit_at for one in decided if one.exit_at is not None})
    return [
        (
            instant,
            sum((Fraction(one.net_r or 0.0) for one in decided if one.exit_at and one.exit_at <= instant), Fraction(0)),
        )
        for instant in instants
    ]
