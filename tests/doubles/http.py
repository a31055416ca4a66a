"""A loopback HTTP server that answers, refuses, hangs up or falls silent, as its script says."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

RESET_BEFORE = "reset before the request is read"
RESET_AFTER = "reset after the request was read"
SILENCE = "silence after the request was read"


@dataclass(frozen=True)
class Answer:
    """A status, its JSON (or other text) and headers."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Step: TypeAlias = Answer | str
"""An answer, or one of the ways to give none."""


@dataclass
class HttpDouble:
    """What the double was asked, and what it shall do next; the script is used up step by step."""

    url: str = ""
    port: int = 0
    script: deque[Step] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    taken: list[Request] = field(default_factory=list)
    """Those that were answered with a 2xx."""
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def answer_to(self, request: Request) -> Answer:
        """What is answered where the script says nothing."""
        del request
        return Answer()


def _reset(connection: socket.socket) -> None:
    """Ends the connection by RST, as a crashed peer's system does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Below TLS: a plain close of the file descriptor sends the RST.
    socket.socket(fileno=connection.detach()).close()


class _Handler(BaseHTTPRequestHandler):
    """Plays one connection. `double` and `lock` are those of the server it belongs to."""

    protocol_version = "HTTP/1.1"
    double: HttpDouble
    lock: threading.Lock

    def setup(self) -> None:
        super().setup()
        script = self.double.script
        with self.lock:
            self.double.connections += 1
            self.is_refused = bool(script) and script[0] == RESET_BEFORE
            if self.is_refused:
                script.popleft()

    def handle(self) -> None:
        if self.is_refused:
            # Once it is there, or the client would know that it never left.
            select.select([self.connection], [], [])
            _reset(self.connection)
            return
        super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        with self.lock:
            self.double.requests.append(request)
            step = self.double.script.popleft() if self.double.script else self.double.answer_to(request)
            if isinstance(step, Answer) and 200 <= step.status < 300:
                self.double.taken.append(request)
        self._do(step)

    def do_GET(self) -> None:
        self.do_POST()

    def _do(self, step: Step) -> None:
        self.close_connection = not isinstance(step, Answer)
        if isinstance(step, Answer):
            self._say(step)
        elif step == SILENCE:
            self.double.released.wait()
        else:
            _reset(self.connection)

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.payload))}
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.payload)

    def finish(self) -> None:
        if self.connection.fileno() >= 0:
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the play."""

    def shutdown_request(self, request: Any) -> None:
        if request.fileno() >= 0:
            super().shutdown_request(request)


@contextmanager
def serving(make: Callable[[], HttpDouble] = HttpDouble, tls: ssl.SSLContext | None = None) -> Iterator[HttpDouble]:
    """A double on a free loopback port, with TLS where a context is given."""
    double = make()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"double": double, "lock": threading.Lock()}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.port = server.server_port
    double.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield double
    finally:
        double.released.set()
        server.shutdown()
        server.server_close()
