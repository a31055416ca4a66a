"""What an evaluation stores beside its signals: the inputs that give them once more, and the counts."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from signalhub.db.engine import Database
from signalhub.domain.signal import Origin, Reason
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.scorer import Scorer
from signalhub.jobs.scoring import Block
from signalhub.signals.inputs import candidate_of, tick_of
from signalhub.signals.judge import Judged, Terms, judge
from signalhub.snapshot import WINDOW_BARS
from signalhub.strategies.base import Strategy
from signalhub.strategies.breakout import Breakout
from tests.engine_rows import abstentions, evaluations, forget, record, signals
from tests.evaluation_market import REAL, SETTINGS, add, close_of, lively_market, lively_quarters, replayed, settle
from tests.lively import lively_bars
from tests.market import NEXT_YEAR, put, rows
from tests.rising import Rising


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
    """Score, components, reason, levels and size once more, from the stored inputs alone."""
    candidate = candidate_of(inputs)
    found = judge(strategy, candidate, tick_of(inputs), Terms.told(inputs["settings"]))
    assert isinstance(found, Judged)
    assert (found.score, found.reason) == (row["score"], row["reason"])
    assert {name: float(value) for name, value in found.points.items()} == row["components"]
    assert (found.weights, list(found.left_out), found.atr) == (row["weights"], row["left_out"], row["atr"])
    assert (found.levels.entry, found.levels.stop, found.levels.target) == (row["entry"], row["stop"], row["target"])
    assert (found.levels.risk_reward, found.size.position_pct, found.size.risk_pct) == (
        row["risk_reward"],
        row["position_size_pct"],
        row["max_risk_pct"],
    )


class TestCounts:
    def test_each_bar_of_a_served_asset_class_was_seen_or_abstained(self, database: Database) -> None:
        lively_market(database, ("A/USDT", "B/USDT"))
        late = add(database, "C/USDT")
        put(database, lively_bars(5, late, close_of(120), M15, 60), M15)
        stock = add(database, "STOCK", asset_class="equity")
        put(database, lively_quarters(8, stock), M15)
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

    def test_kept_frames_give_the_same_record_and_are_counted_with_the_milliseconds_of_each_step(
        self, database: Database
    ) -> None:
        lively_market(database)
        pipeline.refresh(database, NEXT_YEAR)
        score, closes = Scorer(database, REAL, SETTINGS), [close_of(number) for number in range(180, 210)]
        for close in closes:
            block = Block(M15, [close], Origin.REPLAY)
            pipeline.evaluate_block(database, block, REAL, SETTINGS, NEXT_YEAR, score=score)
        found = rows(database, "SELECT * FROM engine.evaluations ORDER BY close_at")
        # Its own frame, and the hour's that both strategies look at.
        assert {(row["close_at"], row["snapshot_hits"], row["snapshot_misses"]) for row in found} == {
            (close, *((0, 2) if close == closes[0] else (2, 0))) for close in closes
        }
        assert all(set(row["steps"]) == {"load", "gate", "propose", "score"} for row in found)
        assert all(min(row["steps"].values()) >= 0 and row["milliseconds"] > 0 for row in found)
        by_kept = record(database)
        forget(database)
        pipeline.evaluate_block(database, Block(M15, closes, Origin.REPLAY), REAL, SETTINGS, NEXT_YEAR)
        assert record(database) == by_kept
        assert by_kept[0]

    def test_instruments_that_a_strategy_does_not_serve_are_not_said_to_be_late(self, database: Database) -> None:
        crypto, stock = lively_market(database, ("A/USDT",))[0], add(database, "STOCK", asset_class="equity")
        pipeline.refresh(database, NEXT_YEAR)
        block = Block(M15, [close_of(200)], Origin.LIVE, [crypto], {stock: Reason.NOT_SETTLED})
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
