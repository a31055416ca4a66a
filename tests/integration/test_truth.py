"""Live = replay = backtest: what was made live is made again, byte for byte, by whoever is told the same in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.jobs.evaluation import Scope, replay
from signalhub.signals.drift import drift
from tests.backtest_stage import in_full, replayed_signals, tried
from tests.conftest import scale
from tests.drift_market import fresh_database
from tests.engine_rows import forget
from tests.market import rows
from tests.truth_stage import SETTINGS, Live, Store, first_difference, miss, record, strategies, told_anew
from tests.truth_world import LIVE_FROM, World

SEEDS = range(max(1, round(7 * scale())))
LEAST = 1_500
"""Signals of one history: with seven of them at full scale more than ten thousand."""


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_made_live_is_made_again_from_bars_and_revisions_and_by_replay_and_backtest(
    database: Database, edition: str, server_urls: dict[str, str], template: str, tmp_path: Path, seed: int
) -> None:
    import time, os; t=time.time()
    world = World(seed, instruments=int(os.environ.get("TI", 40)), hours=2)
    first = Store(database, world)
    Live(first, world, seed).run()
    made = record(database)
    print("live", time.time()-t, len(made), {o: sum(1 for k in made if k[0]==o) for o in ("live","replay")}, flush=True); t=time.time()
    print(rows(database, "select strategy,timeframe,count(*) from analytics.signals group by 1,2 order by 1,2"))
    print(rows(database, "select reason,count(*) from engine.abstentions group by 1"))
    print(rows(database, "select count(*) from market.bar_revisions"))
    with fresh_database(server_urls[edition], template, edition) as other:
        again = Store(other, world, is_turned=True)
        told_anew(first, again, world)
        print("again", time.time()-t, flush=True); t=time.time()
        missed = miss(made, record(other))
        assert missed is None, missed
    assert len(made) >= LEAST
