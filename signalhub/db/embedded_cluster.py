"""What the embedded cluster is made of: its first initialisation and the configuration of each start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from signalhub.db.embedded_binaries import Binaries
from signalhub.db.embedded_files import (
    DATABASE,
    PORT,
    ROLE,
    Cluster,
    last_complaint,
    make_socket_folder,
    replace_text,
)
from signalhub.db.file_lock import FileLock
from signalhub.db.os_user import os_user
from signalhub.errors import EmbeddedServerFailed

MEGABYTE = 1024 * 1024
INITDB = ("--locale=C", "--encoding=UTF8", "--auth=peer", "-U", ROLE, "--no-sync", "--no-instructions")


def initialise(cluster: Cluster, binaries: Binaries, lock: FileLock) -> None:
    """Make `data`, with the database in it, unless it is there.

    Guarantees: made aside and renamed, so `data` is whole or absent. initdb's own sync would come before the
    database is created: it is skipped, and everything is synced once just before the rename. The programs
    hold `lock` too: if we are killed, the next command waits for the orphan to end before it clears up.
    """
    if cluster.data.exists():
        return
    fresh = cluster.folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    cluster.user.own(fresh)
    try:
        _run(binaries, lock, "initdb", "-D", fresh.name, *INITDB)
        _run(
            binaries,
            lock,
            "postgres",
            "--single",
            "-D",
            fresh.name,
            "postgres",
            text=f"CREATE DATABASE {DATABASE}\n",
        )
        _run(binaries, lock, "initdb", "-D", fresh.name, "--sync-only")
    except EmbeddedServerFailed:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    fresh.rename(cluster.data)
    _sync(cluster.folder)


def _run(binaries: Binaries, lock: FileLock, program: str, *words: str, text: str = "") -> None:
    """Single-user PostgreSQL ends with 0 after an error too, so what it says counts."""
    result = binaries.run(program, *words, text=text, keep=lock.descriptor)
    if result.returncode != 0 or "ERROR:" in result.stderr:
        raise EmbeddedServerFailed(
            f"The embedded database could not be made in {binaries.cluster.folder}: "
            f"{last_complaint(result.stderr)}. Mend that, or set SIGNALHUB_HOME to another folder."
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def configure(cluster: Cluster) -> None:
    """Write the configuration and make the socket's folder and the log.

    At each start, so that upgrades reach old data.
    """
    make_socket_folder(cluster)
    replace_text(cluster.folder / "signalhub.conf", _configuration(cluster), 0o644)
    replace_text(cluster.folder / "pg_hba.conf", f"local all all peer map={ROLE}\n", 0o644)
    replace_text(cluster.folder / "pg_ident.conf", f'{ROLE} "{os_user(os.geteuid()).name}" {ROLE}\n', 0o644)
    cluster.log.touch(mode=0o600)
    cluster.user.own(cluster.log)


def _configuration(cluster: Cluster) -> str:
    memory = _memory()
    settings = {
        "hba_file": str(cluster.folder / "pg_hba.conf"),
        "ident_file": str(cluster.folder / "pg_ident.conf"),
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": '"{}"'.format(str(cluster.socket).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "max_connections": 100,
        "shared_buffers": f"{max(16, min(256, memory // 8))}MB",
        "effective_cache_size": f"{max(64, memory // 2)}MB",
        # One machine, nobody replicates from it, and every commit must survive a power cut.
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "max_wal_size": "2GB",
        "fsync": "on",
        "synchronous_commit": "on",
        "autovacuum": "on",
        # On a full disk the server would crash and restart without end, and then hang: the next lease restarts it.
        "restart_after_crash": "off",
        # Our statements are short and many: compiling them costs more than running them.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "log_checkpoints": "off",
    }
    lines = (f"{name} = {_quoted(str(value))}\n" for name, value in settings.items())
    return "# Written by Signalhub at each start; ALTER SYSTEM is the way to change a setting.\n" + "".join(lines)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _memory() -> int:
    """MB of memory that we may use: the machine's, or the container's if less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    return (min(total, int(allowed)) if allowed.isdigit() else total) // MEGABYTE
