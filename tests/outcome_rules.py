"""DESIGN 5, "Outcomes", once more: a plain loop over bars that knows nothing of the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.signals import OHLC, Plan


@dataclass(frozen=True)
class Path:
    """An instrument's ruling base bars, and the finer ones inside them."""

    instrument_id: int
    bars: Sequence[OHLC]
    settled: datetime
    finer: dict[datetime, list[OHLC]] = field(default_factory=dict)
    """Complete minutes by the open of their hour."""


def by_the_rules(plan: Plan, path: Path, now: datetime, cost_bps: float) -> dict[str, Any]:
    """The outcome of one signal."""
    until = min(now, path.settled, plan.valid_until)
    seen = [one for one in path.bars if one.open_at >= plan.close_at and one.close_at <= until]
    is_over = until == plan.valid_until
    if not seen:
        return {"status": "expired", "exit_at": until} if is_over else {"status": "open"}
    fill, fill_at = seen[0].open, seen[0].open_at
    if any(_reached(plan, fill, level) for level in ("stop", "target")):
        return {"status": "cancelled", "exit_at": fill_at}
    filled = {"fill_price": fill, "fill_at": fill_at}
    before: list[float] = []
    for one in seen:
        end = _end(plan, one, fill_at, path.finer.get(one.open_at, []))
        if end is not None:
            return filled | end | _figures(plan, fill, end["exit_price"], before, cost_bps)
        before += [one.high, one.low]
    if not is_over:
        return filled | {"status": "open"}
    last = seen[-1]
    expiry = {"status": "expired", "exit_price": last.close, "exit_at": last.close_at}
    return filled | expiry | _figures(plan, fill, last.close, before, cost_bps)


def _reached(plan: Plan, price: float, level: str) -> bool:
    below = (plan.direction == "long") == (level == "stop")
    limit = plan.stop if level == "stop" else plan.target
    return price <= limit if below else price >= limit


def _touches(plan: Plan, one: OHLC, level: str) -> bool:
    return _reached(plan, one.high, level) or _reached(plan, one.low, level)


def _end(plan: Plan, one: OHLC, fill_at: datetime, finer: Sequence[OHLC] = ()) -> dict[str, Any] | None:
    """How the bar ends the signal, if it does."""
    if one.open_at > fill_at and _reached(plan, one.open, "stop"):
        return {"status": "stop_hit", "exit_price": one.open, "exit_at": one.open_at}
    stopped, reached = _touches(plan, one, "stop"), _touches(plan, one, "target")
    if stopped and reached:
        for part in finer:
            end = _end(plan, part, fill_at)
            if end is not None:
                return end
    exit_at = {"exit_at": one.close_at}
    if stopped:
        return {"status": "stop_hit", "exit_price": plan.stop, "is_ambiguous": reached, **exit_at}
    return {"status": "target_hit", "exit_price": plan.target, **exit_at} if reached else None


def _figures(plan: Plan, fill: float, exit_price: float, before: list[float], cost_bps: float) -> dict[str, Any]:
    sign = 1 if plan.direction == "long" else -1
    risk = abs(plan.entry - plan.stop)
    moves = [sign * (price - fill) / risk for price in (*before, exit_price)]
    gross = sign * (exit_price - fill) / fill * 100
    cost = 2 * cost_bps / 100
    return {
        "r_multiple": moves[-1],
        "net_r": moves[-1] - cost / 100 * fill / risk,
        "gross_return_pct": gross,
        "net_return_pct": gross - cost,
        "mfe_r": max(0.0, *moves),
        "mae_r": min(0.0, *moves),
    }
