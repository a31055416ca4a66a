"""Timing: APScheduler asks at every slot of the schedule; what there is to do, the jobs look up themselves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from signalhub import clock
from signalhub.jobs import runs
from signalhub.jobs.schedule import JOBS, Job, Surroundings
from signalhub.service.enduring import Keeper

_LOG = logging.getLogger(__name__)
_LOOK_AGAIN = timedelta(minutes=5)
"""How often a job whose slots are on record is looked at: so that one that failed is tried again."""


@contextmanager
def ticking(
    parts: Sequence[str], around: Surroundings, keeper: Keeper, wake: Mapping[str, threading.Event]
) -> Iterator[None]:
    """Runs the jobs of these parts in threads of their own for as long as the context lasts.

    A missed slot is caught up at the start and never repeated. `wake`: what to set for jobs that only wake a part.
    """
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
    for job in JOBS:
        if job.part in parts:
            every = min(job.every, _LOOK_AGAIN) if job.is_recorded else job.every
            scheduler.add_job(
                partial(_tick, job, around, keeper, wake),
                IntervalTrigger(seconds=int(every.total_seconds()), start_date=job.slot(clock.now()), timezone=UTC),
                misfire_grace_time=max(1, int(every.total_seconds())),
                next_run_time=clock.now() if job.is_recorded else job.next_slot(clock.now()),
                id=job.name,
            )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)


def _tick(job: Job, around: Surroundings, keeper: Keeper, wake: Mapping[str, threading.Event]) -> None:
    if job.run is None:
        if job.part in wake:
            wake[job.part].set()
        return
    try:
        keeper.enduring(partial(_run, job, around))
    except Exception:
        _LOG.exception("%s failed", job.name)


def _run(job: Job, around: Surroundings) -> None:
    assert job.run is not None
    now = clock.now()
    if not job.is_recorded:
        job.run(around, now)
    elif runs.run_slot(around.database, job.name, job.slot(now), now, partial(job.run, around, now)):
        _LOG.info("%s done", job.name)
