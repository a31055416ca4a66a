"""Composite: seven views of one bar, weighed; those that an instrument lacks are left out.

Logic (long; short mirrors it): the close goes above the last swing high that was confirmed, the previous close was not
above it. That is the occasion; the score says what it is worth. The stop lies a quarter of an ATR below the last swing
low, at least 0.8 and at most 3 ATR away; the target at twice the risk.

Open interest, liquidations and events come as observations (`market.observations`), as known at the close and not older
than a day. Where there are none, their weights go to the others: a stock is judged by trend, volatility, VWAP and
structure alone. What was left out is stored and shown with each signal. The kinds: `open_interest` in contracts or
base units; `liquidations_long` and `liquidations_short`, what was liquidated of each side in the last period, both in
one unit; `event_impact`, the expected effect of news and of the calendar on the price, -1 (bad) to 1 (good).
"""

from __future__ import annotations

from dataclasses import dataclass

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, known, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, beyond, higher, higher_words, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    reward: float = 2.0
    """Distance of the target, in risks."""
    valid_bars: int = 16
    cooldown_bars: int = 8


class Composite(Strategy):
    """A broken swing, seen from seven sides."""

    name = "composite"
    code_version = 1
    needs = ("swing_high_5", "swing_low_5", "ema_21", "ema_50", "atr_14", "true_range", "chop_14", "volume_sma_20")
    wants = ("vwap_20",)
    context = HIGHER
    observations = ("open_interest", "liquidations_long", "liquidations_short", "event_impact")

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """With a close beyond the last swing; neither way where the last high lies below the last low."""
        close, high, low = now["close"], now["swing_high_5"], now["swing_low_5"]
        return Lean(long=(close > high) & (close >= low), short=(close < low) & (close <= high))

    def propose(self) -> Proposal:
        """The close breaks the swing that stood on the bar before."""
        close, before = NOW["close"], BEFORE["close"]
        high, low = BEFORE["swing_high_5"], BEFORE["swing_low_5"]
        return Proposal(long=(close > high) & (before <= high), short=(close < low) & (before >= low))

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        trend 20: EMA 21 beyond EMA 50, from 0.5 ATR against to 1 with; half of it the next coarser timeframe's trend.
        liquidation 15: the share of the other side in what was liquidated, from 30 to 80 %: forced buyers drive a rise.
        volatility 15: the true range from 0.7 to 1.8 ATR; half of it the choppiness index, from 60 down to 38.
        vwap 10: the close beyond the 20-bar VWAP, full at 2 ATR.
        open_interest 15: its change over 24 bars, from -2 to +4 %: a move with new positions behind it.
        structure 15: the close beyond the swing, full at 0.8 ATR.
        event 10: the impact of events in the signal's direction, from -1 to 1.
        """
        components = [
            Component("trend", 20, _trend(candidate)),
            Component("liquidation", 15, _liquidation(candidate)),
            Component("volatility", 15, _volatility(candidate)),
            Component("vwap", 10, _vwap(candidate)),
            Component("open_interest", 15, _open_interest(candidate)),
            Component("structure", 15, unit(_in_atr(candidate, _swing(candidate)), 0.0, 0.8)),
            Component("event", 10, _event(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))

    def structure(self, candidate: Candidate) -> tuple[float, float]:
        """The stop beyond the last swing on the other side."""
        sign = candidate.direction.sign
        swing = candidate.row["swing_low_5" if sign > 0 else "swing_high_5"]
        level = swing - sign * 0.25 * candidate.row["atr_14"]
        return beyond(candidate, level, (0.8, 3.0), self.parameters.reward)


def _trend(candidate: Candidate) -> float:
    row = candidate.row
    here = unit(candidate.direction.sign * (row["ema_21"] - row["ema_50"]) / row["atr_14"], -0.5, 1.0)
    above = higher(candidate)
    return here if above is None else 0.5 * here + 0.5 * above


def _liquidation(candidate: Candidate) -> float | None:
    longs, shorts = (known(candidate.row[f"obs.liquidations_{side}"]) for side in ("long", "short"))
    if longs is None or shorts is None:
        return None
    others = shorts if candidate.direction.sign > 0 else longs
    # Nobody was forced out on either side: that says nothing for the move and nothing against it.
    return unit(others / (longs + shorts), 0.3, 0.8) if longs + shorts > 0 else 0.5


def _volatility(candidate: Candidate) -> float:
    row = candidate.row
    return 0.5 * unit(row["true_range"] / row["atr_14"], 0.7, 1.8) + 0.5 * unit(row["chop_14"], 60.0, 38.0)


def _vwap(candidate: Candidate) -> float | None:
    vwap = known(candidate.row["vwap_20"])
    return None if vwap is None else unit(_in_atr(candidate, vwap), 0.0, 2.0)


def _open_interest(candidate: Candidate) -> float | None:
    change = _interest_change(candidate)
    return None if change is None else unit(change, -0.02, 0.04)


def _interest_change(candidate: Candidate) -> float | None:
    now, before = known(candidate.row["obs.open_interest"]), known(candidate.row["obs.open_interest.before"])
    return None if now is None or before is None or before <= 0 else now / before - 1.0


def _event(candidate: Candidate) -> float | None:
    impact = known(candidate.row["obs.event_impact"])
    return None if impact is None else unit(candidate.direction.sign * impact, -1.0, 1.0)


def _swing(candidate: Candidate) -> float:
    return candidate.previous["swing_high_5" if candidate.direction.sign > 0 else "swing_low_5"]


def _in_atr(candidate: Candidate, level: float) -> float:
    return candidate.direction.sign * (candidate.row["close"] - level) / candidate.row["atr_14"]


def _reason(candidate: Candidate) -> str:
    swing = "high" if candidate.direction.sign > 0 else "low"
    return (
        f"Close {shown(candidate.row['close'])} broke the swing {swing} {shown(_swing(candidate))}"
        f"{volume_words(candidate)}{higher_words(candidate)}; choppiness {candidate.row['chop_14']:.0f}"
        f"{_observed_words(candidate)}."
    )


def _observed_words(candidate: Candidate) -> str:
    row = candidate.row
    change, impact = _interest_change(candidate), known(row["obs.event_impact"])
    longs, shorts = (known(row[f"obs.liquidations_{side}"]) for side in ("long", "short"))
    said = [
        "" if change is None else f", open interest {100 * change:+.1f} per cent in 24 bars",
        "" if longs is None or shorts is None else f", liquidated {longs:,.0f} long and {shorts:,.0f} short",
        "" if impact is None else f", event impact {impact:+.2f}",
    ]
    return "".join(said)


STRATEGY = Composite()
