"""The embedded PostgreSQL: started by the first command that needs it, stopped by the last one that leaves.

Every command holds `users.lock` shared while it uses the server; whoever gets it exclusively on leaving stops
the server under it, and a command that comes just then waits at that lock. Starting is serialised by
`start.lock`. Since the kernel releases both when a process dies, no kill -9 leaves anything behind that the
next command does not put right. Access is by peer authentication on a socket in a private folder, never by TCP.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import pq

from signalhub.clock import stopwatch
from signalhub.db import embedded_home
from signalhub.db.embedded_binaries import Binaries, find_binaries, find_version
from signalhub.db.embedded_cluster import configure, initialise
from signalhub.db.embedded_files import (
    DATABASE,
    PORT,
    ROLE,
    Cluster,
    last_complaint,
    postmaster_pid,
    remove_stale_pids,
    server_name,
    told_in_one_line,
)
from signalhub.db.file_lock import FileLock
from signalhub.errors import EmbeddedServerFailed

START_SECONDS = 300
"""Recovery after a crash reads up to max_wal_size of log."""
STOP_SECONDS = 60
"""After that it is stopped without a checkpoint, which costs the next start a recovery and loses nothing."""
RETRY_SECONDS = 60.0
"""How long a starting or ending server, or the remains of a killed one, may stand in the way of a new one."""
BUSY = "an earlier one still starts or stops"
IN_THE_WAY = ("still in use", "already exists", BUSY)
LARGEST_LOG = 10 * 1024 * 1024


@dataclass(frozen=True)
class ServerStatus:
    """What the embedded server is doing, and where."""

    is_running: bool
    pid: int | None
    data: Path
    socket: Path
    """The folder of the socket."""
    log: Path
    version: str
    """PostgreSQL 18.x"""


class EmbeddedServer:
    """The server of one SIGNALHUB_HOME. Making this object makes nothing on disk."""

    def __init__(self, home: Path) -> None:
        if os.name == "nt":
            raise EmbeddedServerFailed(
                "There is no embedded server for Windows: set SIGNALHUB_DATABASE_URL, or run under WSL."
            )
        self._home = home.absolute()

    @contextmanager
    def lease(self) -> Iterator[str]:
        """The server's libpq URL; it runs as long as anybody is inside.

        Guarantees: database and role `signalhub` exist and the server answers.
        Raises: EmbeddedServerFailed, one line with the reason and the log's path.
        """
        cluster = self._cluster()
        with told_in_one_line(self._home):
            lock = FileLock(cluster.users_lock, shared=True)
        try:
            with told_in_one_line(self._home):
                self._ensure_running(cluster)
            yield cluster.url
        finally:
            self._leave(cluster, lock)

    def url(self) -> str:
        """The libpq URL, whether the server runs or not."""
        return self._cluster().url

    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to find the database by itself."""
        cluster = self._cluster()
        return {
            "SIGNALHUB_DATABASE_URL": cluster.url,
            "PGHOST": str(cluster.socket),
            "PGPORT": str(PORT),
            "PGUSER": ROLE,
            "PGDATABASE": DATABASE,
        }

    @property
    def psql(self) -> Path:
        """A psql that can be run here."""
        with told_in_one_line(self._home):
            return find_binaries(self._cluster()).folder / "psql"

    def status(self) -> ServerStatus:
        """What runs and where its files are, or will be. Makes and starts nothing."""
        with told_in_one_line(self._home):
            cluster = embedded_home.find(self._home) or embedded_home.expected(self._home)
            pid, version = postmaster_pid(cluster.data), find_version(cluster)
        return ServerStatus(pid is not None, pid, cluster.data, cluster.socket, cluster.log, version)

    def stop(self, force: bool = False) -> bool:
        """Stop the server; True if it ran.

        Raises: EmbeddedServerFailed where another command uses it, unless forced.
        """
        with told_in_one_line(self._home):
            cluster = embedded_home.find(self._home)
            if cluster is None:
                return False
            with FileLock(cluster.start_lock) if force else FileLock(cluster.users_lock, shared=True) as lock:
                if not force and not lock.become_exclusive():
                    raise EmbeddedServerFailed(
                        "Another command uses the embedded server: "
                        "wait for it to end, or add --force to stop the server anyway."
                    )
                return _shut_down(cluster, lock)

    def _cluster(self) -> Cluster:
        with told_in_one_line(self._home):
            return embedded_home.place(self._home)

    def _ensure_running(self, cluster: Cluster) -> None:
        if _state(cluster) == pq.Ping.OK:
            return
        with FileLock(cluster.start_lock) as lock:
            if _state(cluster) == pq.Ping.OK:
                return
            binaries = find_binaries(cluster)
            initialise(cluster, binaries, lock)
            embedded_home.remember_home(cluster, self._home)
            configure(cluster)
            _launch(cluster, binaries)

    def _leave(self, cluster: Cluster, lock: FileLock) -> None:
        try:
            with told_in_one_line(self._home):
                if lock.is_ours and lock.become_exclusive():
                    _shut_down(cluster, lock)
        finally:
            lock.release()


def _state(cluster: Cluster) -> pq.Ping:
    """Asked at the socket, so a server in another container that shares the folder is seen too."""
    return pq.Ping(pq.PGconn.ping(f"{cluster.url}&connect_timeout=5".encode()))


def _launch(cluster: Cluster, binaries: Binaries) -> None:
    """Start it; try again while an earlier server, or what is left of one, is in the way."""
    if cluster.log.stat().st_size > LARGEST_LOG:
        os.truncate(cluster.log, 0)
    deadline = stopwatch() + RETRY_SECONDS
    while (state := _state(cluster)) != pq.Ping.OK:
        complaint = BUSY if state == pq.Ping.REJECT else _launched(cluster, binaries)
        if complaint and (stopwatch() > deadline or not any(words in complaint for words in IN_THE_WAY)):
            raise EmbeddedServerFailed(f"The embedded server did not start: {complaint}. Its log: {cluster.log}")
        time.sleep(0.1 if complaint else 0)


def _launched(cluster: Cluster, binaries: Binaries) -> str | None:
    """None, or why it did not start."""
    remove_stale_pids(cluster)
    beginning = cluster.log.stat().st_size
    options = f"-c config_file=signalhub.conf -c cluster_name={server_name(cluster.data)}"
    files = ("-D", cluster.data.name, "-l", cluster.log.name)
    result = binaries.run("pg_ctl", "start", *files, "-s", "-w", "-t", str(START_SECONDS), "-o", options)
    if result.returncode == 0:
        return None
    said = cluster.log.read_bytes()[beginning:].decode(errors="replace")
    return last_complaint(said or result.stderr)


def _shut_down(cluster: Cluster, lock: FileLock) -> bool:
    """True if it ran. pg_ctl holds the lock too: nobody comes in between if we are killed meanwhile."""
    if postmaster_pid(cluster.data) is None:
        return False
    words = ("stop", "-D", cluster.data.name, "-s", "-w", "-t", str(STOP_SECONDS), "-m")
    for mode in ("fast", "immediate"):
        result = find_binaries(cluster).run("pg_ctl", *words, mode, keep=lock.descriptor)
        if result.returncode == 0 or postmaster_pid(cluster.data) is None:
            return True
    raise EmbeddedServerFailed(
        f"The embedded server did not stop: {last_complaint(result.stderr)}. Its log: {cluster.log}"
    )
