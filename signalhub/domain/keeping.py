"""How long bars are kept: which terms fit together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from math import ceil, inf

from signalhub.domain.timeframe import TIMEFRAMES, Timeframe

LEAST_BARS = 500
"""Fewer bars of a timeframe are not worth having: windows and the next anchor of its indicators need them."""


def keeping_problem(days: Mapping[Timeframe, int]) -> str | None:
    """What is wrong with days to keep (0: for ever), beginning with the setting's name; None where they fit.

    A coarser timeframe is kept at least as long as a finer one: its buckets are made from the finer ones, and a late
    bar must find them.
    """
    for item in TIMEFRAMES:
        least = ceil(LEAST_BARS * item.span / timedelta(days=1))
        if 0 < days[item] < least:
            return f"{_name(item)} is {days[item]}: {LEAST_BARS} bars need {least} days; 0 keeps them for ever."
    for finer, coarser in pairwise(TIMEFRAMES):
        if (days[coarser] or inf) < (days[finer] or inf):
            kept = f"{days[finer]} days" if days[finer] else "for ever"
            return (
                f"{_name(coarser)} is {days[coarser]}, but {finer} bars are kept {kept}: keep {coarser} bars as long."
            )
    return None


def _name(item: Timeframe) -> str:
    return f"KEEP_BARS_{item.code.upper()}_DAYS"
