"""Which signals a replay stores: the same ones again, in parts, in halves, after corrections, and as live."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import replay
from signalhub.jobs.scoring import Block
from tests.engine_rows import abstentions, evaluations, every_byte, forget, record, signals
from tests.evaluation_market import (
    BARS,
    EVERYTHING,
    REAL,
    SETTINGS,
    add,
    close_of,
    lively_market,
    lively_quarters,
    replayed,
    settle,
)
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put, rows


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
        bars = pl.concat([lively_quarters(number, instrument_id) for number, instrument_id in enumerate(ids)])
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
        bars = pl.concat([lively_quarters(number, instrument_id) for number, instrument_id in enumerate(ids)])
        for until in (close_of(BARS - 40), close_of(BARS)):
            put(database, bars.filter(pl.col("open_at") < until), M15)
            settle(database, until)
            replayed(database)
            reasons = {row["reason"] for row in abstentions(database)}
            assert ("stale" in reasons) == (until != close_of(BARS))
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


class TestOrigin:
    def test_replays_are_never_published(self, database: Database) -> None:
        lively_market(database)
        replayed(database)
        found = rows(database, "SELECT DISTINCT origin, published_at FROM engine.signals")
        assert found == [{"origin": "replay", "published_at": None}]
