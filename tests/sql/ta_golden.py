"""The golden tables: every indicator over one small made-up series, written down to the last digit."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests.sql.ta_calls import PROFILES, PUBLIC, function
from tests.sql.ta_relations import Columns
from tests.sql.ta_series import Series, walk
from tests.sql.ta_store import opens

FOLDER = Path(__file__).parent / "golden"
GOLDEN = "the golden series"
CALLS = {**PUBLIC, **PROFILES}
_OTHER_BITS = "_by_function"


def golden_series() -> Series:
    """210 bars, enough for an average of 200: a walk of whole ticks, that stands still for a while, now and then
    without volume."""
    bars = walk(210, 2026, step=0.02)
    still = (np.arange(210) >= 120) & (np.arange(210) < 145)
    close = np.round(np.where(still, bars.close[119], bars.close), 2)
    high = np.round(np.where(still, close, np.maximum(bars.high, close)), 2)
    low = np.round(np.where(still, close, np.minimum(bars.low, close)), 2)
    return Series(high, low, close, np.where(np.arange(210) % 17 == 16, 0.0, np.round(bars.volume)))


def tables(stored: Columns, public: Columns) -> dict[str, str]:
    """File → text: one per function, its columns with every parameter; a column whose stored bits are others has both.

    The bars themselves are bars.csv.
    """
    bars = golden_series()
    grouped = {"bars": {"open": opens(bars), "high": bars.high, "low": bars.low} | _rest(bars)}
    for column, call in CALLS.items():
        table = grouped.setdefault(function(call), {})
        table[column] = stored[column] if column in INDICATOR_COLUMNS else public[column]
        if table[column].tobytes() != public[column].tobytes():
            table[f"{column}{_OTHER_BITS}"] = public[column]
    return {f"{name}.csv": _text(columns) for name, columns in grouped.items()}


def _rest(bars: Series) -> Columns:
    return {"close": bars.close, "volume": bars.volume}


def _text(columns: Columns) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("n", *columns))
    for n, values in enumerate(zip(*columns.values(), strict=True), start=1):
        writer.writerow((n, *("" if np.isnan(value) else repr(float(value)) for value in values)))
    return written.getvalue()
