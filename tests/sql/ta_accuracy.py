"""Measures every stored column and every public function against TA-Lib or its oracle, and tells it as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import psycopg

from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests.sql import ta_store
from tests.sql.ta_calls import PROFILES, PUBLIC, function
from tests.sql.ta_errors import cut
from tests.sql.ta_oracles import PEERS, SHEETS, bars_of, sheet_error
from tests.sql.ta_profile import plain_area, plain_profile
from tests.sql.ta_relations import Columns, compute, load_history
from tests.sql.ta_series import SERIES, Series
from tests.sql.ta_wanted import DEFINITION, EXCEPTIONS, wanted

# An aggregate for analysts keeps its window in an array, which takes long; 20,000 bars in all are enough for it.
PUBLIC_BARS = 2_600
AT_ONCE = 2
PROFILE_BARS, BINS = 100, 24
PROFILED = ("a calm walk", "ticks and ties", "gaps", "tiny prices")


@dataclass
class Measured:
    """The greatest error so far, over so many values."""

    error: float = 0.0
    rows: int = 0

    def add(self, error: float, rows: int) -> None:
        """Counts one series in."""
        self.error, self.rows = max(self.error, error), self.rows + rows


@dataclass
class Line:
    """One function: what it is compared with, as it is stored and as analysts call it."""

    against: str
    stored: Measured
    public: Measured


def measure(report: Callable[[str], None]) -> tuple[dict[str, Line], dict[tuple[str, str, str], Measured]]:
    """Column → line; (call, peer's file, its column) → error."""
    lines: dict[str, Line] = {}
    with ta_store.filled(SERIES) as (url, symbols):

        def computed(name: str) -> tuple[str, Columns, Columns]:
            with psycopg.connect(url) as connection:
                stored = ta_store.stored(connection, symbols[name])
                return name, stored, ta_store.public(connection, symbols[name], PUBLIC, PUBLIC_BARS)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for name, stored, public in pool.map(computed, SERIES):
                report(f"{name}: {len(stored['n'])} bars")
                _add(lines, "stored", stored, SERIES[name])
                _add(lines, "public", public, cut(SERIES[name], PUBLIC_BARS))
        with psycopg.connect(url) as connection:
            _profiles(connection, lines)
            return lines, _peers(connection)


def _add(lines: dict[str, Line], form: str, actual: Columns, bars: Series) -> None:
    expected = wanted(bars, in_eras=form == "stored")
    for column in PUBLIC:
        if column in actual:
            line = lines.setdefault(column, Line(expected[column].source, Measured(), Measured()))
            getattr(line, form).add(expected[column].error(actual[column]), expected[column].rows)


def _profiles(connection: psycopg.Connection, lines: dict[str, Line]) -> None:
    """Profiles of a hundred bars each, against plain Python."""
    calls = "ta.volume_profile({0}), ta.point_of_control({0}), ta.value_area_low({0}), ta.value_area_high({0})"
    listed = calls.format(f"high, low, volume, {BINS} ORDER BY n")
    for name in PROFILED:
        bars = SERIES[name]
        load_history(connection, [bars])
        rows = connection.execute(
            f"SELECT {listed} FROM history GROUP BY (n - 1) / {PROFILE_BARS} ORDER BY (n - 1) / {PROFILE_BARS}"
        ).fetchall()
        for number, (profile, *prices) in enumerate(rows):
            part = slice(number * PROFILE_BARS, (number + 1) * PROFILE_BARS)
            values = [array[part].tolist() for array in (bars.high, bars.low, bars.volume)]
            volumes = np.array(plain_profile(list(zip(*values, strict=True)), BINS))
            _line(lines, "volume_profile").add(
                float(np.max(abs(np.array(profile[2:]) - volumes)) / volumes.sum()), BINS
            )
            peak, first, last = plain_area(profile[2:], 0.7)
            height = (profile[1] - profile[0]) / BINS
            places = {"point_of_control": peak + 0.5, "value_area_low": first, "value_area_high": last + 1}
            for (column, place), price in zip(places.items(), prices, strict=True):
                _line(lines, column).add(abs(price / (profile[0] + place * height) - 1.0), 1)


def _line(lines: dict[str, Line], column: str) -> Measured:
    return lines.setdefault(column, Line(DEFINITION, Measured(), Measured())).public


def _peers(connection: psycopg.Connection) -> dict[tuple[str, str, str], Measured]:
    found = {}
    for case in SHEETS if PEERS.is_dir() else ():
        columns = case.read()
        load_history(connection, [bars_of(columns)])
        actual = compute(connection, f"SELECT n, {case.call} OVER (ORDER BY open_at) AS value FROM history")["value"]
        found[case.call, case.name, case.column] = Measured(*sheet_error(actual, columns[case.column], case))
    return found


def markdown(lines: dict[str, Line], peers: dict[tuple[str, str, str], Measured]) -> str:
    """Both tables."""
    return "\n".join([_HEAD, *_rows(lines), _NOTES, *_notes(), _PEERS, *_peer_rows(peers)])


_BARS = f"{sum(len(bars.close) for bars in SERIES.values()):,}"
_HEAD = f"""\
Written by `scripts/write-indicator-accuracy`. The greatest relative error, measured against the value or, near zero,
against the column's usual size; a value where TA-Lib has none, or none where it has one, would stop the script. On
{_BARS} made-up hourly bars ({len(SERIES)} series: random walks, flats, monotone runs, huge and tiny prices, ties, gaps,
single bars) in the store; the public functions, called `OVER (ORDER BY ...)`, on the first {PUBLIC_BARS:,} of each.
Rows are values compared. "TA-Lib's parts": two of its functions put together, such as SMA and MEDPRICE for the Awesome
oscillator. A definition is spelled out in numpy or plain Python, in `tests/sql/ta_definitions.py`, `ta_bands.py` and
`ta_profile.py`.

| column | call | against | stored: rows | error | public: rows | error | note |
|---|---|---|--:|--:|--:|--:|---|"""
_NOTES = """
`ta.levels` gives rows; its swings and touches are counted by plain Python in `tests/sql/test_ta_levels.py`.

Notes:
"""
_PEERS = """
Other libraries' published numbers on their own data (`../shared/data/indicators`, not part of the project). The error
is the greatest one, against the column's usual size at the least; where it is great the source is rounded. Compared
otherwise, since they begin or count otherwise: PPO's signal with StockCharts, CMF and Chaikin volatility with Tulip,
historical volatility and the lagging line with cinar/indicator, pivots and Heikin-Ashi with Stock.Indicators, in
`tests/sql/test_ta_averages_oracles.py`, `test_ta_peers.py`, `test_ta_levels.py` and `test_ta_pivots.py`.

| call | source | column | rows | error |
|---|---|---|--:|--:|"""


def _rows(lines: dict[str, Line]) -> list[str]:
    numbers = {text: number for number, text in enumerate(dict.fromkeys(EXCEPTIONS.values()), start=1)}
    calls = {**PUBLIC, **{function(call): call for call in PROFILES.values()}}
    return [
        f"| `{column}` | `{_call(calls[column])}` | {line.against} | {_told(line.stored)} | {_told(line.public)} "
        f"| {numbers.get(EXCEPTIONS.get(column, ''), '')} |"
        for column, line in sorted(lines.items(), key=lambda item: _place(item[0]))
    ]


def _place(column: str) -> int:
    """Stored columns first, in their order; the sort leaves the others as they come."""
    return INDICATOR_COLUMNS.index(column) if column in INDICATOR_COLUMNS else len(INDICATOR_COLUMNS)


def _call(call: str) -> str:
    return call.removeprefix("(").split(" OVER (")[0]


def _told(measured: Measured) -> str:
    return f"{measured.rows:,} | {measured.error:.0e}".replace("0e+00", "0") if measured.rows else "– | –"


def _notes() -> list[str]:
    return [f"{number}. {text}" for number, text in enumerate(dict.fromkeys(EXCEPTIONS.values()), start=1)]


def _peer_rows(peers: dict[tuple[str, str, str], Measured]) -> list[str]:
    if not peers:
        return ["| not measured: the folder is not there | | | | |"]
    return [
        f"| `{call}` | {name} | {column.removeprefix('exp_')} | {_told(measured)} |"
        for (call, name, column), measured in peers.items()
    ]
