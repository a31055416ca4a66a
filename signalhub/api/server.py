"""The server that carries the API: uvicorn, stopped by SIGINT or SIGTERM, or by an event."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from litestar.types import ASGIApp

from signalhub.errors import UsageInvalid

_PATIENCE_SECONDS = 5
"""How long answers that are under way may take once the server was asked to stop."""
_ADVICE = "Choose another with SIGNALHUB_API_PORT, or with demo --port."
_REASONS = {
    errno.EADDRINUSE: "is taken by another program",
    errno.EACCES: "may not be used by this user",
    errno.EADDRNOTAVAIL: "cannot be had, for this machine has no such address (SIGNALHUB_API_HOST)",
}
Ready = Callable[[str], None]


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


class _GuestServer(_Server):
    """Serves in somebody else's event loop, who also hears the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(app: ASGIApp, host: str, port: int, ready: Ready | None = None) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is told the address as soon as it answers. Port 0: any free one.

    Raises: UsageInvalid when the port cannot be had, saying which.
    """
    with bound(host, port) as listener:
        _Server(_config(app), _announcing(listener, ready)).run([listener])


async def serve_until(app: ASGIApp, host: str, port: int, stop: asyncio.Event, ready: Ready | None = None) -> None:
    """Serves in this event loop until `stop` is set, leaving signals to others; otherwise as `run` does.

    Raises: UsageInvalid when the port cannot be had, saying which.
    """
    with bound(host, port) as listener:
        server = _GuestServer(_config(app), _announcing(listener, ready))
        serving = asyncio.create_task(server.serve([listener]), name="api")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            server.should_exit = True
            await serving


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_PATIENCE_SECONDS
    )


def _announcing(listener: socket.socket, ready: Ready | None) -> Callable[[], None]:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return lambda: ready(url) if ready else None


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises: UsageInvalid when the port cannot be had, saying why.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    # A port that was just in use is free at once; one that is being listened on still is not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = _REASONS.get(getattr(error, "errno", None) or 0, "cannot be used")
        raise UsageInvalid(f"Port {port} of {host} {reason}. {_ADVICE}") from error
    return listener
