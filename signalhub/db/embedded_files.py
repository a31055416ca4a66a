"""Where the embedded server keeps its cluster, and which OS user it belongs to.

    <home>/postgres/            ours; as root possibly a link to /var/lib/signalhub/<random>/, see `place`
        data/                   the cluster, of the server's user
        run/                    folder of the socket, 0700 of the server's user
        signalhub.conf  pg_hba.conf  pg_ident.conf      written anew at each start
        server.log
        users.lock              shared by every command that uses the server
        start.lock              held by the one command that starts it
        bin-<version>/          copied binaries, where the server's user cannot run the installed ones

The folder itself belongs to whoever runs Signalhub, so as root nothing that root writes lies in a folder that
another user could tamper with.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from signalhub.db.os_user import ServerUser
from signalhub.errors import EmbeddedServerFailed

PORT = 5432
ROLE = DATABASE = "signalhub"
LONGEST_SOCKET_PATH = 107  # sockaddr_un holds 108 bytes, the last one is a zero
# Not tempfile.gettempdir(): two commands with different TMPDIRs must find the same socket.
SOCKET_ROOT = Path("/tmp")


@dataclass(frozen=True)
class Cluster:
    """The paths of one cluster and the user of its server."""

    folder: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        """The data folder of PostgreSQL."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.folder / "server.log"

    @property
    def users_lock(self) -> Path:
        """Shared by all that use the server; whoever has it alone may stop it."""
        return self.folder / "users.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one that starts the server."""
        return self.folder / "start.lock"

    @property
    def socket(self) -> Path:
        """The folder of the socket: `run`, or one in /tmp if `run` is too long, or two hosts to libpq."""
        run = self.folder / "run"
        if len(os.fsencode(run / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH and "," not in str(run):
            return run
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return SOCKET_ROOT / f"signalhub-{self.user.uid}-{digest}"

    @property
    def url(self) -> str:
        """The port is spelt out because libpq would take it from a PGPORT meant for another server."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(os.fsencode(self.socket), safe='')}&port={PORT}"


def make_socket_folder(cluster: Cluster) -> None:
    """Raises: EmbeddedServerFailed where somebody else's folder, or a link, stands in its place."""
    with suppress(FileExistsError):
        cluster.socket.mkdir(mode=0o700)
    if cluster.socket.lstat().st_uid == os.geteuid():
        cluster.user.own(cluster.socket)
    require_private(cluster.socket, owner=cluster.user.uid, forbidden=0o077)


def require_private(folder: Path, owner: int, forbidden: int) -> None:
    """Raises: EmbeddedServerFailed unless it is a real folder of that owner, without the forbidden bits."""
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != owner or seen.st_mode & forbidden:
        raise EmbeddedServerFailed(
            f"{folder} should be a folder of uid {owner} that others cannot write or enter, and is not: "
            "remove it, or see who made it."
        )


def replace_text(path: Path, text: str, mode: int) -> None:
    """Write a small file so that no reader, and no kill, ever meets half of it."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8", errors="surrogateescape")
    fresh.chmod(mode)
    fresh.replace(path)


def server_name(data: Path) -> str:
    """A name that only the server of this data folder bears on its command line."""
    return f"signalhub-{data.stat().st_ino:x}"


def postmaster_pid(data: Path) -> int | None:
    """The pid of the server that runs on this data, or None."""
    return _server_behind(data / "postmaster.pid", data)


def remove_stale_pids(cluster: Cluster) -> None:
    """Remove the pid files that no server of ours stands behind. Only for the holder of `start.lock`.

    PostgreSQL believes in any living pid, a zombie's or a stranger's too, and would not start. Nothing is
    lost with the file: what a dead server's children still use is found by the data folder's shared memory.
    """
    for path in (cluster.data / "postmaster.pid", cluster.socket / f".s.PGSQL.{PORT}.lock"):
        if _server_behind(path, cluster.data) is None:
            path.unlink(missing_ok=True)


def _server_behind(pid_file: Path, data: Path) -> int | None:
    """The pid alone proves nothing: where /proc tells, the process must bear the server's name."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        if Path("/proc/self/cmdline").exists():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return pid if f"cluster_name={server_name(data)}".encode() in words else None
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
        return None
    return pid


@contextmanager
def told_in_one_line(home: Path) -> Iterator[None]:
    """What the operating system refuses becomes one line: what, where, what to do."""
    try:
        yield
    except OSError as error:
        place = error.filename2 or error.filename or home
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space there" if is_full else "Check who may write there"
        raise EmbeddedServerFailed(
            f"The embedded server cannot use {place}: {error.strerror or error}. "
            f"{remedy}, or set SIGNALHUB_HOME to another folder."
        ) from error


def last_complaint(said: str) -> str:
    """The last line of PostgreSQL's output that says what went wrong, without time and pid."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search(r"\b(ERROR|FATAL|PANIC|error|could not)\b", line)]
    last = (complaints or lines or ["it said nothing"])[-1]
    return re.sub(r"^.*\b(?:ERROR|FATAL|PANIC|error): *", "", last).rstrip(".")
