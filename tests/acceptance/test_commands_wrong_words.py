"""Wrong words, wrong settings, unknown symbols: one line that helps, and a traceback only when asked for."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from signalhub.cli import app
from tests.acceptance.commands import Here, assert_refused, environment
from tests.acceptance.places import replayed


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


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
        ["replay", "--from", "0001-01-01T00:00+14:00"],
        ["subscribers", "key", "ann", "--expires", "9999-12-31T23:00-14:00"],
        ["deliveries", "--limit", "3000000000"],
        ["why", "9" * 5000, "ann"],
        ["check", "--timeout", "1e300"],
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
