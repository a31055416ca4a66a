"""The only reader of wall time.

Everything below the command line takes `now` as a parameter; this is where commands get it from.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


def stopwatch() -> float:
    """Seconds on a clock that never jumps; only differences mean something."""
    return time.perf_counter()
