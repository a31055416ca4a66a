"""The server that carries the API: uvicorn on the loopback interface, stopped by SIGINT or SIGTERM."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from litestar.types import ASGIApp

from signalhub.errors import UsageInvalid

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 5
"""How long answers that are under way may take once the server was asked to stop."""
_ADVICE = "Choose another with --port or SIGNALHUB_API_PORT."
_REASONS = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "may not be used by this user"}


class _Server(uvicorn.Server):
    """Tells when it is ready; a signal ends it like any other end, so that what lies around it is closed in order."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 — uvicorn's signature.
        # uvicorn raises the signal once more after its end, which would kill the process before it has tidied up.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def run(app: ASGIApp, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is told the address as soon as it answers. Port 0: any free one.

    Raises: UsageInvalid when the port cannot be had, saying which.
    """
    with _bound(port) as listener:
        url = f"http://{_HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_PATIENCE_SECONDS
        )
        _Server(config, lambda: ready(url) if ready else None).run([listener])


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # A port that was just in use is free at once; one that is being listened on still is not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = _REASONS.get(getattr(error, "errno", None) or 0, "cannot be used")
        raise UsageInvalid(f"Port {port} of {_HOST} {reason}. {_ADVICE}") from error
    return listener
