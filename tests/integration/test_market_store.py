"""The market store takes bars in: revisions, dirty ranges, watermarks, priorities, named checks, two writers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from signalhub.bars import ingest, instruments, rollups
from signalhub.bars.ingest import Ingested, Source
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import D1, H1, M1
from signalhub.errors import NotFound
from tests.market import MONDAY, NEXT_YEAR, add_instrument, at, bar, frame, put, random_bars, roll, rows

LIVE = Source("live", is_live=True, is_backfill=False)
DIRTY = "SELECT instrument_id, base_timeframe, timeframe, from_at, to_at FROM market.dirty_ranges ORDER BY from_at"
WHOLE_STORE = """
    SELECT 'bar' AS kind, b::text AS content FROM market.bars AS b
    UNION ALL SELECT 'revision', v::text FROM market.bar_revisions AS v
    UNION ALL SELECT 'dirty', d::text FROM market.dirty_ranges AS d
    UNION ALL SELECT 'base', r::text FROM market.instrument_bases AS r
    ORDER BY 1, 2
"""


def closes(database: Database) -> dict[datetime, float]:
    return {row["open_at"]: row["close"] for row in rows(database, "SELECT open_at, close FROM market.bars")}


def set_priority(database: Database, instrument_id: int, source: str, priority: int) -> None:
    with database.transaction() as connection:
        spec = InstrumentSpec("BTC/USDT", "test", "crypto")
        assert instruments.register(connection, spec, source, is_live=False, now=MONDAY) == instrument_id
        connection.execute(
            "UPDATE market.instrument_sources SET priority = %s WHERE instrument_id = %s AND source = %s",
            (priority, instrument_id, source),
        )


def test_a_batch_is_told_apart_into_new_corrected_and_unchanged(database: Database) -> None:
    btc = add_instrument(database)
    first = put(database, frame([bar(btc, at("4 10:00")), bar(btc, at("4 10:01"))]))
    second = put(
        database, frame([bar(btc, at("4 10:00")), bar(btc, at("4 10:01"), price=105), bar(btc, at("4 10:02"))])
    )
    assert first == Ingested(new=2)
    assert second == Ingested(new=1, corrected=1, unchanged=1)
    assert closes(database) == {at("4 10:00"): 100, at("4 10:01"): 105, at("4 10:02"): 100}


def test_the_same_batch_again_changes_nothing(database: Database) -> None:
    btc = add_instrument(database)
    batch = random_bars(1, btc, MONDAY, M1, 300)
    assert put(database, batch) == Ingested(new=batch.height)
    before = rows(database, WHOLE_STORE)
    assert put(database, batch, now=NEXT_YEAR + timedelta(days=1)) == Ingested(unchanged=batch.height)
    assert rows(database, WHOLE_STORE) == before
    roll(database)
    put(database, batch, now=NEXT_YEAR + timedelta(days=2))
    assert rows(database, DIRTY) == []


def test_every_version_of_a_bar_is_kept_with_the_span_in_which_it_was_believed(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"), price=100)]), now=at("5"))
    put(database, frame([bar(btc, at("4 10:00"), price=101)]), now=at("6"))
    put(database, frame([bar(btc, at("4 10:00"), price=102)]), now=at("7"))
    versions = """
        SELECT close, known_at, superseded_at FROM market.bar_revisions
        UNION ALL SELECT close, known_at, NULL FROM market.bars ORDER BY known_at
    """
    assert [tuple(row.values()) for row in rows(database, versions)] == [
        (100, at("4 10:01"), at("6")),
        (101, at("6"), at("7")),
        (102, at("7"), None),
    ]


def test_a_first_version_that_comes_live_is_known_when_it_comes(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"))]), source=LIVE, now=at("4 10:03"))
    assert rows(database, "SELECT known_at FROM market.bars") == [{"known_at": at("4 10:03")}]


def test_any_value_that_differs_is_a_correction(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"))]))
    values: dict[str, float | None] = {}
    for change in ({"volume": 3.0}, {"turnover": 200.0}, {"high": 150.0}, {"close": 100.5}, {"turnover": None}):
        values |= change
        assert put(database, frame([bar(btc, at("4 10:00")) | values])) == Ingested(corrected=1), change


def test_a_source_of_lower_priority_overwrites_nothing_but_fills_holes(database: Database) -> None:
    btc = add_instrument(database, source="exchange")
    set_priority(database, btc, "exchange", 10)
    set_priority(database, btc, "file", 5)
    put(database, frame([bar(btc, at("4 10:00"))]), source=Source("exchange"))
    batch = frame([bar(btc, at("4 10:00"), price=90), bar(btc, at("4 10:01"), price=90)])
    assert put(database, batch, source=Source("file")) == Ingested(new=1, outranked=1)
    assert closes(database) == {at("4 10:00"): 100, at("4 10:01"): 90}
    batch = frame([bar(btc, at("4 10:00"), price=95), bar(btc, at("4 10:01"), price=95)])
    assert put(database, batch, source=Source("exchange")) == Ingested(corrected=2)
    assert rows(database, "SELECT count(*) AS n FROM market.bar_revisions") == [{"n": 2}]


def test_a_source_of_the_same_priority_corrects(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"))]), source=Source("one"))
    assert put(database, frame([bar(btc, at("4 10:00"), price=90)]), source=Source("two")) == Ingested(corrected=1)


def test_each_write_records_exactly_the_span_it_changed(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00")), bar(btc, at("4 12:00")), bar(btc, at("24 00:00"))]))
    near, far = rows(database, DIRTY)
    assert (near["from_at"], near["to_at"]) == (at("4 10:00"), at("4 12:01"))
    assert (far["from_at"], far["to_at"]) == (at("24 00:00"), at("24 00:01"))
    roll(database)
    put(database, frame([bar(btc, at("4 10:00")), bar(btc, at("4 12:00"), price=90), bar(btc, at("24 00:00"))]))
    assert [(row["from_at"], row["to_at"]) for row in rows(database, DIRTY)] == [(at("4 12:00"), at("4 12:01"))]


def test_a_bar_written_again_while_its_range_is_rolled_up_stays_dirty(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([bar(btc, at("4 10:00"))]))
    refreshed = rollups.refresh(database, NEXT_YEAR)
    put(database, frame([bar(btc, at("4 10:00"), price=90)]))
    with database.transaction() as connection:
        rollups.finish(connection, refreshed)
    roll(database)
    assert rows(database, "SELECT close FROM market.bars_1d") == [{"close": 90}]


def test_a_watermark_never_goes_back(database: Database) -> None:
    btc = add_instrument(database)
    stored = "SELECT timeframe, settled_through FROM market.watermarks ORDER BY timeframe"
    for timeframe, settled in ((M1, at("5")), (M1, at("4")), (H1, at("3")), (M1, at("6")), (M1, at("5"))):
        with database.transaction() as connection:
            ingest.settle(connection, timeframe, {btc: settled})
    assert rows(database, stored) == [
        {"timeframe": "1h", "settled_through": at("3")},
        {"timeframe": "1m", "settled_through": at("6")},
    ]


def test_an_empty_batch_is_nothing(database: Database) -> None:
    assert put(database, frame([])) == Ingested()
    with database.transaction() as connection:
        ingest.settle(connection, M1, {})


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("high_encloses_open_and_close", {"high": 99.0}),
        ("high_encloses_open_and_close", {"open": NAN}),
        ("high_encloses_open_and_close", {"close": NAN}),
        ("low_encloses_open_and_close", {"low": 100.5}),
        ("low_encloses_open_and_close", {"low": NAN}),
        ("prices_are_positive", {"low": 0.0}),
        ("prices_are_positive", {"low": -INFINITY}),
        ("prices_are_finite", {"high": NAN}),
        ("prices_are_finite", {"high": INFINITY}),
        ("volume_is_finite_and_not_negative", {"volume": -1.0}),
        ("volume_is_finite_and_not_negative", {"volume": NAN}),
        ("volume_is_finite_and_not_negative", {"volume": INFINITY}),
        ("turnover_is_finite_and_not_negative", {"turnover": -1.0}),
        ("turnover_is_finite_and_not_negative", {"turnover": NAN}),
        ("open_is_on_the_minute_grid", {"open_at": MONDAY + timedelta(seconds=1)}),
    ],
)
def test_a_named_check_refuses_a_bad_bar(connection: Connection, constraint: str, changes: dict[str, Any]) -> None:
    spec = InstrumentSpec("BTC/USDT", "test", "crypto")
    btc = instruments.register(connection, spec, "history", is_live=False, now=MONDAY)
    ingest.ingest(connection, M1, frame([bar(btc, MONDAY)]), Source("history"), NEXT_YEAR)
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        ingest.ingest(connection, M1, frame([bar(btc, MONDAY) | changes]), Source("history"), NEXT_YEAR)
    assert caught.value.diag.constraint_name == constraint


def test_two_instruments_of_one_source_are_written_at_the_same_time(database: Database) -> None:
    btc, eth = add_instrument(database), add_instrument(database, "ETH/USDT")
    # TimescaleDB locks the hypertable while it makes a chunk: let it be there.
    put(database, frame([bar(btc, MONDAY)]))
    with database.transaction() as first, database.transaction() as second:
        second.execute("SET LOCAL lock_timeout = '2s'")
        ingest.ingest(first, M1, frame([bar(btc, at("4 00:01"))]), Source("history"), NEXT_YEAR)
        ingest.ingest(second, M1, frame([bar(eth, at("4 00:01"))]), Source("history"), NEXT_YEAR)
    assert len(rows(database, "SELECT 1 AS n FROM market.bars")) == 3


def test_registering_waits_for_no_writer_of_the_same_source(database: Database) -> None:
    btc = add_instrument(database)
    with database.transaction() as first, database.transaction() as second:
        second.execute("SET LOCAL lock_timeout = '2s'")
        ingest.ingest(first, M1, frame([bar(btc, MONDAY)]), Source("history"), NEXT_YEAR)
        spec = InstrumentSpec("ETH/USDT", "test", "crypto")
        instruments.register(second, spec, "history", is_live=False, now=MONDAY)


def test_two_writers_of_one_bar_leave_one_bar_and_one_revision(database: Database) -> None:
    btc = add_instrument(database)
    results: list[Ingested] = []

    def write(price: float) -> None:
        results.append(put(database, frame([bar(btc, MONDAY + timedelta(minutes=n), price) for n in range(50)])))

    threads = [threading.Thread(target=write, args=(price,)) for price in (100.0, 101.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=lambda result: result.new) == [Ingested(corrected=50), Ingested(new=50)]
    assert rows(database, "SELECT count(*) AS n FROM market.bars") == [{"n": 50}]
    spans = "SELECT DISTINCT r.known_at = r.open_at + INTERVAL '1 minute' AS first FROM market.bar_revisions AS r"
    assert rows(database, spans) == [{"first": True}]


def test_an_instrument_is_registered_once_and_found_by_its_public_symbol(database: Database) -> None:
    spec = InstrumentSpec("BTC/USDT", "one", "crypto")
    other = InstrumentSpec("BTC/USDT", "two", "crypto")
    with database.transaction() as connection:
        first = instruments.register(connection, spec, "history", is_live=False, now=MONDAY)
        second = instruments.register(connection, other, "history", is_live=False, now=MONDAY)
        assert instruments.register(connection, spec, "history", is_live=False, now=MONDAY) == first
        assert instruments.find(connection, "BTC/USDT").instrument_id == first
        assert instruments.find(connection, "BTC/USDT@one").instrument_id == first
        assert instruments.find(connection, "BTC/USDT@two").instrument_id == second
        assert [item.public_symbol for item in instruments.every(connection)] == ["BTC/USDT", "BTC/USDT@two"]
        with pytest.raises(NotFound, match=r"'ETH/USDT'.*Known: BTC/USDT, BTC/USDT@two\."):
            instruments.find(connection, "ETH/USDT")


def test_daily_bars_are_taken_at_midnight_utc_whatever_the_session_thinks(database: Database) -> None:
    assert rows(database, "SELECT current_setting('TimeZone') AS zone") == [{"zone": "America/St_Johns"}]
    aapl = add_instrument(database, "AAPL", "equity")
    put(database, frame([bar(aapl, at("8")), bar(aapl, at("11"))]), timeframe=D1)
    roll(database)
    stored = rows(database, "SELECT open_at, close_at FROM analytics.bars WHERE timeframe = '1d' ORDER BY open_at")
    assert stored == [
        {"open_at": at("8"), "close_at": at("9")},
        {"open_at": at("11"), "close_at": at("12")},
    ]
