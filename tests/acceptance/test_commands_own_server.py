"""`signalhub migrate` and `db` on a server of one's own: nothing undone unasked, no password shown."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import sqlalchemy

from signalhub.domain.timeframe import H1
from tests.acceptance.commands import Here, assert_refused, environment, signalhub
from tests.acceptance.places import replayed
from tests.bench.market import walk


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


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
    parts = sqlalchemy.make_url(url)
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
