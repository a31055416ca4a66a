"""The market store at size: a new minute of 500 instruments, a correction two years back, reads as of an instant.

A minute is taken in, rolled up and forgotten as dirty, as `pipeline.refresh` does it; its indicators are timed apart.
The floor is a bare COPY of the same 500 rows to an empty table like market.bars. `bare` in the notes is one INSERT …
SELECT … GROUP BY per level that closes, into empty tables, chosen by nothing: what rolling up cannot go below.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import polars as pl

from signalhub import plugins
from signalhub.bars import quality, rollups
from signalhub.db.copy import copy_in
from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import H1, M1, M5, ROLLED_UP, Timeframe
from signalhub.indicators.compute import compute
from signalhub.jobs import pipeline
from signalhub.jobs.scoring import Block
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from tests.bench import big_store
from tests.bench.big_store import FEED, HISTORY, INSTRUMENTS, LONG, MINUTES_FROM, SETUP_UNTIL
from tests.bench.measure import Latency, seconds

_MINUTE = timedelta(minutes=1)
_READS = 300
_CORRECTIONS = 3
_FOUR_HOURS = 6
_COPY_LIKE = "CREATE TABLE bare_bars (LIKE market.bars INCLUDING ALL)"
_BARE_TABLE = (
    "CREATE TABLE bare_{level} (LIKE market.bars_{level}, PRIMARY KEY (instrument_id, base_timeframe, open_at))"
)
_BARE = """
INSERT INTO bare_{level}
SELECT
    b.instrument_id, b.base_timeframe, %(from_at)s, (array_agg(b.open ORDER BY b.open_at))[1], max(b.high), min(b.low),
    (array_agg(b.close ORDER BY b.open_at DESC))[1], sum(b.volume ORDER BY b.open_at),
    sum(coalesce(b.turnover, b.volume * (b.high + b.low + b.close) / 3) ORDER BY b.open_at),
    sum(b.bar_count), sum(b.filled_count), (array_agg(b.high_at ORDER BY b.high DESC, b.open_at))[1],
    (array_agg(b.low_at ORDER BY b.low, b.open_at))[1], max(b.known_at)
FROM generate_series(1, %(instruments)s) AS i
JOIN market.{finer} AS b ON b.instrument_id = i AND b.base_timeframe = '1m'
    AND b.open_at >= %(from_at)s AND b.open_at < %(to_at)s
GROUP BY 1, 2
"""
_AS_OF = "SELECT * FROM market.bars_as_of(%s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class Minute:
    """What one new minute of all instruments took, in milliseconds; `levels` closed with it."""

    levels: int
    copy: float
    take_in: float
    rollups: float
    indicators: float = 0.0
    bare: float = 0.0

    @property
    def beyond(self) -> float:
        """Of ingest and refresh, what the floor does not take."""
        return self.take_in + self.rollups - self.copy


def measure(database: Database) -> Iterator[Latency]:
    setup = seconds(lambda: big_store.make(database))
    with database.transaction() as connection:
        connection.execute(_COPY_LIKE.encode())
        for level in ROLLED_UP:
            connection.execute(_BARE_TABLE.format(level=level).encode())
    yield from _as_of_reads(database, setup)
    yield from _corrections(database)
    yield from _new_minutes(database)


def _as_of_reads(database: Database, setup: float) -> Iterator[Latency]:
    """Half of the reads ask for what was known just before the corrections, half for what is known now."""
    chance = random.Random(4)
    for timeframe in (M1, M5, H1):
        took = []
        for number in range(_READS):
            known_at = SETUP_UNTIL - timedelta(seconds=number % 2)
            first, last = _span(timeframe)
            from_at = first + timeframe.span * chance.randrange((last - first) // timeframe.span - 300)
            symbol = f"B{chance.randint(1, INSTRUMENTS)}/USD"
            asked = symbol, timeframe.code, from_at, from_at + 300 * timeframe.span, known_at
            took.append(1000 * _read(database, asked))
        name = f"300 bars of {timeframe} as of an instant, p50"
        worst = f"p99 {sorted(took)[_READS * 99 // 100]:.1f}"
        note = f"{worst}; the store was made in {setup:.0f} s" if timeframe == M1 else worst
        yield Latency(name, database.edition, median(took), note=note)


def _span(timeframe: Timeframe) -> tuple[datetime, datetime]:
    if timeframe == H1:
        return MINUTES_FROM - timedelta(days=365), MINUTES_FROM
    return MINUTES_FROM, timeframe.floor(SETUP_UNTIL)


def _read(database: Database, asked: tuple[object, ...]) -> float:
    with database.transaction() as connection:
        rows: list[tuple[object, ...]] = []
        took = seconds(lambda: rows.extend(connection.execute(_AS_OF.encode(), asked).fetchall()))
    assert len(rows) == 300, (asked, len(rows))
    return took


def _corrections(database: Database) -> Iterator[Latency]:
    """One bar of one instrument, two years back; then its newest close is scored."""
    strategies = list(plugins.declared("signalhub.strategies", "STRATEGY", Strategy).values())
    bars = big_store.history(LONG, H1)
    rolled, whole, rows = [], [], 0
    for number in range(_CORRECTIONS):
        old = bars.filter(pl.col("open_at") == MINUTES_FROM - timedelta(days=730 + number)).with_columns(
            high=pl.col("high") + 1, low=pl.col("low") - 1, volume=pl.col("volume") * 2
        )
        assert old.height == 1
        taken = seconds(lambda bar=old: big_store.take_in(database, H1, bar, FEED, SETUP_UNTIL))
        refreshed = _Refreshed()
        _refresh(database, SETUP_UNTIL, refreshed)
        block = Block(H1, [H1.floor(SETUP_UNTIL) - number * H1.span], Origin.REPLAY, [LONG])
        scored = seconds(lambda at=block: pipeline.evaluate_block(database, at, strategies, Settings(), SETUP_UNTIL))
        rolled.append(1000 * (taken + refreshed.rollups))
        whole.append(1000 * (taken + refreshed.rollups + refreshed.indicators + scored))
        rows = refreshed.rows
    yield Latency("a bar two years back corrected: rolled up", database.edition, median(rolled))
    yield Latency("… indicators right, scored again", database.edition, median(whole), note=f"{rows:,} indicator rows")


@dataclass
class _Refreshed:
    """What a refresh took, in seconds."""

    rollups: float = 0.0
    indicators: float = 0.0
    rows: int = 0


def _refresh(database: Database, now: datetime, took: _Refreshed, *, with_indicators: bool = True) -> None:
    """`pipeline.refresh` with a watch beside it."""
    with database.exclusively("refresh"):
        done: list[rollups.Refreshed] = []
        took.rollups = seconds(lambda: done.append(rollups.refresh(database, now)))

        def computed() -> None:
            with database.transaction() as connection:
                took.rows = compute(connection, done[0].touched)
                quality.flag_outliers(connection, done[0].dirty_ids, now)

        def finished() -> None:
            with database.transaction() as connection:
                rollups.finish(connection, done[0])

        took.indicators = seconds(computed) if with_indicators else 0.0
        took.rollups += seconds(finished)


def _new_minutes(database: Database) -> Iterator[Latency]:
    """Half an hour up to midnight minute by minute, then every fourth hour's last minute for a day."""
    first = [_minute(database, SETUP_UNTIL + n * _MINUTE, with_indicators=True) for n in range(30)]
    ends = [
        _later_minute(database, SETUP_UNTIL + timedelta(hours=4 * n, minutes=29)) for n in range(1, _FOUR_HOURS + 1)
    ]
    quiet = [minute for minute in first if minute.levels == 0]
    yield _latency("a new minute of 500 instruments", database, quiet)
    yield _latency("… 5m (and 15m) closing with it", database, [m for m in first if m.levels in (1, 2)])
    yield _latency("… 5m 15m 1h 4h closing with it", database, [m for m in ends if m.levels == 4])
    yield _latency("… 5m 15m 1h 4h 1d closing with it", database, [m for m in (*first, *ends) if m.levels == 5])
    indicators = [minute.indicators for minute in quiet]
    yield Latency("… its indicators (1m), not in the above", database.edition, median(indicators))


def _latency(name: str, database: Database, minutes: Sequence[Minute]) -> Latency:
    def middle(of: Callable[[Minute], float]) -> float:
        return median(of(minute) for minute in minutes)

    note = (
        f"beyond the floor {middle(lambda m: m.beyond):.0f} (at most {max(m.beyond for m in minutes):.0f}, "
        f"n {len(minutes)}): ingest {middle(lambda m: m.take_in):.0f}, refresh {middle(lambda m: m.rollups):.0f}, "
        f"bare roll-up {middle(lambda m: m.bare):.0f}"
    )
    whole = middle(lambda minute: minute.take_in + minute.rollups)
    return Latency(name, database.edition, whole, middle(lambda minute: minute.copy), note)


def _minute(database: Database, open_at: datetime, *, with_indicators: bool) -> Minute:
    bars, now = big_store.minutes(open_at), open_at + _MINUTE
    closing = [level for level in ROLLED_UP if level.floor(now) == now]
    copied = seconds(lambda: _bare_copy(database, bars))
    settled = dict.fromkeys(range(1, INSTRUMENTS + 1), now)
    taken = seconds(lambda: big_store.take_in_settled(database, M1, bars, FEED, settled, now))
    refreshed = _Refreshed()
    _refresh(database, now, refreshed, with_indicators=with_indicators)
    bare = seconds(lambda: _bare_rollup(database, closing, now))
    times = (copied, taken, refreshed.rollups, refreshed.indicators, bare)
    return Minute(len(closing), *(1000 * time for time in times))


def _later_minute(database: Database, last: datetime) -> Minute:
    """The hours before it come in one batch. Nobody reads their indicators here: they are left out."""
    hours = big_store.minutes(last - timedelta(minutes=239), 239)
    big_store.take_in(database, M1, hours, HISTORY, last)
    _refresh(database, last, _Refreshed(), with_indicators=False)
    return _minute(database, last, with_indicators=False)


def _bare_copy(database: Database, bars: pl.DataFrame) -> None:
    close_at = pl.col("open_at") + _MINUTE
    rows = bars.with_columns(
        *(pl.lit("1m").alias("base_timeframe"), pl.col("open_at").alias("high_at"), pl.col("open_at").alias("low_at")),
        *(close_at.alias("known_at"), pl.lit(1).alias("source_id"), pl.lit(1).alias("bar_count")),
        *(pl.lit(0).alias("filled_count"),),
    )
    with database.transaction() as connection:
        copy_in(connection, "bare_bars", rows)


def _bare_rollup(database: Database, closing: Sequence[Timeframe], now: datetime) -> None:
    finer = dict(zip(ROLLED_UP, ["bars", *(f"bars_{level}" for level in ROLLED_UP)], strict=False))
    with database.transaction() as connection:
        for level in closing:
            text = _BARE.format(level=level, finer=finer[level])
            span = {"from_at": now - level.span, "to_at": now, "instruments": INSTRUMENTS}
            connection.execute(text.encode(), span)
