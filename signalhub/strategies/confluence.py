"""Confluence: the other strategies vote on every bar, and enough of them agree.

Logic (long; short mirrors it): each of the other strategies leans up, down or neither way on a bar, by a condition of
its own that lasts longer than the bar of its signal. The weights of those who lean up minus those who lean down reach
50 of 85 on this bar, and did not on the bar before.

The trend of the coarser timeframes has the last 15 points: two of them agree, in full. Strategies that follow trends
outweigh those that go against them, which hold back what has run too far. The version of each voter is a parameter, so
that a changed vote is a new version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from signalhub.strategies import (
    bollinger_squeeze,
    breakout,
    composite,
    ma_crossover,
    macd_trend,
    mean_reversion,
    momentum,
    rsi_reversal,
    scalping,
    trend_pullback,
    volume_breakout,
)
from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, shown
from signalhub.strategies.leaning import BEFORE, NOW, Voter, begins
from signalhub.strategies.parts import TREND_COLUMNS, higher, higher_words

VOTERS: tuple[Voter, ...] = (
    momentum.STRATEGY,
    breakout.STRATEGY,
    trend_pullback.STRATEGY,
    macd_trend.STRATEGY,
    ma_crossover.STRATEGY,
    composite.STRATEGY,
    volume_breakout.STRATEGY,
    bollinger_squeeze.STRATEGY,
    mean_reversion.STRATEGY,
    rsi_reversal.STRATEGY,
    scalping.STRATEGY,
)
OBJECTORS = frozenset({mean_reversion.STRATEGY.name, rsi_reversal.STRATEGY.name})
_NET = "net votes"
_VERSIONS = ", ".join(f"{voter.name} {voter.version}" for voter in VOTERS)


@dataclass(frozen=True)
class Parameters:
    """What can be set; a change makes a new version."""

    min_votes: float = 50.0
    """Least weight of those who lean the signal's way, minus those who lean the other way."""
    momentum: float = 12.0
    """Weight of a vote, as of the ten that follow."""
    breakout: float = 11.0
    trend_pullback: float = 11.0
    macd_trend: float = 10.0
    ma_crossover: float = 9.0
    composite: float = 9.0
    volume_breakout: float = 7.0
    bollinger_squeeze: float = 6.0
    mean_reversion: float = 4.0
    rsi_reversal: float = 4.0
    scalping: float = 2.0
    voters: str = _VERSIONS
    """Which versions of the others vote; not to be set."""
    stop_atr: float = 1.5
    target_atr: float = 3.0
    valid_bars: int = 16
    cooldown_bars: int = 10


class Confluence(Strategy):
    """Weighted votes of the others."""

    name = "confluence"
    code_version = 1
    needs = tuple(sorted({"atr_14", *(name for voter in VOTERS for name in voter.needs)}))
    context = {"+1": TREND_COLUMNS, "+2": TREND_COLUMNS}  # noqa: RUF012 — declared ClassVar in the base

    def __init__(self, parameters: Parameters | None = None) -> None:
        # Whoever asks for votes of other versions gets these, and this version: the code of those is gone.
        self.parameters = replace(parameters or Parameters(), voters=_VERSIONS)

    def propose(self) -> Proposal:
        """The net votes reach the bound on this bar."""
        net, least = pl.col(_NET), self.parameters.min_votes
        return Proposal(long=begins(net >= least), short=begins(net <= -least), shared={_NET: self.net_votes()})

    def assess(self, candidate: Candidate) -> Assessment:
        """What the score is made of.

        momentum 12: as every vote, all of it if the strategy leans the signal's way, else none.
        breakout 11: a vote.
        trend_pullback 11: a vote.
        macd_trend 10: a vote.
        ma_crossover 9: a vote.
        composite 9: a vote.
        volume_breakout 7: a vote; left out without volume.
        bollinger_squeeze 6: a vote.
        mean_reversion 4: all of it unless the strategy leans the other way: the move is stretched then.
        rsi_reversal 4: likewise.
        scalping 2: a vote.
        higher 10: the trend of the next coarser timeframe: all of it with the signal, half without a trend, else none.
        highest 5: that of the one after it.
        """
        votes = [(voter, self._vote(voter, candidate)) for voter in VOTERS]
        components = [
            *(Component(voter.name, self._weight(voter), _value(voter, vote)) for voter, vote in votes),
            Component("higher", 10, higher(candidate)),
            Component("highest", 5, higher(candidate, "+2")),
        ]
        return Assessment(components, lambda: _reason(candidate, votes))

    def _weight(self, voter: Voter) -> float:
        return float(getattr(self.parameters, voter.name))

    def net_votes(self) -> pl.Expr:
        """Weights of those who look up minus weights of those who look down; null where one cannot be asked."""
        leans = ((self._weight(voter), voter.leans(NOW, BEFORE)) for voter in VOTERS)
        votes = (weight * (lean.long.cast(pl.Int8) - lean.short.cast(pl.Int8)) for weight, lean in leans)
        return pl.sum_horizontal(*votes, ignore_nulls=False)

    def _vote(self, voter: Voter, candidate: Candidate) -> int | None:
        """1 for the candidate, -1 against it, 0 silent, None where a voter has nothing to go by."""
        if voter.name == volume_breakout.STRATEGY.name and candidate.previous["volume_sma_20"] <= 0:
            return None
        lean = voter.leans(candidate.row, candidate.previous)
        return candidate.direction.sign * (int(lean.long) - int(lean.short))


def _value(voter: Voter, vote: int | None) -> float | None:
    """Those that go against a move can but object to it."""
    least = 0 if voter.name in OBJECTORS else 1
    return None if vote is None else float(vote >= least)


def _reason(candidate: Candidate, votes: Sequence[tuple[Voter, int | None]]) -> str:
    agree = [voter.name for voter, vote in votes if vote == 1]
    asked = sum(vote is not None for _, vote in votes)
    way = "up" if candidate.direction.sign > 0 else "down"
    wider = higher_words(candidate, "+2").replace("; ", ", " if higher_words(candidate) else "; ")
    return (
        f"Close {shown(candidate.row['close'])} with {len(agree)} of {asked} strategies looking {way}, "
        f"{', '.join(agree)}{higher_words(candidate)}{wider}."
    )


STRATEGY = Confluence()
