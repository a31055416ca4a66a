"""The OS user that runs the embedded server, and running programs as that user."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalhub.errors import EmbeddedServerFailed

if sys.platform != "win32":
    import pwd

SERVICE_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class ServerUser:
    """The OS user that the server runs as."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether programs must change to this user first."""
        return self.uid != os.geteuid()

    def run(
        self, command: Sequence[str | Path], cwd: Path, text: str = "", keep: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as this user, in a plain environment, deaf to Ctrl-C.

        `keep` is the descriptor of a lock that the program goes on holding if we are killed.
        """
        change: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            input=text,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            text=True,
            errors="replace",
            umask=0o077,
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
            check=False,
            **(change if self.is_other else {}),
        )

    def reaches(self, folder: Path) -> bool:
        """Whether this user can pass through a folder; asked of the kernel, which knows about ACLs too."""
        asked: list[str | Path] = ["/bin/sh", "-c", 'test -x "$1"', "sh", folder]
        return not self.is_other or self.run(asked, cwd=Path("/")).returncode == 0

    def own(self, path: Path) -> None:
        """Give a file or folder that we made to this user."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def os_user(uid: int) -> ServerUser:
    """Raises: EmbeddedServerFailed where the uid has no name, which peer authentication needs."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerFailed(
            f"The OS user with uid {uid} has no name, which PostgreSQL needs: add it to the passwd database, "
            "or set SIGNALHUB_DATABASE_URL to a server of your own."
        ) from None
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_user(data: Path) -> ServerUser:
    """Whoever we are; as root the owner of the data, else a service user: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return os_user(os.geteuid())
    owner = data.stat().st_uid if data.exists() else 0
    if owner:
        return os_user(owner)
    for name in SERVICE_USERS:
        with suppress(KeyError):
            return os_user(pwd.getpwnam(name).pw_uid)
    raise EmbeddedServerFailed(
        f"PostgreSQL does not run as root, and no OS user {' or '.join(SERVICE_USERS)} exists: make one, "
        "or run Signalhub as an ordinary user."
    )
