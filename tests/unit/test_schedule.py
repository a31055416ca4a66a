"""The schedule's grid: every process means the same run by the same slot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.cli.service import _shown
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.jobs.schedule import JOBS, PARTS, Job

INSTANTS = st.datetimes(datetime(2001, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@given(now=INSTANTS, job=st.sampled_from(JOBS))
def test_a_slot_is_the_newest_grid_point_that_has_come(now: datetime, job: Job) -> None:
    slot = job.slot(now)
    assert slot <= now < slot + job.every == job.next_slot(now)
    assert job.slot(slot) == slot
    assert job.slot(slot - timedelta(microseconds=1)) == slot - job.every


@pytest.mark.parametrize("timeframe", TIMEFRAMES, ids=str)
def test_evaluations_are_looked_at_when_their_bars_close(timeframe: object) -> None:
    job = next(job for job in JOBS if job.name == f"evaluate {timeframe}")
    now = datetime(2026, 3, 4, 13, 37, 12, tzinfo=UTC)
    assert job.slot(now) == timeframe.floor(now)  # type: ignore[attr-defined]


def test_daily_and_weekly_upkeep_come_at_their_hours() -> None:
    at = {job.name: job.next_slot(datetime(2026, 11, 20, 14, tzinfo=UTC)) for job in JOBS}
    assert at["daily upkeep"] == datetime(2026, 11, 21, 0, 10, tzinfo=UTC)
    assert at["weekly upkeep"] == datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # a Sunday
    assert at["catch up"] == datetime(2026, 11, 20, 14, 5, tzinfo=UTC)


def test_jobs_have_names_of_their_own_and_belong_to_a_part() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert {job.part for job in JOBS} <= set(PARTS)


def test_the_table_shows_times_in_utc_whatever_the_zone_of_the_database() -> None:
    there = timezone(timedelta(hours=5, minutes=45))
    assert _shown(datetime(2026, 3, 4, 2, 45, tzinfo=there)) == "2026-03-03 21:00"
