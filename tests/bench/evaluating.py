"""From stored closing bars to committed signals: 500 instruments, all strategies, a close of one timeframe and of all.

Bases of several timeframes follow each other, so that all six have their history with few bars. What is measured is
what `signalhub run` does after the bars came in: roll up and compute, then evaluate each close that is due, and track.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from statistics import median
from unittest import mock

import numpy as np
import polars as pl
from psycopg import sql

from signalhub.bars import instruments, rollups
from signalhub.bars.ingest import Source
from signalhub.db.engine import Database, create_engine
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import D1, H1, M1, TIMEFRAMES, Timeframe
from signalhub.indicators.compute import compute
from signalhub.jobs import live, pipeline
from signalhub.jobs.scorer import Scorer
from signalhub.service.supervisor import ENVIRONMENT
from signalhub.settings import Settings
from signalhub.strategies.declared import declared
from tests.bench.measure import Latency, seconds

INSTRUMENTS, DISTINCT = 500, 20
"""Each walk is that of several instruments: computing the history of all would take most of the time."""
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
"""The close of all six timeframes that is measured."""
DAYS: dict[Timeframe, int] = {D1: 75, H1: 14, M1: 2}
"""Days of each base, coarse to fine, up to midnight: a base rules whole days. Finer bars are rolled up on top."""
STEADY = 14
"""Minutes that are followed before midnight, and measured."""
_SOURCE = Source("bench", is_live=True, is_backfill=False)


def measure(database: Database) -> Iterator[Latency]:
    """Cold, steady and all six, each with its steps: in a process that is told what the service's are told."""
    url = database.engine.url.render_as_string(hide_password=False)
    with mock.patch.dict(os.environ, ENVIRONMENT), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield from pool.submit(_measured, url, database.edition).result()


def _measured(url: str, edition: str) -> list[Latency]:
    return list(_latencies(Database(create_engine(url), edition)))


def _latencies(database: Database) -> Iterator[Latency]:
    ids = _register(database)
    walk = _Walk(ids)
    begun = MIDNIGHT - STEADY * M1.span
    prepared = seconds(lambda: _fill(database, walk, begun))
    yield Latency(f"{len(ids)} instruments made ready", database.edition, 1000 * prepared)
    loop = _Loop(database)
    # As service/parts.py does.
    gc.collect()
    gc.freeze()
    yield from loop.told("first close of 1m, nothing kept", [loop.minute(walk, begun + M1.span)])
    minutes = [begun + k * M1.span for k in range(2, STEADY)]
    took = {at: loop.minute(walk, at) for at in minutes}
    quiet = [took[at] for at in minutes if at.minute % 5]
    yield from loop.told("a close of 1m", quiet)
    # The other timeframes have been looked at once: what they keep is there.
    loop.warm(MIDNIGHT - M1.span)
    yield from loop.told("a close of all six", [loop.minute(walk, MIDNIGHT)])
    loop.scorer.close()


class _Walk:
    """Random walks side by side, one bar of all instruments at a time; every so many instruments go the same way."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = pl.Series("instrument_id", ids, dtype=pl.Int32)
        self.random = np.random.default_rng(7)
        self.close = np.exp(self.random.uniform(0, 8, DISTINCT))

    def bars(self, timeframe: Timeframe, first_open: datetime, count: int) -> pl.DataFrame:
        size, sigma = (count, DISTINCT), 0.0004 * (timeframe.seconds / 60) ** 0.5
        steps = self.random.standard_t(4, size) * sigma
        close = self.close * np.exp(np.cumsum(steps, axis=0))
        open_ = np.vstack([self.close, close[:-1]])
        self.close = close[-1]
        high, low = (np.maximum(open_, close), np.minimum(open_, close))
        spread = np.abs(self.random.normal(0, sigma / 2, (2, *size))) * close
        values = {"open": open_, "high": high + spread[0], "low": low - spread[1], "close": close,
                  "volume": self.random.lognormal(3, 1, size)}  # fmt: skip
        opens = [first_open + k * timeframe.span for k in range(count)]
        frame = pl.DataFrame({
            "instrument_id": np.tile(self.ids.to_numpy(), count),
            "open_at": pl.Series(opens, dtype=OPEN_AT).gather(np.repeat(np.arange(count), len(self.ids))),
            **{name: np.resize(array.T, (len(self.ids), count)).T.ravel() for name, array in values.items()},
        })  # fmt: skip
        return frame.with_columns(pl.col("instrument_id").cast(pl.Int32), turnover=pl.lit(None, pl.Float64))


def _register(database: Database) -> list[int]:
    with database.transaction() as connection:
        return [
            instruments.register(
                connection, InstrumentSpec(f"E{k}/USD", "bench", "crypto"), "bench", is_live=True, now=MIDNIGHT
            )
            for k in range(INSTRUMENTS)
        ]


def _fill(database: Database, walk: _Walk, until: datetime) -> None:
    """History, each base up to where the next finer one begins; indicators computed for some and copied to the rest."""
    begin = MIDNIGHT - sum(DAYS.values()) * D1.span
    for base, days in DAYS.items():
        end = min(begin + days * D1.span, until)
        _take_in(database, base, walk.bars(base, begin, (end - begin) // base.span), end)
        begin = end
    refreshed = rollups.refresh(database, until)
    first = set(walk.ids.head(DISTINCT))
    compute(database, [item for item in refreshed.touched if item.instrument_id in first], until)
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)
        for (table,) in connection.execute(_TABLES).fetchall():
            columns = [row[0] for row in connection.execute(_COLUMNS, (table,)).fetchall()]
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            values = sql.SQL(", ").join(sql.SQL("x.{}").format(sql.Identifier(name)) for name in columns)
            copy = sql.SQL(_COPY).format(sql.Identifier("market", table), names, values)
            connection.execute(copy, {"distinct": DISTINCT})
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")


_TABLES = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'market' AND column_name = 'instrument_id' AND table_name LIKE 'indicator%'
    AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'market')
"""
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'market' AND table_name = %s AND column_name <> 'instrument_id'
"""
_COPY = """
INSERT INTO {0} (instrument_id, {1})
SELECT i.instrument_id, {2}
FROM (
    SELECT y.timeframe, max(y.open_at) - 240 * t.span AS from_at FROM {0} AS y
    INNER JOIN market.timeframes AS t ON t.timeframe = y.timeframe
    WHERE y.instrument_id = 1 GROUP BY y.timeframe, t.span
) AS c
INNER JOIN {0} AS x ON x.timeframe = c.timeframe AND x.open_at >= c.from_at AND x.instrument_id <= %(distinct)s
INNER JOIN market.instruments AS i
    ON (i.instrument_id - 1) %% %(distinct)s + 1 = x.instrument_id AND i.instrument_id > %(distinct)s
"""


def _take_in(database: Database, base: Timeframe, bars: pl.DataFrame, until: datetime) -> None:
    settled = dict.fromkeys(bars["instrument_id"].unique().to_list(), until)
    with database.transaction() as connection:
        pipeline.take_in(connection, base, bars, _SOURCE, settled, until)


class _Loop:
    """What service/pipeline.py does, step by step."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.strategies = declared()
        self.settings = Settings()
        self.scorer = Scorer(database, self.strategies, self.settings)
        self.scorer.prepare(INSTRUMENTS)
        self.scorer.wait()

    def minute(self, walk: _Walk, close: datetime) -> dict[str, float]:
        """The closing bars come in; milliseconds of each step after that."""
        _take_in(self.database, M1, walk.bars(M1, close - M1.span, 1), close)
        now = close + timedelta(seconds=1)
        took = {"refresh": 1000 * seconds(lambda: pipeline.refresh(self.database, now))}
        due = [timeframe for timeframe in TIMEFRAMES if timeframe.floor(close) == close]
        took["evaluate"] = 1000 * seconds(lambda: live.side_by_side(due, lambda one: self._evaluate(one, close)))
        took["track"] = 1000 * seconds(lambda: pipeline.track(self.database, self.settings, now))
        return took

    def warm(self, until: datetime) -> None:
        """The closes before."""
        for timeframe in TIMEFRAMES[1:]:
            self._evaluate(timeframe, timeframe.floor(until))

    def _evaluate(self, timeframe: Timeframe, close: datetime) -> None:
        now = close + timedelta(seconds=2)
        with live.alone(self.database, timeframe, close):
            found = live.groups(self.database, timeframe, close)
            known = live.Known(found, self.scorer)
            done = live.evaluate_close(
                self.database, timeframe, close, self.strategies, self.settings, lambda: now, known
            )
        assert done is not None

    def _floor(self) -> float:
        """Milliseconds of reading the new rows of the last close and storing its signals, bare: no keys, no thought."""
        with self.database.transaction() as connection:
            connection.execute("CREATE TEMPORARY TABLE bare ON COMMIT DROP AS " + _SIGNALS + " LIMIT 0")

            closed = connection.execute(_CLOSED).fetchall()

            def work() -> None:
                for timeframe, open_at in closed:
                    rows = sql.SQL(_NEW_ROWS).format(sql.Literal(timeframe), sql.Literal(open_at))
                    with connection.cursor().copy(rows) as copy:
                        for _ in copy:
                            pass
                connection.execute("INSERT INTO bare " + _SIGNALS)

            return 1000 * seconds(work)

    def told(self, name: str, minutes: list[dict[str, float]]) -> Iterator[Latency]:
        """The whole from stored bars to committed signals, and how its steps make it up."""
        edition = self.database.edition
        steps = {step: median(one[step] for one in minutes) for step in minutes[0]}
        note = ", ".join(f"{step} {value:.0f}" for step, value in steps.items())
        yield Latency(f"{name}: evaluated", edition, steps["evaluate"], self._floor(), note)
        with self.database.transaction() as connection:
            rows = connection.execute(_STEPS).fetchall()
        for timeframe, spent, hits, misses, candidates, signals in rows:
            inside = ", ".join(f"{step} {value:.0f}" for step, value in spent.items())
            counted = f"{candidates} candidates, {signals} signals, {hits} frames kept, {misses} read"
            yield Latency(f"… {timeframe}", edition, sum(spent.values()), note=f"{inside}; {counted}")


_LAST = "SELECT max(x.close_at) FROM engine.evaluations AS x"
_SIGNALS = (
    "SELECT s.*, i.inputs FROM engine.signals AS s INNER JOIN engine.signal_inputs AS i USING (signal_id) "
    f"WHERE s.close_at = ({_LAST})"
)
_CLOSED = (
    "SELECT DISTINCT e.timeframe, e.close_at - t.span FROM engine.evaluations AS e "
    f"INNER JOIN market.timeframes AS t USING (timeframe) WHERE e.close_at = ({_LAST})"
)
_NEW_ROWS = "COPY (SELECT * FROM market.indicators WHERE timeframe = {} AND open_at = {}) TO STDOUT"
_STEPS = """
SELECT
    e.timeframe, min(e.steps::text)::jsonb, min(e.snapshot_hits), min(e.snapshot_misses), sum(e.candidates),
    sum(e.signals)
FROM engine.evaluations AS e
WHERE e.close_at = (SELECT max(x.close_at) FROM engine.evaluations AS x)
GROUP BY e.timeframe ORDER BY min(e.steps->>'load')
"""
