"""The night when clocks are put back: two hours by one name on the wall are two hours to us."""

from __future__ import annotations

from datetime import UTC, datetime

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1, M15
from signalhub.jobs.evaluation import Scope
from tests.evaluation_market import add, replayed, settle
from tests.lively import lively_bars
from tests.market import put, rows

BEFORE = datetime(2024, 11, 2, tzinfo=UTC)
"""In the tests' time zone (St. John's) the hour before 04:30 UTC of the next day comes twice."""


def test_every_hour_of_that_night_is_evaluated_once(database: Database) -> None:
    [zone] = rows(database, "SHOW timezone")
    assert zone["TimeZone"] == "America/St_Johns"
    put(database, lively_bars(1, add(database, "A/USDT"), BEFORE, M15, 4 * 72), M15)
    settle(database)
    replayed(database, Scope(timeframes=(H1,)))
    told = rows(database, "SELECT close_at, instruments_seen + instruments_abstained AS n FROM engine.evaluations")
    closes = [BEFORE + number * H1.span for number in range(1, 73)]
    assert sorted({row["close_at"] for row in told}) == closes
    assert {row["n"] for row in told} == {1}


def test_instants_are_read_in_utc(database: Database) -> None:
    [row] = rows(
        database, "SELECT '2024-11-03 03:30Z'::timestamptz AS first, '2024-11-03 04:30Z'::timestamptz AS second"
    )
    assert (row["first"].tzinfo, row["second"].tzinfo) == (UTC, UTC)
    assert row["second"] - row["first"] == H1.span
