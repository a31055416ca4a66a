"""One refresh makes everything right that hangs on late bars of any age; none is lost on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest

from signalhub.bars import rollups
from signalhub.bars.audit import Finding
from signalhub.db.connection import Connection
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H4, M1, M15, TIMEFRAMES, Timeframe
from signalhub.jobs import audit_windows, auditing, pipeline
from signalhub.jobs.progress import Progress
from tests.conftest import scale
from tests.market import MONDAY, NEXT_YEAR, add_instrument, frame, put, random_bars, rows

YEARS = timedelta(days=800)
LATER = MONDAY + YEARS + timedelta(days=2)
DIRTY = "SELECT instrument_id, base_timeframe, timeframe, from_at, to_at FROM market.dirty_ranges ORDER BY 1, 2, 3, 4"


class Crashed(Exception):
    """Somebody pulled the plug."""


def stale(database: Database, now: datetime = NEXT_YEAR) -> list[Finding]:
    """Every stored value that is not what the base bars say."""
    ids = [row["instrument_id"] for row in rows(database, "SELECT instrument_id FROM market.instruments")]
    windows = audit_windows.in_full(database, ids, TIMEFRAMES, None)
    return auditing.audit(database, windows, now, Progress()).findings


def late_writes(
    rng: np.random.Generator, history: dict[Timeframe, pl.DataFrame]
) -> Iterator[tuple[Timeframe, pl.DataFrame]]:
    """Corrections and bars that had been missing: of yesterday, of two years ago, of whenever."""
    for timeframe, bars in history.items():
        count = int(rng.integers(1, 5))
        places = [0, bars.height - 1, *rng.choice(bars.height, count, replace=False).tolist()]
        chosen = bars[sorted(set(places[int(rng.integers(0, 3)) :]))]
        yield timeframe, chosen.with_columns(close=pl.col("low"), volume=pl.col("volume") + float(rng.integers(1, 9)))


@pytest.mark.parametrize("seed", range(max(1, round(6 * scale()))))
def test_late_bars_of_any_age_leave_nothing_stale_after_one_refresh(database: Database, seed: int) -> None:
    rng = np.random.default_rng(seed)
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    # Bitcoin changes its base on the last days; a part of every history comes late.
    lately = MONDAY + YEARS - timedelta(days=4)
    histories = [
        {H4: random_bars(seed, btc, MONDAY, H4, 4800), M15: random_bars(seed + 1, btc, lately, M15, 300)},
        {
            M1: random_bars(seed + 2, eth, lately, M1, 900),
            M15: random_bars(seed + 3, eth, lately - timedelta(days=9), M15, 400),
        },
    ]
    late = [
        {timeframe: bars.sample(fraction=0.02, seed=seed) for timeframe, bars in item.items()} for item in histories
    ]
    for history, missing in zip(histories, late, strict=True):
        for timeframe, bars in history.items():
            put(database, bars.join(missing[timeframe], on="open_at", how="anti"), timeframe=timeframe, now=LATER)
    pipeline.refresh(database, LATER)
    assert stale(database, LATER) == []
    for number in range(max(1, round(4 * scale()))):
        for history, missing in zip(histories, late, strict=True):
            for timeframe, bars in late_writes(rng, history):
                put(database, bars, timeframe=timeframe, now=LATER)
                put(database, missing[timeframe].slice(number * 5, 5), timeframe=timeframe, now=LATER)
        assert rows(database, DIRTY) != []
        pipeline.refresh(database, LATER)
        assert rows(database, DIRTY) == []
        assert stale(database, LATER) == []


def dying_at(step: int) -> Callable[[str], None]:
    """Crashes when the work says what it does for the step-th time."""
    said: list[str] = []

    def report(what: str) -> None:
        said.append(what)
        if len(said) == step:
            raise Crashed(what)

    return report


def test_a_crash_between_any_two_steps_loses_no_range(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    btc = add_instrument(database)
    bars = random_bars(1, btc, MONDAY, M15, 300)
    put(database, bars, timeframe=M15)
    pipeline.refresh(database, NEXT_YEAR)
    where: list[str] = []
    for step in range(1, 100):
        put(database, frame([bars.row(step, named=True) | {"volume": 1000.0 + step}]), timeframe=M15)
        dirty = rows(database, DIRTY)
        try:
            pipeline.refresh(database, NEXT_YEAR, dying_at(step))
            break
        except Crashed as crash:
            where.append(str(crash))
        assert rows(database, DIRTY) == dirty
        pipeline.refresh(database, NEXT_YEAR)
        assert rows(database, DIRTY) == []
        assert stale(database) == []
    assert [words.split()[0] for words in where] == ["rolling"] * 5 + ["indicators"] * 8, where

    def crash(*_: object) -> None:
        raise Crashed

    put(database, frame([bars.row(7, named=True) | {"volume": 5.5}]), timeframe=M15)
    with monkeypatch.context() as patched:
        patched.setattr(rollups, "finish", crash)
        with pytest.raises(Crashed):
            pipeline.refresh(database, NEXT_YEAR)
    assert len(rows(database, DIRTY)) == 1
    pipeline.refresh(database, NEXT_YEAR)
    assert (rows(database, DIRTY), stale(database)) == ([], [])


class Crowded(Database):
    """A database on which somebody else refreshes the same aggregates."""

    refusals = 2

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        with super().autocommit() as connection:
            yield _Refusing(connection, self.refusals)  # type: ignore[misc]


class _Refusing:
    def __init__(self, connection: Connection, refusals: int) -> None:
        self.connection, self.left = connection, refusals

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, statement: bytes | str, *parameters: Any) -> Any:
        if self.left and statement[:4] in (b"CALL", "CALL"):
            self.left -= 1
            raise psycopg.errors.LockNotAvailable("another refresh is under way")
        return self.connection.execute(statement, *parameters)


def test_a_refresh_that_meets_another_tries_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.edition != TIMESCALE:
        pytest.skip("tables are locked row by row")
    waits: list[float] = []
    monkeypatch.setattr(rollups.time, "sleep", waits.append)
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M15, 300), timeframe=M15)
    pipeline.refresh(Crowded(database.engine, database.edition), NEXT_YEAR)
    assert len(waits) == Crowded.refusals
    assert waits == sorted(waits)
    assert stale(database) == []


def test_one_that_never_gets_its_turn_keeps_its_ranges(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.edition != TIMESCALE:
        pytest.skip("tables are locked row by row")
    monkeypatch.setattr(rollups.time, "sleep", lambda _: None)
    monkeypatch.setattr(Crowded, "refusals", 10_000)
    btc = add_instrument(database)
    put(database, random_bars(1, btc, MONDAY, M15, 300), timeframe=M15)
    dirty = rows(database, DIRTY)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        pipeline.refresh(Crowded(database.engine, database.edition), NEXT_YEAR)
    assert rows(database, DIRTY) == dirty
