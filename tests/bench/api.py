"""API: requests/s of GET /api/v1/signals?limit=50 with a key, over 100,000 signals, against a bare Litestar handler.

The floor answers the same bytes from memory: no key, no limits, no database. Both are served by uvicorn in a process
of their own and asked in many short turns by the same clients over kept connections; the medians count. The clients
may be the narrowest place: the note says what a request costs each server in processor time. What is asked for the
first time after a change of the database is measured apart.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from signalhub.db.engine import Database
from signalhub.settings import Settings
from signalhub.subscribers import entitlements, keys, people
from tests import records
from tests.bench.measure import Measurement, seconds

SIGNALS = 100_000
PATH = "/api/v1/signals?limit=50"
_CLIENTS = 16
_SECONDS = 0.6
_ROUNDS = 12
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_OURS = """
import sys
from signalhub.api.app import serve
from signalhub.db.engine import Database, create_engine
from signalhub.settings import Settings
database = Database(create_engine(sys.argv[1]), sys.argv[2])
serve(database, Settings(api_port=0, rate_limit=10**9), lambda url: print(url, flush=True))
"""
_FLOOR = """
import sys
from litestar import Litestar, get
from signalhub.api import server
body = sys.stdin.buffer.read()
@get("/api/v1/signals", sync_to_thread=False, media_type="application/json")
def page(limit: int) -> bytes:
    return body
app = Litestar([page], logging_config=None, openapi_config=None)
server.run(app, "127.0.0.1", 0, lambda url: print(url, flush=True))
"""


def measure(database: Database) -> Iterator[Measurement]:
    token = _fill(database)
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with _served(_OURS, url, database.edition) as (ours, our_process):
        body = _body(ours, token)
        with _served(_FLOOR, stdin=body) as (floor, floor_process):
            before = _cpu_seconds(our_process), _cpu_seconds(floor_process)
            rates = [(_rate(ours, token), _rate(floor, None)) for _ in range(_ROUNDS)]
            spent = _cpu_seconds(our_process) - before[0], _cpu_seconds(floor_process) - before[1]
        costs = [1e6 * cpu / (_SECONDS * sum(side)) for cpu, side in zip(spent, zip(*rates, strict=True), strict=True)]
        yield Measurement(
            *("API, 50 signals with a key", database.edition, "requests"),
            median(rate for rate, _ in rates),
            median(rate for _, rate in rates),
            f"{len(body):,} bytes; processor time a request {costs[0]:.0f} µs, floor {costs[1]:.0f}",
        )
        first = [seconds(lambda: _after_a_change(database, ours, token)) for _ in range(20)]
        yield Measurement("API, the same after a change", database.edition, "requests", 1 / sorted(first)[10])


def _fill(database: Database) -> str:
    """100,000 signals of two strategies over 50 instruments; a subscriber who owns one of them has the key."""
    with database.transaction() as connection:
        for number in range(50):
            records.add_instrument(connection, f"B{number}/USD")
        for name in ("momentum", "breakout"):
            records.add_strategy(connection, name)
        connection.execute(
            "INSERT INTO engine.signals (origin, strategy_id, instrument_id, timeframe, open_at, close_at, direction, "
            "entry, stop, target, score, components, reason, valid_until, input_hash, recorded_at) "
            "SELECT 'replay', 1 + n %% 2, 1 + n / 2 %% 50, '1h', t.at - interval '1 hour', t.at, 'long', 100, 99, 102, "
            '50 + n %% 50, \'{"trend": 0.8, "volume": 0.55}\', \'EMA 9 crossed above EMA 21 with volume 1.6 times its '
            "average.', t.at + interval '12 hours', lpad(n::text, 64, '0'), t.at FROM generate_series(0, %s) AS n "
            "CROSS JOIN LATERAL (SELECT %s - n / 100 * interval '1 hour' AS at) AS t",
            (SIGNALS - 1, _NOW),
        )
        connection.execute(
            "INSERT INTO engine.outcomes (signal_id, tracked_through) SELECT signal_id, close_at FROM engine.signals"
        )
        somebody = people.add(connection, "bench", {}, Settings(), _NOW)
        entitlements.grant(connection, somebody.subscriber_id, ["momentum"], _NOW)
        token, _ = keys.issue(connection, somebody.subscriber_id, _NOW)
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
    return token


@contextmanager
def _served(program: str, *words: str, stdin: bytes = b"") -> Iterator[tuple[str, int]]:
    """A process that serves: its address and its id."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(stdin)
        process.stdin.close()
        try:
            yield process.stdout.readline().decode().strip(), process.pid
        finally:
            process.terminate()


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _body(url: str, token: str) -> bytes:
    asked = urllib.request.Request(url + PATH, headers={"X-API-Key": token})
    with urllib.request.urlopen(asked) as answer:
        found: bytes = answer.read()
    return found


def _after_a_change(database: Database, url: str, token: str) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE engine.outcomes SET tracked_through = tracked_through WHERE signal_id = 1")
    _body(url, token)


def _rate(url: str, token: str | None) -> float:
    return asyncio.run(_answers(int(url.rpartition(":")[2]), token)) / _SECONDS


async def _answers(port: int, token: str | None) -> int:
    key = f"X-API-Key: {token}\r\n" if token else ""
    request = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{key}\r\n".encode()
    until = time.perf_counter() + _SECONDS
    return sum(await asyncio.gather(*(_client(port, request, until) for _ in range(_CLIENTS))))


async def _client(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        count += 1
    writer.close()
    return count
