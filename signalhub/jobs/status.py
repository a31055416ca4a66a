"""Status: what is in the database, how fresh it is, and which versions run."""

from __future__ import annotations

import platform
from typing import Any

from signalhub import __version__
from signalhub.db.engine import Database
from signalhub.db.queries import Queries
from signalhub.db.readiness import current_revision

_SQL = Queries("status")


def status(database: Database) -> dict[str, Any]:
    """edition, instruments, bars, signals, open_signals, dirty_ranges, last_close{timeframe}, versions."""
    with database.transaction() as connection:
        counts = _SQL.rows(connection, "counts")[0]
        closes = {row["timeframe"]: row["last_close"] for row in _SQL.rows(connection, "last_close")}
        return {
            "edition": database.edition,
            **counts,
            "last_close": closes,
            "versions": {
                "signalhub": __version__,
                "python": platform.python_version(),
                "postgresql": connection.info.parameter_status("server_version"),
                "revision": current_revision(connection),
            },
        }
