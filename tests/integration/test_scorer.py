"""Half of the instruments are scored in a second process: the same record comes of it, whatever happens to that one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.signal import Reason
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer, cores
from signalhub.strategies.breakout import Breakout
from tests.engine_rows import forget, record
from tests.evaluation_market import BARS, REAL, add, close_of, lively_quarters, settle
from tests.market import put, rows
from tests.scorer_stage import (
    EVERY_SCORE,
    FIRST,
    LAST,
    SYMBOLS,
    assert_as_alone,
    evaluated,
    lively,
    needs_two_cores,
    with_a_helper,
)


@pytest.fixture
def helped(database: Database) -> Iterator[Scorer]:
    with with_a_helper(database) as scorer:
        yield scorer


@needs_two_cores
def test_two_processes_make_the_record_of_one(database: Database, helped: Scorer) -> None:
    ids = lively(database)
    late = {close_of(number): {ids[number % 5]: Reason.NOT_SETTLED} for number in range(FIRST, LAST, 4)}

    def walked(scorer: Scorer | None) -> object:
        forget(database)
        for number in range(FIRST, LAST):
            evaluated(database, scorer, close_of(number), late.get(close_of(number), {}))
        return record(database)

    alone = walked(None)
    assert walked(helped) == alone
    whose = [row["instrument_id"] % 2 for row in rows(database, "SELECT instrument_id FROM engine.signals")]
    assert min(whose.count(0), whose.count(1)) > 2
    found = rows(
        database, "SELECT DISTINCT close_at, snapshot_hits, snapshot_misses FROM engine.evaluations ORDER BY 1"
    )
    # Both keep their own frame and the hour's.
    assert [(row["snapshot_hits"], row["snapshot_misses"]) for row in found] == [(0, 4), *[(4, 0)] * (LAST - FIRST - 1)]


@needs_two_cores
def test_corrections_late_bars_and_newcomers_are_seen_by_whoever_has_the_instrument(
    database: Database, helped: Scorer
) -> None:
    ids = [add(database, f"{letter}/USDT") for letter in "ABCDEFGHIJ"]
    every = pl.concat([lively_quarters(seed, key) for seed, key in enumerate(ids)])
    # One instrument of each half has no bars for a while: they come late, all at once.
    then = pl.col("open_at").is_between(close_of(FIRST), close_of(FIRST + 7))
    is_late = pl.col("instrument_id").is_in(ids[:2]) & then
    newcomer = pl.col("instrument_id") == ids[3]

    def bring(bars: pl.DataFrame, until: datetime) -> None:
        if bars.height:
            put(database, bars.filter(pl.col("open_at") < until), M15, now=until)
        settle(database, until)
        pipeline.refresh(database, until)

    bring(every.filter(~is_late & ~newcomer), close_of(FIRST))
    alone, signals = Scorer(database, REAL, EVERY_SCORE), Counter[int]()
    for number in range(FIRST, FIRST + 25):
        close = close_of(number)
        some = every.filter(pl.col("open_at") == close - M15.span, ~is_late, ~newcomer)
        if number == FIRST + 6:
            old = every.filter(~newcomer, pl.col("open_at") == close_of(FIRST - 9))
            some = pl.concat([some, old.with_columns(pl.col("close") * 1.002, high=pl.col("high") * 1.01)])
        if number == FIRST + 10:
            some = pl.concat([some, every.filter(is_late | newcomer)]).unique(["instrument_id", "open_at"])
        bring(some, close)
        found = []
        for scorer in (None, helped, alone):
            forget(database)
            evaluated(database, scorer, close, {})
            found.append(record(database))
        assert found[1] == found[0]
        assert found[2] == found[0]
        signals.update(row["instrument_id"] % 2 for row in rows(database, "SELECT instrument_id FROM engine.signals"))
    assert min(signals[0], signals[1]) > 2
    assert helped.helper_pid is not None


@needs_two_cores
def test_a_half_without_instruments_is_nothing_to_add(database: Database, helped: Scorer) -> None:
    assert len(lively(database, SYMBOLS[:1])) == 1
    for number in range(FIRST, FIRST + 3):
        evaluated(database, helped, close_of(number), {})
    assert helped.helper_pid is not None
    assert_as_alone(database, range(FIRST, FIRST + 3))


def test_strategies_that_cannot_be_sent_are_scored_alone(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    class Here(Breakout):
        name = "here"

    caplog.set_level("INFO")
    scorer = Scorer(database, [Here()], EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    assert scorer.helper_pid is None
    assert "these strategies cannot be sent to one: here" in caplog.text or cores() < 2


def test_few_instruments_are_scored_alone(database: Database) -> None:
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS - 1)
    scorer.wait()
    lively(database, SYMBOLS[:1])
    evaluated(database, scorer, close_of(BARS - 1), {})
    assert scorer.helper_pid is None
    assert rows(database, "SELECT FROM engine.evaluations")
