"""Markets for every strategy found, and its evaluations of them.

The snapshot is the real one: bars stored, rolled up and given their indicators by the database. Each market is
there three times: whole, cut off at an instant, and with another future from there on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import polars as pl

from signalhub import plugins, snapshot
from signalhub.bars.instruments import Instrument
from signalhub.db.engine import Database
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Evaluation, SignalDraft
from signalhub.domain.timeframe import H1, Timeframe
from signalhub.signals.evaluate import Universe, evaluate
from signalhub.snapshot import Snapshot
from signalhub.strategies.base import Strategy
from tests.lively import lively_bars
from tests.market import MONDAY, add_instrument, put, roll_and_compute

STRATEGIES = plugins.declared("signalhub.strategies", "STRATEGY", Strategy)
MARKETS = 5
BARS, BARS_BEFORE_THE_CUT = 620, 420
WHOLE, CUT, OTHER = "whole", "cut off", "another future"
Frames = Mapping[str, pl.DataFrame]


def timeframe_of(strategy: Strategy) -> Timeframe:
    return H1 if H1 in strategy.timeframes else strategy.timeframes[0]


def frames_of(database: Database, timeframe: Timeframe) -> Frames:
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
