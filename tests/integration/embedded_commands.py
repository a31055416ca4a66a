"""Processes that use an embedded server; as another OS user where root can do that."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.abc import Query

from signalhub.db import embedded_home
from signalhub.db.embedded import EmbeddedServer
from signalhub.errors import EmbeddedServerFailed

IS_ROOT = os.geteuid() == 0
PATIENCE = 30.0  # only a hang takes that long

PREAMBLE = """
import os, sys
from pathlib import Path
import psycopg
from signalhub.db.embedded import EmbeddedServer
home = Path(sys.argv[1])
"""
COMMAND = """
with EmbeddedServer(home).lease() as url:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
    print("in", flush=True)
    sys.stdin.readline()
"""
# Imported modules outlive the change of user, so the interpreter itself may lie where that user cannot go.
BECOME = """
try:
    psycopg.connect("host=/nonexistent")
except psycopg.OperationalError:
    pass
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[2]))
"""


class Command:
    """A process that holds a lease until it is told to leave."""

    def __init__(self, home: Path, script: str = COMMAND) -> None:
        words = [sys.executable, "-c", PREAMBLE + script, str(home)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def entered(self) -> Command:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "in\n"
        return self

    def leave(self) -> int:
        self.process.communicate("\n", timeout=PATIENCE)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def run_as(user: str | int, home: Path, script: str) -> subprocess.CompletedProcess[str]:
    uid, gid = (user, user) if isinstance(user, int) else pwd.getpwnam(user)[2:4]
    words = [sys.executable, "-c", PREAMBLE + BECOME + script, str(home), str(uid), str(gid)]
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, cwd="/", check=False)


def remove(home: Path) -> None:
    folder = Path(os.path.realpath(home / "postgres"))
    with suppress(EmbeddedServerFailed):
        EmbeddedServer(home).stop(force=True)
    if folder.parent == embedded_home.SHARED_ROOT:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A 0700 folder; the servers of all homes in it are stopped and their clusters removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="sh-"))
    try:
        yield path
    finally:
        for link in path.glob("**/postgres"):
            remove(link.parent)
        shutil.rmtree(path)


def is_at_work(server: EmbeddedServer) -> bool:
    return server.status().is_running


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(cast(Query, query)).fetchone()
        return row[0] if row else None


def write(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (number,))
