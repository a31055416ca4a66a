"""The helper's life: it starts, is killed, hangs, cannot begin, runs other code, fails, and ends with whom it helps."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import H1, M15, Timeframe
from signalhub.jobs import helper
from signalhub.jobs.helper import Helper
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer
from signalhub.jobs.scoring import Block, Scored, scored
from signalhub.snapshot import Kept
from signalhub.strategies.base import Proposal
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.portable import is_portable
from tests.evaluation_market import REAL, close_of
from tests.scorer_stage import (
    EVERY_SCORE,
    FIRST,
    SYMBOLS,
    assert_as_alone,
    evaluated,
    is_alive,
    lively,
    needs_two_cores,
    parent_of_a_helper,
    pid_of,
    wait_until,
    with_a_helper,
)


@pytest.fixture
def helped(database: Database) -> Iterator[Scorer]:
    with with_a_helper(database) as scorer:
        yield scorer


@needs_two_cores
def test_its_half_is_scored_here_when_the_helper_was_killed_and_another_is_started(
    database: Database, helped: Scorer, caplog: pytest.LogCaptureFixture
) -> None:
    lively(database)
    evaluated(database, helped, close_of(FIRST), {})
    pid = pid_of(helped)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    for number in range(FIRST + 1, FIRST + 4):
        evaluated(database, helped, close_of(number), {})
        helped.wait()
    assert "the second process is gone" in caplog.text
    assert pid_of(helped) != pid
    assert_as_alone(database, range(FIRST, FIRST + 4))


@needs_two_cores
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_dies_or_hangs_while_it_scores_is_done_without(
    database: Database, helped: Scorer, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper, "_PATIENCE_SECONDS", 1.0)
    lively(database)
    pid = pid_of(helped)
    begin = Helper.begin

    def begun(asked: Helper, block: Block) -> Future[Scored]:
        os.kill(pid, signal.SIGSTOP)  # it must not be done before it is hit
        theirs = begin(asked, block)
        os.kill(pid, number)
        return theirs

    monkeypatch.setattr(Helper, "begin", begun)
    evaluated(database, helped, close_of(FIRST), {})
    monkeypatch.undo()
    wait_until(lambda: not is_alive(pid))
    helped.wait()
    evaluated(database, helped, close_of(FIRST + 1), {})
    assert pid_of(helped) != pid
    assert_as_alone(database, range(FIRST, FIRST + 2))


@needs_two_cores
def test_two_threads_that_find_it_gone_start_one_other(database: Database, helped: Scorer) -> None:
    lively(database)
    children = {child.pid for child in multiprocessing.active_children()} - {pid_of(helped)}
    pid = pid_of(helped)
    os.kill(pid, signal.SIGSTOP)
    both = threading.Barrier(2)

    def score(timeframe: Timeframe) -> Scored:
        both.wait()
        if timeframe is H1:
            os.kill(pid, signal.SIGKILL)
        return helped(Block(timeframe, [close_of(FIRST + 3)], Origin.LIVE))

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(score, (M15, H1)))
    helped.wait()
    assert {child.pid for child in multiprocessing.active_children()} - children == {pid_of(helped)}
    assert [each.run.timeframe for each in found] == [M15, H1]
    for each in found:
        alone = scored(database, Block(each.run.timeframe, [close_of(FIRST + 3)], Origin.LIVE), REAL, EVERY_SCORE)
        assert [(one.evaluations[0].instruments_seen, len(one.evaluations[0].signals)) for one in each.evaluated] == [
            (one.evaluations[0].instruments_seen, len(one.evaluations[0].signals)) for one in alone.evaluated
        ]


@needs_two_cores
def test_what_scoring_raises_is_raised_in_either_half_and_the_helper_stays(
    database: Database, helped: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lively(database)
    pid, block = pid_of(helped), Block(M15, [close_of(FIRST)], Origin.LIVE)
    ours = helped(block)
    with database.transaction() as connection:
        connection.execute("ALTER TABLE market.refreshes RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        helped(block)
    # Only its half: ours was scored before.
    monkeypatch.setattr(helped, "_scored", lambda _block, _kept: ours)
    with pytest.raises(psycopg.errors.UndefinedTable):
        helped(block)
    assert helped.helper_pid == pid


def test_an_error_that_cannot_be_sent_is_told_in_words(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsendable(Exception):
        pass

    def fails(*_given: object) -> Scored:
        raise found

    monkeypatch.setattr(helper, "_work", helper._Work(database, REAL, EVERY_SCORE, Kept()))
    monkeypatch.setattr(helper, "scored", fails)
    found: Exception = Unsendable("of a function")
    with pytest.raises(RuntimeError, match="Unsendable: of a function"):
        helper._score(Block(M15, [close_of(FIRST)], Origin.LIVE))
    found = psycopg.OperationalError("away")
    with pytest.raises(psycopg.OperationalError, match="away"):
        helper._score(Block(M15, [close_of(FIRST)], Origin.LIVE))


class Private(Breakout):
    """It keeps something on itself that cannot be sent, and asks Polars for a function of its own."""

    name = "private"

    def propose(self) -> Proposal:
        self.memo = threading.Lock()
        found = super().propose()
        return Proposal(long=found.long.map_batches(lambda flags: flags), short=found.short)


@needs_two_cores
def test_what_a_strategy_keeps_on_itself_stays_where_it_is(database: Database) -> None:
    lively(database)
    block = Block(M15, [close_of(FIRST)], Origin.LIVE)
    scorer = Scorer(database, [Private()], EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    try:
        for _ in range(2):
            assert scorer.helper_pid is not None
            found = scorer(block)
        assert [one.strategy.name for one in found.evaluated] == ["private"]
        assert sum(one.instruments_seen for one in found.evaluated[0].evaluations) > 1
        # One that looked already cannot be sent any more: it is scored alone.
        assert not is_portable(found.evaluated[0].strategy)
    finally:
        scorer.close()


def test_one_that_is_killed_amid_an_answer_keeps_nobody_from_ending(database: Database, tmp_path: Path) -> None:
    words = parent_of_a_helper(database, tmp_path, _KILLED_AMID)
    done = subprocess.run(words, timeout=60, check=False, capture_output=True)
    assert (done.returncode, done.stdout.decode().strip()) == (0, "gone")


_KILLED_AMID = """
import os, signal, struct, sys
from signalhub.db.engine import Database, create_engine
from signalhub.jobs.helper import Helper, HelperGone
from signalhub.settings import Settings
from signalhub.snapshot import Portion

def dies_amid_its_answer():
    answers = sys._getframe(1).f_locals["result_queue"]
    os.write(answers._writer.fileno(), struct.pack("!i", 1000) + b"the first of a thousand bytes")
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    helper = Helper(Database(create_engine(sys.argv[1]), sys.argv[2]), [], Settings(), Portion(0, 2))
    helper.wait()
    try:
        helper.result(helper._pool.submit(dies_amid_its_answer))
    except HelperGone as error:
        print("no answer" if "no answer" in str(error) else "gone")
"""


@needs_two_cores
def test_one_that_runs_other_code_is_not_used(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("signalhub.jobs.scorer.code_of", lambda _: "as it was when we began")
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    assert scorer.helper_pid is None
    assert "the code on disk is not what runs here" in caplog.text
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    assert caplog.text.count("the code on disk") == 1


@needs_two_cores
def test_one_that_cannot_begin_is_tried_again_after_a_while_and_meanwhile_one_scores_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(helper, "_begin", _cannot_begin)
    monkeypatch.setattr("signalhub.jobs.scorer._PAUSES", (0.0, 600.0))
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    lively(database, SYMBOLS[:1])
    for number in range(FIRST, FIRST + 3):
        scorer.wait()
        evaluated(database, scorer, close_of(number), {})
    assert caplog.text.count("the second process is gone") == 2
    assert_as_alone(database, range(FIRST, FIRST + 3))


def _cannot_begin(*given: object) -> None:
    raise ImportError(f"no library for {len(given)} things")


_PARENT = """
import sys, time
from signalhub.db.engine import Database, create_engine
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer
from signalhub.settings import Settings

if __name__ == "__main__":
    scorer = Scorer(Database(create_engine(sys.argv[1]), sys.argv[2]), [], Settings())
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    print(scorer.helper_pid, flush=True)
    time.sleep(600)
"""


@needs_two_cores
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_helper_leaves_it_to_its_parent_when_to_end_and_ends_when_that_is_killed(
    database: Database, tmp_path: Path, asked: signal.Signals
) -> None:
    words = parent_of_a_helper(database, tmp_path, _PARENT)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            os.kill(pid, asked)
            time.sleep(1.0)
            assert is_alive(pid)
        finally:
            parent.kill()
    wait_until(lambda: not is_alive(pid))
