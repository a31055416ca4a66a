"""What base.py promises first of all, for every strategy found: that none looks ahead."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from signalhub.snapshot import CONTEXT_BARS
from signalhub.strategies.base import Proposal, Strategy
from tests.contracts.strategy_markets import (
    BARS,
    BARS_BEFORE_THE_CUT,
    CUT,
    MARKETS,
    OTHER,
    WHOLE,
    Frames,
    closes_of,
    evaluated,
    signals_of,
)
from tests.rising import Rising


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
        with_candidates = [number for number, evaluation in enumerate(block) if evaluation.candidates]
        some |= {*with_candidates[:: max(1, len(with_candidates) // 40)]}
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
