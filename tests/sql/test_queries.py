"""Every named query is one PostgreSQL understands, and every SQL file keeps the house's manners."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from signalhub.db.edition import TIMESCALE
from signalhub.db.queries import Queries
from signalhub.resources import folder

SQL = folder("sql")
FILES = sorted(SQL.rglob("*.sql"))
QUERY_FILES = [path for path in sorted((SQL / "queries").rglob("*.sql")) if not path.name.startswith("_")]
MODULES = [path.relative_to(SQL / "queries").with_suffix("").as_posix() for path in QUERY_FILES]
EXPLAINABLE = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE")
HEAD = re.compile(r"\A-- (Purpose|Family): \S")
"""A file of schema ta holds a family of functions, each with a head of its own."""
LOCAL_TIME = re.compile(
    r"0002_service|quiet_until|ensure_partitions|queries/(outbox|subscribers)/|digest|pivot|indicator|era_of"
)
"""Where people's local days and times of day are at home, always beside the time zone they are in; and the UTC day
of pivots."""


def name_of(path: Path) -> str:
    return path.relative_to(SQL).as_posix()


def code_of(path: Path) -> str:
    """The file without its comments and string literals."""
    text = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--.*", "", path.read_text(encoding="utf-8")))
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def first_word(text: bytes) -> str:
    return re.sub(r"^(\s*--.*\n)*\s*", "", text.decode()).split(maxsplit=1)[0].upper()


def with_nulls(text: bytes) -> dict[str, None]:
    return dict.fromkeys(re.findall(r"%\((\w+)\)s", text.decode()))


def order(item: tuple[str, bytes]) -> int:
    """Temporary tables first; what can only be run, such as dropping them, last."""
    name, text = item
    return 0 if name.startswith("create_") else 1 if first_word(text) in EXPLAINABLE else 2


@pytest.mark.parametrize("module", MODULES)
def test_every_named_query_can_be_planned_with_null_parameters(
    connection: psycopg.Connection, edition: str, module: str
) -> None:
    texts = Queries(module).texts
    assert texts, f"{module} holds no query"
    for name, text in sorted(texts.items(), key=order):
        is_explained = not name.startswith("create_") and first_word(text) in EXPLAINABLE
        if edition == TIMESCALE and name.startswith("refresh_"):
            # They write to rollups, which are continuous aggregates here.
            continue
        try:
            connection.execute(b"EXPLAIN " + text if is_explained else text, with_nulls(text))
        except errors.Error as error:
            pytest.fail(f"{module}: {name}: {error}")


@pytest.mark.parametrize("path", QUERY_FILES, ids=name_of)
def test_every_parameter_is_cast(path: Path) -> None:
    bare = re.findall(r"%\(\w+\)s(?!::)", path.read_text(encoding="utf-8"))
    assert bare == []


@pytest.mark.parametrize("path", QUERY_FILES, ids=name_of)
def test_every_query_has_a_name_of_its_own_and_ends(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)
    assert len(names) == len(set(names)) == text.count("-- name:")
    module = path.relative_to(SQL / "queries").with_suffix("").as_posix()
    for name, body in Queries(module).texts.items():
        statement = re.sub(rb"--.*", b"", body).strip()
        assert statement.endswith(b";"), name
        assert statement.count(b";") == 1, name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_opens_with_its_purpose(path: Path) -> None:
    assert HEAD.match(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_present_is_a_parameter_and_time_has_a_zone(path: Path) -> None:
    code = code_of(path).lower()
    clocks = re.findall(
        r"(?<!engine\.)\bnow\s*\(|current_timestamp|localtimestamp|clock_timestamp|transaction_timestamp", code
    )
    if path.name == "10_engine_now.sql":
        assert "statement_timestamp" in code
    else:
        assert clocks == []
        assert "statement_timestamp" not in code
    zoneless = r"\btimestamp\b(?!\s*with time zone)" + (
        "" if LOCAL_TIME.search(str(path)) else r"|\bdate\b(?!_)|\btime\b"
    )
    assert re.findall(zoneless, code) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_days_are_hours_for_a_day_depends_on_the_session(path: Path) -> None:
    text = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
    in_days = re.findall(r"INTERVAL '[^']*(?:day|week|mon|year)[^']*'", text, re.IGNORECASE)
    assert [words for words in in_days if "by_range('open_at', " + words not in text] == []
    # With a time zone as its third argument it is a subscriber's local day.
    assert re.sub(r"date_trunc\('day', \S+, [a-z_.]*time_zone\)", "", text).count("date_trunc") == 0
