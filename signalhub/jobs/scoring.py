"""Scoring: a block's snapshot, gate, proposals and judgements, up to what is to be stored.

It writes no record; at most, sessions of calendars that are not stored so far yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from signalhub import clock, snapshot
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.signal import Evaluation, Origin, Reason
from signalhub.domain.timeframe import Timeframe
from signalhub.jobs.laps import Laps
from signalhub.settings import Settings
from signalhub.signals.evaluate import evaluate_scene
from signalhub.signals.gate import GateRules
from signalhub.signals.judge import Terms
from signalhub.signals.scene import Scene
from signalhub.signals.store import Evaluated, Run
from signalhub.signals.universe import universe_of
from signalhub.snapshot import WHOLE, Kept, Snapshot
from signalhub.strategies.base import Strategy


@dataclass(frozen=True)
class Block:
    """Closes of one timeframe that are evaluated together: one when live, many in a replay."""

    timeframe: Timeframe
    closes: Sequence[datetime]
    origin: Origin
    instrument_ids: Sequence[int] | None = None
    late: Mapping[int, Reason] = field(default_factory=dict)
    """Instruments whose bar of a live close did not come in time: abstained, with the reason."""


@dataclass(frozen=True)
class Scored:
    """What the strategies that fit a block made of it, as it is to be stored."""

    run: Run
    evaluated: list[Evaluated]


Score = Callable[[Block], Scored]
"""Who scores a block of one close, and may remember something of earlier ones."""


def fitting(strategies: Sequence[Strategy], timeframe: Timeframe) -> list[Strategy]:
    """Those that signal on a timeframe."""
    return [strategy for strategy in strategies if timeframe in strategy.timeframes]


def scored(
    database: Database, block: Block, strategies: Sequence[Strategy], settings: Settings, kept: Kept | None = None
) -> Scored:
    """The block in the eyes of those strategies that fit its timeframe.

    `kept`: what is remembered of earlier closes, for a block of one close; its portion of the instruments is scored.
    """
    fit = fitting(strategies, block.timeframe)
    if not fit:
        return Scored(Run(block.origin, block.timeframe, []), [])
    lap = Laps()
    # Bars, indicators and dirty ranges must be of one instant: a correction in between would tear the frame.
    with database.reading() as connection:
        seen = _seen(connection, block, fit, kept)
    lap.done("load")
    late = (kept.portion if kept else WHOLE).among(block.late)
    # The gate looks at what the calendar expects of a whole window, and windows reach back over closed days.
    first = min([block.closes[0] - timedelta(days=7), *seen.frame["open_at"].bottom_k(1)])
    with database.transaction() as connection:
        universe = universe_of(connection, [*late, *seen.frame["instrument_id"].unique()], first, block.closes[-1])
    scene = Scene(seen, universe, GateRules.of(settings))
    lap.done("gate")
    scene.propose(fit)
    lap.done("propose")
    terms, shared = Terms.of(settings), lap.total / len(fit)
    evaluated = []
    for strategy in fit:
        started = clock.stopwatch()
        evaluations = evaluate_scene(scene, strategy, terms, late)
        milliseconds = (clock.stopwatch() - started) * 1000 + shared
        evaluated.append(Evaluated(strategy, evaluations, milliseconds / len(block.closes)))
    lap.done("score")
    steps = lap.each(len(block.closes))
    run = Run(block.origin, block.timeframe, list(universe.instruments), seen.hits, seen.misses, steps)
    return Scored(run, evaluated)


def merged(first: Scored, second: Scored) -> Scored:
    """What was scored side by side, as one: it took as long as the slower."""
    one, other = first.run, second.run
    run = replace(
        one,
        instrument_ids=[*one.instrument_ids, *other.instrument_ids],
        snapshot_hits=one.snapshot_hits + other.snapshot_hits,
        snapshot_misses=one.snapshot_misses + other.snapshot_misses,
        steps={step: max(took, other.steps[step]) for step, took in one.steps.items()},
    )
    return Scored(run, [_merged(*both) for both in zip(first.evaluated, second.evaluated, strict=True)])


def _merged(one: Evaluated, other: Evaluated) -> Evaluated:
    evaluations = [
        Evaluation(
            ours.close_at,
            ours.instruments_seen + theirs.instruments_seen,
            ours.candidates + theirs.candidates,
            [*ours.signals, *theirs.signals],
            [*ours.abstentions, *theirs.abstentions],
        )
        for ours, theirs in zip(one.evaluations, other.evaluations, strict=True)
    ]
    return Evaluated(one.strategy, evaluations, max(one.milliseconds, other.milliseconds))


def _seen(connection: Connection, block: Block, strategies: Sequence[Strategy], kept: Kept | None) -> Snapshot:
    columns = sorted({name for strategy in strategies for name in strategy.columns})
    if kept is None:
        return snapshot.load(connection, block.timeframe, block.closes, block.instrument_ids, columns)
    assert len(block.closes) == 1
    cooldown = max(strategy.cooldown_bars(block.timeframe) for strategy in strategies)
    return kept.load(connection, block.timeframe, block.closes[0], block.instrument_ids, columns, cooldown)
