"""A store of the size that issue 4 names: 500 instruments, a year of hourly and three days of 1m bars, 1 % corrected.

Five instruments take the way of every bar: ingest, refresh, corrections, refresh. The other 495 are copies of four
of them, row by row and relation by relation, so that what is rolled up and computed fits the bars under it. Of the
copies' indicators the last month is there, as if older ones had been dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from psycopg import sql

from signalhub.bars import instruments
from signalhub.bars.ingest import Source
from signalhub.db.connection import Connection
from signalhub.db.edition import TIMESCALE
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1, M1, ROLLED_UP, Timeframe
from signalhub.jobs import pipeline
from tests.bench.market import walk

INSTRUMENTS = 500
LONG = 1
"""The instrument with 900 days of hourly bars; the others have 365."""
TEMPLATES = 4
MINUTES_FROM = datetime(2025, 12, 1, tzinfo=UTC)
"""Hourly bars before, 1m bars from here on."""
SETUP_UNTIL = MINUTES_FROM + timedelta(days=3) - timedelta(minutes=30)
"""Half an hour before a midnight, so that the minutes measured next reach it; one bar in a hundred is corrected now."""
FEED = Source("bench", is_live=True, is_backfill=False)
HISTORY = Source("bench", is_live=True)

_COPIED = ["bars", "instrument_bases", "watermarks", "indicators", "indicator_state", "bar_revisions", "dirty_ranges"]
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'market' AND table_name = %s AND column_name <> 'instrument_id' AND is_identity = 'NO'
ORDER BY ordinal_position
"""

_REFRESH = (
    "CALL refresh_continuous_aggregate('market.bars_{}', %s::timestamptz, %s::timestamptz, "
    """options => '{{"buckets_per_batch": 0}}')"""
)


def make(database: Database) -> None:
    """Fills a fresh database. Takes minutes; everything is rolled up, computed and analysed afterwards."""
    with database.transaction() as connection:
        _register(connection)
    for timeframe in (H1, M1):
        for key in range(1, TEMPLATES + 2):
            take_in(database, timeframe, history(key, timeframe), HISTORY, SETUP_UNTIL)
    pipeline.refresh(database, SETUP_UNTIL)
    for timeframe in (H1, M1):
        for key in range(1, TEMPLATES + 2):
            take_in(database, timeframe, corrections(history(key, timeframe)), FEED, SETUP_UNTIL)
    pipeline.refresh(database, SETUP_UNTIL)
    _copy(database)
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def take_in(database: Database, timeframe: Timeframe, bars: pl.DataFrame, source: Source, now: datetime) -> None:
    """A batch with its watermarks, in a transaction of its own."""
    ends = bars.group_by("instrument_id").agg(pl.col("open_at").max() + timeframe.span).iter_rows()
    take_in_settled(database, timeframe, bars, source, {key: min(end, now) for key, end in ends}, now)


def take_in_settled(
    database: Database,
    timeframe: Timeframe,
    bars: pl.DataFrame,
    source: Source,
    settled: dict[int, datetime],
    now: datetime,
) -> None:
    """A batch and the watermarks that the feed gives with it."""
    with database.transaction() as connection:
        pipeline.take_in(connection, timeframe, bars, source, settled, now)


def history(key: int, timeframe: Timeframe) -> pl.DataFrame:
    """The bars of one instrument, as `ingest` takes them."""
    days = 900 if key == LONG else 365
    from_at = MINUTES_FROM - timedelta(days=days) if timeframe == H1 else MINUTES_FROM
    until = MINUTES_FROM if timeframe == H1 else SETUP_UNTIL
    return _moved(walk((until - from_at) // timeframe.span, timeframe, timeframe.seconds + key), key, from_at)


def minutes(open_at: datetime, count: int = 1) -> pl.DataFrame:
    """The next 1m bars of all instruments: at each minute the same bars, other ones from minute to minute."""
    bars = walk(count, M1, int(open_at.timestamp()))
    keys = pl.DataFrame({"instrument_id": pl.Series(range(1, INSTRUMENTS + 1), dtype=pl.Int32)})
    return keys.join(_moved(bars, 0, open_at).drop("instrument_id"), how="cross")


def corrections(bars: pl.DataFrame) -> pl.DataFrame:
    """Every hundredth bar, with another close and volume."""
    nudged = pl.max_horizontal("low", pl.col("high") - 0.0001)
    return bars.gather_every(100, offset=37).with_columns(close=nudged, volume=pl.col("volume") + 1)


def _moved(bars: pl.DataFrame, key: int, from_at: datetime) -> pl.DataFrame:
    moved = bars.with_columns(open_at=pl.col("open_at") + (from_at - bars["open_at"][0]))
    return moved.select(pl.lit(key, pl.Int32).alias("instrument_id"), pl.all())


def _register(connection: Connection) -> None:
    for number in range(1, INSTRUMENTS + 1):
        spec = InstrumentSpec(f"B{number}/USD", "bench", "crypto")
        key = instruments.register(connection, spec, FEED.name, is_live=True, now=SETUP_UNTIL)
        assert key == number


def _copy(database: Database) -> None:
    """On TimescaleDB the rollups of the copies are refreshed, elsewhere they are copied too."""
    is_timescale = database.edition == TIMESCALE
    rollups = [] if is_timescale else [f"bars_{level}" for level in ROLLED_UP]
    for table in [*_COPIED, *rollups]:
        with database.transaction() as connection:
            connection.execute("SET LOCAL work_mem = '256MB'")
            connection.execute("SET LOCAL synchronous_commit = off")
            _copy_table(connection, table)
    for level in ROLLED_UP if is_timescale else []:
        span = MINUTES_FROM - timedelta(days=365), level.floor(SETUP_UNTIL)
        with database.autocommit() as connection:
            connection.execute(_REFRESH.format(level).encode(), span)


def _copy_table(connection: Connection, table: str) -> None:
    """Copies the templates' rows, where there is an open_at in its order: as live bars lie on the pages."""
    columns = [row[0] for row in connection.execute(_COLUMNS, (table,)).fetchall()]
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    order = sql.SQL("ORDER BY t.open_at, t.instrument_id" if "open_at" in columns else "ORDER BY t.instrument_id")
    statement = sql.SQL(
        "INSERT INTO {0} (instrument_id, {1}) SELECT copy_id, {1} FROM (SELECT t.* FROM {0} AS t "
        "WHERE t.instrument_id BETWEEN 2 AND {2} AND {6} {3} OFFSET 0) AS t "
        "CROSS JOIN LATERAL generate_series(t.instrument_id + {4}, {5}, {4}) AS copy_id"
    )
    text = statement.format(
        sql.Identifier("market", table),
        names,
        sql.Literal(TEMPLATES + 1),
        order,
        sql.Literal(TEMPLATES),
        sql.Literal(INSTRUMENTS),
        sql.SQL("open_at >= '2025-11-01'" if table == "indicators" else "TRUE"),
    )
    connection.execute(text)
