"""A market to try strategies on, a strategy that levels by structure, and what a replay has of it to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.timeframe import M15, Timeframe
from signalhub.performance import drafts
from signalhub.performance.backtest import Backtest, backtest
from signalhub.performance.market import Scope, prepare
from signalhub.settings import Settings
from signalhub.signals.gate import GateRules
from signalhub.strategies.base import Assessment, Candidate, Component, Proposal, Strategy, previous
from tests.evaluation_market import BARS, add, settle
from tests.lively import lively_bars
from tests.market import MONDAY, NEXT_YEAR, put, rows
from tests.rising import Parameters

SETTINGS = Settings(fee_bps=4.0, slippage_bps=1.0, min_score=0.0)
NOT_COMPARED = {"signal_id", "recorded_at", "tracked_through", "validity", "validity_since"}
"""Surrogates and wall clock; how far was looked in the last of many looks; what only a stored signal has."""


class Structured(Strategy):
    """Both ways on every turn; stops at the extremes of its window, where those are not too near; candles count."""

    name = "structured"
    code_version = 1
    needs = ("atr_14", "ema_9")

    def __init__(self, parameters: Parameters | None = None) -> None:
        self.parameters = parameters or Parameters(cooldown_bars=0)

    def propose(self) -> Proposal:
        rises, rose = pl.col("close") > previous("close"), previous("close") > previous("close", 2)
        return Proposal(long=rises & ~rose, short=~rises & rose)

    def assess(self, candidate: Candidate) -> Assessment:
        share = 0.5 + candidate.features["bop"] / 2
        volume = candidate.row["volume"] or None
        parts = [
            Component("bop", 3, share),
            Component("candles", 7, 0.5 if candidate.features["candles"] == 0 else 1 / 3),
            Component("volume", 1.1, None if volume is None else 1 / (1 + volume)),
        ]
        return Assessment(parts, "It turned.")

    def structure(self, candidate: Candidate) -> tuple[float, float] | None:
        low, high = float(candidate.window.low[-20:].min()), float(candidate.window.high[-20:].max())
        width = high - low
        if width < 2 * candidate.row["atr_14"]:
            return None
        return (low, high + width / 3) if candidate.direction.sign > 0 else (high, low - width / 3)


def uneven_market(database: Database) -> list[int]:
    """Quarter hours: ticks of three kinds, one without volume, one with holes, one that some bars were filled into."""
    ticks = (Decimal("0.01"), Decimal("0.05"), None, Decimal("0.01"), Decimal("2.5"))
    ids = [add(database, f"U{number}/USDT", tick) for number, tick in enumerate(ticks)]
    for number, instrument_id in enumerate(ids):
        bars = lively_bars(40 + number, instrument_id, MONDAY, M15, BARS, has_volume=number != 1)
        if number == 3:
            bars = bars.filter(pl.int_range(pl.len()) % 97 != 0)
        put(database, bars, M15)
    settle(database)
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.instrument_status "
            "(instrument_id, valid_from, valid_until, status, source, recorded_at) "
            "SELECT %s, %s, %s, 'halted', source, %s FROM market.sources LIMIT 1",
            (ids[0], MONDAY + timedelta(hours=30), MONDAY + timedelta(hours=40), NEXT_YEAR),
        )
    return ids


def tried(
    database: Database,
    home: Path,
    strategy: Strategy,
    timeframe: Timeframe,
    settings: Settings = SETTINGS,
    **scope: Any,
) -> Backtest:
    """A backtest of all there is."""
    market = prepare(database, home, strategy, Scope(timeframe, **scope), GateRules.of(settings), NEXT_YEAR)
    return backtest(database, market, strategy, settings)


def in_full(database: Database, found: Backtest, settings: Settings = SETTINGS) -> list[dict[str, Any]]:
    """Its signals with the fields of analytics.signals, without what is not compared."""
    with database.transaction() as connection:
        return [_compared(row) for row in drafts.rows(connection, found, settings)]


def replayed_signals(database: Database, strategy: Strategy, timeframe: Timeframe) -> list[dict[str, Any]]:
    """The signals a replay has stored of it, in their order."""
    query = (
        "SELECT * FROM analytics.signals WHERE timeframe = %s AND strategy = %s AND strategy_version = %s ORDER BY 1"
    )
    return [_compared(row) for row in rows(database, query, (timeframe.code, strategy.name, strategy.version))]


def _compared(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_COMPARED}


def counted(database: Database, strategy: Strategy, timeframe: Timeframe, by: Sequence[str]) -> list[dict[str, Any]]:
    """What analytics.performance says of a strategy's replayed signals of a timeframe, by something."""
    query = "SELECT p.* FROM analytics.performance(%s, 'replay') AS p WHERE p.timeframe = %s AND p.strategy = %s"
    return rows(database, query, (["strategy", "timeframe", *by], timeframe.code, strategy.name))
