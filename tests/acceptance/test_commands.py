"""Every command but import and demo, on the embedded server and on a server of one's own, used well and badly."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from signalhub.cli import app
from signalhub.domain.timeframe import H1
from tests import servers
from tests.acceptance.commands import COMMAND, environment, signalhub
from tests.acceptance.fingerprint import fingerprint
from tests.acceptance.places import empty_home, own_database
from tests.bench.market import walk

FIELDS = """
signal_id strategy strategy_version symbol asset_class timeframe direction open_at close_at entry stop target
risk_reward score components confidence reason valid_until published_at status is_ambiguous fill_price fill_at
exit_price exit_at gross_return_pct net_return_pct r_multiple mfe_r mae_r input_hash origin is_simulated recorded_at
"""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
PATIENCE = 60.0  # only a hang takes that long


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Here = Callable[..., Answer]


@pytest.fixture(scope="module")
def url(server_urls: dict[str, str]) -> Iterator[str]:
    with own_database(server_urls, "commands") as made:
        yield made


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A database of one's own with bars and replayed signals of two instruments."""
    folder = tmp_path_factory.mktemp("market")
    for seed, symbol in enumerate(("AAAUSDT", "BBBUSDT")):
        walk(1500, H1, seed).drop("turnover").write_csv(folder / f"{symbol}_1h__desk.csv")
    env = environment(folder, url, SIGNALHUB_MIN_SCORE="30")
    for words in (("migrate",), ("import", folder), ("replay", "--timeframe", "1h", "--timeframe", "4h")):
        done = signalhub(env, *words)
        assert (done.returncode, done.stderr) == (0, "")
    return env


@pytest.fixture(scope="module")
def embedded() -> Iterator[dict[str, str]]:
    with empty_home() as home:
        yield environment(home)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """Runs a command in this process, which is quicker; for what ends before a database is needed, or reads one."""
    mine = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.chdir(tmp_path)

    def run(env: dict[str, str], *words: str) -> Answer:
        for key in [key for key in os.environ if key.startswith(("SIGNALHUB_", "PG"))]:
            monkeypatch.delenv(key)
        for key, value in env.items():
            monkeypatch.setenv(key, value)
        code = app.run(words)
        return Answer(code, *capsys.readouterr())

    yield run
    for number, handler in mine.items():
        signal.signal(number, handler)


def assert_refused(answer: Answer, *parts: str, code: int = 1) -> None:
    """One line on stderr that says all this, and nothing on stdout."""
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("signalhub: ")
    assert answer.err.count("\n") == 1
    for part in parts:
        assert part in answer.err


def answer_of(done: subprocess.CompletedProcess[str]) -> Answer:
    return Answer(done.returncode, done.stdout, done.stderr)


# --- migrate and db, embedded


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
    script = 'psql -X -A -t -c "SELECT count(*) FROM market.instruments"; printf "%s" "$SIGNALHUB_DATABASE_URL"'
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


# --- migrate and db, a server of one's own


def test_commands_on_an_unmigrated_database_of_ones_own_say_what_to_run(
    empty_database_url: str, tmp_path: Path, here: Here
) -> None:
    env = environment(tmp_path, empty_database_url)
    bars = tmp_path / "AUSDT_1h.csv"
    walk(3, H1, 1).drop("turnover").write_csv(bars)
    for words in (["status"], ["signals"], ["once"], ["replay"], ["import", str(bars)], ["demo", "--no-serve"]):
        assert_refused(here(env, *words), "Run `signalhub migrate`")
    assert here(env, "migrate").out.startswith("Revision empty → ")
    assert here(env, "migrate").out.startswith("Nothing to do: ")
    assert here(env, "status").code == 0


def test_revisions_are_taken_back_only_on_a_clear_yes(
    env: dict[str, str], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert_refused(here(env, "migrate", "--down-to", "base"), "--yes", code=2)
    assert here(env, "status").code == 0


def test_db_commands_on_a_server_of_ones_own(url: str, env: dict[str, str], here: Here, tmp_path: Path) -> None:
    assert here(env, "db", "url").out == f"{url}\n"
    assert "answers" in here(env, "db", "status").out
    assert_refused(here(env, "db", "stop"), "SIGNALHUB_DATABASE_URL is set", code=2)
    done = signalhub(env, "db", "exec", "--", "env")
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert variables["SIGNALHUB_DATABASE_URL"] == url
    parts = servers.sqlalchemy.make_url(url)
    assert variables["PGDATABASE"] == parts.database
    assert variables["PGHOST"] == (parts.host or parts.query["host"])
    assert not (tmp_path / "postgres").exists()


def test_psql_gets_the_url_through_its_environment_where_nobody_sees_the_password(
    env: dict[str, str], tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "psql"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"; env | grep ^PG | sort\n')
    fake.chmod(0o755)
    secret = "postgresql://me:s%40same@db.invalid:6543/trades?sslmode=require"
    done = signalhub(
        {**env, "PATH": f"{fake.parent}:{env['PATH']}", "SIGNALHUB_DATABASE_URL": secret}, "db", "psql", "-l"
    )
    expected = ["-l", "PGDATABASE=trades", "PGHOST=db.invalid", "PGPASSWORD=s@same", "PGPORT=6543"]
    assert done.stdout.splitlines() == [*expected, "PGSSLMODE=require", "PGUSER=me"]


@pytest.mark.parametrize(
    ("url", "code", "part"),
    [
        ("postgresql://u:sesame@127.0.0.1:1/x", 1, "at 127.0.0.1 does not answer"),
        ("postgresql://u:sesame@nowhere.invalid/x", 1, "at nowhere.invalid does not answer"),
        ("postgresql://u:sesame@127.0.0.1:port/x", 2, "(not shown) cannot be read"),
        ("postgresql://u:se@s:ame@127.0.0.1:1/x", 2, "(not shown) cannot be read"),
        ("postgresql://u:se%zzame@127.0.0.1:1/x", 2, "(not shown) cannot be read"),
        ("postgresql://u:sesame@127.0.0.1:1/x?no=thing", 2, "(not shown) cannot be read"),
        ("mysql://u:sesame@127.0.0.1:1/x", 2, "(not shown): expected a postgresql:// URL"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line_without_the_password(
    url: str, code: int, part: str, tmp_path: Path, here: Here
) -> None:
    answer = here(environment(tmp_path, url), "status")
    assert_refused(answer, part, code=code)
    assert not re.search(r"\b(sesame|se|s:ame|ame)\b", answer.err)


# --- wrong words


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["db", "nope"],
        ["db", "exec"],
        ["import"],
        ["status", "--nope"],
        ["replay", "--from", "yesterday"],
        ["replay", "--from", "2024-01-02", "--to", "2024-01-01"],
        ["replay", "--from", "2024-01-02T00:00Z", "--to", "2024-01-02T02:00+02:00"],
        ["replay", "--timeframe", "7m"],
        ["replay", "--strategy", "nope"],
        ["signals", "--limit", "0"],
        ["signals", "--limit", "many"],
        ["signals", "--timeframe", "1w"],
        ["signals", "--strategy", "nope"],
        ["import", "a.csv", "--asset-class", "art"],
        ["import", "a.csv", "--rejects", "/"],
        ["demo", "--port", "70000"],
    ],
)
def test_wrong_usage_is_told_on_stderr_with_code_2(words: list[str], env: dict[str, str], here: Here) -> None:
    answer = here(env, *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.strip()
    assert "Traceback" not in answer.err


def test_an_unknown_or_wrong_setting_is_refused_by_name(tmp_path: Path, here: Here) -> None:
    env = environment(tmp_path)
    assert_refused(here(env | {"SIGNALHUB_FOO": "1"}, "status"), "SIGNALHUB_FOO", "SIGNALHUB_HOME", code=2)


def test_a_wrong_setting_is_refused_with_what_was_expected(tmp_path: Path, here: Here) -> None:
    env = environment(tmp_path, SIGNALHUB_FEE_BPS="cheap")
    assert_refused(here(env, "status"), "SIGNALHUB_FEE_BPS", "'cheap'", "basis points", code=2)


def test_help_and_version_need_neither_database_nor_right_settings(tmp_path: Path, here: Here) -> None:
    env = environment(tmp_path, SIGNALHUB_FOO="1")
    for words in (["--help"], ["-h"], ["import", "--help"]):
        assert here(environment(tmp_path), *words).out.startswith("Usage: signalhub")
    assert here(env, "--help").code == 0
    assert re.fullmatch(r"signalhub, version \d+\.\d+\.\d+\S*\n", here(env, "--version").out)


def test_unknown_symbols_are_told_with_those_there_are(env: dict[str, str], here: Here) -> None:
    for words in (["signals", "--symbol", "NOPE"], ["replay", "--symbol", "NOPE"]):
        assert_refused(here(env, *words), "'NOPE'", "AAA/USDT, BBB/USDT")


def test_a_traceback_is_shown_with_debug_only(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "signals", "--symbol", "NOPE"))
    debugged = here(env, "--debug", "signals", "--symbol", "NOPE")
    assert debugged.code == 1
    assert debugged.err.startswith("Traceback")
    assert "NotFound" in debugged.err


def test_a_programming_error_is_one_line_too_and_a_word_of_a_childs_is_no_option_of_ours(
    env: dict[str, str], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def broken(rest: tuple[str, ...]) -> None:
        raise ZeroDivisionError(f"in\nthe middle of {len(rest)}")

    monkeypatch.setitem(app.cli.commands, "broken", broken)
    assert_refused(here(env, "broken", "--", "--debug"), "ZeroDivisionError: in the middle of 1")
    assert "Traceback" in here(env, "--debug", "broken").err


# --- replay, once, signals, status


def test_signals_as_json_have_the_fields_of_the_contract_with_numbers_and_instants(
    env: dict[str, str], here: Here
) -> None:
    answer = here(env, "signals", "--json")
    rows = json.loads(answer.out)
    assert answer.err == ""
    assert len(rows) > 50, "with --json there is no limit unless one is set"
    for row in rows:
        assert set(FIELDS.split()) <= set(row)
        assert all(type(row[name]) in (int, float) for name in ("entry", "stop", "target", "score", "risk_reward"))
        assert all(INSTANT.fullmatch(row[name]) for name in ("open_at", "close_at", "valid_until", "recorded_at"))
        assert isinstance(row["components"], dict)
        assert row["origin"] == "replay"
        assert row["is_simulated"] is False
    assert any(type(row["r_multiple"]) is float and INSTANT.fullmatch(row["exit_at"]) for row in rows)
    closes = [row["close_at"] for row in rows]
    assert closes == sorted(closes, reverse=True)


def test_signals_can_be_narrowed_and_limited(env: dict[str, str], here: Here) -> None:
    def rows(*words: str) -> list[dict[str, Any]]:
        found = json.loads(here(env, "signals", "--json", *words).out)
        assert isinstance(found, list)
        return found

    every = rows()
    assert rows("--limit", "3") == every[:3]
    for name, value in (("symbol", "BBB/USDT"), ("timeframe", "4h"), ("strategy", "breakout")):
        chosen = [row for row in every if row[name] == value]
        assert 0 < len(chosen) < len(every)
        assert rows(f"--{name}", value) == chosen
    is_open, is_closed = rows("--open"), rows("--closed")
    assert {row["status"] for row in is_open} <= {"open"}
    assert sorted(row["signal_id"] for row in is_open + is_closed) == sorted(row["signal_id"] for row in every)


def test_signals_for_people_are_a_table_of_the_newest(env: dict[str, str], here: Here) -> None:
    lines = here(env, "signals", "--limit", "3").out.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:4] == ["Close", "(UTC)", "Symbol", "TF"]
    assert len(here(env, "signals").out.splitlines()) == 51


def test_status_as_json_has_the_facts_of_the_contract(env: dict[str, str], here: Here) -> None:
    facts = json.loads(here(env, "status", "--json").out)
    assert facts["edition"] == "postgres"
    assert (facts["instruments"], facts["bars"]) == (2, 3000)
    assert facts["open_signals"] == len(json.loads(here(env, "signals", "--open", "--json").out))
    assert list(facts["last_close"]) == ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert facts["last_close"]["1m"] is None
    assert INSTANT.fullmatch(facts["last_close"]["1h"])
    assert {"signalhub", "postgresql", "revision"} <= set(facts["versions"])
    assert "2 instruments · 3,000 base bars" in here(env, "status").out


def test_replay_and_once_repeated_change_nothing(url: str, env: dict[str, str], here: Here) -> None:
    before = fingerprint(url)
    span = ("--from", "2024-01-10", "--to", "2024-01-20T00:00:00+01:00")
    again = here(env, "replay", "--symbol", "AAA/USDT", "--timeframe", "1h", "--strategy", "momentum", *span)
    assert re.match(r"23\d closes evaluated, 0 new signals", again.out)
    assert here(env, "once").out.startswith("0 closes evaluated, 0 new signals")
    assert fingerprint(url) == before


@pytest.mark.parametrize("words", [["signals", "--limit", "5"], ["signals", "--json"], ["status"]])
def test_a_reader_that_leaves_early_is_no_reason_for_complaint(words: list[str], env: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([*COMMAND, *words], env=env, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (1, "")


def test_an_interrupted_replay_is_one_line_and_a_rerun_completes_it(
    database_url: str, env: dict[str, str], url: str
) -> None:
    own = {**env, "SIGNALHUB_DATABASE_URL": database_url}
    assert signalhub(own, "import", env["SIGNALHUB_HOME"]).returncode == 0
    words = ("replay", "--timeframe", "1h", "--timeframe", "4h")
    # The replay waits for a lock of ours in the middle of its work: the signal cannot come too late.
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'engine.signals'::regclass)"
    with servers.psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE engine.signals IN ACCESS EXCLUSIVE MODE")
        with started(own, *words) as replaying:
            try:
                wait_until(lambda: holder.execute(waits).fetchone() == (True,))
                replaying.send_signal(signal.SIGINT)
                out, err = replaying.communicate(timeout=PATIENCE)
            finally:
                replaying.kill()
    assert (replaying.returncode, out, err.strip()) == (130, "", "signalhub: interrupted")
    assert signalhub(own, *words).returncode == 0
    assert fingerprint(database_url)["signals"] == fingerprint(url)["signals"]


# --- processes


def started(env: dict[str, str], *words: object, **options: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, *map(str, words)], env=env, text=True, **pipes, **options)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
