"""Scalping: a short dip within a short trend, on one and five minutes.

Logic (long; short mirrors it): EMA 9 above EMA 21, the close above EMA 21 and, where the instrument has volume, above
the volume-weighted average price of its session, the stochastic oscillator crosses above its signal line from below
35, and ATR is at least 0.05 per cent of the price. Entry, stop and target lie close together, and signals end after
ten bars.

Fees and slippage weigh most here: with an ATR of 0.05 per cent a target of 1.5 ATR is 0.075 per cent away, which many
venues take for the two trades alone. Look at the net figures, and raise `min_natr` to where they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from signalhub.domain.timeframe import M1, M5
from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, known, shown, unit
from signalhub.strategies.leaning import BEFORE, NOW, Bar, Lean
from signalhub.strategies.parts import HIGHER, busy, higher, higher_words, sided, volume_words


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    dip: float = 35.0
    """Greatest stochastic of the previous bar for a long; a short's least is 100 minus it."""
    min_natr: float = 0.05
    """Least ATR in per cent of the close: below it costs eat the target."""
    stop_atr: float = 1.0
    target_atr: float = 1.5
    valid_bars: int = 10
    cooldown_bars: int = 5


class Scalping(Strategy):
    """Small moves with the minute's trend."""

    name = "scalping"
    code_version = 1
    needs = ("ema_9", "ema_21", "stoch_k_14_3", "stoch_d_14_3_3", "natr_14", "atr_14", "volume_sma_20")
    wants = ("vwap_session",)
    context = HIGHER
    timeframes = (M1, M5)

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def leans(self, now: Bar, before: Bar) -> Lean:  # noqa: ARG002 — every voter is asked alike
        """With the averages, while the oscillator stands on their side of its signal line."""
        close, fast, slow = now["close"], now["ema_9"], now["ema_21"]
        swing, signal = now["stoch_k_14_3"], now["stoch_d_14_3_3"]
        return Lean(
            long=(fast > slow) & (close > slow) & (swing > signal),
            short=(fast < slow) & (close < slow) & (swing < signal),
        )

    def propose(self) -> Proposal:
        """The oscillator turns from the edge with the averages."""
        p, lean = self.parameters, self.leans(NOW, BEFORE)
        swing, signal, vwap = BEFORE["stoch_k_14_3"], BEFORE["stoch_d_14_3_3"], pl.col("vwap_session")
        has_room = NOW["natr_14"] >= p.min_natr
        above = (NOW["close"] > vwap).fill_null(value=True)
        below = (NOW["close"] < vwap).fill_null(value=True)
        return Proposal(
            long=lean.long & (swing <= signal) & (swing <= p.dip) & above & has_room,
            short=lean.short & (swing >= signal) & (swing >= 100.0 - p.dip) & below & has_room,
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        trend 25: EMA 9 beyond EMA 21, full at one ATR.
        dip 25: how far towards the edge the stochastic stood on the bar before, from 45 to 5 for a long.
        vwap 20: the close beyond the session's VWAP, full at 2 ATR; left out without volume.
        volume 15: volume from half to twice its 20-bar mean.
        higher 15: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        """
        row, sign = candidate.row, candidate.direction.sign
        vwap = known(row["vwap_session"])
        components = [
            Component("trend", 25, unit(sign * (row["ema_9"] - row["ema_21"]) / row["atr_14"], 0.0, 1.0)),
            Component("dip", 25, unit(sided(candidate, candidate.previous["stoch_k_14_3"]), 45.0, 5.0)),
            Component(
                "vwap", 20, None if vwap is None else unit(sign * (row["close"] - vwap) / row["atr_14"], 0.0, 2.0)
            ),
            Component("volume", 15, busy(candidate, 0.5, 2.0)),
            Component("higher", 15, higher(candidate)),
        ]
        return Assessment(components, lambda: _reason(candidate))


def _reason(candidate: Candidate) -> str:
    row = candidate.row
    way, side = ("up", "above") if candidate.direction.sign > 0 else ("down", "below")
    return (
        f"Stochastic turned {way} from {candidate.previous['stoch_k_14_3']:.0f}{volume_words(candidate)} with EMA 9 "
        f"{shown(row['ema_9'])} {side} EMA 21 {shown(row['ema_21'])} and close {shown(row['close'])}"
        f"{higher_words(candidate)}."
    )


STRATEGY = Scalping()
