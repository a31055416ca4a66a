"""What the tests of the scorer and of its helper share: a lively market, closes of it, and who scores them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.scorer import WORTH_A_PROCESS, Scorer, cores
from signalhub.jobs.scoring import Block
from tests.engine_rows import forget, record
from tests.evaluation_market import REAL, SETTINGS, close_of, lively_market
from tests.market import NEXT_YEAR, rows

FIRST, LAST = 180, 210
EVERY_SCORE = SETTINGS.replace(min_score=0.0)
SYMBOLS = [f"{letter}/USDT" for letter in "ABCDE"]

needs_two_cores = pytest.mark.skipif(cores() < 2, reason="one core: there is no second process")


@contextmanager
def with_a_helper(database: Database) -> Iterator[Scorer]:
    """A scorer whose helper is up."""
    scorer = Scorer(database, REAL, EVERY_SCORE)
    scorer.prepare(WORTH_A_PROCESS)
    scorer.wait()
    assert scorer.helper_pid is not None
    try:
        yield scorer
    finally:
        scorer.close()


def lively(database: Database, symbols: Sequence[str] = SYMBOLS) -> list[int]:
    """A lively market, rolled up and computed."""
    ids = lively_market(database, symbols)
    pipeline.refresh(database, NEXT_YEAR)
    return ids


def evaluated(database: Database, scorer: Scorer | None, close: datetime, late: dict[int, Reason]) -> None:
    """One close, with those that are late for it."""
    every = [row["instrument_id"] for row in rows(database, "SELECT instrument_id FROM market.instruments")]
    block = Block(M15, [close], Origin.LIVE, [key for key in every if key not in late], late)
    pipeline.evaluate_block(database, block, REAL, EVERY_SCORE, NEXT_YEAR, score=scorer)


def parent_of_a_helper(database: Database, folder: Path, script: str) -> list[str]:
    """The command that runs a script, which gets the database's URL and edition: a helper imports it again."""
    file = folder / "parent.py"
    file.write_text(script, encoding="utf-8")
    return [sys.executable, str(file), database.engine.url.render_as_string(hide_password=False), database.edition]


def pid_of(scorer: Scorer) -> int:
    assert scorer.helper_pid is not None
    return scorer.helper_pid


def assert_as_alone(database: Database, numbers: range) -> None:
    """The record is what one process makes of the same closes."""
    with_a_helper = record(database)
    forget(database)
    for number in numbers:
        evaluated(database, None, close_of(number), {})
    assert record(database) == with_a_helper


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    # Nobody may be there to bury it.
    return status.rpartition(")")[2].split()[0] != "Z"
