"""A kill -9 of import, replay and once at random moments, then a rerun: exactly the rows of an undisturbed run."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import psycopg
import pytest

from signalhub.domain.timeframe import H1, H4, M15, Timeframe
from tests import servers
from tests.acceptance.commands import environment, kill_at_random, signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.bench.market import walk
from tests.conftest import scale

pytestmark = pytest.mark.kill

KILLS = 20
STEPS = {"import": ("import", "{files}"), "replay": ("replay",), "once": ("once",)}
# `once` looks back over all the made-up history, which lies in the past.
SETTINGS = {"SIGNALHUB_LOOKBACK_HOURS": "100000", "SIGNALHUB_MIN_SCORE": "30"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    for symbol, timeframe, bars in (("AAAUSDT", H1, 150), ("BBBUSDT", M15, 160), ("CCCUSDT", H4, 100)):
        _write(folder, symbol, timeframe, bars)
    return folder


def _write(folder: Path, symbol: str, timeframe: Timeframe, bars: int) -> None:
    walk(bars, timeframe, seed=bars).drop("turnover").write_csv(folder / f"{symbol}_{timeframe}__kill.csv")


class Runner:
    """Runs the steps on one database."""

    def __init__(self, url: str, files: Path, home: Path) -> None:
        self.env = environment(home, url, **SETTINGS)
        self.files = files

    def words(self, step: str) -> list[str]:
        return [word.format(files=self.files) for word in STEPS[step]]

    def run(self, step: str) -> float:
        started = time.monotonic()
        done = signalhub(self.env, *self.words(step))
        assert done.returncode == 0, done.stderr
        return time.monotonic() - started

    def kill(self, step: str, within: float, chance: random.Random) -> bool:
        return kill_at_random(self.env, within, chance, *self.words(step))


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_command_run_again_ends_at_the_rows_of_an_undisturbed_run(
    step: str, database_url: str, server_urls: dict[str, str], edition: str, files: Path, tmp_path: Path
) -> None:
    before, admin = list(STEPS)[: list(STEPS).index(step)], server_urls[edition]
    runner = Runner(database_url, files, tmp_path)
    for earlier in before:
        if not (step == "once" and earlier == "replay"):  # once must find closes that nobody evaluated
            runner.run(earlier)
    start, expected = _clone(admin, database_url, "start"), None
    took = runner.run(step)
    expected = fingerprint(database_url)
    assert expected["signals"][0] > 0 or step == "import"
    chance, hit, rounds = random.Random(step), 0, max(1, math.ceil(KILLS * scale()))
    for number in range(rounds):
        url = _clone(admin, start, f"round{number}")
        killed = Runner(url, files, tmp_path)
        hit += killed.kill(step, took, chance)
        killed.run(step)
        assert fingerprint(url) == expected, f"round {number}"
        servers.execute(admin, f"DROP DATABASE {_name(url)} WITH (FORCE)")
    servers.execute(admin, f"DROP DATABASE {_name(start)} WITH (FORCE)")
    assert hit, "no kill came in time: the command is quicker than the kill"


def _clone(admin: str, url: str, name: str) -> str:
    clone = f"{_name(url).split('_kill_')[0]}_kill_{name}"
    servers.execute(
        admin,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(url)}'",
        f"CREATE DATABASE {clone} TEMPLATE {_name(url)}",
    )
    return servers.with_database(admin, clone)


def _name(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.info.dbname
