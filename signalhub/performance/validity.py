"""Until when signals are valid, for many of them at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from signalhub.domain.session import ALWAYS
from signalhub.domain.timeframe import Timeframe
from signalhub.errors import DataUnusable
from signalhub.performance.paths import Ints
from signalhub.signals.scene import Universe

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def valid_until(universe: Universe, timeframe: Timeframe, bars: int, instrument_ids: Ints, closes: Ints) -> Ints:
    """The close of each signal's last bar of so many that its calendar expects.

    Units: microseconds since 1970. Raises: DataUnusable where a calendar knows no sessions so far on.
    """
    known, places = np.unique(instrument_ids, return_inverse=True)
    names = np.array([universe.instruments[key].calendar for key in known.tolist()], dtype=object)[places]
    found = closes + bars * timeframe.seconds * 1_000_000
    for name in sorted(set(names.tolist()) - {ALWAYS}):
        its = np.flatnonzero(names == name)
        instants, back = np.unique(closes[its], return_inverse=True)
        found[its] = np.array([_nth(universe, name, timeframe, bars, one) for one in instants.tolist()])[back]
    return found


def _nth(universe: Universe, name: str, timeframe: Timeframe, bars: int, close: int) -> int:
    close_at = _EPOCH + close * _MICROSECOND
    until = universe.calendars[name].nth_close(close_at, timeframe, bars)
    if until is None:
        raise DataUnusable(
            f"The calendar {name} knows no sessions long enough after {close_at:%Y-%m-%d %H:%M}Z. Update the package "
            "exchange_calendars."
        )
    return (until - _EPOCH) // _MICROSECOND
