"""A lock on a file that several commands hold at once, or one alone.

The kernel lets go of it when its holder ends, even by kill -9, so there is no list of pids that could go
stale. A forked child holds nothing, and a program that was started holds it only when handed the descriptor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class FileLock:
    """An flock, held from the moment of making until `release`. Two of one process exclude each other too."""

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._holder = os.getpid()
        _open.add(self)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except BaseException:
            self.release()
            raise

    @property
    def descriptor(self) -> int:
        """For a program that must keep the lock beyond the life of this one."""
        return self._descriptor

    @property
    def is_ours(self) -> bool:
        """False in a forked child of the holder."""
        return self._holder == os.getpid()

    def become_exclusive(self) -> bool:
        """Exclusive at once, or the lock is lost.

        Of several holders that try at the same time the last one gets it, since a failing one lets go.
        """
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go. A second time, or in a forked child, it does nothing."""
        if self.is_ours and self in _open:
            _open.discard(self)
            os.close(self._descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_open: set[FileLock] = set()


def _forget_in_the_child() -> None:
    for lock in _open:
        os.close(lock.descriptor)
    _open.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_in_the_child)
