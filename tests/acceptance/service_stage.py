"""A running `signalhub run` on a database, against the loopback exchange: started, killed, and looked at."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from signalhub.jobs.schedule import PARTS
from tests.acceptance.commands import COMMAND, PATIENCE
from tests.doubles.exchange_market import SPANS, Tape, many

MINUTE = SPANS["1m"]
SYMBOLS = 30
FOR_EVER = 10.0**12
SETTINGS = {
    "SIGNALHUB_MIN_SCORE": "0",
    "SIGNALHUB_TOP": str(SYMBOLS),
    # The strategies warm up on an hour; the rest is for the look-back to have something to catch up on.
    "SIGNALHUB_HISTORY_DAYS": "0.1",
    "SIGNALHUB_LOOKBACK_HOURS": "1",
    "SIGNALHUB_WEBHOOK_ALLOW_PRIVATE": "yes",
}


class Stage:
    """The service of one database, as its operator sees it."""

    def __init__(self, env: dict[str, str], url: str, log: Path) -> None:
        self.env = {**env, "SIGNALHUB_API_PORT": str(_free_port())}
        self.url = url
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def one(self, statement: str) -> Any:
        return self.rows(statement)[0][0]

    def start(self, *words: str) -> None:
        with self.log.open("ab") as log:
            command = [*COMMAND, "--debug", "run", *words]
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, start_new_session=True)

    def children(self) -> list[int]:
        assert self.process is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(word) for word in listed.stdout.split()]

    def kill(self, chance: random.Random) -> str:
        """kill -9 of the whole service, of its supervisor, or of one of its processes; which it was."""
        assert self.process is not None
        what = chance.choice(("all", "supervisor", "a process"))
        children = self.children()
        if what == "a process" and children:
            os.kill(chance.choice(children), signal.SIGKILL)
            return what
        self.process.send_signal(signal.SIGKILL)
        for child in children if what == "all" else []:
            os.kill(child, signal.SIGKILL)
        self.process.wait()
        self.start()
        return what

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def interrupt(self) -> int:
        """Ctrl-C in the terminal: every process of the service hears of it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)

    def is_at_work_since(self, instant: datetime) -> bool:
        """Whether every part has said since then that it is alive."""
        try:
            seen = dict(self.rows("SELECT part, max(seen_at) FROM engine.heartbeats GROUP BY part"))
        except psycopg.Error:
            return False
        return set(seen) == set(PARTS) and min(seen.values()) > instant

    def wait_until_at_work(self, instant: datetime) -> float:
        """Seconds from the instant until every part is at work again."""
        self.wait(lambda: self.is_at_work_since(instant), "the service is not back at work")
        return (datetime.now(UTC) - instant).total_seconds()

    def wait(self, condition: Any, complaint: str, patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"{complaint}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def newest_settled(self) -> datetime | None:
        """Up to where every followed instrument is settled."""
        found: datetime | None = self.one("SELECT min(settled_through) FROM market.watermarks")
        return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def on_stage(env: dict[str, str], url: str, log: Path) -> Iterator[Stage]:
    """The stage; nothing of it runs on afterwards."""
    stage = Stage(env, url, log)
    try:
        yield stage
    finally:
        if stage.process is not None and stage.process.poll() is None:
            for pid in [*stage.children(), stage.process.pid]:
                os.kill(pid, signal.SIGKILL)
            stage.process.wait()


def bars_that_are_wrong(stage: Stage) -> list[str]:
    """Bars that the exchange has and the store lacks, or the other way round, or that differ in a price."""
    tape, wrong = Tape(), []
    spans = stage.rows(
        "SELECT i.symbol, min(b.open_at), max(w.settled_through), count(*) "
        "FROM market.instruments i JOIN market.watermarks w USING (instrument_id) "
        "JOIN market.bars b USING (instrument_id) GROUP BY i.symbol"
    )
    stored = {
        (symbol, int(open_at.timestamp())): (open_, high, low, close)
        for symbol, open_at, open_, high, low, close in stage.rows(
            "SELECT i.symbol, b.open_at, b.open, b.high, b.low, b.close "
            "FROM market.bars b JOIN market.instruments i USING (instrument_id)"
        )
    }
    markets = {f"{market.base}/{market.quote}": market for market in many(SYMBOLS)}
    for symbol, first, through, count in spans:
        seconds = range(int(first.timestamp()), int(through.timestamp()), MINUTE)
        if len(seconds) != count:
            wrong.append(f"{symbol}: {count} bars of {len(seconds)}")
        for second in seconds:
            candle = tape.candle(markets[symbol], second, MINUTE, FOR_EVER)
            if stored.get((symbol, second)) != tuple(float(text) for text in candle[1:5]):
                wrong.append(f"{symbol} at {datetime.fromtimestamp(second, UTC)}")
    return wrong
