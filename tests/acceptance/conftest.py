"""A database for the tests of a file, and a quick way to run commands."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub.cli import app
from tests.acceptance.commands import Answer, Here
from tests.acceptance.places import own_database


@pytest.fixture(scope="module")
def url(server_urls: dict[str, str]) -> Iterator[str]:
    """An empty database that the tests of one file share."""
    with own_database(server_urls, "acceptance") as made:
        yield made


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
