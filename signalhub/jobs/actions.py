"""Corporate actions: a factor file → splits, then rollups and indicators of the instrument anew."""

from __future__ import annotations

from datetime import datetime

from signalhub.bars import instruments, splits
from signalhub.bars.splits import Recorded
from signalhub.db.engine import Database
from signalhub.feeds.factor_files import FactorFile
from signalhub.jobs import pipeline
from signalhub.jobs.progress import Progress


def import_actions(
    database: Database,
    file: FactorFile,
    symbol: str,
    now: datetime,
    progress: Progress | None = None,
    *,
    is_sure: bool = False,
) -> Recorded:
    """Records the splits of a factor file and computes everything of the instrument anew; twice changes nothing.

    Raises: DataUnusable, NotFound; nothing was written then.
    """
    progress = progress or Progress()
    with database.transaction() as connection:
        instrument = instruments.find(connection, symbol)
        recorded = splits.record(connection, instrument, file, now, is_sure=is_sure)
    progress.stage("rollups and indicators")
    pipeline.refresh(database, now, progress.note)
    return recorded
