"""analytics.data_quality: fresh, complete, gaps, runs, outliers, the grade and its reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from signalhub.bars import ingest, quality, sessions
from signalhub.bars.quality import Rules
from signalhub.db.engine import Database
from signalhub.domain.timeframe import D1, H1, M1, TIMEFRAMES, Timeframe
from signalhub.jobs import pipeline
from signalhub.settings import Settings
from tests.market import MONDAY, NEXT_YEAR, add_instrument, at, bar, frame, put, rows

NOW = at("12 00:00")
"""A Tuesday, eight days after the first bar."""
Bar = dict[str, Any]


def walk(instrument_id: int, timeframe: Timeframe, until: datetime = NOW) -> list[Bar]:
    """Bars that move a little, from Monday on, without a gap."""
    count = (until - MONDAY) // timeframe.span
    return [bar(instrument_id, MONDAY + k * timeframe.span, price=100 + (k % 7) * 0.1) for k in range(count)]


def store(database: Database, bars: list[Bar], timeframe: Timeframe = H1, settled: datetime | None = NOW) -> None:
    """Bars, the watermark of the first one's instrument, and all that hangs on them."""
    put(database, frame(bars), timeframe)
    if settled:
        with database.transaction() as connection:
            ingest.settle(connection, timeframe, {bars[0]["instrument_id"]: settled})
    pipeline.refresh(database, NEXT_YEAR)


def judged(database: Database, now: datetime = NOW, timeframe: str = "1h") -> dict[str, Any]:
    with database.transaction() as connection:
        (row,) = quality.data_quality(connection, now, timeframe=timeframe)
    return row


class TestHourlyBars:
    """One instrument with eight days of hourly bars."""

    @pytest.fixture
    def btc(self, database: Database) -> int:
        return add_instrument(database)

    def test_good_bars_get_an_a_in_every_timeframe_from_the_base_on(self, database: Database, btc: int) -> None:
        store(database, walk(btc, H1))
        with database.transaction() as connection:
            found = quality.data_quality(connection, NOW, "BTC/USDT")
        assert [(row["timeframe"], row["grade"], row["reasons"]) for row in found] == [
            (code, "A", []) for code in ("1h", "4h", "1d")
        ]
        assert found[0] == {
            "symbol": "BTC/USDT",
            "timeframe": "1h",
            "base_timeframe": "1h",
            "grade": "A",
            "reasons": [],
            "is_fresh": True,
            "overdue_seconds": 0.0,
            "last_close_at": NOW,
            "settled_through": NOW,
            "complete_24h_pct": 100.0,
            "complete_7d_pct": 100.0,
            "open_gaps": 0,
            "zero_volume_run": 0,
            "flat_run": 0,
            "outliers_7d": 0,
            "last_correction_at": None,
        }

    def test_a_close_may_be_overdue_for_two_bars_and_two_hours(self, database: Database, btc: int) -> None:
        store(database, walk(btc, H1))
        # The hour that began at NOW closes an hour later, and is missed from then on.
        assert judged(database, NOW + timedelta(hours=3))["overdue_seconds"] == 7200
        assert judged(database, NOW + timedelta(hours=3))["is_fresh"]
        late = judged(database, NOW + timedelta(hours=3, seconds=1))
        assert (late["is_fresh"], late["grade"], late["reasons"]) == (False, "D", ["stale"])
        # The day is not over: of it nothing is missed.
        assert judged(database, NOW + timedelta(hours=3, seconds=1), "1d")["is_fresh"]

    def test_without_a_watermark_nothing_is_fresh(self, database: Database, btc: int) -> None:
        store(database, walk(btc, H1), settled=None)
        row = judged(database)
        assert (row["is_fresh"], row["overdue_seconds"], row["grade"]) == (False, None, "D")

    def test_missing_and_filled_bars_lower_the_share_of_a_day_and_a_week(self, database: Database, btc: int) -> None:
        bars = walk(btc, H1)
        patience = timedelta(hours=2)
        kept = [one for one in bars if not NOW - patience - timedelta(hours=3) <= one["open_at"] < NOW - patience]
        store(database, kept)
        row = judged(database)
        assert row["complete_24h_pct"] == pytest.approx(100 * 21 / 24)
        assert row["complete_7d_pct"] == pytest.approx(100 * 165 / 168)
        assert (row["grade"], row["reasons"]) == ("C", ["incomplete_24h"])

    def test_nothing_is_expected_before_the_first_bar(self, database: Database, btc: int) -> None:
        store(database, walk(btc, H1)[-30:])
        assert judged(database)["complete_7d_pct"] == 100.0

    def test_flat_bars_and_bars_without_volume_are_counted_from_the_newest_on(
        self, database: Database, btc: int
    ) -> None:
        bars = walk(btc, H1)
        for one in bars[-12:]:
            one |= dict.fromkeys(("open", "high", "low", "close"), 100.0)
        for one in bars[-9:]:
            one["volume"] = 0.0
        store(database, bars)
        row = judged(database)
        assert (row["flat_run"], row["zero_volume_run"]) == (12, 9)
        assert (row["grade"], row["reasons"]) == ("C", ["flat_run"])
        assert (judged(database, timeframe="4h")["flat_run"], judged(database, timeframe="1d")["flat_run"]) == (3, 0)

    def test_a_market_that_has_no_volume_is_not_blamed_for_it(self, database: Database, btc: int) -> None:
        store(database, [one | {"volume": 0.0} for one in walk(btc, H1)])
        row = judged(database)
        assert (row["zero_volume_run"], row["grade"]) == (60, "A")

    def test_an_outlier_of_the_last_week_lowers_the_grade(self, database: Database, btc: int) -> None:
        bars = walk(btc, H1)
        bars[-50] |= {"high": 200.0}
        store(database, bars)
        row = judged(database)
        assert (row["outliers_7d"], row["grade"], row["reasons"]) == (1, "B", ["outliers"])
        assert judged(database, NOW + timedelta(days=7))["outliers_7d"] == 0

    def test_open_gaps_of_the_last_week_lower_the_grade_and_older_ones_are_told(
        self, database: Database, btc: int
    ) -> None:
        store(database, walk(btc, H1))
        gap = (
            "INSERT INTO market.gaps (instrument_id, base_timeframe, from_at, to_at, expected, missing, status, "
            "detected_at) VALUES (%s, '1h', %s, %s, 1, 1, %s, %s)"
        )
        with database.transaction() as connection:
            for day, status in (("1", "open"), ("11", "open"), ("10", "filled")):
                connection.execute(gap.encode(), (btc, at(day), at(day) + H1.span, status, NOW))
        row = judged(database)
        assert (row["open_gaps"], row["grade"], row["reasons"]) == (2, "B", ["open_gaps"])
        assert judged(database, NOW + timedelta(days=9))["reasons"] == ["stale", "incomplete_24h", "incomplete_7d"]

    def test_the_last_correction_is_told(self, database: Database, btc: int) -> None:
        bars = walk(btc, H1)
        store(database, bars)
        put(database, frame([bars[5] | {"close": 100.25}]), H1, now=NEXT_YEAR)
        pipeline.refresh(database, NEXT_YEAR)
        assert judged(database)["last_correction_at"] == NEXT_YEAR

    def test_the_rules_are_those_that_were_written_down(self, database: Database, btc: int) -> None:
        store(database, walk(btc, H1))
        strict = Rules.of(Settings(fresh_bars=1, fresh_hours=0.5, flat_bars=3))
        with database.transaction() as connection:
            quality.remember(connection, strict)
        assert rows(database, "SELECT * FROM market.quality_rules") == [
            {"fresh_bars": 1.0, "fresh_hours": 0.5, "complete_pct": 90.0, "outlier_z": 12.0, "flat_bars": 3}
        ]
        assert not judged(database, NOW + timedelta(hours=1, minutes=31))["is_fresh"]


def test_rules_settings_and_the_view_have_the_same_defaults(database: Database) -> None:
    (row,) = rows(database, "SELECT * FROM market.quality_rules")
    assert Rules(**row) == Rules() == Rules.of(Settings())


def test_minutes_are_counted_up_to_the_hour_and_coarser_timeframes_share_them(database: Database) -> None:
    btc = add_instrument(database)
    hour = timedelta(hours=1)
    bars = [bar(btc, NOW - 3 * hour + k * M1.span, price=100 + (k % 7) * 0.1) for k in range(180)]
    store(database, [one for one in bars if one["open_at"].minute % 10], M1)
    with database.transaction() as connection:
        found = quality.data_quality(connection, NOW)
    # Up to 23:00: what came in the last two minutes may be under way, and the hour it is in is not counted yet.
    assert [row["complete_24h_pct"] for row in found] == [pytest.approx(100 * 108 / 119)] * len(TIMEFRAMES)


def test_a_closed_market_is_fresh_and_nothing_is_missed(database: Database) -> None:
    apple = add_instrument(database, "AAPL", "equity")
    with database.transaction() as connection:
        connection.execute("UPDATE market.instruments SET calendar = 'XNYS'")
        sessions.ensure(connection, "XNYS", at("1"), at("20"))
    # March 8 is a Friday: the market opens at 14:30 and closes at 21:00 UTC; on Monday the 11th an hour earlier.
    friday = [bar(apple, at("8 14:00") + k * H1.span, price=100 + k * 0.1) for k in range(7)]
    store(database, friday, settled=at("8 21:00"))
    sunday = judged(database, at("10 18:00"))
    assert (sunday["overdue_seconds"], sunday["is_fresh"], sunday["grade"]) == (0.0, True, "A")
    assert (sunday["complete_24h_pct"], sunday["complete_7d_pct"]) == (None, 100.0)
    assert judged(database, at("11 14:00"))["overdue_seconds"] == 0.0
    assert judged(database, at("11 15:00"))["overdue_seconds"] == 3600.0


def test_daily_bars_have_two_hours_after_their_close(database: Database) -> None:
    btc = add_instrument(database)
    store(database, walk(btc, D1), D1)
    assert judged(database, NOW + timedelta(hours=26), "1d")["is_fresh"]
    assert not judged(database, NOW + timedelta(hours=26, seconds=1), "1d")["is_fresh"]


def test_who_has_no_bars_of_a_timeframe_yet_gets_a_d(database: Database) -> None:
    btc = add_instrument(database)
    store(database, walk(btc, H1, until=MONDAY + timedelta(hours=3)), settled=MONDAY + timedelta(hours=3))
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.instrument_bases")
        assert quality.data_quality(connection, NOW) == []


def test_an_analyst_may_read_it(connection: psycopg.Connection, edition: str) -> None:
    assert edition
    connection.execute("SET LOCAL ROLE signalhub_analyst")
    assert connection.execute("SELECT * FROM analytics.data_quality").fetchall() == []
