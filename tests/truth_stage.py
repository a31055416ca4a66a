"""A world run through the live pipeline, with restarts; and what it left behind told anew to an empty database."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from signalhub.bars.ingest import Source
from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.signal import Origin
from signalhub.domain.timeframe import Timeframe
from signalhub.jobs import live, pipeline
from signalhub.jobs.evaluation import once
from signalhub.jobs.scorer import WORTH_A_PROCESS, cores
from signalhub.jobs.scoring import Block
from signalhub.service.enduring import Keeper
from signalhub.service.pipeline import PipelineLoop
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from signalhub.strategies.declared import declared
from tests.backtest_stage import Structured
from tests.engine_rows import register
from tests.live_stage import EXCHANGE
from tests.market import frame, rows
from tests.rising import Rising
from tests.truth_world import DUMPS, LIVE_FROM, STEP, Delivery, Seen, World

SETTINGS = Settings(min_score=0.0, lookback_hours=1.0, fee_bps=4.0, slippage_bps=1.0)
Closes = Sequence[tuple[Timeframe, datetime]]


def strategies() -> list[Strategy]:
    """All there are, one that looks at candles and structure, and one that proposes all the time."""
    return [*declared(), Structured(), Rising()]


class Store:
    """A database and the ids that instruments have there."""

    def __init__(self, database: Database, world: World, *, is_turned: bool = False) -> None:
        self.database = database
        assets = reversed(world.assets) if is_turned else world.assets
        self.ids = {asset.symbol: register(database, asset.spec, EXCHANGE) for asset in assets}
        for asset in world.assets:
            register(database, asset.spec, DUMPS)
        # One whose bars are no exchange's has no live feed.
        others = [self.ids[asset.symbol] for asset in world.assets if asset.source == DUMPS]
        with database.transaction() as connection:
            connection.execute(
                "DELETE FROM market.instrument_sources WHERE source = 'exchange' AND instrument_id = ANY(%s)", (others,)
            )

    def take_in(self, told: Delivery) -> None:
        bars = frame({**bar, "instrument_id": self.ids[symbol]} for (symbol, _), bar in told.bars.items())
        settled = {self.ids[symbol]: through for symbol, through in told.settled.items()}
        with self.database.transaction() as connection:
            pipeline.take_in(connection, told.base, bars, told.source, settled, told.at)

    def observe(self, seen: Iterable[Seen]) -> None:
        with self.database.transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO market.observations (instrument_id, kind, observed_at, known_at, value, source) "
                "VALUES (%s, %s, %s, %s, %s, 'exchange')",
                [(self.ids[one.symbol], one.kind, one.observed_at, one.known_at, one.value) for one in seen],
            )


class Live:
    """The pipeline's loop by the world's clock: stopped for a while now and then, and started anew."""

    def __init__(self, store: Store, world: World, seed: int) -> None:
        self.store, self.world, self.rng = store, world, np.random.default_rng(seed)
        self.now = LIVE_FROM + timedelta(seconds=1)
        self._deliveries, self._observations = list(world.deliveries), list(world.observations)
        self._is_helped = False
        self._loop: PipelineLoop | None = self._started()

    def run(self) -> None:
        steps = (self.world.until - LIVE_FROM) // STEP
        # One is just a restart; after the last of them not every close is due any more.
        downs = dict(zip(self.rng.choice(steps, 4, replace=False).tolist(), (0, 4, 9, 32), strict=True))
        down_until = LIVE_FROM
        for number in range(steps):
            step = LIVE_FROM + (number + 1) * STEP
            if number in downs:
                down_until = step + timedelta(minutes=downs[number])
                self._stop()
            looks = [5, *self.rng.choice([12, 40, 160, 290], int(self.rng.integers(0, 3)), replace=False)]
            for seconds in sorted(looks):
                self._at(step + timedelta(seconds=int(seconds)), is_down=step < down_until)
        self._stop()

    def _stop(self) -> None:
        if self._loop is not None:
            assert (self._loop.scorer.helper_pid is not None) is self._is_helped
            self._loop.scorer.close()
            self._loop = None

    def _at(self, now: datetime, *, is_down: bool) -> None:
        self.now = now
        self._bring()
        if is_down:
            return
        if self._loop is None:
            self._loop = self._started()
            # Alone until the first restart, with a second process since: it makes no difference.
            self._loop.scorer.prepare(WORTH_A_PROCESS)
            self._loop.scorer.wait()
            self._is_helped = cores() > 1
        self._loop.look()
        if self.rng.random() < 0.03:
            once(self.store.database, self._loop.strategies, SETTINGS, lambda: self.now)

    def _bring(self) -> None:
        while self._deliveries and self._deliveries[0].at <= self.now:
            self.store.take_in(self._deliveries.pop(0))
        known = [seen for seen in self._observations if seen.known_at <= self.now]
        self._observations = self._observations[len(known) :]
        self.store.observe(known)

    def _started(self) -> PipelineLoop:
        self._bring()
        database = self.store.database
        keeper = Keeper("pipeline", database, SETTINGS, threading.Event())
        loop = PipelineLoop(database, SETTINGS, strategies(), threading.Event(), keeper, lambda: self.now)
        loop._catch_up()
        return loop


def told_anew(old: Store, new: Store, world: World) -> None:
    """Bars and their revisions in the order they became known, and every close evaluated when it was, cold."""
    watermarks = [Delivery(told.at, told.base, EXCHANGE, {}, told.settled) for told in world.deliveries if told.settled]
    versions = _merged([*_versions(old.database), *watermarks])
    observations = _observations(old.database)
    declared_now = strategies()
    for now, closes in _evaluated(old.database):
        while versions and versions[0].at <= now:
            new.take_in(versions.pop(0))
        known = [seen for seen in observations if seen.known_at <= now]
        observations = observations[len(known) :]
        new.observe(known)
        pipeline.refresh(new.database, now)
        _evaluate(new.database, closes, declared_now, now)
    for told in versions:
        new.take_in(told)


def _evaluate(database: Database, closes: Closes, several: Sequence[Strategy], now: datetime) -> None:
    """As the pipeline does when it starts: what may be live close by close, what comes too late in blocks."""
    for timeframe, group in groupby(closes, key=lambda item: item[0]):
        mine = [close for _, close in group]
        too_late = [close for close in mine if live.deadline(timeframe, close) < now]
        if too_late:
            pipeline.evaluate_block(database, Block(timeframe, too_late, Origin.REPLAY), several, SETTINGS, now)
        for close in mine[len(too_late) :]:
            live.evaluate_close(database, timeframe, close, several, SETTINGS, lambda: now)


def _merged(deliveries: Sequence[Delivery]) -> list[Delivery]:
    # Python sorts stably: versions of one instant stay in their order, and come before watermarks.
    return sorted(deliveries, key=lambda told: told.at)


_VERSIONS = """
SELECT v.*, i.public_symbol AS symbol, s.source, s.is_live
FROM (
    SELECT instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, known_at, source_id,
        revision_id
    FROM market.bar_revisions
    UNION ALL
    SELECT instrument_id, base_timeframe, open_at, open, high, low, close, volume, turnover, known_at, source_id, NULL
    FROM market.bars
) AS v
INNER JOIN market.instruments AS i ON v.instrument_id = i.instrument_id
INNER JOIN market.sources AS s ON v.source_id = s.source_id
ORDER BY v.known_at, v.revision_id NULLS LAST, v.base_timeframe, s.source
"""
_NOT_TOLD = {"symbol", "source", "is_live", "known_at", "source_id", "revision_id", "base_timeframe"}


def _versions(database: Database) -> Iterator[Delivery]:
    """Every version of every bar; history, which was known at its close, in one piece for each source."""
    found = rows(database, _VERSIONS)
    old = [row for row in found if row["known_at"] <= LIVE_FROM]
    for key, group in groupby(sorted(old, key=_told_by), key=_told_by):
        yield _delivery(LIVE_FROM, key, list(group), is_backfill=True)
    for (at, *key), group in groupby(found[len(old) :], key=lambda row: (row["known_at"], *_told_by(row))):
        yield _delivery(at, tuple(key), list(group), is_backfill=False)


def _told_by(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["base_timeframe"], row["source"], row["is_live"]


def _delivery(at: datetime, key: tuple[Any, ...], group: list[dict[str, Any]], *, is_backfill: bool) -> Delivery:
    code, source, is_live = key
    told = Delivery(at, timeframes.parse(code), Source(source, is_live, is_backfill))
    for row in group:
        bar = {name: value for name, value in row.items() if name not in _NOT_TOLD}
        assert (row["symbol"], row["open_at"]) not in told.bars, "one batch says it twice"
        told.bars[row["symbol"], row["open_at"]] = bar
    return told


def _observations(database: Database) -> list[Seen]:
    query = "SELECT public_symbol, kind, observed_at, known_at, value FROM market.observations INNER JOIN " \
        "market.instruments USING (instrument_id) ORDER BY known_at"  # fmt: skip
    return [Seen(*row.values()) for row in rows(database, query)]


_EVALUATED = """
SELECT evaluated_at AS at, timeframe, close_at FROM engine.evaluations
UNION
SELECT recorded_at, timeframe, close_at FROM engine.signals
"""


def _evaluated(database: Database) -> Iterator[tuple[datetime, Closes]]:
    """When which closes were evaluated."""
    found = [(row["at"], timeframes.parse(row["timeframe"]), row["close_at"]) for row in rows(database, _EVALUATED)]
    for at, group in groupby(sorted(found), key=lambda item: item[0]):
        yield at, [(timeframe, close) for _, timeframe, close in group]
