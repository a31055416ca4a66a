"""Scoring: a block's snapshot, gate, proposals and judgements, up to what is to be stored. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What strategies made of a block: a list of evaluations, one a close, for each of them."""

    evaluations: list[list[Evaluation]]
    milliseconds: list[float]
    """By strategy, what one close took on average, with its share of what all need."""
    instrument_ids: list[int]
    """All that had a bar, or were late."""
    hits: int
    misses: int
    steps: dict[str, float]
    """Milliseconds of each step for one close on average."""


Score = Callable[[Block], Scored]
"""Who scores a block of one close for the strategies that fit it, and may remember something of earlier ones."""


def fitting(strategies: Sequence[Strategy], timeframe: Timeframe) -> list[Strategy]:
    """Those that signal on a timeframe."""
    return [strategy for strategy in strategies if timeframe in strategy.timeframes]


def scored(
    database: Database, block: Block, strategies: Sequence[Strategy], settings: Settings, kept: Kept | None = None
) -> Scored:
    """The block in the eyes of strategies that all fit its timeframe.

    `kept`: what is remembered of earlier closes, for a block of one close; its portion of the instruments is scored.
    """
    lap = Laps()
    # Bars, indicators and dirty ranges must be of one instant: a correction in between would tear the frame.
    with database.reading() as connection:
        seen = _seen(connection, block, strategies, kept)
    lap.done("load")
    late = (kept.portion if kept else WHOLE).among(block.late)
    # The gate looks at what the calendar expects of a whole window, and windows reach back over closed days.
    first = min([block.closes[0] - timedelta(days=7), *seen.frame["open_at"].bottom_k(1)])
    with database.transaction() as connection:
        universe = universe_of(connection, [*late, *seen.frame["instrument_id"].unique()], first, block.closes[-1])
    scene = Scene(seen, universe, GateRules.of(settings))
    lap.done("gate")
    scene.propose(strategies)
    lap.done("propose")
    terms, shared = Terms.of(settings), lap.total / len(strategies)
    evaluations, milliseconds = [], []
    for strategy in strategies:
        started = clock.stopwatch()
        evaluations.append(evaluate_scene(scene, strategy, terms, late))
        milliseconds.append(((clock.stopwatch() - started) * 1000 + shared) / len(block.closes))
    lap.done("score")
    ids, steps = list(universe.instruments), lap.each(len(block.closes))
    return Scored(evaluations, milliseconds, ids, seen.hits, seen.misses, steps)


def merged(portions: Sequence[Scored]) -> Scored:
    """What was scored side by side, as one: it took as long as the slowest."""
    return Scored(
        [[_joined(of_close) for of_close in zip(*of_strategy, strict=True)]
         for of_strategy in zip(*(part.evaluations for part in portions), strict=True)],
        [max(times) for times in zip(*(part.milliseconds for part in portions), strict=True)],
        [key for part in portions for key in part.instrument_ids],
        sum(part.hits for part in portions),
        sum(part.misses for part in portions),
        {step: max(part.steps[step] for part in portions) for step in portions[0].steps},
    )  # fmt: skip


def _joined(several: Sequence[Evaluation]) -> Evaluation:
    return Evaluation(
        several[0].close_at,
        sum(one.instruments_seen for one in several),
        sum(one.candidates for one in several),
        [draft for one in several for draft in one.signals],
        [abstention for one in several for abstention in one.abstentions],
    )


def _seen(connection: Connection, block: Block, strategies: Sequence[Strategy], kept: Kept | None) -> Snapshot:
    columns = sorted({name for strategy in strategies for name in strategy.columns})
    if kept is None:
        return snapshot.load(connection, block.timeframe, block.closes, block.instrument_ids, columns)
    cooldown = max(strategy.cooldown_bars(block.timeframe) for strategy in strategies)
    return kept.load(connection, block.timeframe, block.closes[0], block.instrument_ids, columns, cooldown)
