"""Columns of coarser timeframes and observations, as of each close: against a plain look through all rows."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from signalhub import snapshot
from signalhub.bars import instruments
from signalhub.db.engine import Database
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.session import Calendar, Session
from signalhub.domain.signal import Reason
from signalhub.domain.timeframe import D1, H1, M15, Timeframe
from signalhub.jobs import pipeline
from signalhub.signals.scene import Scene, Universe
from signalhub.snapshot.joined import Wanted, with_contexts
from signalhub.strategies.base import Strategy
from tests.engine_rows import register
from tests.evaluation_market import close_of, settle
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put, rows
from tests.rising import Rising

BARS = 200
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OBSERVED = ("obs.open_interest", "obs.open_interest.before", "obs.funding_rate")


class Looking(Rising):
    """Looks at two coarser timeframes."""

    context: ClassVar = {"+1": ("ema_9", "close"), "4h": ("close",)}
    observations = ("open_interest",)


def market(database: Database, symbols: str = "AB") -> list[int]:
    ids = [register(database, InstrumentSpec(f"{name}/USDT", "test", "crypto")) for name in symbols]
    for seed, instrument_id in enumerate(ids):
        bars = lively_bars(seed, instrument_id, MONDAY, M15, BARS)
        # Quiet hours, so that some buckets have few bars or none.
        is_quiet = (pl.col("open_at").dt.hour() == 5) | (pl.col("open_at").dt.minute() == 45)
        put(database, bars.filter(~is_quiet) if seed else bars, M15)
    settle(database)
    pipeline.refresh(database, NEXT_YEAR)
    return ids


def loaded(database: Database, columns: list[str], first: int = 150, last: int = BARS - 1) -> list[dict[str, Any]]:
    closes = [close_of(number) for number in range(first, last + 1)]
    with database.reading() as connection:
        frame = snapshot.load(connection, M15, closes, None, columns).frame
    return frame.to_dicts()


def test_a_context_is_the_last_bar_that_had_closed(database: Database) -> None:
    market(database)
    names = {"+1.close": "1h", "1h.high": "1h", "+2.ema_9": "4h", "4h.close": "4h"}
    found = rows(database, "SELECT * FROM analytics.indicators WHERE timeframe IN ('1h', '4h') ORDER BY close_at")
    by_id = {row["public_symbol"]: row["instrument_id"] for row in rows(database, "SELECT * FROM market.instruments")}
    seen = loaded(database, list(names))
    assert len(seen) > 2 * BARS * 0.6
    for row in seen:
        for name, timeframe in names.items():
            past = [one for one in found if one["timeframe"] == timeframe and one["close_at"] <= row["close_at"]
                    and by_id[one["symbol"]] == row["instrument_id"]]  # fmt: skip
            assert row[name] == (past[-1][name.partition(".")[2]] if past else None)


def test_keys_that_mean_nothing_and_columns_without_a_value_are_null(database: Database) -> None:
    market(database, "A")
    for row in loaded(database, ["5m.close", "15m.close", "+4.close", "1d.sma_200", "obs.liquidations_long"]):
        names = ("5m.close", "15m.close", "+4.close", "1d.sma_200", "obs.liquidations_long")
        assert [row[name] for name in names] == [None] * 5


@pytest.mark.parametrize(("hours", "known"), [(1, True), (3, True), (3.25, False)])
def test_a_bar_that_closed_more_than_three_spans_ago_is_out_of_date(hours: float, known: bool) -> None:
    row = _joined(H1, MONDAY, MONDAY + hours * HOUR, {})
    assert (row["1h.close"] == 7.0) is known


def test_time_in_which_the_market_is_closed_does_not_count() -> None:
    friday = Session(MONDAY - timedelta(days=3) + 14 * HOUR, MONDAY - timedelta(days=3) + 20 * HOUR)
    monday = Session(MONDAY + 14 * HOUR, MONDAY + 20 * HOUR)
    calendar = Calendar("test", (friday, monday))
    for hours, known in ((1, True), (2, True), (2.25, False)):
        row = _joined(H1, friday.close_at - HOUR, monday.open_at + hours * HOUR, {1: calendar})
        assert (row["1h.close"] == 7.0) is known


def _joined(above: Timeframe, closed_at: datetime, close_at: datetime, calendars: dict[int, Calendar]) -> Any:
    def frame(instant: datetime) -> pl.DataFrame:
        values = {"instrument_id": [1], "close_at": [instant], "close": [7.0]}
        return pl.DataFrame(values, schema={"instrument_id": pl.Int32, "close_at": OPEN_AT, "close": pl.Float64})

    wanted = Wanted.of([f"{above}.close"])
    return with_contexts(frame(close_at), M15, wanted, {above: frame(closed_at)}, calendars).row(0, named=True)


def observe(database: Database, instrument_id: int, kind: str, *told: tuple[float, float, float]) -> None:
    """Observations by (observed, known, value), in minutes from Monday."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO market.sources (source, is_live) VALUES ('obs', false) ON CONFLICT DO NOTHING")
        for observed, known, value in told:
            connection.execute(
                "INSERT INTO market.observations (instrument_id, kind, observed_at, known_at, value, source) "
                "VALUES (%s, %s, %s, %s, %s, 'obs') ON CONFLICT DO NOTHING",
                (instrument_id, kind, MONDAY + observed * MINUTE, MONDAY + known * MINUTE, value),
            )


def test_an_observation_is_the_newest_that_was_known_and_its_newest_version(database: Database) -> None:
    """Against a plain look through all of them: late news of the past, revisions, ties, and old age."""
    ids = market(database)
    rng = np.random.default_rng(5)
    told = {(key, kind): [(float(at), float(at + late), float(value)) for at, late, value in zip(
        rng.integers(0, BARS * 15, 60), rng.choice([0, 1, 15, 700], 60), rng.integers(1, 1000, 60), strict=True)]
        for key in ids for kind in ("open_interest", "funding_rate")}  # fmt: skip
    told[ids[1], "funding_rate"] = told[ids[1], "funding_rate"][:2]
    for (key, kind), observations in told.items():
        observe(database, key, kind, *observations)
    stored = rows(database, "SELECT * FROM market.observations")

    def plain(instrument_id: int, kind: str, close_at: datetime) -> float | None:
        known = [one for one in stored if one["instrument_id"] == instrument_id and one["kind"] == kind
                 and one["known_at"] <= close_at]  # fmt: skip
        newest = max(known, key=lambda one: (one["observed_at"], one["known_at"]), default=None)
        return None if newest is None or close_at - newest["observed_at"] > 24 * HOUR else newest["value"]

    seen = loaded(database, list(OBSERVED), first=140)
    for row in seen:
        for kind in ("open_interest", "funding_rate"):
            assert row[f"obs.{kind}"] == plain(row["instrument_id"], kind, row["close_at"])
    assert {None} < {row["obs.funding_rate"] for row in seen}
    of_first = [row for row in seen if row["instrument_id"] == ids[0]]
    befores = [row["obs.open_interest.before"] for row in of_first]
    assert befores == [None] * 24 + [row["obs.open_interest"] for row in of_first[:-24]]


def test_who_asks_for_a_context_that_is_dirty_abstains_and_others_do_not(database: Database) -> None:
    key, other = market(database)
    close = close_of(191)
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, timeframe, from_at, to_at) VALUES "
            "(%s, '15m', '1h', %s, %s)",
            (key, H1.floor(close) - HOUR, H1.floor(close)),
        )
    looking, plain = Looking(), Rising()
    for number, expected in ((191, [Reason.DIRTY]), (186, [])):
        scene = _scene(database, close_of(number), [looking, plain])
        assert [reason for _, one, reason in scene.asked(looking).abstaining if one == key] == expected
        assert [reason for _, one, reason in scene.asked(plain).abstaining if one == key] == []
        assert other in (key, other)


def test_the_bar_of_a_context_that_is_still_forming_makes_nobody_abstain(database: Database) -> None:
    key, *_ = market(database, "A")
    close = close_of(190)
    assert H1.floor(close) < close
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.dirty_ranges (instrument_id, base_timeframe, timeframe, from_at, to_at) VALUES "
            "(%(id)s, '15m', '1h', %(hour)s, %(hour)s::timestamptz + INTERVAL '1 hour'), "
            "(%(id)s, '15m', '1d', %(day)s, %(day)s::timestamptz + INTERVAL '24 hours')",
            {"id": key, "hour": H1.floor(close), "day": D1.floor(close)},
        )
    looking = Looking()
    assert _scene(database, close, [looking]).asked(looking).abstaining == []


def test_a_candidate_has_what_is_joined_with_nan_where_there_is_none(database: Database) -> None:
    market(database, "A")
    looking = Looking()
    scene = _scene(database, close_of(190), [looking])
    place = scene.frame.filter(close_at=close_of(190))["place"][0]
    bar = scene.columns.at(place, looking.columns)
    assert bar.row["+1.close"] == scene.frame["+1.close"][place]
    assert math.isnan(bar.row["obs.open_interest"])
    assert set(looking.joined) <= set(bar.previous)


def _scene(database: Database, close: datetime, strategies: list[Strategy]) -> Scene:
    with database.reading() as connection:
        columns = [name for strategy in strategies for name in strategy.columns]
        seen = snapshot.load(connection, M15, [close], None, sorted(set(columns)))
        universe = Universe({one.instrument_id: one for one in instruments.ever(connection)},
                            {"24/7": Calendar("24/7")})  # fmt: skip
    return Scene(seen, universe)
