"""Trading time: how long a market had been open, by the sessions of its calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signalhub.domain.session import Calendar

Instants = NDArray[np.int64]
"""Microseconds since 1970, or a span of them."""


def traded(calendar: Calendar, instants: Instants) -> Instants:
    """How long the sessions of the calendar had lasted at each instant, from its first session on."""
    opens = np.array([round(item.open_at.timestamp() * 1e6) for item in calendar.sessions], dtype=np.int64)
    lengths = np.array([round((item.close_at - item.open_at).total_seconds() * 1e6) for item in calendar.sessions])
    before = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    begun = np.searchsorted(opens, instants, side="right")
    if not len(opens):
        return np.zeros_like(instants)
    newest = np.maximum(begun - 1, 0)
    within = np.clip(instants - opens[newest], 0, lengths[newest].astype(np.int64))
    return np.where(begun > 0, before[newest] + within, 0)
