"""The snapshot: one frame of closed bars with indicators, all instruments, read once and used by all strategies.

A snapshot serves a block of closes of one timeframe: one close when live, many in a replay. Each row depends
on its own fixed number of earlier rows only, so that a block gives what its closes would give one by one.
"""

from signalhub.snapshot.closes import Liveness, by_liveness, closes_between
from signalhub.snapshot.frame import CONTEXT_BARS, PRICE_FACTOR, SNAPSHOT_SCHEMA, WINDOW_BARS, Snapshot
from signalhub.snapshot.joined import is_joined
from signalhub.snapshot.kept import Kept
from signalhub.snapshot.loading import load
from signalhub.snapshot.portion import WHOLE, Portion

__all__ = [
    "CONTEXT_BARS",
    "PRICE_FACTOR",
    "SNAPSHOT_SCHEMA",
    "WHOLE",
    "WINDOW_BARS",
    "Kept",
    "Liveness",
    "Portion",
    "Snapshot",
    "by_liveness",
    "closes_between",
    "is_joined",
    "load",
]
