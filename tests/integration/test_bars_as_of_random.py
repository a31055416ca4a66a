"""market.bars_as_of on random histories: every timeframe, at any instant, whatever is rolled up by now."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import M1, ROLLED_UP, TIMEFRAMES, Timeframe
from tests.conftest import scale
from tests.market import add_instrument, at, frame, put, random_bars, roll, rows

ROUNDS = max(2, round(12 * scale()))
AS_OF = "SELECT * FROM market.bars_as_of('BTC/USDT', %s, %s, %s, %s)"
START, MINUTES = at("4"), 2880
NAMES = ("open_at", "open", "high", "low", "close", "volume", "turnover", "bar_count", "filled_count")
Version = tuple[datetime, datetime, dict[str, Any]]
"""Believed from, until, and the bar."""


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_was_known_is_what_the_rollups_were_bit_for_bit(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    corrections = corrected_now_and_then(database, rng)
    versions = all_versions(database)
    instants = [at("6") + timedelta(hours=hour) for hour in (-30, 0, 1)]
    for instant in [*instants, *rng.sample(corrections, 2), at("30")]:
        for timeframe in TIMEFRAMES:
            span = at("4") + timedelta(minutes=rng.randrange(900)), at("5") + timedelta(minutes=rng.randrange(1440))
            found = rows(database, AS_OF, (timeframe.code, *span, instant))
            expected = rolled_up(believed(versions, instant), timeframe)
            assert found == [
                row
                for row in expected
                if span[0] <= row["open_at"] < span[1] and row["open_at"] + timeframe.span <= instant
            ], (timeframe, instant)


def corrected_now_and_then(database: Database, rng: random.Random) -> list[datetime]:
    """A minute history, some of it live, corrected at five instants; the last corrections wait to be rolled up."""
    btc = add_instrument(database)
    bars = random_bars(rng.randrange(10**6), btc, START, M1, MINUTES)
    put(database, bars.slice(0, 1500), now=at("6"))
    put(database, bars.slice(1500), now=at("6") + timedelta(minutes=30))
    roll(database, at("6"))
    instants = [at("7") + timedelta(hours=5 * index) for index in range(5)]
    for instant in instants:
        chosen = bars.sample(25, seed=rng.randrange(10**6)).sort("open_at")
        changed = chosen.with_columns(pl.col("volume") + rng.randrange(1, 9), pl.col("high") + rng.random())
        put(database, changed, now=instant)
        if instant < instants[-1]:
            roll(database, instant)
    return instants


def all_versions(database: Database) -> list[Version]:
    current = rows(database, "SELECT *, 'infinity'::text AS until FROM market.bars")
    past = rows(database, "SELECT *, 1 AS bar_count FROM market.bar_revisions")
    found = [(row["known_at"], row.get("superseded_at", datetime.max.replace(tzinfo=START.tzinfo)), row)
             for row in [*current, *past]]  # fmt: skip
    return sorted(found, key=lambda version: version[2]["open_at"])


def believed(versions: list[Version], instant: datetime) -> list[dict[str, Any]]:
    """The base bars believed at an instant, turnover as the rollups take it."""
    bars = [dict(row) for known_at, until, row in versions if known_at <= instant < until]
    for row in bars:
        if row["turnover"] is None:
            row["turnover"] = row["volume"] * (row["high"] + row["low"] + row["close"]) / 3.0
    return bars


def rolled_up(bars: list[dict[str, Any]], timeframe: Timeframe) -> list[dict[str, Any]]:
    """Level by level, sums in the order of time: floats depend on it."""
    for level in [item for item in ROLLED_UP if item.seconds <= timeframe.seconds]:
        buckets: dict[datetime, list[dict[str, Any]]] = {}
        for row in bars:
            buckets.setdefault(level.floor(row["open_at"]), []).append(row)
        bars = [one_of(open_at, parts) for open_at, parts in buckets.items()]
    return [{name: row[name] for name in NAMES} for row in bars]


def one_of(open_at: datetime, parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole = {"open_at": open_at, "open": parts[0]["open"], "close": parts[-1]["close"]}
    whole |= {"high": max(row["high"] for row in parts), "low": min(row["low"] for row in parts)}
    for name in ("volume", "turnover", "bar_count", "filled_count"):
        total = parts[0][name]
        for row in parts[1:]:
            total += row[name]
        whole[name] = total
    return whole


def test_buckets_whose_base_bars_were_dropped_are_told_as_stored_or_not_at_all(database: Database) -> None:
    btc = add_instrument(database)
    bars = random_bars(3, btc, START, M1, MINUTES)
    put(database, bars, now=at("6"))
    roll(database)
    put(database, bars.slice(100, 1).with_columns(pl.col("volume") + 1.0), now=at("7"))
    roll(database)
    hour = timeframes.parse("1h").floor(bars["open_at"][100])
    query = (AS_OF, ("1h", START, at("6"), at("6")))
    before = rows(database, *query)
    with database.transaction() as connection:
        connection.execute("DELETE FROM market.bars WHERE open_at < %s", (at("5"),))
        connection.execute("INSERT INTO market.retention VALUES ('market.bars', '1m', %s, %s)", (at("5"), at("8")))
    assert rows(database, *query) == [row for row in before if row["open_at"] != hour]
    assert len(rows(database, AS_OF, ("1h", START, at("6"), at("7")))) == len(before)


def test_where_another_base_rules_its_versions_are_told(database: Database) -> None:
    btc = add_instrument(database)
    hourly = random_bars(5, btc, at("4"), timeframes.parse("1h"), 72, keep=1.0)
    put(database, hourly, timeframes.parse("1h"), now=at("7"))
    put(database, random_bars(6, btc, at("6"), M1, 1440, keep=1.0), now=at("7"))
    roll(database)
    put(database, hourly.slice(3, 1).with_columns(pl.col("volume") + 1.0), timeframes.parse("1h"), now=at("8"))
    roll(database)
    then = rows(database, AS_OF, ("4h", at("4"), at("7"), at("7")))
    now = rows(database, AS_OF, ("4h", at("4"), at("7"), at("8")))
    assert [row["bar_count"] for row in then] == [4] * 12 + [240] * 6
    assert [a == b for a, b in zip(then, now, strict=True)] == [False] + [True] * 17
    assert now == rows(
        database,
        f"SELECT {', '.join(NAMES)} FROM market.closed_bars WHERE timeframe = '4h' ORDER BY open_at",
    )
    fine = rows(database, AS_OF, ("1m", at("4"), at("7"), at("8")))
    assert (len(fine), fine[0]["open_at"]) == (1440, at("6"))


def test_an_unknown_symbol_or_a_finer_timeframe_than_there_is_has_no_bars(database: Database) -> None:
    btc = add_instrument(database)
    put(database, frame([{**random_bars(1, btc, START, M1, 3).row(0, named=True)}]), timeframes.parse("1h"))
    roll(database)
    always = "SELECT open_at FROM market.bars_as_of(%s, %s, '-infinity', 'infinity', 'infinity')"
    assert rows(database, always, ("ETH/USDT", "1h")) == []
    assert rows(database, always, ("BTC/USDT", "1m")) == []
    assert [row["open_at"] for row in rows(database, always, ("BTC/USDT", "1d"))] == [START]
