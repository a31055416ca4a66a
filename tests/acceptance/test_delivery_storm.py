"""A storm of kill -9 over delivery workers: nothing is lost, nothing is sent twice where nobody could tell."""

from __future__ import annotations

import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signalhub.channels.lane import HELD_PER_SLOT
from signalhub.db.engine import Database
from tests.acceptance.commands import PATIENCE, wait_until
from tests.conftest import scale
from tests.delivery_worker import Keyed, Keyless
from tests.market import rows
from tests.outbox_stage import add_messages

pytestmark = pytest.mark.kill

MESSAGES, KILLS, ROUNDS, WORKERS = 10_000, 5, 3, 2
_MOST_UNDER_WAY = HELD_PER_SLOT * Keyless.at_once
"""Messages of a worker that a kill can find begun and not settled: those under way, and those just answered."""


@pytest.mark.parametrize("storm", range(max(1, math.ceil(ROUNDS * scale()))))
def test_killed_workers_lose_nothing_and_send_nothing_twice_blindly(
    database: Database, tmp_path: Path, storm: int
) -> None:
    count, kills = max(800, int(MESSAGES * scale())) // 2, max(2, math.ceil(KILLS * scale()))
    ids = {channel.name: _queue(database, count, channel.name) for channel in (Keyed, Keyless)}
    with _workers(database, tmp_path) as workers:
        _kill(workers, kills, database, 2 * count, random.Random(storm))
        wait_until(lambda: _pending(database) == 0 or workers.are_gone())
        assert not workers.are_gone()
    status = {
        row["message_id"]: row["status"]
        for row in rows(database, "SELECT m.message_id, m.status FROM outbox.messages AS m")
    }
    arrived = {name: Counter(line.split()[0] for line in (tmp_path / name).read_text().splitlines()) for name in ids}

    keyed, keyless = arrived[Keyed.name], arrived[Keyless.name]
    assert "uncertain" in status.values() or max(keyed.values()) > 1, "no kill found a message under way"
    assert set(keyed) == {str(number) for number in ids[Keyed.name]}, "lost"
    assert {status[number] for number in ids[Keyed.name]} == {"sent"}
    assert _one_key_each(tmp_path / Keyed.name), "a repeat is told by its key"

    assert set(keyless.values()) == {1}, "sent twice"
    uncertain = {number for number in ids[Keyless.name] if status[number] == "uncertain"}
    sent = {number for number in ids[Keyless.name] if status[number] == "sent"}
    assert sent | uncertain == set(ids[Keyless.name]), "lost"
    assert sent <= {int(number) for number in keyless}
    assert len(uncertain) <= kills * _MOST_UNDER_WAY
    assert _attempts_agree(database)


class Workers:
    """So many processes at a time."""

    def __init__(self, url: str, folder: Path) -> None:
        self._folder = folder
        self._words = [sys.executable, "-m", "tests.delivery_worker", url, str(folder)]
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.processes.append(subprocess.Popen(self._words, stderr=subprocess.DEVNULL))

    def kill_one(self, chance: random.Random) -> None:
        """One of those that have begun to work, in the midst of it."""
        sent = (self._folder / Keyless.name).read_text().split()[2::3]
        process = chance.choice([process for process in self.processes if str(process.pid) in sent])
        self.processes.remove(process)
        assert process.poll() is None, "it ended by itself"
        process.send_signal(signal.SIGKILL)
        process.wait()

    def are_gone(self) -> bool:
        return any(process.poll() is not None for process in self.processes)


@contextmanager
def _workers(database: Database, folder: Path) -> Iterator[Workers]:
    workers = Workers(database.engine.url.set(drivername="postgresql").render_as_string(False), folder)
    try:
        for _ in range(WORKERS):
            workers.start()
        yield workers
        for process in workers.processes:
            process.terminate()
            # Graceful, or the newest one, which has not come up yet.
            assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    finally:
        for process in workers.processes:
            process.kill()
            process.wait()


def _kill(workers: Workers, kills: int, database: Database, total: int, chance: random.Random) -> None:
    """Kills a worker whenever another part of the messages is done, a random moment later, and starts a new one."""
    for number in range(kills):
        done = total * (number + chance.random()) / (kills + 1)
        wait_until(lambda done=done: total - _pending(database) >= done or workers.are_gone())
        time.sleep(chance.uniform(0, 0.02))
        workers.kill_one(chance)
        workers.start()


def _queue(database: Database, count: int, channel: str) -> list[int]:
    with database.transaction() as connection:
        (first,) = add_messages(connection, 1, channel)
        found = connection.execute(
            "INSERT INTO outbox.messages (kind, channel, subscriber_id, due_at, created_at) "
            "SELECT m.kind, m.channel, m.subscriber_id, m.due_at, m.created_at FROM outbox.messages AS m "
            "CROSS JOIN generate_series(2, %s) WHERE m.message_id = %s RETURNING message_id",
            (count, first),
        )
        return [first, *(row[0] for row in found)]


def _pending(database: Database) -> int:
    (row,) = rows(database, "SELECT count(*) AS pending FROM outbox.messages WHERE status = 'pending'")
    return int(row["pending"])


def _one_key_each(sent: Path) -> bool:
    keys: dict[str, set[str]] = {}
    for line in sent.read_text().splitlines():
        number, key, _ = line.split()
        keys.setdefault(number, set()).add(key)
    return all(len(found) == 1 for found in keys.values()) and len(set.union(*keys.values())) == len(keys)


def _attempts_agree(database: Database) -> bool:
    """The last attempt of every message says what its status says."""
    return not rows(
        database,
        "SELECT m.message_id FROM outbox.messages AS m WHERE NOT EXISTS (SELECT 1 FROM outbox.attempts AS t "
        "WHERE t.message_id = m.message_id AND t.attempt = m.attempts AND t.verdict = m.status)",
    )
