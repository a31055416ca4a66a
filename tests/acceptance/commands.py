"""Runs `signalhub` as a person would: a process with its own environment; and what it answers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

COMMAND = (sys.executable, "-m", "signalhub")
PATIENCE = 60.0  # only a hang takes that long


class Answer(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Here = Callable[..., Answer]
"""Runs a command in this process: its environment, then its words."""


def environment(home: Path, url: str | None = None, **settings: str) -> dict[str, str]:
    """A clean environment: nothing of SIGNALHUB_* or PG* leaks in from the machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SIGNALHUB_", "PG"))}
    database = {"SIGNALHUB_DATABASE_URL": url} if url else {}
    return {**kept, "SIGNALHUB_HOME": str(home), "SIGNALHUB_DEMO_EXCHANGE": "none", **database, **settings}


def signalhub(env: dict[str, str], *words: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], env=env, text=True, capture_output=True, timeout=timeout, check=False
    )


def answer_of(done: subprocess.CompletedProcess[str]) -> Answer:
    return Answer(done.returncode, done.stdout, done.stderr)


def assert_refused(answer: Answer, *parts: str, code: int = 1) -> None:
    """One line on stderr that says all this, and nothing on stdout."""
    assert (answer.code, answer.out) == (code, ""), answer
    assert answer.err.startswith("signalhub: "), answer
    assert answer.err.count("\n") == 1, answer
    for part in parts:
        assert part in answer.err, answer


def started(env: dict[str, str], *words: object, **options: Any) -> subprocess.Popen[str]:
    """Starts a command whose output is read while it runs."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def kill_at_random(env: dict[str, str], within: float, chance: random.Random, *words: object) -> bool:
    """Starts a command and kills it -9 within so many seconds; whether it was still at work."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(chance.uniform(0.2, within))
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return was_running
