"""500 instruments with a year of hourly bars and their indicators, put where refreshes would have put them.

Each instrument is a random walk of its own. The indicators are TA-Lib's of the same names (what they are worth is not
measured here): those that momentum and breakout look at have the values, the other columns of each row hold a number,
so that rows are as wide as stored ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import talib
from psycopg import sql

from signalhub.bars import instruments
from signalhub.db.connection import Connection
from signalhub.db.copy import copy_in
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, ROLLED_UP
from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests.bench.market import START, walk

INSTRUMENTS, BARS = 500, 8_760
_AT_ONCE = 50
_COLUMNS = (
    *("ema_9", "ema_21", "ema_50", "rsi_14", "macd_hist_12_26_9", "atr_14", "adx_14", "volume_sma_20"),
    *("donchian_upper_20", "donchian_lower_20", "bb_upper_20_2", "bb_middle_20_2"),
)
_REFRESH = (
    "CALL refresh_continuous_aggregate('market.bars_{}', %s::timestamptz, %s::timestamptz, "
    """options => '{{"buckets_per_batch": 0}}')"""
)
_ROLLUP = ("open", "high", "low", "close", "volume", "bar_count", "filled_count", "high_at", "low_at", "known_at")


def bars(number: int, count: int = BARS) -> pl.DataFrame:
    """The bars of one instrument."""
    return walk(count, H1, number)


def values(frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """The indicators that the two strategies look at."""
    high, low, close, volume = (frame[name].to_numpy() for name in ("high", "low", "close", "volume"))
    upper, middle, _ = talib.BBANDS(close, 20)
    found = (
        *(talib.EMA(close, 9), talib.EMA(close, 21), talib.EMA(close, 50), talib.RSI(close, 14)),
        *(talib.MACD(close, 12, 26, 9)[2], talib.ATR(high, low, close, 14), talib.ADX(high, low, close, 14)),
        *(talib.SMA(volume, 20), talib.MAX(high, 20), talib.MIN(low, 20), upper, middle),
    )
    return dict(zip(_COLUMNS, found, strict=True))


def make(database: Database, count: int = INSTRUMENTS, length: int = BARS) -> None:
    """Fills a fresh database; the other indicators have a value too."""
    until = START + length * H1.span
    with database.transaction() as connection:
        for number in range(1, count + 1):
            spec = InstrumentSpec(f"B{number}/USD", "bench", "crypto")
            key = instruments.register(connection, spec, "bench", is_live=False, now=until)
            assert key == number
        for first in range(1, count + 1, _AT_ONCE):
            frames = [_frame(number, length) for number in range(first, min(first + _AT_ONCE, count + 1))]
            _put(connection, pl.concat(frames))
        connection.execute(
            "INSERT INTO market.instrument_bases (instrument_id, base_timeframe, rules_from) "
            "SELECT instrument_id, '1h', '2000-01-01 00:00:00+00' FROM market.instruments"
        )
        connection.execute(
            "INSERT INTO market.watermarks (instrument_id, timeframe, settled_through) "
            "SELECT instrument_id, '1h', %s FROM market.instruments",
            (until,),
        )
        if database.edition != TIMESCALE:
            _roll_up(connection)
    if database.edition == TIMESCALE:
        _refresh(database, START, until)
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _frame(number: int, length: int) -> pl.DataFrame:
    frame = bars(number, length)
    return frame.with_columns(
        pl.lit(number, pl.Int32).alias("instrument_id"),
        pl.int_range(1, length + 1).alias("n"),
        *(pl.Series(name, column).fill_nan(None) for name, column in values(frame).items()),
    )


def _put(connection: Connection, frame: pl.DataFrame) -> None:
    opened = pl.col("open_at")
    stored = frame.select(
        *("instrument_id", "open_at", "open", "high", "low", "close", "volume"),
        pl.lit("1h").alias("base_timeframe"),
        *(opened.alias("high_at"), opened.alias("low_at"), (opened + timedelta(hours=1)).alias("known_at")),
        pl.lit(1).alias("source_id"),
    )
    copy_in(connection, "market.bars", stored)
    rows = frame.select("instrument_id", pl.lit("1h").alias("timeframe"), "open_at", "n", *_COLUMNS)
    names = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    others = [name for name in INDICATOR_COLUMNS if name not in _COLUMNS]
    # Numbers that are all the same are not sent for each row.
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE given ON COMMIT DROP AS SELECT {} FROM market.indicators WITH NO DATA").format(
            names
        )
    )
    copy_in(connection, "given", rows)
    connection.execute(
        sql.SQL("INSERT INTO market.indicators ({0}, {1}) SELECT {0}, {2} FROM given").format(
            names, sql.SQL(", ").join(map(sql.Identifier, others)), sql.SQL(", ").join([sql.SQL("1.25")] * len(others))
        )
    )
    connection.execute("DROP TABLE given")


def _roll_up(connection: Connection) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, _ROLLUP))
    connection.execute(
        sql.SQL(
            "INSERT INTO market.bars_1h (instrument_id, base_timeframe, open_at, turnover, {0}) "
            "SELECT instrument_id, base_timeframe, open_at, volume * close, {0} FROM market.bars"
        ).format(names)
    )


def _refresh(database: Database, from_at: datetime, until: datetime) -> None:
    for level in ROLLED_UP:
        if level <= H1:
            with database.autocommit() as connection:
                connection.execute(_REFRESH.format(level).encode(), (from_at, until))
