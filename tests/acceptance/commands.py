"""Runs `signalhub` as a person would: a process with its own environment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = (sys.executable, "-m", "signalhub")


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
