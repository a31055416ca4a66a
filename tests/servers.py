"""Throw-away database servers for the tests."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import sqlalchemy

from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.embedded import EmbeddedServer

_URL_KEY = "SIGNALHUB_TEST_TIMESCALE_URL"
_INSTALLATIONS = ("/usr/local/pgsql", "/usr/lib/postgresql/*", "/opt/homebrew/opt/postgresql@*", "/usr/pgsql-*")
_HURRIED = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "512MB"}
_UNHURRIED = {"fsync": "off", "max_wal_size": "4GB"}
"""Of TimescaleDB's server; the embedded one is as its users have it."""
_OPTIONS = (
    "-c listen_addresses='' -c synchronous_commit=off -c jit=off -c wal_level=minimal -c max_wal_senders=0 "
    "-c shared_preload_libraries=timescaledb -c timescaledb.max_background_workers=0 -c max_locks_per_transaction=512"
)
_MEMORY = Path("/dev/shm")
_PLENTY = 3 << 30
"""Bytes for each worker; its two servers take a third of them."""


class LazyServers(dict[str, str]):
    """Edition → admin URL; a server starts when its edition is first asked for.

    `hurried`: as quick as they can be for many small tests, on no disk where there is memory; not for measuring.
    """

    def __init__(self, stack: ExitStack, *, hurried: bool = False) -> None:
        super().__init__()
        self._stack, self._hurried = stack, hurried

    def __missing__(self, edition: str) -> str:
        started = {POSTGRES: _embedded, TIMESCALE: _timescale}[edition](self._hurried)
        self[edition] = self._stack.enter_context(started)
        return self[edition]


@cache
def timescale_source() -> str | None:
    """Where TimescaleDB Community comes from: a URL, an installation, or nowhere."""
    if os.environ.get(_URL_KEY):
        return f"the server of {_URL_KEY}"
    installation = _installation()
    return f"a throw-away server from {installation.name}" if installation else None


def execute(url: str, *statements: str) -> None:
    """Runs statements outside a transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return sqlalchemy.make_url(url).set(database=name).render_as_string(hide_password=False)


def _installation() -> Path | None:
    for pattern in _INSTALLATIONS:
        for root in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (root / "bin/initdb").exists() and next(root.glob("lib/**/timescaledb-tsl-*.so"), None):
                return root
    return None


@contextmanager
def _embedded(hurried: bool) -> Iterator[str]:
    with _folder("shub", hurried) as home:
        server = EmbeddedServer(home)
        with server.lease() as url:
            if hurried:
                settings = [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in _HURRIED.items()]
                execute(url, *settings, "SELECT pg_reload_conf()")
            yield with_database(url, "postgres")
        # A cluster that root could not keep under the home lies elsewhere.
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)


@contextmanager
def _timescale(hurried: bool) -> Iterator[str]:
    if os.environ.get(_URL_KEY):
        yield os.environ[_URL_KEY]
        return
    installation = _installation()
    assert installation is not None
    with _folder("shts", hurried) as home:
        owner = _unprivileged()
        folder = home / "c"
        folder.mkdir(mode=0o700)
        if owner:
            shutil.chown(folder, *owner)
        _run(owner, installation / "bin/initdb", "-D", folder / "data", "-U", "signalhub", "--auth=trust",
             "--locale=C", "--encoding=UTF8", "--no-sync")  # fmt: skip
        settings = " ".join(f"-c {name}={value}" for name, value in (_HURRIED if hurried else _UNHURRIED).items())
        options = f"{_OPTIONS} {settings} -c unix_socket_directories={folder}"
        pg_ctl = installation / "bin/pg_ctl"
        _run(owner, pg_ctl, "-D", folder / "data", "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://signalhub@/postgres?host={folder}"
        finally:
            _run(owner, pg_ctl, "-D", folder / "data", "-m", "immediate", "-w", "stop")


@contextmanager
def _folder(prefix: str, hurried: bool) -> Iterator[Path]:
    """A folder that servers can enter; in memory, where there is plenty.

    Every test has a database of its own, some thousand files: a disk takes up to ten times as long to make them.
    """
    place = _MEMORY if hurried and _is_plenty() else None
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def _is_plenty() -> bool:
    try:
        found = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
        free = min(int(found[1]) << 10, shutil.disk_usage(_MEMORY).free) if found else 0
        return free > _PLENTY * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    except OSError:
        return False


def _unprivileged() -> tuple[str, int] | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, entry.pw_gid
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _run(owner: tuple[str, int] | None, *command: object) -> None:
    as_owner = {"user": owner[0], "group": owner[1], "extra_groups": []} if owner else {}
    words = [str(word) for word in command]
    subprocess.run(words, check=True, cwd="/", stdout=subprocess.DEVNULL, **as_owner)  # type: ignore[call-overload]
