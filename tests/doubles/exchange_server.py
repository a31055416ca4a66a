"""The loopback exchange's HTTP side: answers, and the ways an answer may fail to arrive."""

from __future__ import annotations

import json
import socket
import struct
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SCRIPT = "/double/script"
_PAGE = b"<html><body>Sign in to continue</body></html>"


class Server(ThreadingHTTPServer):
    """Whoever is connected when it closes is left alone."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    exchange: Any


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open between requests as the real one does."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: else each answer waits for a delayed acknowledgement
    server: Server

    def do_GET(self) -> None:
        """Answers, or goes wrong as scripted."""
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == SCRIPT:
            return self._send(200, json.dumps(self._asked()).encode())
        exchange = self.server.exchange
        trouble = exchange.trouble(parts.path, query)
        if trouble is None:
            status, body = exchange.answer(parts.path, query)
            return self._send(status, json.dumps(body).encode())
        if trouble.kind == "status":
            body = {"msg": "scripted"} | ({"code": -1003} if trouble.status in (418, 429) else {})
            return self._send(trouble.status, json.dumps(body).encode(), trouble.headers)
        return getattr(self, f"_{trouble.kind}")(parts.path, query)

    def do_POST(self) -> None:
        """Takes a script from another process: see Remote."""
        from tests.doubles.exchange_process import obey

        obey(self.server.exchange, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._send(200, b"{}")

    def _asked(self) -> dict[str, Any]:
        exchange = self.server.exchange
        counts: dict[str, int] = {}
        for path, _ in list(exchange.asked):
            counts[path] = counts.get(path, 0) + 1
        return {"asked": counts, "clock": exchange.clock()}

    def _send(self, status: int, payload: bytes, headers: dict[str, str] | None = None, length: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(length or len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def _reset(self, *_: Any) -> None:
        # Closing with no time to linger sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _garbage(self, *_: Any) -> None:
        self._send(200, _PAGE)

    def _cut(self, path: str, query: dict[str, str]) -> None:
        payload = json.dumps(self.server.exchange.answer(path, query)[1]).encode()
        self._send(200, payload[: len(payload) // 2], length=len(payload))
        self.close_connection = True

    def _hang(self, *_: Any) -> None:
        self.server.exchange.closed.wait()
        self.close_connection = True

    def _trickle(self, *_: Any) -> None:
        self._send(200, b"[", length=1_000_000)
        while not self.server.exchange.closed.wait(0.1):
            self.wfile.write(b" ")
            self.wfile.flush()
        self.close_connection = True

    def handle(self) -> None:
        """A client that goes away is no error of the exchange's."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        """As the base does, for a connection that may be broken already."""
        try:
            super().finish()
        except (OSError, ValueError):
            return

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date of answers, by the exchange's clock."""
        return formatdate(self.server.exchange.clock() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""
