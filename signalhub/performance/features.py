"""Features of windows that were looked at before: kept beside the columns, so that TA-Lib is asked once a bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signalhub.indicators.window_features import FEATURES, Floats, Window, features
from signalhub.performance.columns import Columns
from signalhub.signals.shares import SharesOfDate
from signalhub.snapshot import PRICE_FACTOR, WINDOW_BARS
from signalhub.snapshot.frame import BAR_VALUES

_PREFIX = "feature."


class Windows:
    """The bars of a frame, to be looked at window by window."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._columns = {name: frame[name].to_numpy() for name in BAR_VALUES}
        self._price_factors = frame[PRICE_FACTOR].to_numpy()

    def of(self, name: str, place: int) -> Floats:
        """One value's window that ends on a place, in the shares of that bar's date."""
        values = self._columns[name][place - WINDOW_BARS + 1 : place + 1]
        factor = self._price_factors[place]
        return values if factor == 1.0 else SharesOfDate(float(factor)).arrays({name: values})[name]


class LateWindow(Window):
    """A window whose arrays are cut out when they are first asked for: most candidates' never are.

    Guarantees: finite and of one length, since the bars it is cut out of are stored ones.
    """

    def __init__(self, windows: Windows, place: int) -> None:
        object.__setattr__(self, "_of", (windows, place))

    def __getattr__(self, name: str) -> Floats:
        if name not in BAR_VALUES:
            raise AttributeError(name)
        windows, place = self._of
        values: Floats = windows.of(name, place)
        object.__setattr__(self, name, values)
        return values


class FeatureColumns:
    """Features by place of the frame: those that are known, and those that are computed now."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._known: dict[str, Floats] = {}
        self._new: set[str] = set()

    def of(self, window: Window, place: int) -> Mapping[str, float]:
        """The features of the window that ends on a place."""
        return _Known(self, window, place)

    def value(self, name: str, window: Window, place: int) -> float:
        """One of them."""
        values = self._known.get(name)
        if values is None:
            values = self._known[name] = self._read(name)
        value = float(values[place])
        # Not a number: features never are.
        if value != value:
            value = features(window)[name]
            values[place] = value
            self._new.add(name)
        return value

    def keep(self) -> None:
        """Keeps what was computed for the next run."""
        if self._new:
            self._columns.keep(
                {f"{_PREFIX}{name}": pl.Series(self._known[name]).fill_nan(None) for name in sorted(self._new)}
            )
            self._new.clear()

    def given(self, places: NDArray[np.int64]) -> dict[str, tuple[NDArray[np.int64], Floats]]:
        """What was computed since, at these places: for another process to `take`."""
        found = {name: (places, self._known[name][places]) for name in sorted(self._new)}
        self._new.clear()
        return found

    def take(self, given: Mapping[str, tuple[NDArray[np.int64], Floats]]) -> None:
        """What another process computed."""
        for name, (places, values) in given.items():
            if name not in self._known:
                self._known[name] = self._read(name)
            is_known = ~np.isnan(values)
            self._known[name][places[is_known]] = values[is_known]
            self._new.add(name)

    def _read(self, name: str) -> Floats:
        kept = self._columns.made(f"{_PREFIX}{name}") if name in FEATURES else None
        height = self._columns.frame.height
        return np.full(height, np.nan) if kept is None else kept.fill_null(np.nan).to_numpy().copy()


class _Known(Mapping[str, float]):
    __slots__ = ("_columns", "_place", "_window")

    def __init__(self, columns: FeatureColumns, window: Window, place: int) -> None:
        self._columns, self._window, self._place = columns, window, place

    def __getitem__(self, name: str) -> float:
        return self._columns.value(name, self._window, self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(FEATURES)

    def __len__(self) -> int:
        return len(FEATURES)
