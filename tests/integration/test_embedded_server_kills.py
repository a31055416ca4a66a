"""The embedded server after kills of clients, of the postmaster and of its own first initialisation."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from signalhub.db.embedded import EmbeddedServer
from tests.conftest import scale
from tests.integration.embedded_commands import IS_ROOT, PATIENCE, Command, ask, is_at_work, write


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def test_after_a_kill_of_a_command_the_next_one_works_and_stops_the_server(server: EmbeddedServer, home: Path) -> None:
    Command(home).entered().kill()
    assert is_at_work(server)
    assert Command(home).entered().leave() == 0
    assert not is_at_work(server)


def test_after_a_kill_of_the_server_the_next_lease_recovers(server: EmbeddedServer) -> None:
    with server.lease() as url:
        write(url, 7)
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with server.lease() as again:
            assert ask(again, "SELECT n FROM kept") == 7
            assert server.status().pid not in (pid, None)
    assert not is_at_work(server)


def test_pid_files_that_name_a_living_stranger_do_not_hinder_a_start(server: EmbeddedServer) -> None:
    with server.lease():
        status = server.status()
    owner = status.data.stat()
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if IS_ROOT else None)
    try:
        for path in (status.data / "postmaster.pid", status.socket / ".s.PGSQL.5432.lock"):
            path.write_text(f"{stranger.pid}\n{status.data}\n0\n5432\n{status.socket}\n\n  1  1\n")
        assert not server.stop()
        assert stranger.poll() is None
        with server.lease() as url:
            assert ask(url, "SELECT 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("moment", [0.0, 0.15, 0.3, 0.45])
def test_a_kill_during_the_first_initialisation_leaves_nothing_broken(
    new_server: EmbeddedServer, new_home: Path, moment: float
) -> None:
    command = Command(new_home)
    wait_until(lambda: (new_home / "postgres" / "data.new").exists())
    time.sleep(moment)
    command.kill()
    with new_server.lease() as url:
        assert ask(url, "SELECT 1") == 1
    assert not (new_home / "postgres" / "data.new").exists()
    assert not is_at_work(new_server)


@pytest.mark.kill
def test_kills_at_random_moments_never_hinder_the_next_command(server: EmbeddedServer, home: Path) -> None:
    endless = """
while True:
    with EmbeddedServer(home).lease():
        print("in", flush=True)
"""
    with server.lease() as url:
        write(url, 7)
    for turn in range(max(3, round(20 * scale()))):
        command = Command(home, endless).entered()
        time.sleep(0.037 * turn % 0.5)
        command.kill()
        with server.lease() as url:
            assert ask(url, "SELECT n FROM kept") == 7
        assert not is_at_work(server)


def test_stop_ends_a_server_that_a_killed_command_left_behind(server: EmbeddedServer, home: Path) -> None:
    Command(home).entered().kill()
    assert server.stop()
    assert not is_at_work(server)
    assert not server.stop()
