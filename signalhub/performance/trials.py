"""Trials: strategies with other parameters, one or a grid of them over all cores, each on record in engine.trials.

Whoever looks at the best of many trials looks at luck too: the record says how many there were.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from signalhub import clock
from signalhub.db.connection import Connection
from signalhub.db.engine import Database, create_engine
from signalhub.db.queries import Queries
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.performance.backtest import Backtest, backtest
from signalhub.performance.columns import Report
from signalhub.performance.market import Market, Scope, prepare
from signalhub.settings import Settings
from signalhub.signals.gate import GateRules
from signalhub.signals.judge import Terms
from signalhub.strategies.base import Strategy

_SQL = Queries("performance/trials")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Trial:
    """What a trial came to. statistics is a row of analytics.performance."""

    parameters: dict[str, Any]
    version: str
    statistics: dict[str, Any]
    instruments: int
    bars: int
    candidates: int
    signals: int
    to_at: datetime
    data_version: int
    milliseconds: float


def with_parameters(strategy: Strategy, changes: Mapping[str, str]) -> Strategy:
    """The strategy with some parameters set, each read as the kind of value it has.

    Raises: UsageInvalid, naming the parameters there are, or what a value should look like.
    """
    if not changes:
        return strategy
    values = strategy.parameter_values
    for name in changes:
        if name not in values:
            known = ", ".join(values) or "none"
            raise UsageInvalid(f"{strategy.name} has no parameter {name!r}. There are: {known}.")
    read = {name: _value(name, text, values[name]) for name, text in changes.items()}
    try:
        return type(strategy)(dataclasses.replace(strategy.parameters, **read))  # type: ignore[call-arg]
    except ValueError as error:
        raise UsageInvalid(f"{strategy.name} refuses these parameters: {error}") from error


def grid(strategy: Strategy, choices: Mapping[str, Sequence[str]]) -> list[Strategy]:
    """The strategy with every combination of some values. Raises: UsageInvalid as `with_parameters`."""
    combinations = itertools.product(*choices.values())
    return [with_parameters(strategy, dict(zip(choices, values, strict=True))) for values in combinations]


def _value(name: str, text: str, like: Any) -> Any:
    try:
        if isinstance(like, bool):
            return _TRUTHS[text.lower()]
        if isinstance(like, int | float):
            return type(like)(text)
        if like is None or isinstance(like, str):
            return text
        # Lists and the like are written as JSON.
        return type(like)(json.loads(text))
    except (ValueError, KeyError, TypeError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(like), "JSON")
        raise UsageInvalid(f"{name}={text!r}: {name} is {kind}, such as {json.dumps(like)}.") from None


def tried(result: Backtest, seconds: float) -> Trial:
    """What goes on record of a backtest."""
    market = result.market
    return Trial(
        result.strategy.parameter_values,
        result.strategy.version,
        result.counts.whole,
        len(market.instrument_ids),
        market.bars,
        result.candidates,
        result.signals.height,
        market.until,
        market.columns.newest,
        1000 * seconds,
    )


def record(
    connection: Connection, strategy: Strategy, scope: Scope, trial: Trial, settings: Settings, now: datetime
) -> int:
    """Puts a trial on record; its id."""
    terms = Terms.of(settings).plain | {"fee_bps": str(settings.fee_bps), "slippage_bps": str(settings.slippage_bps)}
    terms |= {"complete_pct": str(settings.complete_pct), "gate_flagged_bars": str(settings.gate_flagged_bars)}
    trial_id: int = _SQL.scalar(
        connection,
        "insert_trial",
        strategy=strategy.name,
        version=trial.version,
        parameters=to_json(trial.parameters),
        timeframe=scope.timeframe.code,
        symbols=None if scope.symbols is None else list(scope.symbols),
        from_at=scope.after,
        to_at=trial.to_at,
        data_version=trial.data_version,
        settings=to_json(terms),
        instruments=trial.instruments,
        bars=trial.bars,
        candidates=trial.candidates,
        signals=trial.signals,
        statistics=to_json(trial.statistics),
        milliseconds=trial.milliseconds,
        now=now,
    )
    return trial_id


def try_all(
    database: Database,
    strategies: Sequence[Strategy],
    scope: Scope,
    settings: Settings,
    now: datetime,
    report: Report = lambda _stage, _done, _of: None,
) -> Iterator[Trial]:
    """Tries each on record, over all cores, and gives each as it is done.

    Shape: `strategies` are one strategy with several parameters. The columns are read once, by this process.
    """
    market = prepare(database, settings.home, strategies[0], scope, GateRules.of(settings), now, report)
    workers = min(len(strategies), os.cpu_count() or 1)
    found = _here(database, market, strategies, settings) if workers == 1 else None
    if found is None:
        del market
        found = _elsewhere(database, strategies, scope, settings, now, workers)
    for number, (strategy, trial) in enumerate(found, start=1):
        with database.transaction() as connection:
            record(connection, strategy, scope, trial, settings, now)
        report("trials", number, len(strategies))
        yield trial


def _here(
    database: Database, market: Market, strategies: Sequence[Strategy], settings: Settings
) -> Iterator[tuple[Strategy, Trial]]:
    for strategy in strategies:
        yield strategy, _one(database, market, strategy, settings)


def _one(database: Database, market: Market, strategy: Strategy, settings: Settings) -> Trial:
    started = clock.stopwatch()
    result = backtest(database, market, strategy, settings, details=False, alone=True)
    return tried(result, clock.stopwatch() - started)


def _elsewhere(
    database: Database, strategies: Sequence[Strategy], scope: Scope, settings: Settings, now: datetime, workers: int
) -> Iterator[tuple[Strategy, Trial]]:
    url = database.engine.url.render_as_string(hide_password=False)
    given = (url, database.edition, strategies[0], scope, settings, now)
    # Spawned, not forked: Polars and the server's connections have threads and sockets of their own.
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, given) as pool:
        begun = {pool.submit(_work, strategy): strategy for strategy in strategies}
        for done in as_completed(begun):
            yield begun[done], done.result()


_worker: tuple[Database, Market, Settings] | None = None


def _begin(url: str, edition: str, strategy: Strategy, scope: Scope, settings: Settings, now: datetime) -> None:
    """A worker gets its market ready: the columns are on this machine's disk by now."""
    global _worker
    database = Database(create_engine(url), edition)
    _worker = database, prepare(database, settings.home, strategy, scope, GateRules.of(settings), now), settings


def _work(strategy: Strategy) -> Trial:
    assert _worker is not None
    database, market, settings = _worker
    return _one(database, market, strategy, settings)
