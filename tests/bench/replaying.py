"""Replay: 20 instruments × 2,000 hourly bars with both strategies, and where the time goes."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from signalhub import plugins
from signalhub.bars import instruments
from signalhub.bars.ingest import Source
from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import H1
from signalhub.jobs import evaluation, pipeline
from signalhub.jobs.evaluation import Scope
from signalhub.settings import Settings
from signalhub.strategies.base import Strategy
from tests.bench.market import walk
from tests.bench.measure import Measurement, seconds

INSTRUMENTS, BARS = 20, 2_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_STAGES = ("load", "evaluate", "store", "track")


def measure(database: Database) -> Iterator[Measurement]:
    with database.transaction() as connection:
        for number in range(INSTRUMENTS):
            spec = InstrumentSpec(f"B{number}/USD", "bench", "crypto")
            key = instruments.register(connection, spec, "bench", is_live=False, now=NOW)
            bars = walk(BARS, H1, number).select(pl.lit(key, pl.Int32).alias("instrument_id"), pl.all())
            settled = {key: bars["open_at"][-1] + H1.span}
            pipeline.take_in(connection, H1, bars, Source("bench"), settled, NOW)
    prepared = seconds(lambda: pipeline.refresh(database, NOW))
    yield Measurement("indicators, from scratch", database.edition, "base bars", INSTRUMENTS * BARS / prepared)
    strategies = list(plugins.declared("signalhub.strategies", "STRATEGY", Strategy).values())
    profile = cProfile.Profile()
    scope = Scope(timeframes=[H1])
    replay = lambda: evaluation.replay(database, scope, strategies, Settings(), NOW)  # noqa: E731
    plain = seconds(replay)
    _forget(database)
    profile.runcall(replay)
    note = ", ".join(f"{name} {share:.0%}" for name, share in _shares(profile).items())
    yield Measurement("replay, both strategies, 1h", database.edition, "bars", INSTRUMENTS * BARS / plain, note=note)


def _forget(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            "TRUNCATE account.feedback, engine.signals, engine.signal_inputs, engine.signal_validity, engine.outcomes, "
            "engine.evaluations, engine.abstentions"
        )


def _shares(profile: cProfile.Profile) -> dict[str, float]:
    stats = pstats.Stats(profile)
    total = stats.total_tt  # type: ignore[attr-defined]
    shares = dict.fromkeys(_STAGES, 0.0)
    for (file, _, function), (*_, cumulative, _callers) in stats.stats.items():  # type: ignore[attr-defined]
        if "/signalhub/" in file and function in shares:
            shares[function] = max(shares[function], cumulative / total)
    return shares
