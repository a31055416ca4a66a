"""Where acceptance tests run commands: databases of their own, embedded homes that are cleaned up, terminals."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signalhub.db.edition import POSTGRES
from signalhub.domain.timeframe import H1
from tests import servers
from tests.acceptance.commands import COMMAND, environment, signalhub
from tests.bench.market import walk
from tests.integration.embedded_commands import temporary_folder


@contextmanager
def own_database(server_urls: dict[str, str], name: str) -> Iterator[str]:
    """The URL of an empty database on the plain PostgreSQL of the tests."""
    admin, full_name = server_urls[POSTGRES], f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.execute(admin, f"CREATE DATABASE {full_name}")
    yield servers.with_database(admin, full_name)
    servers.execute(admin, f"DROP DATABASE {full_name} WITH (FORCE)")


def migrated(url: str, home: Path) -> dict[str, str]:
    """Migrates a database; the environment of commands that work on it."""
    env = environment(home, url)
    assert signalhub(env, "migrate").returncode == 0
    return env


def replayed(url: str, folder: Path) -> dict[str, str]:
    """Brings bars and replayed signals of two instruments into a database; the environment of commands on it."""
    for seed, symbol in enumerate(("AAAUSDT", "BBBUSDT")):
        walk(1500, H1, seed).drop("turnover").write_csv(folder / f"{symbol}_1h__desk.csv")
    env = environment(folder, url, SIGNALHUB_MIN_SCORE="30")
    for words in (("migrate",), ("import", folder), ("replay", "--timeframe", "1h", "--timeframe", "4h")):
        done = signalhub(env, *words)
        assert (done.returncode, done.stderr) == (0, ""), done
    return env


@contextmanager
def empty_home() -> Iterator[Path]:
    """A home that nobody used yet, with its folder; server and cluster are gone at the end."""
    with temporary_folder() as folder:
        (folder / "home").mkdir()
        yield folder / "home"


def on_a_terminal(env: dict[str, str], *words: object) -> tuple[int, str]:
    """Runs a command whose stderr is a terminal; its exit code and what the terminal showed, without colours."""
    controller, terminal = pty.openpty()
    env = {**env, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen([*COMMAND, *map(str, words)], env=env, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    shown = _read_all(controller)
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def _read_all(controller: int) -> str:
    parts = []
    while select.select([controller], [], [], 60)[0]:
        try:
            part = os.read(controller, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(controller)
    return b"".join(parts).decode()
