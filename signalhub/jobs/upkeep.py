"""Upkeep: what a database that grows every day needs from time to time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from signalhub.bars import instruments, refreshes, retention, sessions
from signalhub.bars.retention import Keeping
from signalhub.db.engine import Database
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.indicators import own
from signalhub.jobs import runs
from signalhub.outbox import publish, queue
from signalhub.settings import Settings

_PARTITIONS_AHEAD_DAYS = 7
_REFRESHES_KEPT = timedelta(days=1)
_BUSY_TABLES = (
    *("market.bars", "market.indicators", "market.indicator_state", "market.watermarks", "market.dirty_ranges"),
    *("engine.signals", "engine.outcomes", "engine.evaluations", "engine.abstentions"),
    *("outbox.messages", "outbox.attempts", "outbox.decisions"),
)


def daily(database: Database, settings: Settings, now: datetime) -> None:
    """Partitions for the days to come, sessions for the year to come, and an end for what is past its retention."""
    keep = timedelta(days=settings.retention_days)
    with database.transaction() as connection:
        publish.ensure_partitions(connection, now, _PARTITIONS_AHEAD_DAYS)
        for calendar in sorted({item.calendar for item in instruments.every(connection)}):
            sessions.ensure(connection, calendar, now - timedelta(days=7), now)
        runs.forget_runs(connection, now - keep)
        refreshes.forget(connection, now - _REFRESHES_KEPT)
    queue.sweep(database, keep, now)
    keep_small(database, settings, now)


def keep_small(
    database: Database, settings: Settings, now: datetime, report: Callable[[str], None] = lambda _: None
) -> retention.Dropped:
    """Drops bars and indicators that are past their time, then compresses what is old of the rest."""
    days = {item: getattr(settings, f"keep_bars_{item}_days") for item in TIMEFRAMES}
    dropped = retention.drop_expired(database, Keeping(days, settings.keep_indicators_days), now, report)
    own.drop_expired(database)
    if settings.compress_after_days:
        retention.compress(database, timedelta(days=settings.compress_after_days), now)
    return dropped


def weekly(database: Database) -> None:
    """Fresh statistics and free space for the busy tables, beyond what autovacuum has come to."""
    with database.autocommit() as connection:
        for table in _BUSY_TABLES:
            connection.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}".encode())
