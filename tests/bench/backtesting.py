"""Backtest of one strategy over 500 × 8,760 hourly bars, cold and warm; beside it backtesting.py and vectorbt.

The peers are no dependencies: `python -m venv peers && peers/bin/pip install backtesting vectorbt`, then
SIGNALHUB_TEST_PEERS=peers/bin/python scripts/bench backtest. Without it they are left out. They get the same bars and
rules out of files, and what they time is without reading. Breakout's candidates above the threshold, with its stops and
targets, are given as arrays to both; beside that stands our step of the same name, walking. vectorbt then computes the
rule too, in NumPy, and statistics; beside that stands all our computing. backtesting.py runs on a few instruments, for
it takes minutes for all.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from signalhub import clock
from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from signalhub.performance.backtest import Backtest, backtest
from signalhub.performance.market import Scope, prepare
from signalhub.settings import Settings
from signalhub.signals.gate import GateRules
from signalhub.snapshot.frame import BAR_VALUES
from signalhub.strategies.base import Strategy
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.momentum import Momentum
from tests.bench import backtest_market
from tests.bench.measure import Latency, Measurement, seconds

_PEERS = "SIGNALHUB_TEST_PEERS"
_SETTINGS = Settings(fee_bps=4.0, slippage_bps=1.0)
_RUNS = 3


def measure(database: Database) -> Iterator[Measurement | Latency]:
    backtest_market.make(database)
    with tempfile.TemporaryDirectory(prefix="shub-columns") as home:
        for strategy in (Breakout(), Momentum()):
            yield from _ours(database, Path(home), strategy)
        if os.environ.get(_PEERS):
            yield from _peers(database, Path(home))


def _ours(database: Database, home: Path, strategy: Strategy) -> Iterator[Measurement | Latency]:
    cold = seconds(lambda: _whole(database, home, strategy))
    bars = backtest_market.INSTRUMENTS * backtest_market.BARS
    yield Latency(f"backtest {strategy.name}, cold", database.edition, 1000 * cold)
    warm: list[tuple[float, Backtest]] = []
    for _ in range(_RUNS):
        found: list[Backtest] = []
        took = seconds(lambda into=found: into.append(_whole(database, home, strategy)))
        warm.append((took, found[0]))
    took, result = min(warm, key=lambda run: run[0])
    steps = ", ".join(f"{name} {1000 * part:.0f}" for name, part in result.seconds.items())
    computing = sum(result.seconds.values())
    note = f"reading {1000 * (took - computing):.0f}, {steps}; {result.signals.height:,} signals"
    yield Latency(f"backtest {strategy.name}, warm", database.edition, 1000 * took, note=note)
    yield Measurement(f"… {strategy.name}, all of it", database.edition, "bars", bars / took)
    yield Measurement(f"… {strategy.name}, computing alone", database.edition, "bars", bars / computing)
    yield Measurement(f"… {strategy.name}, walking alone", database.edition, "bars", bars / result.seconds["walking"])


def _whole(database: Database, home: Path, strategy: Strategy) -> Backtest:
    market = prepare(database, home, strategy, Scope(H1), GateRules.of(_SETTINGS), clock.now())
    return backtest(database, market, strategy, _SETTINGS)


def _peers(database: Database, home: Path) -> Iterator[Measurement]:
    result = _whole(database, home, Breakout())
    with tempfile.TemporaryDirectory(prefix="shub-peers") as folder:
        _hand_over(result, Path(folder))
        script = Path(__file__).with_name("backtesting_peers.py")
        told = subprocess.run(
            [os.environ[_PEERS], "-P", str(script), folder], check=True, capture_output=True, text=True, timeout=900
        )
    for line in told.stdout.splitlines():
        row = json.loads(line)
        yield Measurement(row["name"], "–", "bars", row["bars"] / row["seconds"], note=row["note"])


def _hand_over(result: Backtest, folder: Path) -> None:
    """Bars as matrices of (bar, instrument), signals as the fraction that stop and target are away."""
    shape = (backtest_market.INSTRUMENTS, backtest_market.BARS)
    frame = result.market.seen.frame
    for name in (*BAR_VALUES, *Breakout.needs):
        np.save(folder / f"{name}.npy", frame[name].to_numpy().reshape(shape).T)
    signals = result.signals.with_columns(
        stop_pct=(pl.col("entry") - pl.col("stop")).abs() / pl.col("entry"),
        target_pct=(pl.col("entry") - pl.col("target")).abs() / pl.col("entry"),
    )
    for direction in ("long", "short"):
        chosen = signals.filter(pl.col("direction") == direction)
        for name in ("stop_pct", "target_pct"):
            matrix = np.full(shape, np.nan)
            matrix.ravel()[chosen["place"].to_numpy()] = chosen[name].to_numpy()
            np.save(folder / f"{direction}_{name}.npy", matrix.T)
