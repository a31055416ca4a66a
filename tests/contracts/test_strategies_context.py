"""What strategies take from coarser timeframes, from observations and from each other's votes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import polars as pl
import pytest

from signalhub.domain.timeframe import H1, Timeframe, coarser
from signalhub.snapshot import WINDOW_BARS
from signalhub.strategies.base import Strategy
from signalhub.strategies.confluence import OBJECTORS, VOTERS
from signalhub.strategies.leaning import BEFORE, NOW, Voter
from signalhub.strategies.parts import TREND_COLUMNS
from tests.contracts.strategy_markets import (
    MARKETS,
    OBSERVED_MARKETS,
    STRATEGIES,
    WHOLE,
    Frames,
    evaluated,
    signals_of,
    timeframe_of,
)
from tests.contracts.strategy_words import weights_told

HIGHER = ("higher", "highest")
SEEN_BY_OBSERVATION = {"liquidation", "open_interest", "event"}


class TestHigherTimeframes:
    def test_the_trend_of_the_next_one_is_told_both_ways(self, strategy: Strategy, market: Frames) -> None:
        if strategy.context.get("+1") != TREND_COLUMNS:
            pytest.skip("it does not tell the trend of the next coarser timeframe")
        above = coarser(timeframe_of(strategy), "+1")
        reasons = " ".join(draft.reason for draft in signals_of(evaluated(strategy, market[WHOLE])))
        assert f"{above} trend up" in reasons
        assert f"{above} trend down" in reasons

    def test_where_it_is_not_known_nothing_is_said_and_nothing_counted(
        self, strategy: Strategy, market: Frames
    ) -> None:
        unknown = pl.lit(None, pl.Float64)
        contexts = [name for name in strategy.joined if not name.startswith("obs.")]
        alone = market[WHOLE].with_columns(unknown.alias(name) for name in contexts)
        drafts = signals_of(evaluated(strategy, alone))
        assert drafts
        told = {*HIGHER} & {*weights_told(strategy)}
        for draft in drafts:
            assert told <= {*draft.left_out}
            assert not told & {*draft.components}
            assert " trend " not in draft.reason

    def test_it_is_that_of_the_last_bar_that_had_closed(self, frames: Mapping[Timeframe, Frames]) -> None:
        """By a plain loop over the frame: hours joined to what their own four hours had been."""
        frame = frames[H1][WHOLE].filter(instrument_id=1)
        closes = dict(frame.select("close_at", "close").iter_rows())
        found = 0
        for close_at, joined in frame.select("close_at", "+1.close").iter_rows():
            last = close_at.replace(hour=close_at.hour - close_at.hour % 4)
            assert joined == closes.get(last), close_at
            found += joined is not None
        assert found > 600


class TestComposite:
    def test_what_an_instrument_lacks_is_left_out_and_the_others_take_its_weight(
        self, frames: Mapping[Timeframe, Frames]
    ) -> None:
        drafts = signals_of(evaluated(STRATEGIES["composite"], frames[H1][WHOLE]))
        observed = [draft for draft in drafts if draft.instrument_id <= OBSERVED_MARKETS]
        bare = [draft for draft in drafts if OBSERVED_MARKETS < draft.instrument_id < MARKETS]
        silent = [draft for draft in drafts if draft.instrument_id == MARKETS]
        assert {draft.left_out for draft in observed} == {()}
        assert {frozenset(draft.left_out) for draft in bare} == {frozenset(SEEN_BY_OBSERVATION)}
        assert {frozenset(draft.left_out) for draft in silent} == {frozenset({*SEEN_BY_OBSERVATION, "vwap"})}
        assert max(draft.score for draft in bare) > 60 == sum(bare[0].weights.values())


class TestVotes:
    @pytest.mark.parametrize("voter", VOTERS, ids=lambda voter: voter.name)
    def test_columns_and_numbers_give_the_same_leaning_on_every_bar(
        self, voter: Voter, frames: Mapping[Timeframe, Frames]
    ) -> None:
        frame = frames[H1][WHOLE]
        lean = voter.leans(NOW, BEFORE)
        asked = frame.with_columns(is_long=lean.long, is_short=lean.short)
        rows = asked.to_dicts()
        seen = set()
        for before, row in pairwise(rows):
            if row["n"] < WINDOW_BARS or any(bar[name] is None for bar in (before, row) for name in voter.needs):
                continue
            numbers = voter.leans(row, before)
            assert (numbers.long, numbers.short) == (row["is_long"], row["is_short"])
            assert not (numbers.long and numbers.short)
            seen.add((numbers.long, numbers.short))
        assert {(True, False), (False, True)} <= seen

    def test_a_signal_has_the_votes_it_needs(self, frames: Mapping[Timeframe, Frames]) -> None:
        confluence = STRATEGIES["confluence"]
        names = {voter.name for voter in VOTERS} - OBJECTORS
        for draft in signals_of(evaluated(confluence, frames[H1][WHOLE])):
            votes = sum(draft.weights[name] for name in names & {*draft.weights} if draft.components[name] > 0)
            assert votes >= confluence.parameters.min_votes

    def test_a_strategy_leans_the_way_it_proposes(self, frames: Mapping[Timeframe, Frames]) -> None:
        """But for those that go against what stretched: their turn is a step back from the edge."""
        against = {"mean_reversion", "rsi_reversal", "composite"}
        for voter in (voter for voter in VOTERS if voter.name not in against):
            strategy = STRATEGIES[voter.name]
            frame, lean = frames[H1][WHOLE], voter.leans(NOW, BEFORE)
            proposed, leaning = strategy.propose().over(frame), frame.select(long=lean.long, short=lean.short)
            assert not (proposed["long"] & ~leaning["long"]).any(), voter.name
            assert not (proposed["short"] & ~leaning["short"]).any(), voter.name
