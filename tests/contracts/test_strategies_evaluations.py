"""What base.py promises of the evaluations of every strategy found: signals, needs, cooldown."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import polars as pl

from signalhub.domain.signal import Direction, Reason
from signalhub.domain.timeframe import Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.signals.gate import gated
from signalhub.snapshot import SNAPSHOT_SCHEMA, Snapshot
from signalhub.strategies.base import Strategy, previous
from tests.contracts.strategy_markets import BARS, JOINED, MARKETS, WHOLE, Frames, evaluated, signals_of, timeframe_of


class TestEvaluations:
    def test_both_directions_are_proposed(self, strategy: Strategy, market: Frames) -> None:
        assert {draft.direction for draft in signals_of(evaluated(strategy, market[WHOLE]))} == set(Direction)

    def test_the_same_snapshot_gives_the_same_evaluations(self, strategy: Strategy, market: Frames) -> None:
        assert evaluated(strategy, market[WHOLE]) == evaluated(strategy, market[WHOLE].clone())

    def test_each_instrument_with_a_bar_is_seen_or_abstains(self, strategy: Strategy, market: Frames) -> None:
        for evaluation in evaluated(strategy, market[WHOLE]):
            assert evaluation.instruments_seen + evaluation.instruments_abstained == MARKETS
            held_back = sum(1 for abstention in evaluation.abstentions if abstention.direction is not None)
            assert evaluation.candidates == len(evaluation.signals) + held_back

    def test_scores_are_from_0_to_100_and_the_sum_of_their_components(self, strategy: Strategy, market: Frames) -> None:
        for draft in signals_of(evaluated(strategy, market[WHOLE])):
            assert 0 <= draft.score <= 100
            assert sum(Decimal(repr(value)) for value in draft.components.values()) == draft.score

    def test_a_candidate_below_the_threshold_is_held_back_with_its_score(
        self, strategy: Strategy, market: Frames
    ) -> None:
        every = {(d.instrument_id, d.close_at, d.direction): d for d in signals_of(evaluated(strategy, market[WHOLE]))}
        strict = evaluated(strategy, market[WHOLE], min_score=60)
        assert all(draft.score >= 60 for draft in signals_of(strict))
        held = [(evaluation.close_at, one) for evaluation in strict for one in evaluation.abstentions
                if one.reason is Reason.SCORE_BELOW_THRESHOLD]  # fmt: skip
        assert len(held) + len(signals_of(strict)) == len(every)
        for close_at, one in held:
            assert one.direction is not None
            assert one.score == every[one.instrument_id, close_at, one.direction].score < 60

    def test_the_reason_is_a_sentence_with_numbers_and_without_placeholders(
        self, strategy: Strategy, market: Frames
    ) -> None:
        for draft in signals_of(evaluated(strategy, market[WHOLE])):
            assert re.fullmatch(r"[A-Z].*\d.*\.", draft.reason)
            assert not re.search(r"[{}<>%]|\b(nan|inf|None|null)\b", draft.reason)

    def test_levels_stand_around_the_close_and_the_signal_ends_after_its_bars(
        self, strategy: Strategy, market: Frames
    ) -> None:
        closes = {(row[0], row[1]): row[2] for row in market[WHOLE][["instrument_id", "close_at", "close"]].rows()}
        for draft in signals_of(evaluated(strategy, market[WHOLE])):
            sign, levels = draft.direction.sign, draft.levels
            assert levels.entry == Decimal(repr(closes[draft.instrument_id, draft.close_at]))
            assert sign * levels.stop < sign * levels.entry < sign * levels.target
            assert draft.valid_until == draft.close_at + strategy.valid_bars * timeframe_of(strategy).span

    def test_an_instrument_without_volume_gets_signals_too_unless_forex_is_left_out(
        self, strategy: Strategy, market: Frames
    ) -> None:
        drafts = signals_of(evaluated(strategy, market[WHOLE]))
        assert any(draft.instrument_id == MARKETS for draft in drafts) == ("forex" in strategy.asset_classes)


class TestNeeds:
    def test_it_reads_nothing_but_what_it_says_it_needs(self, strategy: Strategy, market: Frames) -> None:
        others = [name for name in (*INDICATOR_COLUMNS, *JOINED) if name not in strategy.columns]
        bare = signals_of(evaluated(strategy, market[WHOLE].drop(others)))
        whole = signals_of(evaluated(strategy, market[WHOLE]))
        assert [(d.close_at, d.score, d.reason) for d in bare] == [(d.close_at, d.score, d.reason) for d in whole]

    def test_what_it_needs_and_lacks_makes_it_abstain(self, strategy: Strategy, market: Frames) -> None:
        candidate = signals_of(evaluated(strategy, market[WHOLE]))[-1]
        is_candidate = (pl.col("instrument_id") == candidate.instrument_id) & (pl.col("close_at") == candidate.close_at)
        for column in strategy.needs:
            for bars_before in (0, 1):
                holed = market[WHOLE].with_columns(
                    pl.when(is_candidate.shift(-bars_before).fill_null(value=False))
                    .then(None)
                    .otherwise(pl.col(column))
                    .alias(column)
                )
                (found,) = evaluated(strategy, holed, [candidate.close_at])
                assert (candidate.instrument_id, Reason.WARMING_UP) in [
                    (one.instrument_id, one.reason) for one in found.abstentions
                ]


class TestCooldown:
    def test_it_is_a_look_at_the_first_step_of_the_bars_before(self, strategy: Strategy, market: Frames) -> None:
        """By a plain loop: suppressed when the same direction was proposed within K bars, published or not."""
        frame = market[WHOLE]
        bars = strategy.cooldown_bars(timeframe_of(strategy))
        expected = {
            (number, close_at, direction)
            for number in range(1, MARKETS + 1)
            for direction in Direction
            for close_at in _suppressed(strategy, frame.filter(instrument_id=number), direction, bars)
        }
        found = {
            (one.instrument_id, evaluation.close_at, one.direction)
            for evaluation in evaluated(strategy, frame)
            for one in evaluation.abstentions
            if one.reason is Reason.COOLDOWN
        }
        assert found == expected

    def test_candidates_nearer_than_the_cooldown_are_never_both_signals(
        self, strategy: Strategy, market: Frames
    ) -> None:
        least = (strategy.cooldown_bars(timeframe_of(strategy)) + 1) * timeframe_of(strategy).span
        drafts = signals_of(evaluated(strategy, market[WHOLE]))
        for number in range(1, MARKETS + 1):
            for direction in Direction:
                closes = [d.close_at for d in drafts if d.instrument_id == number and d.direction is direction]
                assert all(after - before >= least for before, after in pairwise(closes))


def _suppressed(strategy: Strategy, frame: pl.DataFrame, direction: Direction, bars: int) -> list[datetime]:
    proposed = strategy.propose().over(frame)[direction.value].to_list()
    seen = Snapshot(timeframe_of(strategy), [], frame, {})
    looked = gated(seen)
    known = pl.all_horizontal(*(pl.col(name).is_not_null() & previous(name).is_not_null() for name in strategy.needs))
    lacks = pl.when(~known).then(pl.lit(Reason.WARMING_UP.value))
    gate = frame.select("close_at", abstains=pl.coalesce(looked["before"], lacks, looked["after"]))
    abstains, closes = gate["abstains"].to_list(), gate["close_at"].to_list()
    return [
        close_at
        for place, close_at in enumerate(closes)
        if proposed[place] and abstains[place] is None and any(proposed[max(0, place - bars) : place])
    ]


def test_the_snapshot_holds_what_it_says(frames: dict[Timeframe, Frames]) -> None:
    for kinds in frames.values():
        for frame in kinds.values():
            joined = dict.fromkeys(JOINED, pl.Float64())
            assert dict(frame.schema) == {**SNAPSHOT_SCHEMA, "close_at": frame.schema["close_at"], **joined}
        assert kinds[WHOLE].height == MARKETS * BARS
