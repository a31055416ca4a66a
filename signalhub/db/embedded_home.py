"""Finding and making the folder of the embedded cluster.

It is `<home>/postgres`. As root the server runs as another user, who may not be able to pass through the home
(/root, mktemp -d): then the cluster lies in `/var/lib/signalhub/<random>/` and `<home>/postgres` is a link to
it, because opening somebody's folder to others is not for us to do.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from signalhub.db.embedded_files import Cluster, postmaster_pid, replace_text, require_private
from signalhub.db.file_lock import FileLock
from signalhub.db.os_user import server_user
from signalhub.errors import EmbeddedServerFailed

SHARED_ROOT = Path("/var/lib/signalhub")


def find(home: Path) -> Cluster | None:
    """The cluster of a home, or None where there is none yet. Makes nothing."""
    link = home / "postgres"
    return _cluster_at(link) if os.path.lexists(link) else None


def expected(home: Path) -> Cluster:
    """Where the cluster of a home will be if the server's user can pass through it. Makes nothing."""
    return Cluster(home / "postgres", server_user(home / "postgres" / "data"))


def place(home: Path) -> Cluster:
    """The cluster of a home, with its folder made where missing."""
    home.mkdir(mode=0o755 if home == SHARED_ROOT else 0o700, parents=True, exist_ok=True)
    if not os.path.lexists(home / "postgres"):
        _make_cluster_folder(home)
    cluster = _cluster_at(home / "postgres")
    if not cluster.user.reaches(cluster.folder):
        raise EmbeddedServerFailed(
            f"The OS user {cluster.user.name}, who runs the server, cannot pass through {cluster.folder}: "
            "give the folders above it the execute bit for others."
        )
    return cluster


def _cluster_at(link: Path) -> Cluster:
    folder = Path(os.path.realpath(link))
    if not folder.is_dir():
        raise EmbeddedServerFailed(
            f"{link} leads to {folder}, which is gone: bring it back, or remove the link to begin anew."
        )
    if folder.stat().st_uid != os.geteuid():
        raise EmbeddedServerFailed(
            f"{folder} belongs to another OS user (uid {folder.stat().st_uid}): run Signalhub as that user, "
            "or set SIGNALHUB_HOME to a folder of your own."
        )
    return Cluster(folder, server_user(folder / "data"))


def _make_cluster_folder(home: Path) -> None:
    link = home / "postgres"
    user = server_user(link / "data")
    if user.reaches(home):
        _make_folder(link, 0o711 if user.is_other else 0o700)
    else:
        _relocate(Path(os.path.realpath(home)))


def _make_folder(path: Path, mode: int) -> None:
    """Made aside and renamed: nobody sees it with the mode that the umask left of it."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    fresh.chmod(mode)
    try:
        fresh.rename(path)
    except OSError:
        fresh.rmdir()
        if not path.is_dir():
            raise


def _relocate(home: Path) -> None:
    if not SHARED_ROOT.is_dir():
        _make_folder(SHARED_ROOT, 0o755)
    require_private(SHARED_ROOT, owner=os.geteuid(), forbidden=0o022)
    with FileLock(SHARED_ROOT / "lock"):
        if os.path.lexists(home / "postgres"):
            return
        _remove_abandoned()
        folder = SHARED_ROOT / secrets.token_hex(8)
        _make_folder(folder, 0o711)
        (folder / "home").write_text(f"{home}\n", encoding="utf-8")
        (home / "postgres").symlink_to(folder)


def _remove_abandoned() -> None:
    for record in SHARED_ROOT.glob("*/home"):
        folder, home = record.parent, _recorded_home(record)
        if not _leads_to(home, folder) and _is_temporary(home) and postmaster_pid(folder / "data") is None:
            shutil.rmtree(folder, ignore_errors=True)


def _recorded_home(record: Path) -> Path:
    return Path(record.read_text(encoding="utf-8").removesuffix("\n"))


def _leads_to(home: Path, folder: Path) -> bool:
    return os.path.realpath(home / "postgres") == os.path.realpath(folder)


def _is_temporary(home: Path) -> bool:
    """A home elsewhere may just have been moved or not be mounted: its data is not ours to judge."""
    places = ("/tmp", "/var/tmp", tempfile.gettempdir())
    return any(home.is_relative_to(os.path.realpath(place)) for place in places)


def remember_home(cluster: Cluster, home: Path) -> None:
    """Keep the record of the owning home true after that home was moved."""
    record = cluster.folder / "home"
    if record.is_file() and not _leads_to(_recorded_home(record), cluster.folder):
        replace_text(record, f"{os.path.realpath(home)}\n", 0o600)
