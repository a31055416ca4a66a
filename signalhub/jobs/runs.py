"""Runs: each scheduled slot of a job happens once, in whichever process gets to it first; and signs of life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.db.queries import Queries

_SQL = Queries("jobs/runs")


def run_slot(database: Database, job: str, slot: datetime, now: datetime, work: Callable[[], None]) -> bool:
    """Does the work of a slot unless it was done, or is being done by another process; whether it was done now.

    Guarantees: work that failed or was killed half-way is not recorded as done, so the next look does it again.
    Raises: whatever the work raises, after writing it down.
    """
    key = {"job": job, "slot": slot}
    with database.autocommit() as connection:
        if not _SQL.scalar(connection, "try_lock", job=job):
            return False
        try:
            if _SQL.scalar(connection, "is_finished", **key):
                return False
            _SQL.run(connection, "begin", **key, now=now)
            _work_or_tell(connection, key, work)
            _SQL.run(connection, "finish", **key, now=now)
            return True
        finally:
            _SQL.run(connection, "unlock", job=job)


def last_runs(connection: Connection) -> dict[str, dict[str, Any]]:
    """The newest run of each job, by its name: scheduled_for, started_at, finished_at, error."""
    return {row["job"]: row for row in _SQL.rows(connection, "last_runs")}


def forget_runs(connection: Connection, before: datetime) -> None:
    """Forgets runs, and processes that were last seen before the instant."""
    _SQL.run(connection, "forget_runs", before=before)
    _SQL.run(connection, "forget_heartbeats", before=before)


def beat(connection: Connection, part: str, instance: str, now: datetime, detail: str | None = None) -> None:
    """Says that a part of the service is alive."""
    _SQL.run(connection, "beat", part=part, instance=instance, now=now, detail=detail)


def leave(connection: Connection, part: str, instance: str) -> None:
    """Says that a part ended as it should, so that nobody misses it."""
    _SQL.run(connection, "leave", part=part, instance=instance)


def _work_or_tell(connection: Connection, key: dict[str, Any], work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        _SQL.run(connection, "fail", **key, error=" ".join(f"{type(error).__name__}: {error}".split())[:500])
        raise
