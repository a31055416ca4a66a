"""The indicator store: backfill of all columns, a new bar of 500 instruments at several lengths of history.

Floors: as many columns of the same kinds by TA-Lib in numpy, and COPY of them (backfill); COPY of 500 such rows (a new
bar). The instruments of the second part are copies of one, so that a long history is there in minutes: of bars and
indicators the last ones, with the states and rings, which is all that a new bar reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from statistics import median

import numpy as np
import polars as pl
import talib
from psycopg import sql

from signalhub.bars import instruments, rollups
from signalhub.bars.ingest import Source
from signalhub.bars.rollups import Touched
from signalhub.db.copy import copy_in
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.indicators.compute import compute
from signalhub.jobs import pipeline
from tests.bench.market import START, walk
from tests.bench.measure import Latency, Measurement, seconds

BACKFILLED, BACKFILL_BARS = 100, 1_000
INSTRUMENTS = 500
LENGTHS = (1_000, 10_000, 50_000)
_NEW_BARS = 9
_FAR = datetime(2090, 1, 1, tzinfo=START.tzinfo)
_COPIED = {"bars": 300, "indicators": 300, "indicator_state": None}
"""Relation → how many of the last rows each copy gets; None: all."""


def measure(database: Database) -> Iterator[Measurement | Latency]:
    yield _backfill(database)
    for length in LENGTHS:
        yield _new_bars(database, length)


def _backfill(database: Database) -> Measurement:
    keys = [_add(database, f"F{number}/USD", BACKFILL_BARS, number) for number in range(BACKFILLED)]
    _roll_up(database)
    rows: list[int] = []
    took = seconds(lambda: rows.append(compute(database, [Touched(key, H1, START) for key in keys], _FAR)))
    assert rows == [BACKFILLED * BACKFILL_BARS]
    floor = seconds(lambda: _talib_and_copy(database))
    bars = BACKFILLED * BACKFILL_BARS
    note = f"{len(INDICATOR_COLUMNS)} columns, {os.cpu_count()} cores; {took / floor:.1f} × TA-Lib + COPY on one"
    return Measurement("indicators, backfill", database.edition, "bars", bars / took, bars / floor, note)


def _talib_and_copy(database: Database) -> None:
    """As many columns, by functions of TA-Lib with three periods each, and all of them copied."""
    with database.transaction() as connection:
        names = sql.SQL(", ").join(sql.SQL("{} float8").format(sql.Identifier(name)) for name in INDICATOR_COLUMNS)
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE floor ({}) ON COMMIT DROP").format(names))
        for number in range(BACKFILLED):
            bars = walk(BACKFILL_BARS, H1, number)
            high, low, close, volume = (bars[name].to_numpy() for name in ("high", "low", "close", "volume"))
            found: list[np.ndarray] = []
            for shift in range(3):
                found += _by_talib(high, low, close, volume, shift)
            columns = {name: found[place % len(found)] for place, name in enumerate(INDICATOR_COLUMNS)}
            copy_in(connection, "floor", pl.DataFrame(columns).fill_nan(None))


def _by_talib(high: np.ndarray, low: np.ndarray, close: np.ndarray, volume: np.ndarray, shift: int) -> list[np.ndarray]:
    return [
        *(talib.SMA(close, period + shift) for period in (5, 10, 20, 50, 100, 200)),
        *(talib.EMA(close, period + shift) for period in (9, 12, 20, 21, 26, 50, 100, 200)),
        *talib.MACD(close, 12, 26, 9 + shift),
        *talib.BBANDS(close, 20 + shift),
        *talib.STOCH(high, low, close, 14 + shift),
        *talib.AROON(high, low, 25 + shift),
        *(
            talib.RSI(close, 14 + shift),
            talib.ADX(high, low, close, 14 + shift),
            talib.ATR(high, low, close, 14 + shift),
        ),
        *(
            talib.KAMA(close, 10 + shift),
            talib.SAR(high, low),
            talib.OBV(close, volume),
            talib.AD(high, low, close, volume),
        ),
        *(talib.MFI(high, low, close, volume, 14 + shift), talib.CCI(high, low, close, 20 + shift)),
        *(talib.WMA(close, 20 + shift), talib.LINEARREG(close, 20 + shift), talib.TRIX(close, 15 + shift)),
    ]


def _new_bars(database: Database, length: int) -> Latency:
    """The next bars of 500 instruments with that much history, one after another."""
    key = _add(database, f"L{length}/USD", length, length)
    _roll_up(database)
    compute(database, [Touched(key, H1, START)], _FAR)
    keys = [key, *(_copy(database, key, f"L{length}-{number}/USD") for number in range(1, INSTRUMENTS))]
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
    took, copied = [], []
    for number in range(_NEW_BARS):
        open_at = START + (length + number) * H1.span
        next_bars = _moved(walk(1, H1, length + number), keys, open_at)
        with database.transaction() as connection:
            pipeline.take_in(connection, H1, next_bars, Source("bench"), dict.fromkeys(keys, open_at + H1.span), _FAR)
        _roll_up(database)
        touched = [Touched(one, H1, open_at, open_at + H1.span) for one in keys]
        rows: list[int] = []
        took.append(1000 * seconds(lambda given=touched, told=rows: told.append(compute(database, given, _FAR))))
        assert rows == [INSTRUMENTS]
        copied.append(1000 * seconds(lambda at=open_at: _copy_rows(database, keys, at)))
    name = f"… a new bar of {INSTRUMENTS}, {length:,} bars of history"
    return Latency(name, database.edition, median(took), median(copied), f"at most {max(took):.0f}")


def _copy_rows(database: Database, keys: list[int], open_at: datetime) -> None:
    values = {name: np.full(len(keys), 1.25) for name in INDICATOR_COLUMNS}
    rows = pl.DataFrame({"instrument_id": keys, **values}).with_columns(
        timeframe=pl.lit("1h"), open_at=pl.lit(open_at), n=pl.lit(1000)
    )
    with database.transaction() as connection:
        connection.execute("CREATE TEMPORARY TABLE floor_rows (LIKE market.indicators INCLUDING ALL) ON COMMIT DROP")
        copy_in(connection, "floor_rows", rows)


def _add(database: Database, symbol: str, bars: int, seed: int) -> int:
    with database.transaction() as connection:
        key = instruments.register(
            connection, InstrumentSpec(symbol, "bench", "crypto"), "bench", is_live=False, now=_FAR
        )
        frame = walk(bars, H1, seed).select(pl.lit(key, pl.Int32).alias("instrument_id"), pl.all())
        settled = {key: frame["open_at"][-1] + H1.span}
        pipeline.take_in(connection, H1, frame, Source("bench"), settled, _FAR)
    return key


def _copy(database: Database, key: int, symbol: str) -> int:
    with database.transaction() as connection:
        copy = instruments.register(
            connection, InstrumentSpec(symbol, "bench", "crypto"), "bench", is_live=False, now=_FAR
        )
        connection.execute(
            "INSERT INTO market.instrument_bases (instrument_id, base_timeframe, rules_from, rules_until) "
            "SELECT %s, base_timeframe, rules_from, rules_until FROM market.instrument_bases WHERE instrument_id = %s",
            (copy, key),
        )
        for table, last in _COPIED.items():
            columns = [row[0] for row in connection.execute(_COLUMNS, (table,)).fetchall()]
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            order = sql.SQL("ORDER BY open_at DESC LIMIT {}").format(sql.Literal(last)) if last else sql.SQL("")
            relation = sql.Identifier("market", table)
            connection.execute(sql.SQL(_COPY).format(relation, names, sql.Literal(copy), sql.Literal(key), order))
    return copy


_COPY = "INSERT INTO {0} (instrument_id, {1}) SELECT {2}, {1} FROM {0} WHERE instrument_id = {3} {4}"
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'market' AND table_name = %s AND column_name <> 'instrument_id' AND is_identity = 'NO'
ORDER BY ordinal_position
"""


def _roll_up(database: Database) -> None:
    """What `pipeline.refresh` does before indicators, which are what is measured."""
    refreshed = rollups.refresh(database, _FAR)
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)


def _moved(bars: pl.DataFrame, keys: list[int], open_at: datetime) -> pl.DataFrame:
    ids = pl.DataFrame({"instrument_id": pl.Series(keys, dtype=pl.Int32)})
    return ids.join(bars.with_columns(open_at=pl.lit(open_at).cast(bars.schema["open_at"])), how="cross")
