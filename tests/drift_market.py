"""A market whose bars are corrected after its signals were made, and which signals that affects: found out anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import polars as pl

from signalhub.db.engine import Database, create_engine
from signalhub.domain.timeframe import M15, coarser, parse
from signalhub.jobs import pipeline
from signalhub.snapshot import WINDOW_BARS
from tests import servers
from tests.evaluation_market import add, settle
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put, rows

WINDOW = ("open", "high", "low", "close", "volume")


def lively_history(database: Database, symbols: Sequence[str], bars: int) -> pl.DataFrame:
    """Quarter hours of some instruments, stored and settled; what was put in."""
    ids = [add(database, symbol) for symbol in symbols]
    whole = pl.concat(
        [lively_bars(number, instrument_id, MONDAY, M15, bars) for number, instrument_id in enumerate(ids)]
    )
    put(database, whole, M15)
    settle(database, through=NEXT_YEAR.replace(year=2030))
    return whole


def corrections(bars: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """A share of the bars with another close within the bar's range and, of every second one, another volume."""
    chosen = bars.sample(fraction=share, seed=seed, shuffle=True)
    rng = np.random.default_rng(seed)
    between = pl.Series(np.round(rng.random(chosen.height), 2))
    has_volume = pl.Series(rng.random(chosen.height) < 0.5)
    return chosen.with_columns(
        close=pl.col("low") + (pl.col("high") - pl.col("low")) * between,
        volume=pl.when(has_volume).then(pl.col("volume") + 1.5).otherwise(pl.col("volume")),
    )


def corrected(bars: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """The history as it reads after the corrections."""
    return bars.update(changed, on=["instrument_id", "open_at"])


@contextmanager
def fresh_database(admin: str, template: str, edition: str) -> Iterator[Database]:
    """Another migrated database on the same server."""
    name = "test_drift_fresh"
    servers.execute(
        admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
    )
    engine = create_engine(servers.with_database(admin, name))
    try:
        yield Database(engine, edition)
    finally:
        engine.dispose()
        servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def affected(database: Database, fresh: Database, bars: pl.DataFrame, symbols: Sequence[str]) -> set[int]:
    """The signals whose stored inputs are not what a database has that never saw but these bars."""
    for symbol in symbols:
        add(fresh, symbol)
    put(fresh, bars, M15)
    pipeline.refresh(fresh, NEXT_YEAR)
    found: set[int] = set()
    groups = rows(database, "SELECT DISTINCT symbol, timeframe FROM analytics.signals")
    for group in groups:
        series = _Series(fresh, group["symbol"], group["timeframe"])
        stored = rows(
            database,
            "SELECT s.signal_id, s.open_at, p.inputs FROM analytics.signals AS s INNER JOIN engine.signal_inputs AS p "
            "ON s.signal_id = p.signal_id WHERE s.symbol = %s AND s.timeframe = %s",
            tuple(group.values()),
        )
        found |= {row["signal_id"] for row in stored if not series.gives(json.loads(row["inputs"]), row["open_at"])}
    return found


class _Series:
    """All bars with indicators of one symbol and timeframe, by plain SQL."""

    def __init__(self, database: Database, symbol: str, timeframe: str) -> None:
        self.rows = rows(
            database,
            "SELECT * FROM analytics.indicators WHERE symbol = %s AND timeframe = %s ORDER BY open_at",
            (symbol, timeframe),
        )
        self.places = {row["open_at"]: place for place, row in enumerate(self.rows)}
        # Everything that is joined here is joined of the next coarser timeframe.
        above = coarser(parse(timeframe), "+1")
        self.above = _Series(database, symbol, above.code) if above else None

    def gives(self, inputs: dict[str, Any], open_at: Any) -> bool:
        place = self.places[open_at]
        window = self.rows[place - WINDOW_BARS + 1 : place + 1]
        return (
            inputs["window"] == {name: [row[name] for row in window] for name in WINDOW}
            and inputs["row"] == {name: self.value(place, name) for name in inputs["row"]}
            and inputs["previous"] == {name: self.value(place - 1, name) for name in inputs["previous"]}
        )

    def value(self, place: int, name: str) -> float | None:
        """A column of the bar, or `+1.close`: of the last bar of the coarser timeframe that had closed by its close."""
        key, dot, column = name.rpartition(".")
        if not dot:
            value: float | None = self.rows[place][name]
            return value
        assert key == "+1"
        closed = [row for row in (self.above.rows if self.above else [])
                  if row["close_at"] <= self.rows[place]["close_at"]]  # fmt: skip
        return closed[-1][column] if closed else None
