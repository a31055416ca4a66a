"""A kill -9 of backfill at random moments, then a rerun: exactly the rows of an undisturbed run."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests import servers
from tests.acceptance.commands import environment, kill_at_random, signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.conftest import scale
from tests.doubles.exchange_process import Remote, running

pytestmark = pytest.mark.kill

KILLS = 20
NOON = datetime(2024, 5, 1, 12, 0, 5, tzinfo=UTC)
# BTC is there since five hours; the kill hits while it grows at its old end, and while ETH and BNB begin.
FIRST = ("backfill", "--symbol", "BTC/USDT", "--since", "2024-05-01T07:00Z")
KILLED = ("backfill", "--top", "3", "--since", "2024-04-27")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Remote]:
    """Its clock stands, so that every run sees the same market."""
    with running("--symbols", 3, "--frozen-at", NOON.timestamp()) as remote:
        yield remote


def test_a_killed_backfill_run_again_ends_at_the_rows_of_an_undisturbed_one(
    database_url: str, server_urls: dict[str, str], edition: str, exchange: Remote, tmp_path: Path
) -> None:
    admin, chance = server_urls[edition], random.Random("backfill")
    _run(tmp_path, database_url, exchange, *FIRST)
    start = _clone(admin, database_url, "start")
    began = time.monotonic()
    _run(tmp_path, database_url, exchange, *KILLED)
    took, expected = time.monotonic() - began, fingerprint(database_url)
    assert expected["bars"][0] == 3 * (4 * 1440 + 720)
    hit = 0
    for number in range(max(1, math.ceil(KILLS * scale()))):
        url = _clone(admin, start, f"round{number}")
        for _ in range(2):
            hit += kill_at_random(_env(tmp_path, url, exchange), took, chance, *KILLED)
        _run(tmp_path, url, exchange, *KILLED)
        assert fingerprint(url) == expected, f"round {number}"
        servers.execute(admin, f"DROP DATABASE {_name(url)} WITH (FORCE)")
    servers.execute(admin, f"DROP DATABASE {_name(start)} WITH (FORCE)")
    assert hit, "no kill came in time: the command is quicker than the kill"


def _env(home: Path, url: str, exchange: Remote) -> dict[str, str]:
    return environment(home, url, SIGNALHUB_VENUE_URL=exchange.url)


def _run(home: Path, url: str, exchange: Remote, *words: str) -> None:
    done = signalhub(_env(home, url, exchange), *words)
    assert done.returncode == 0, done.stderr


def _clone(admin: str, url: str, name: str) -> str:
    clone = f"{_name(url).split('_backfill_')[0]}_backfill_{name}"
    servers.execute(
        admin,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(url)}'",
        f"CREATE DATABASE {clone} TEMPLATE {_name(url)}",
    )
    return servers.with_database(admin, clone)


def _name(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.info.dbname
