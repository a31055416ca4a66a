"""Replay: what is stored, by which identity, from which inputs, and why the rest was not scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from signalhub.db import migrate
from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.engine import Database, create_engine
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.signal import Direction, Origin
from signalhub.domain.timeframe import H1, M1, M5, M15, Timeframe
from signalhub.indicators.window_features import Window, features
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope, replay
from signalhub.jobs.pipeline import Block
from signalhub.settings import Settings
from signalhub.signals.levels import atr_levels
from signalhub.signals.scoring import points, score
from signalhub.snapshot import WINDOW_BARS
from signalhub.strategies.base import Candidate, Strategy
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.momentum import Momentum
from tests import servers
from tests.engine_rows import abstentions, evaluations, every_byte, forget, record, register, signals
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, bar, frame, put, rows
from tests.rising import Parameters, Rising

BARS = 300
SETTINGS = Settings(fee_bps=4.0, slippage_bps=1.0)
REAL: tuple[Strategy, ...] = (Breakout(), Momentum())
EVERYTHING = Scope(timeframes=(M15, H1))
TICK = Decimal("0.01")


def close_of(number: int, timeframe: Timeframe = M15) -> datetime:
    """The close of the bar with this number, 0 the first."""
    return MONDAY + (number + 1) * timeframe.span


def settle(database: Database, through: datetime = NEXT_YEAR, timeframe: Timeframe = M15) -> None:
    """Everything up to the instant was obtained, of every instrument."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.watermarks (instrument_id, timeframe, settled_through) "
            "SELECT instrument_id, %s, %s FROM market.instruments "
            "ON CONFLICT (instrument_id, timeframe) DO UPDATE SET settled_through = excluded.settled_through",
            (timeframe.code, through),
        )


def add(database: Database, symbol: str, tick: Decimal | None = TICK, asset_class: str = "crypto") -> int:
    return register(database, InstrumentSpec(symbol, "test", asset_class, tick, calendar="24/7"))


def lively_market(database: Database, symbols: Sequence[str] = ("A/USDT", "B/USDT", "C/USDT")) -> list[int]:
    """Instruments with 15m bars; the last one has no volume."""
    ids = [add(database, symbol) for symbol in symbols]
    for number, instrument_id in enumerate(ids):
        put(database, _lively(number, instrument_id, has_volume=number < len(ids) - 1), M15)
    settle(database)
    return ids


def _lively(seed: int, instrument_id: int, *, has_volume: bool = True) -> pl.DataFrame:
    return lively_bars(seed, instrument_id, MONDAY, M15, BARS, has_volume=has_volume)


def replayed(
    database: Database, scope: Scope = EVERYTHING, strategies: Sequence[Strategy] = REAL, min_score: float = 0.0
) -> None:
    replay(database, scope, strategies, SETTINGS.replace(min_score=min_score), NEXT_YEAR)


class TestIdentity:
    def test_a_replay_stores_signals_with_outcomes_and_a_second_one_changes_nothing(self, database: Database) -> None:
        ids = lively_market(database)
        replayed(database)
        once = every_byte(database)
        assert {row["strategy"] for row in signals(database)} == {"breakout", "momentum"}
        assert {row["status"] for row in signals(database)} >= {"target_hit", "stop_hit"}
        replayed(database)
        replayed(database, replace(EVERYTHING, instrument_ids=ids[:2]))
        replayed(database, replace(EVERYTHING, after=close_of(100), until=close_of(200)))
        assert every_byte(database) == once

    def test_a_replay_of_one_symbol_and_then_of_all_is_a_replay_of_all(self, database: Database) -> None:
        ids = lively_market(database)
        replayed(database, replace(EVERYTHING, instrument_ids=ids[1:2]))
        assert {row["symbol"] for row in signals(database)} == {"B/USDT"}
        replayed(database)
        in_two_steps = record(database)
        forget(database)
        replayed(database)
        assert record(database) == in_two_steps

    def test_bars_that_came_in_two_halves_give_what_they_give_at_once(self, database: Database) -> None:
        """What is stored for a close does not depend on whether the future was there already."""
        ids = [add(database, symbol) for symbol in ("A/USDT", "B/USDT")]
        bars = pl.concat([_lively(number, instrument_id) for number, instrument_id in enumerate(ids)])
        for until in (close_of(BARS // 2), close_of(BARS)):
            put(database, bars.filter(pl.col("open_at") < until), M15)
            settle(database, until)
            replay(database, EVERYTHING, REAL, SETTINGS.replace(min_score=0.0), until)
        in_halves = record(database)
        forget(database)
        replay(database, EVERYTHING, REAL, SETTINGS.replace(min_score=0.0), close_of(BARS))
        assert record(database) == in_halves
        assert len(in_halves[0]) > 10

    def test_what_abstained_on_a_bar_cut_off_by_an_import_is_scored_once_the_rest_is_there(
        self, database: Database
    ) -> None:
        """The hour in which the first import ends is closed by the clock, but not complete."""
        ids = [add(database, symbol) for symbol in ("A/USDT", "B/USDT")]
        bars = pl.concat([_lively(number, instrument_id) for number, instrument_id in enumerate(ids)])
        for until in (close_of(BARS - 40), close_of(BARS)):
            put(database, bars.filter(pl.col("open_at") < until), M15)
            settle(database, until)
            replayed(database)
            reasons = {row["reason"] for row in abstentions(database)}
            assert ("incomplete" in reasons) == (until != close_of(BARS))
        in_halves = record(database)
        forget(database)
        replayed(database)
        assert record(database) == in_halves

    def test_closes_one_by_one_as_live_give_what_their_block_gives_as_replay(self, database: Database) -> None:
        lively_market(database)
        pipeline.refresh(database, NEXT_YEAR)
        closes = [close_of(number) for number in range(150, 200)]
        settings = SETTINGS.replace(min_score=0.0)
        pipeline.evaluate_block(database, Block(M15, closes, Origin.REPLAY), REAL, settings, NEXT_YEAR)
        for close in closes:
            pipeline.evaluate_block(database, Block(M15, [close], Origin.LIVE), REAL, settings, NEXT_YEAR)
        for read in (signals, evaluations, abstentions):
            whole = read(database)
            block, singles = ([row for row in whole if row["origin"] == origin] for origin in ("replay", "live"))
            assert block
            assert [row | {"origin": "live"} for row in block] == singles

    def test_a_correction_after_the_fact_leaves_stored_signals_as_they_were(self, database: Database) -> None:
        ids = lively_market(database)
        replayed(database)
        stored = signals(database)
        later = lively_bars(77, ids[0], MONDAY, M15, BARS)
        assert put(database, later, M15).corrected > BARS // 2
        replayed(database)
        replayed(database, replace(EVERYTHING, instrument_ids=ids[:1]))
        found = signals(database)
        assert [row for row in found if row in stored] == stored
        # Where the corrected bars give signals that the first ones did not, they come beside the old ones.
        assert len(found) > len(stored)


class TestInputs:
    def test_the_hash_is_that_of_the_stored_inputs_and_they_give_the_stored_signal(self, database: Database) -> None:
        lively_market(database)
        replayed(database)
        by_name = {strategy.name: strategy for strategy in REAL}
        stored = rows(
            database,
            "SELECT s.*, p.inputs FROM analytics.signals AS s "
            "INNER JOIN engine.signal_inputs AS p ON s.signal_id = p.signal_id",
        )
        assert len(stored) > 20
        for row in stored:
            assert hashlib.sha256(row["inputs"].encode()).hexdigest() == row["input_hash"]
            inputs = json.loads(row["inputs"])
            assert (inputs["symbol"], inputs["version"]) == (row["symbol"], row["strategy_version"])
            assert datetime.fromisoformat(inputs["close_at"]) == row["close_at"]
            assert_gives_the_signal(by_name[row["strategy"]], inputs, row)

    def test_the_window_is_that_of_the_stored_bars(self, database: Database) -> None:
        lively_market(database)
        replayed(database)
        last = signals(database)[-1]
        inputs = json.loads(
            rows(database, "SELECT inputs FROM engine.signal_inputs ORDER BY signal_id DESC LIMIT 1")[0]["inputs"]
        )
        bars = rows(
            database,
            "SELECT * FROM (SELECT open_at, open, high, low, close, volume FROM analytics.bars WHERE symbol = %s "
            "AND timeframe = %s AND close_at <= %s ORDER BY open_at DESC LIMIT %s) AS b ORDER BY open_at",
            (inputs["symbol"], inputs["timeframe"], datetime.fromisoformat(inputs["close_at"]), WINDOW_BARS),
        )
        assert last["input_hash"]
        for name, values in inputs["window"].items():
            assert values == [row[name] for row in bars]


def assert_gives_the_signal(strategy: Strategy, inputs: dict[str, Any], row: dict[str, Any]) -> None:
    """Score, components, reason and levels once more, from the stored inputs alone."""
    window = Window(**{name: np.array(values) for name, values in inputs["window"].items()})
    direction = Direction(inputs["direction"])
    candidate = Candidate(direction, inputs["row"], inputs["previous"], window, features(window))
    assessment = strategy.assess(candidate)
    parts = points(assessment.components)
    assert (score(parts), assessment.reason) == (row["score"], row["reason"])
    assert {name: float(value) for name, value in parts.items()} == row["components"]
    multiples = (strategy.stop_atr, strategy.target_atr)
    tick = None if inputs["tick_size"] is None else Decimal(inputs["tick_size"])
    levels = atr_levels(direction, inputs["row"]["close"], inputs["row"]["atr_14"], multiples, tick)
    assert levels is not None
    assert (levels.entry, levels.stop, levels.target) == (row["entry"], row["stop"], row["target"])


class TestCounts:
    def test_each_bar_of_a_served_asset_class_was_seen_or_abstained(self, database: Database) -> None:
        lively_market(database, ("A/USDT", "B/USDT"))
        late = add(database, "C/USDT")
        put(database, lively_bars(5, late, close_of(120), M15, 60), M15)
        stock = add(database, "STOCK", asset_class="equity")
        put(database, _lively(8, stock), M15)
        settle(database)
        crypto, forex = Rising(("crypto",)), Breakout()
        replayed(database, strategies=(crypto, forex))
        bars = rows(
            database,
            "SELECT b.timeframe, b.close_at, count(*) FILTER (WHERE i.asset_class = 'crypto') AS crypto, "
            "count(*) AS whole FROM analytics.bars AS b "
            "INNER JOIN market.instruments AS i ON b.symbol = i.public_symbol "
            "WHERE b.timeframe IN ('15m', '1h') GROUP BY 1, 2 ORDER BY 1, 2",
        )
        for strategy, column in ((crypto, "crypto"), (forex, "whole")):
            found = {
                (row["timeframe"], row["close_at"]): row["instruments_seen"] + row["instruments_abstained"]
                for row in evaluations(database)
                if row["strategy"] == strategy.name
            }
            assert found == {(row["timeframe"], row["close_at"]): row[column] for row in bars}

    def test_counts_are_those_of_the_rows(self, database: Database) -> None:
        lively_market(database)
        replayed(database, min_score=55.0)
        held, silent, signalled = (_counted(database, query) for query in (
            "a.direction IS NOT NULL", "a.direction IS NULL", None))  # fmt: skip
        for row in rows(database, "SELECT * FROM engine.evaluations"):
            key = row["evaluation_id"]
            assert row["instruments_abstained"] == silent.get(key, 0)
            assert row["signals"] == signalled.get(key, 0)
            assert row["candidates"] == held.get(key, 0) + signalled.get(key, 0)
        assert held
        assert signalled

    def test_instruments_that_a_strategy_does_not_serve_are_not_said_to_be_late(self, database: Database) -> None:
        crypto, stock = lively_market(database, ("A/USDT",))[0], add(database, "STOCK", asset_class="equity")
        pipeline.refresh(database, NEXT_YEAR)
        block = Block(M15, [close_of(200)], Origin.LIVE, [crypto], frozenset([stock]))
        pipeline.evaluate_block(database, block, [Rising(("crypto",)), Breakout()], SETTINGS, NEXT_YEAR)
        late = [row["strategy"] for row in abstentions(database) if row["reason"] == "not_settled"]
        assert late == ["breakout"]
        assert [row["instruments_abstained"] for row in evaluations(database)] == [1, 0]


def _counted(database: Database, which_abstentions: str | None) -> dict[int, int]:
    source = (
        f"SELECT a.evaluation_id FROM engine.abstentions AS a WHERE {which_abstentions}"
        if which_abstentions
        else "SELECT e.evaluation_id FROM engine.signals AS s INNER JOIN engine.evaluations AS e "
        "ON (s.origin, s.strategy_id, s.timeframe, s.close_at) = (e.origin, e.strategy_id, e.timeframe, e.close_at)"
    )
    found = rows(database, f"SELECT x.evaluation_id, count(*) AS n FROM ({source}) AS x GROUP BY 1")
    return {row["evaluation_id"]: row["n"] for row in found}


def reasons(database: Database, reason: str, timeframe: Timeframe = M15) -> list[datetime]:
    """The closes at which an instrument abstained for a reason."""
    return [row["close_at"] for row in abstentions(database)
            if row["reason"] == reason and row["timeframe"] == timeframe.code]  # fmt: skip


class TestAbstentions:
    """One instrument and a strategy that proposes often; bars by their number."""

    @pytest.fixture
    def instrument_id(self, database: Database) -> int:
        return add(database, "A/USDT")

    def walk(self, database: Database, timeframes: tuple[Timeframe, ...] = (M15,), **changes: Any) -> None:
        replayed(database, Scope(timeframes=timeframes), [Rising(**changes)])

    def test_the_first_window_warms_up(self, database: Database, instrument_id: int) -> None:
        put(database, _lively(1, instrument_id), M15)
        settle(database)
        self.walk(database)
        assert reasons(database, "warming_up") == [close_of(number) for number in range(WINDOW_BARS - 1)]
        assert len({row["close_at"] for row in signals(database)}) > 20

    def test_a_filled_bar_silences_every_window_that_holds_it(self, database: Database, instrument_id: int) -> None:
        bars = _lively(1, instrument_id)
        put(database, bars.with_columns(filled_count=(pl.col("open_at") == bars["open_at"][100]).cast(pl.Int32)), M15)
        settle(database)
        self.walk(database)
        assert reasons(database, "filled_bars") == [close_of(number) for number in range(100, 100 + WINDOW_BARS)]

    def test_an_incomplete_bar_silences_every_window_that_holds_it(
        self, database: Database, instrument_id: int
    ) -> None:
        bars = lively_bars(1, instrument_id, MONDAY, M15, 4 * 130)
        # Hour 65 lacks a quarter, and nobody says that it did not trade.
        put(database, bars.filter(pl.col("open_at") != MONDAY + timedelta(hours=65, minutes=15)), M15)
        settle(database, MONDAY + timedelta(hours=64))
        self.walk(database, (H1,))
        assert reasons(database, "incomplete", H1) == [close_of(number, H1) for number in range(65, 65 + WINDOW_BARS)]

    def test_a_bar_that_was_not_traded_is_not_missing(self, database: Database, instrument_id: int) -> None:
        bars = lively_bars(1, instrument_id, MONDAY, M15, 4 * 70)
        put(database, bars.filter(pl.col("open_at") != MONDAY + timedelta(hours=65, minutes=15)), M15)
        settle(database, MONDAY + timedelta(hours=70))
        self.walk(database, (H1,))
        assert reasons(database, "incomplete", H1) == []

    def test_a_correction_that_was_not_rolled_up_silences_the_closes_after_it(
        self, database: Database, instrument_id: int
    ) -> None:
        put(database, _lively(1, instrument_id), M15)
        settle(database)
        pipeline.refresh(database, NEXT_YEAR)
        put(database, frame([bar(instrument_id, close_of(149), price=100.0)]), M15)
        block = Block(M15, [close_of(number) for number in range(140, 160)], Origin.REPLAY)
        pipeline.evaluate_block(database, block, [Rising()], SETTINGS, NEXT_YEAR)
        assert reasons(database, "dirty") == [close_of(number) for number in range(150, 160)]

    def test_a_candidate_soon_after_another_one_waits(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70, 71, 72, 80, 84)), M15)
        settle(database)
        self.walk(database, parameters=Parameters(cooldown_bars=3))
        # 71 and 72 are cooled by 70, 72 also by 71 though that was never published; 84 is four bars after 80.
        assert reasons(database, "cooldown") == [close_of(71), close_of(72)]
        assert [row["close_at"] for row in signals(database)] == [close_of(70), close_of(80), close_of(84)]

    def test_a_candidate_cools_even_where_it_was_itself_not_scored(
        self, database: Database, instrument_id: int
    ) -> None:
        put(database, _rises(instrument_id, at=(58, 60)), M15)
        settle(database)
        self.walk(database, parameters=Parameters(cooldown_bars=3))
        assert reasons(database, "cooldown") == [close_of(60)]

    def test_a_weak_candidate_is_held_back_with_its_score(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70,)), M15)
        settle(database)
        replayed(database, Scope(timeframes=(M15,)), [Rising()], min_score=100.01)
        held = [row for row in abstentions(database) if row["reason"] == "score_below_threshold"]
        assert [(row["close_at"], row["direction"], row["score"]) for row in held] == [(close_of(70), "long", 100)]
        assert signals(database) == []

    def test_a_score_at_the_threshold_is_enough(self, database: Database, instrument_id: int) -> None:
        put(database, _rises(instrument_id, at=(70,)), M15)
        settle(database)
        replayed(database, Scope(timeframes=(M15,)), [Rising()], min_score=100.0)
        assert len(signals(database)) == 1

    def test_a_risk_below_the_tick_is_held_back(self, database: Database) -> None:
        coarse = add(database, "COARSE/USDT", tick=Decimal(10))
        put(database, _rises(coarse, at=(70,)), M15)
        settle(database)
        self.walk(database)
        held = [row for row in abstentions(database) if row["reason"] == "risk_below_tick"]
        assert [(row["symbol"], row["close_at"]) for row in held] == [("COARSE/USDT", close_of(70))]


def _rises(instrument_id: int, at: Sequence[int], count: int = 90) -> pl.DataFrame:
    """Bars around 100 that all close where the one before did, or fall by a hair, but for some that rise."""
    made, price = [], 100.0
    for number in range(count):
        close = price + 0.5 if number in at else price
        values = {"open": price, "high": close + 0.25, "low": price - 0.25, "close": close}
        made.append(bar(instrument_id, close_of(number - 1), **values))
        price = close
    return frame(made)


class TestOrigin:
    def test_replays_are_never_published(self, database: Database) -> None:
        lively_market(database)
        replayed(database)
        found = rows(database, "SELECT DISTINCT origin, published_at FROM engine.signals")
        assert found == [{"origin": "replay", "published_at": None}]


def test_both_editions_give_the_same_record(server_urls: dict[str, str]) -> None:
    if not servers.timescale_source():
        pytest.skip("no installation of TimescaleDB was found")
    ours, theirs = (_record_of(server_urls[edition], edition) for edition in (POSTGRES, TIMESCALE))
    assert ours == theirs
    assert len(ours[0]) > 10


def _record_of(admin: str, edition: str) -> tuple[list[dict[str, Any]], ...]:
    name = "test_same_record"
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    engine = create_engine(servers.with_database(admin, name))
    try:
        migrate.upgrade(engine)
        database = Database(engine, edition)
        _minute_market(database)
        replayed(database, Scope(timeframes=(M5, M15, H1)))
        return record(database)
    finally:
        engine.dispose()
        servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _minute_market(database: Database) -> None:
    """Minutes with holes and a correction, in batches, of two instruments."""
    rng = np.random.default_rng(3)
    ids = [add(database, "A/USDT"), add(database, "B/USDT", tick=None)]
    whole = pl.concat(
        [lively_bars(number, instrument_id, MONDAY, M1, 4500) for number, instrument_id in enumerate(ids)]
    )
    bars = whole.filter(pl.Series(rng.random(whole.height) < 0.95))
    middle = MONDAY + timedelta(days=1, minutes=7)
    put(database, bars.filter(pl.col("open_at") < middle), now=middle)
    pipeline.refresh(database, middle)
    put(database, bars.filter(pl.col("open_at") >= middle))
    put(database, frame([bar(ids[0], bars["open_at"][300], price=101.0)]))
    settle(database, timeframe=M1)
