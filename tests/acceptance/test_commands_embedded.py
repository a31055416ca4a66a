"""`signalhub migrate` and `db` on the embedded server: made on demand, shared, stopped with the last command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import (
    COMMAND,
    PATIENCE,
    answer_of,
    assert_refused,
    environment,
    first_line,
    signalhub,
    started,
    wait_until,
)
from tests.acceptance.places import empty_home
from tests.bench.market import walk


@pytest.fixture(scope="module")
def embedded() -> Iterator[dict[str, str]]:
    with empty_home() as home:
        yield environment(home)


def test_the_embedded_database_is_made_on_demand_and_a_second_migrate_has_nothing_to_do(
    embedded: dict[str, str],
) -> None:
    before = signalhub(embedded, "db", "status")
    assert "not running; commands start it on demand" in before.stdout
    assert not list(Path(embedded["SIGNALHUB_HOME"]).iterdir()), "asking for the status made something"
    first, second = signalhub(embedded, "migrate"), signalhub(embedded, "migrate")
    assert re.fullmatch(r"Revision empty → \d{4} on postgres, \d+ derived files applied\.\n", first.stdout)
    assert re.fullmatch(r"Nothing to do: revision \d{4} on postgres\.\n", second.stdout)
    assert (first.returncode, first.stderr, second.returncode, second.stderr) == (0, "", 0, "")


def test_a_command_finds_the_embedded_database_in_its_environment(embedded: dict[str, str]) -> None:
    script = 'psql -X -A -t -c "SELECT count(*) FROM market.instruments"; printf "%s\\n" "$SIGNALHUB_DATABASE_URL"'
    folder = signalhub(embedded, "db", "psql", "-X", "-A", "-t", "-c", "SHOW unix_socket_directories").stdout.strip(
        '"\n'
    )
    done = signalhub(embedded, "db", "exec", "--", "sh", "-c", f"{script}; env; exit 3")
    url = signalhub(embedded, "db", "url").stdout.strip()
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("PG"))
    assert variables == {"PGHOST": folder, "PGPORT": "5432", "PGUSER": "signalhub", "PGDATABASE": "signalhub"}
    assert done.returncode == 3
    assert url in done.stdout
    assert url.startswith("postgresql://signalhub@/signalhub?host=")


def test_the_exit_code_of_a_command_is_passed_on(embedded: dict[str, str]) -> None:
    assert answer_of(signalhub(embedded, "db", "exec", "--", "false")) == (1, "", "")
    killed = signalhub(embedded, "db", "exec", "--", "sh", "-c", "kill -9 $$")
    assert killed.returncode == 128 + signal.SIGKILL


def test_a_command_that_cannot_be_run_is_one_line(embedded: dict[str, str], tmp_path: Path) -> None:
    # A folder in PATH that may not be entered would make it "Permission denied".
    plainly = {**embedded, "PATH": os.defpath}
    assert_refused(answer_of(signalhub(plainly, "db", "exec", "--", "no-such")), "no command 'no-such'", code=2)
    plain = tmp_path / "plain"
    plain.write_text("text")
    done = signalhub(embedded, "db", "exec", "--", plain)
    assert_refused(answer_of(done), f"{str(plain)!r} cannot be run: Permission denied", code=2)


def test_the_embedded_server_is_stopped_with_the_last_command_and_stop_says_so(embedded: dict[str, str]) -> None:
    with started(embedded, "db", "exec", "--", "sh", "-c", "echo up; read _", stdin=subprocess.PIPE) as holder:
        assert first_line(holder) == "up\n"
        assert "running, process" in signalhub(embedded, "db", "status").stdout
        assert_refused(answer_of(signalhub(embedded, "db", "stop")), "Another command uses the embedded server")
        holder.communicate("\n", timeout=PATIENCE)
    assert "not running" in signalhub(embedded, "db", "status").stdout
    assert signalhub(embedded, "db", "stop").stdout == "It was not running.\n"


def test_sigint_is_the_childs_and_sigterm_is_passed_on_to_it(embedded: dict[str, str]) -> None:
    script = "trap 'echo int' INT; trap 'echo term; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    with started(embedded, "db", "exec", "--", "sh", "-c", script, start_new_session=True) as holder:
        assert first_line(holder) == "up\n"
        os.killpg(holder.pid, signal.SIGINT)
        assert first_line(holder) == "int\n"
        holder.send_signal(signal.SIGTERM)
        out, err = holder.communicate(timeout=PATIENCE)
    assert (holder.returncode, out, err) == (7, "term\n", "")
    assert "not running" in signalhub(embedded, "db", "status").stdout


def test_a_command_ended_by_sigterm_leaves_the_embedded_server_stopped(embedded: dict[str, str]) -> None:
    path = Path(embedded["SIGNALHUB_HOME"]) / "XUSDT_1h.csv"
    walk(60_000, H1, 1).drop("turnover").write_csv(path)
    with started(embedded, "import", path) as importing:
        wait_until(lambda: "running, process" in signalhub(embedded, "db", "status").stdout)
        importing.terminate()
        _, err = importing.communicate(timeout=PATIENCE)
    assert importing.returncode == 128 + signal.SIGTERM
    assert err.strip() == "signalhub: terminated"
    assert "not running" in signalhub(embedded, "db", "status").stdout


def test_a_relative_home_is_a_folder_of_the_working_directory() -> None:
    with empty_home() as home:
        env = environment(Path("some/home"))
        words = [*COMMAND, "status", "--json"]
        done = subprocess.run(words, env=env, cwd=home, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert (home / "some/home/postgres").exists()
        (home / "postgres").symlink_to(home / "some/home/postgres")  # found and removed at the end
