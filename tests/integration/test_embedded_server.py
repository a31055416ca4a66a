"""The embedded server, with real servers and real commands: private, shared, stopped, at home anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from signalhub.db import embedded_binaries
from signalhub.db.embedded import EmbeddedServer
from signalhub.errors import EmbeddedServerFailed
from tests.integration.embedded_commands import Command, ask, is_at_work, write


def test_making_the_object_makes_nothing_on_disk(new_server: EmbeddedServer, new_home: Path) -> None:
    assert not new_server.status().is_running
    assert not new_server.stop()
    assert not new_home.exists()


def test_the_server_runs_inside_a_lease_and_not_after_it(new_server: EmbeddedServer, new_home: Path) -> None:
    with new_server.lease() as url:
        assert ask(url, "SELECT current_user || ' ' || current_database()") == "signalhub signalhub"
        assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        status = new_server.status()
        assert status.is_running
        assert status.version == "PostgreSQL " + ask(url, "SHOW server_version")
        assert url == new_server.url()
    assert not is_at_work(new_server)
    assert not (status.data / "postmaster.pid").exists()
    assert new_home.stat().st_mode & 0o777 == 0o700


def test_the_server_listens_on_a_private_socket_only_and_loses_no_commit(server: EmbeddedServer) -> None:
    with server.lease() as url:
        shown = {name: ask(url, f"SHOW {name}") for name in ("listen_addresses", "fsync", "jit", "timezone")}
        assert shown == {"listen_addresses": "", "fsync": "on", "jit": "off", "timezone": "UTC"}
        assert server.status().socket.stat().st_mode & 0o777 == 0o700


def test_data_survives_from_one_lease_to_the_next(server: EmbeddedServer) -> None:
    with server.lease() as url:
        write(url, 7)
    with server.lease() as url:
        assert ask(url, "SELECT n FROM kept") == 7


def test_programs_find_the_database_in_their_environment(server: EmbeddedServer) -> None:
    with server.lease():
        words = [str(server.psql), "-X", "-A", "-t", "-c", "SELECT current_user"]
        answer = subprocess.run(words, env=server.environment(), capture_output=True, text=True, check=True)
        assert answer.stdout == "signalhub\n"
        assert server.environment()["SIGNALHUB_DATABASE_URL"] == server.url()


def test_a_pgport_meant_for_another_server_does_no_harm(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    with server.lease() as url:
        assert ask(url, "SELECT 1") == 1


def test_leases_of_one_process_share_the_server(server: EmbeddedServer, home: Path) -> None:
    answers: list[int] = []

    def work() -> None:
        with EmbeddedServer(home).lease() as url:
            answers.append(ask(url, "SELECT pg_postmaster_start_time()"))

    with server.lease() as url:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [ask(url, "SELECT pg_postmaster_start_time()")] * 4
    assert not is_at_work(server)


def test_two_commands_share_the_server_and_the_last_one_stops_it(server: EmbeddedServer, home: Path) -> None:
    first, second = Command(home).entered(), Command(home).entered()
    pid = server.status().pid
    assert first.leave() == 0
    assert server.status().pid == pid is not None
    assert second.leave() == 0
    assert not is_at_work(server)


def test_ten_commands_that_start_at_once_all_get_a_connection(new_server: EmbeddedServer, new_home: Path) -> None:
    commands = [Command(new_home) for _ in range(10)]
    assert [command.entered().leave() for command in commands] == [0] * 10
    assert not is_at_work(new_server)


def test_a_command_that_comes_while_another_one_stops_the_server_gets_it(server: EmbeddedServer, home: Path) -> None:
    again = """
for _ in range(5):
    with EmbeddedServer(home).lease() as url:
        psycopg.connect(url).close()
"""
    commands = [Command(home, again) for _ in range(3)]
    assert [command.leave() for command in commands] == [0] * 3
    assert not is_at_work(server)


def test_a_forked_child_neither_holds_nor_stops_the_server(server: EmbeddedServer, home: Path) -> None:
    script = """
with EmbeddedServer(home).lease() as url:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        psycopg.connect(url).close()
        if not (idle := os.fork()):
            os.read(0, 1)
            os._exit(0)
if not child:
    os._exit(0)
print("in", flush=True)
"""
    command = Command(home, script).entered()
    assert not is_at_work(server)
    assert command.leave() == 0


def test_a_program_started_inside_does_not_hold_the_lease(server: EmbeddedServer) -> None:
    with server.lease():
        program = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert not is_at_work(server)
    finally:
        program.kill()
        program.wait()


def test_stop_refuses_while_a_command_uses_the_server_unless_forced(server: EmbeddedServer) -> None:
    with server.lease():
        with pytest.raises(EmbeddedServerFailed, match="--force"):
            server.stop()
        assert is_at_work(server)
        assert server.stop(force=True)
        assert not is_at_work(server)


@pytest.mark.parametrize("name", ["l" * 90 + "/" + "h" * 90, 'it\'s "$HOME" `x` \\ 1%, ü'])
def test_a_home_with_a_long_or_odd_path_works(folder: Path, name: str) -> None:
    home = folder / name
    home.mkdir(parents=True)
    for place in (folder, home.parent, home):
        place.chmod(0o755)
    server = EmbeddedServer(home)
    with server.lease() as url:
        assert ask(url, "SELECT 1") == 1
        assert not (home / "postgres").is_symlink()
        assert len(os.fsencode(server.status().socket)) < 100
    assert not is_at_work(server)
    shutil.rmtree(server.status().socket)


def test_a_socket_folder_that_somebody_else_prepared_is_refused(folder: Path) -> None:
    server = EmbeddedServer(folder / ("h" * 120))
    folder.chmod(0o755)
    (folder / ("h" * 120)).mkdir(mode=0o755)
    trap = Path(server.environment()["PGHOST"])
    trap.symlink_to(folder)
    try:
        with pytest.raises(EmbeddedServerFailed, match="should be a folder of uid"), server.lease():
            pass
    finally:
        trap.unlink()


def test_programs_without_the_execute_bit_are_copied_beside_the_data(
    new_server: EmbeddedServer, new_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = embedded_binaries._installed()
    for part in (embedded_binaries.PROGRAMS, embedded_binaries.LIBRARIES):
        shutil.copytree(installed / part, folder / part, ignore=shutil.ignore_patterns("*.a", "include"))
    programs = folder / embedded_binaries.PROGRAMS / "bin"
    for program in programs.iterdir():
        program.chmod(0o644)
    monkeypatch.setattr(embedded_binaries, "_installed", lambda: folder)
    for _ in range(2):
        with new_server.lease() as url:
            assert ask(url, "SELECT 1") == 1
            assert new_server.psql.is_relative_to(os.path.realpath(new_home / "postgres"))
            assert subprocess.run([new_server.psql, "--version"], check=True, capture_output=True).stdout
    assert {program.stat().st_mode & 0o777 for program in programs.iterdir()} == {0o644}
