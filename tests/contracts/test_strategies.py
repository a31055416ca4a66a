"""What base.py promises, for every strategy found; first of all that none looks ahead.

The snapshot is the real one: bars stored, rolled up and given their indicators by the database. Each market is
there three times: whole, cut off at an instant, and with another future from there on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from signalhub import plugins, snapshot
from signalhub.bars.instruments import Instrument
from signalhub.db import migrate
from signalhub.db.edition import POSTGRES
from signalhub.db.engine import Database, create_engine
from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Direction, Evaluation, Reason, SignalDraft
from signalhub.domain.timeframe import H1, TIMEFRAMES, Timeframe
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.signals.evaluate import Universe, evaluate
from signalhub.signals.gate import with_gate
from signalhub.snapshot import CONTEXT_BARS, SNAPSHOT_SCHEMA, WINDOW_BARS, Snapshot
from signalhub.strategies.base import Proposal, Strategy
from tests import servers
from tests.lively import lively_bars
from tests.market import MONDAY, add_instrument, put, roll_and_compute
from tests.rising import Rising

STRATEGIES = plugins.declared("signalhub.strategies", "STRATEGY", Strategy)
MARKETS = 5
BARS, BARS_BEFORE_THE_CUT = 620, 420
WHOLE, CUT, OTHER = "whole", "cut off", "another future"
Frames = Mapping[str, pl.DataFrame]


def timeframe_of(strategy: Strategy) -> Timeframe:
    return H1 if H1 in strategy.timeframes else strategy.timeframes[0]


@pytest.fixture(scope="module")
def frames(server_urls: dict[str, str]) -> Iterator[dict[Timeframe, Frames]]:
    """Snapshots by timeframe and kind of future; the instruments of each are 1 to MARKETS.

    On one edition: that both give the same record is tested elsewhere.
    """
    admin, name = server_urls[POSTGRES], "test_strategies"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    migrate.upgrade(engine)
    wanted = sorted({timeframe_of(strategy) for strategy in STRATEGIES.values()})
    yield {timeframe: _frames(Database(engine, POSTGRES), timeframe) for timeframe in wanted}
    engine.dispose()
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _frames(database: Database, timeframe: Timeframe) -> Frames:
    numbers: dict[str, dict[int, int]] = {WHOLE: {}, CUT: {}, OTHER: {}}
    for market in range(1, MARKETS + 1):
        for kind, ids in numbers.items():
            ids[market] = add_instrument(database, f"{timeframe}{market}{kind}")
            put(database, _bars(kind, market, ids[market], timeframe), timeframe)
    roll_and_compute(database)
    return {kind: _frame(database, timeframe, ids) for kind, ids in numbers.items()}


def _bars(kind: str, market: int, instrument_id: int, timeframe: Timeframe) -> pl.DataFrame:
    def lively(seed: int) -> pl.DataFrame:
        # One market has no volume at all, as forex has none.
        return lively_bars(seed, instrument_id, MONDAY, timeframe, BARS, has_volume=market != MARKETS)

    if kind == WHOLE:
        return lively(market)
    past = lively(market).head(BARS_BEFORE_THE_CUT)
    return past if kind == CUT else pl.concat([past, lively(market + 100).tail(BARS - BARS_BEFORE_THE_CUT)])


def _frame(database: Database, timeframe: Timeframe, ids: Mapping[int, int]) -> pl.DataFrame:
    closes = [MONDAY + number * timeframe.span for number in range(1, BARS + 1)]
    with database.transaction() as connection:
        loaded = snapshot.load(connection, timeframe, closes, list(ids.values())).frame
    renamed = {instrument_id: market for market, instrument_id in ids.items()}
    return loaded.with_columns(pl.col("instrument_id").replace_strict(renamed, return_dtype=pl.Int32))


@pytest.fixture(params=sorted(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return STRATEGIES[request.param]


@pytest.fixture
def market(strategy: Strategy, frames: dict[Timeframe, Frames]) -> Frames:
    return frames[timeframe_of(strategy)]


def universe_of(strategy: Strategy, markets: int = MARKETS) -> Universe:
    kind = strategy.asset_classes[0]
    tick = Decimal("0.01")
    rows = [Instrument(number, "test", f"M{number}", f"M{number}", kind, "24/7", tick, False)
            for number in range(1, markets + 1)]  # fmt: skip
    return Universe({row.instrument_id: row for row in rows}, {"24/7": Calendar("24/7")})


def closes_of(frame: pl.DataFrame) -> list[datetime]:
    return frame["close_at"].unique().sort().to_list()


def evaluated(
    strategy: Strategy, frame: pl.DataFrame, closes: Sequence[datetime] | None = None, min_score: int = 0
) -> list[Evaluation]:
    seen = Snapshot(timeframe_of(strategy), closes or closes_of(frame), frame, {})
    return evaluate(seen, strategy, universe_of(strategy), Decimal(min_score))


def signals_of(evaluations: Sequence[Evaluation]) -> list[SignalDraft]:
    return [draft for evaluation in evaluations for draft in evaluation.signals]


def test_the_strategies_of_the_house_are_found() -> None:
    assert {"momentum", "breakout"} <= set(STRATEGIES)


class TestDeclaration:
    def test_names_are_words_and_belong_to_one_strategy(self) -> None:
        names = [strategy.name for strategy in STRATEGIES.values()]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)

    def test_timeframes_and_asset_classes_are_some_of_ours(self, strategy: Strategy) -> None:
        assert strategy.timeframes
        assert set(strategy.timeframes) <= set(TIMEFRAMES)
        assert strategy.asset_classes
        assert set(strategy.asset_classes) <= set(ASSET_CLASSES)

    def test_what_it_needs_is_stored_and_levels_can_be_made(self, strategy: Strategy) -> None:
        assert set(strategy.needs) <= set(INDICATOR_COLUMNS)
        assert "atr_14" in strategy.needs
        assert strategy.stop_atr > 0
        assert strategy.target_atr > 0
        assert strategy.valid_bars >= 1

    def test_cooldown_fits_into_the_context_that_is_read(self, strategy: Strategy) -> None:
        for timeframe in strategy.timeframes:
            assert 1 <= strategy.cooldown_bars(timeframe) <= CONTEXT_BARS - WINDOW_BARS

    def test_parameters_can_be_told_as_plain_values(self, strategy: Strategy) -> None:
        assert json.loads(json.dumps(strategy.parameter_values)) == strategy.parameter_values
        assert re.fullmatch(r"\d+-[0-9a-f]{8}", strategy.version)


class TestNoLookAhead:
    @pytest.mark.parametrize("kind", [CUT, OTHER])
    def test_what_comes_later_changes_nothing_before(self, strategy: Strategy, market: Frames, kind: str) -> None:
        whole, other = evaluated(strategy, market[WHOLE]), evaluated(strategy, market[kind])
        assert whole[:BARS_BEFORE_THE_CUT] == other[:BARS_BEFORE_THE_CUT]
        assert len(signals_of(whole[:BARS_BEFORE_THE_CUT])) >= 3

    def test_a_strategy_that_looks_ahead_is_caught(self, market: Frames) -> None:
        class Peeking(Rising):
            def propose(self) -> Proposal:
                tomorrow = pl.col("close").shift(-1).over("instrument_id")
                return Proposal(long=tomorrow > pl.col("close"), short=pl.lit(value=False))

        whole, cut = evaluated(Peeking(), market[WHOLE]), evaluated(Peeking(), market[CUT])
        assert whole[:BARS_BEFORE_THE_CUT] != cut[:BARS_BEFORE_THE_CUT]

    @pytest.mark.parametrize("cut", [200, 333, 480])
    def test_a_future_of_nonsense_changes_nothing_before(self, strategy: Strategy, market: Frames, cut: int) -> None:
        frame = market[WHOLE]
        closes = closes_of(frame)
        nonsense = _shuffled_after(frame, closes[cut - 1])
        assert not nonsense.equals(frame)
        assert evaluated(strategy, nonsense)[:cut] == evaluated(strategy, frame)[:cut]

    def test_a_block_of_closes_gives_what_its_closes_give_one_by_one(self, strategy: Strategy, market: Frames) -> None:
        frame = market[WHOLE]
        block = evaluated(strategy, frame)
        rng = np.random.default_rng(1)
        some = {int(number) for number in rng.integers(0, BARS, 25)}
        some |= {number for number, evaluation in enumerate(block) if evaluation.candidates}
        for number in sorted(some):
            close = block[number].close_at
            until = frame.filter(pl.col("close_at") <= close)
            read = until.group_by("instrument_id", maintain_order=True).tail(CONTEXT_BARS + 1)
            assert evaluated(strategy, read, [close]) == [block[number]]

    def test_an_instrument_is_judged_by_its_own_bars(self, strategy: Strategy, market: Frames) -> None:
        frame = market[WHOLE]
        together = signals_of(evaluated(strategy, frame))
        for number in range(1, MARKETS + 1):
            alone = signals_of(evaluated(strategy, frame.filter(instrument_id=number)))
            assert alone == [draft for draft in together if draft.instrument_id == number]


def _shuffled_after(frame: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """Values of later bars dealt anew among themselves, columns and all."""
    values = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    is_later = pl.col("close_at") > instant
    later = frame.filter(is_later)
    dealt = later.with_columns(pl.col(name).shuffle(seed=number) for number, name in enumerate(values))
    return pl.concat([frame.filter(~is_later), dealt]).sort("instrument_id", "open_at")


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

    def test_an_instrument_without_volume_gets_signals_too(self, strategy: Strategy, market: Frames) -> None:
        assert [draft for draft in signals_of(evaluated(strategy, market[WHOLE])) if draft.instrument_id == MARKETS]


class TestNeeds:
    def test_it_reads_nothing_but_what_it_says_it_needs(self, strategy: Strategy, market: Frames) -> None:
        others = [name for name in INDICATOR_COLUMNS if name not in strategy.needs]
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
    proposal = strategy.propose()
    proposed = frame.select(yes=getattr(proposal, direction.value).fill_null(value=False))["yes"].to_list()
    seen = Snapshot(timeframe_of(strategy), [], frame, {})
    gate = with_gate(seen, strategy)
    abstains, closes = gate["abstains"].to_list(), gate["close_at"].to_list()
    return [
        close_at
        for place, close_at in enumerate(closes)
        if proposed[place] and abstains[place] is None and any(proposed[max(0, place - bars) : place])
    ]


def test_the_snapshot_holds_what_it_says(frames: dict[Timeframe, Frames]) -> None:
    for kinds in frames.values():
        assert all(frame.schema == pl.Schema({**SNAPSHOT_SCHEMA, "close_at": frame.schema["close_at"]})
                   for frame in kinds.values())  # fmt: skip
        assert kinds[WHOLE].height == MARKETS * BARS
