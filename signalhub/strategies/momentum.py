"""Momentum: the MACD histogram turns over zero while the trend already points that way.

Logic (long; short mirrors it): EMA 9 above EMA 21, close above EMA 50, RSI between 50 and 75, ADX at least 18,
and the MACD histogram crosses from at or below zero to above it on this bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous, shown, unit


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    rsi_low: float = 50.0
    rsi_high: float = 75.0
    adx_min: float = 18.0
    stop_atr: float = 1.0
    target_atr: float = 2.0
    valid_bars: int = 12
    cooldown_bars: int = 5


class Momentum(Strategy):
    """Trend-following on the MACD histogram's turn."""

    name = "momentum"
    code_version = 1
    needs = ("ema_9", "ema_21", "ema_50", "rsi_14", "macd_hist_12_26_9", "atr_14", "adx_14", "volume_sma_20")

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters()

    def propose(self) -> Proposal:
        """MACD histogram crosses zero in the direction of the averages."""
        p = self.parameters
        hist, before = pl.col("macd_hist_12_26_9"), previous("macd_hist_12_26_9")
        strong = pl.col("adx_14") >= p.adx_min
        rising = (pl.col("ema_9") > pl.col("ema_21")) & (pl.col("close") > pl.col("ema_50"))
        falling = (pl.col("ema_9") < pl.col("ema_21")) & (pl.col("close") < pl.col("ema_50"))
        return Proposal(
            long=(hist > 0) & (before <= 0) & rising & strong & pl.col("rsi_14").is_between(p.rsi_low, p.rsi_high),
            short=(hist < 0)
            & (before >= 0)
            & falling
            & strong
            & pl.col("rsi_14").is_between(100 - p.rsi_high, 100 - p.rsi_low),
        )

    def assess(self, candidate: Candidate) -> Assessment:
        """Trend 30, momentum 25, strength 20, volume 15, candles 10."""
        row, sign = candidate.row, candidate.direction.sign
        atr = row["atr_14"]
        spread = sign * (row["ema_9"] - row["ema_21"]) / atr
        lead = sign * (row["rsi_14"] - 50.0)
        ratio = row["volume"] / row["volume_sma_20"] if row["volume_sma_20"] > 0 else None
        components = [
            Component("trend", 30, 0.5 * unit(spread, 0.0, 1.0) + 0.5 * _slope(candidate, atr)),
            Component("momentum", 25, unit(lead, 0.0, 20.0)),
            Component("strength", 20, unit(row["adx_14"], 15.0, 40.0)),
            Component("volume", 15, None if ratio is None else unit(ratio, 0.5, 2.0)),
            Component("candles", 10, unit(sign * candidate.features["candles"], -1.0, 1.0)),
        ]
        return Assessment(components, _reason(candidate, ratio))


def _slope(candidate: Candidate, atr: float) -> float:
    return unit(candidate.direction.sign * candidate.features["slope_20"] / atr, 0.0, 0.3)


def _reason(candidate: Candidate, ratio: float | None) -> str:
    row = candidate.row
    turned, side = ("up", "above") if candidate.direction.sign > 0 else ("down", "below")
    volume = f" on {ratio:.1f}× volume" if ratio is not None else ""
    return (
        f"MACD histogram turned {turned}{volume} with close {shown(row['close'])} {side} EMA 50 "
        f"{shown(row['ema_50'])}; RSI {row['rsi_14']:.0f}, ADX {row['adx_14']:.0f}."
    )


STRATEGY = Momentum()
