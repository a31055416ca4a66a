"""The loopback exchange as a process of its own, and how a test starts and scripts it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.doubles.exchange_market import Tape, many
from tests.doubles.exchange_server import SCRIPT

if TYPE_CHECKING:
    from tests.doubles.exchange import Exchange, Trouble

_ROOT = Path(__file__).parents[2]


def main() -> None:
    """Serves until it is ended; the first line it prints is its port."""
    from tests.doubles.exchange import Exchange, serving

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--symbols", type=int, default=12, help="how many markets")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds after a close until the bar is shown")
    parser.add_argument("--frozen-at", type=float, help="epoch seconds at which its clock stands; default: wall time")
    chosen = parser.parse_args()
    exchange = Exchange(many(chosen.symbols), Tape(chosen.seed), delay_seconds=chosen.delay)
    if chosen.frozen_at is not None:
        obey(exchange, {"frozen_at": chosen.frozen_at})
    with serving(exchange, chosen.port):
        print(exchange.url.rpartition(":")[2], flush=True)
        threading.Event().wait()


def obey(exchange: Exchange, words: dict[str, Any]) -> None:
    """Does what Remote wrote."""
    from tests.doubles.exchange import Trouble

    troubles = [Trouble(**item) for item in words.get("troubles", [])]
    if "path" in words and words.get("lasting"):
        exchange.always(words["path"], troubles[0] if troubles else None, words.get("symbol", ""))
    elif "path" in words:
        exchange.script(words["path"], *troubles, symbol=words.get("symbol", ""))
    if "delay_seconds" in words:
        exchange.delay_seconds = words["delay_seconds"]
    if "frozen_at" in words:
        second = words["frozen_at"]
        exchange.clock = time.time if second is None else lambda: second


class Remote:
    """An exchange in another process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def script(self, path: str, *troubles: Trouble, symbol: str = "") -> None:
        """What goes wrong with the next requests of a path, or of one market on it."""
        self._post(path=path, troubles=[asdict(item) for item in troubles], symbol=symbol)

    def always(self, path: str, trouble: Trouble | None, symbol: str = "") -> None:
        """What goes wrong with every request of a path from now on; None: nothing any more."""
        self._post(path=path, troubles=[asdict(trouble)] if trouble else [], symbol=symbol, lasting=True)

    def delay(self, seconds: float) -> None:
        """How long after a close the bar is not there yet."""
        self._post(delay_seconds=seconds)

    def freeze(self, second: float | None) -> None:
        """Stops its clock at an epoch second; None: wall time again."""
        self._post(frozen_at=second)

    def asked(self) -> dict[str, int]:
        """Path → how often it was asked."""
        with urllib.request.urlopen(self.url + SCRIPT, timeout=30) as answer:
            counts: dict[str, int] = json.load(answer)["asked"]
            return counts

    def _post(self, **words: Any) -> None:
        request = urllib.request.Request(self.url + SCRIPT, json.dumps(words).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30):
            return


@contextmanager
def running(*words: object) -> Iterator[Remote]:
    """An exchange in a process of its own, with the options of `main`."""
    command = [sys.executable, "-m", "tests.doubles.exchange", *map(str, words)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Remote(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.kill()
