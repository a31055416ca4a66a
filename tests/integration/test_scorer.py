"""Half of the instruments are scored in a second process: the same record comes of it, whatever happens to that one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer
from signalhub.jobs.scoring import Block
from tests.engine_rows import forget, record
from tests.evaluation_market import BARS, REAL, SETTINGS, add, close_of, lively_market, lively_quarters, settle
from tests.market import NEXT_YEAR, put, rows

FIRST, LAST = 180, 210
EVERY_SCORE = SETTINGS.replace(min_score=0.0)
SYMBOLS = [f"{letter}/USDT" for letter in "ABCDE"]

needs_two_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: there is no second process")


@pytest.fixture
def helped(database: Database) -> Iterator[Scorer]:
    """A scorer whose helper is up."""
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    yield scorer
    scorer.close()
    for child in multiprocessing.active_children():
        child.join()


def evaluated(database: Database, scorer: Scorer | None, close: datetime, late: dict[int, Reason]) -> None:
    """One close, with those that are late for it."""
    every = [row["instrument_id"] for row in rows(database, "SELECT instrument_id FROM market.instruments")]
    block = Block(M15, [close], Origin.LIVE, [key for key in every if key not in late], late)
    pipeline.evaluate_block(database, block, REAL, EVERY_SCORE, NEXT_YEAR, score=scorer)


@needs_two_cores
def test_two_processes_make_the_record_of_one(database: Database, helped: Scorer) -> None:
    ids = lively_market(database, SYMBOLS)
    pipeline.refresh(database, NEXT_YEAR)
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
    ids = [add(database, symbol) for symbol in SYMBOLS]
    every = pl.concat([lively_quarters(seed, key) for seed, key in enumerate(ids)])
    late = (pl.col("open_at") >= close_of(FIRST)) & (pl.col("open_at") < close_of(FIRST + 8))
    newcomer = pl.col("instrument_id") == ids[3]

    def bring(bars: pl.DataFrame, until: datetime) -> None:
        if bars.height:
            put(database, bars.filter(pl.col("open_at") < until), M15, now=until)
        settle(database, until)
        pipeline.refresh(database, until)

    bring(every.filter(~late & ~newcomer), close_of(FIRST))
    alone = Scorer(database, REAL, EVERY_SCORE)
    for number in range(FIRST, FIRST + 20):
        close = close_of(number)
        some = every.filter(pl.col("open_at") == close - M15.span, ~late, ~newcomer)
        if number == FIRST + 6:
            old = every.filter(~newcomer, pl.col("open_at") == close_of(FIRST - 9))
            some = pl.concat([some, old.with_columns(pl.col("close") * 1.002, high=pl.col("high") * 1.01)])
        if number == FIRST + 10:
            some = pl.concat([some, every.filter(late | newcomer)]).unique(["instrument_id", "open_at"])
        bring(some, close)
        found = []
        for scorer in (None, helped, alone):
            forget(database)
            evaluated(database, scorer, close, {})
            found.append(record(database))
        assert found[1] == found[0]
        assert found[2] == found[0]


@needs_two_cores
def test_its_half_is_scored_here_when_the_helper_was_killed_and_another_is_started(
    database: Database, helped: Scorer, caplog: pytest.LogCaptureFixture
) -> None:
    lively_market(database, SYMBOLS)
    pipeline.refresh(database, NEXT_YEAR)
    evaluated(database, helped, close_of(FIRST), {})
    (child,) = multiprocessing.active_children()
    child.kill()
    child.join()
    for number in range(FIRST + 1, FIRST + 4):
        evaluated(database, helped, close_of(number), {})
        helped.wait()
    assert "the second process is gone" in caplog.text
    with_a_death = record(database)
    (another,) = multiprocessing.active_children()
    assert another.pid != child.pid
    forget(database)
    for number in range(FIRST, FIRST + 4):
        evaluated(database, None, close_of(number), {})
    assert record(database) == with_a_death


def test_few_instruments_are_scored_alone(database: Database) -> None:
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS - 1)
    lively_market(database, SYMBOLS[:1])
    pipeline.refresh(database, NEXT_YEAR)
    evaluated(database, scorer, close_of(BARS - 1), {})
    assert multiprocessing.active_children() == []
    assert rows(database, "SELECT FROM engine.evaluations")


_PARENT = """
import multiprocessing, sys, time
from signalhub.db.engine import Database, create_engine
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer
from signalhub.settings import Settings

if __name__ == "__main__":
    scorer = Scorer(Database(create_engine(sys.argv[1]), sys.argv[2]), [], Settings())
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(600)
"""


@needs_two_cores
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_the_helper_leaves_it_to_its_parent_when_to_end_and_ends_when_that_is_killed(
    database: Database, tmp_path: object, asked: signal.Signals
) -> None:
    file = f"{tmp_path}/parent.py"
    with open(file, "w", encoding="utf-8") as written:
        written.write(_PARENT)
    words = [sys.executable, file, database.engine.url.render_as_string(hide_password=False), database.edition]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        helper = int(parent.stdout.readline())
        os.kill(helper, asked)
        time.sleep(0.3)
        assert _is_alive(helper)
        parent.kill()
    deadline = time.monotonic() + 20
    while _is_alive(helper):
        assert time.monotonic() < deadline, "the helper outlives its parent"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as status:
            # Nobody may be there to bury it.
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
