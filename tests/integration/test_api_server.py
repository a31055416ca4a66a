"""The server that carries the API: this machine only, ready when it says so, ended in order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from signalhub.api.app import serve
from signalhub.db.engine import Database
from signalhub.errors import UsageInvalid
from signalhub.settings import Settings
from tests.integration.api_live import served as served_here
from tests.integration.api_people import CLOSED

_PATIENCE_SECONDS = 60
_PROGRAM = """
import sys
from signalhub.api.app import serve
from signalhub.db.engine import Database, create_engine
from signalhub.settings import Settings
database = Database(create_engine(sys.argv[1]), sys.argv[2])
serve(database, Settings(api_port=0, open_page=True), lambda url: print(url, flush=True))
print("tidied up", flush=True)
"""


@contextmanager
def served(database_url: str, edition: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves the API, and its address."""
    command = [sys.executable, "-c", _PROGRAM, database_url, edition]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_when_it_says_so_and_ends_in_order_on_a_signal(
    database_url: str, edition: str, number: signal.Signals
) -> None:
    with served(database_url, edition) as (process, url):
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/health", timeout=_PATIENCE_SECONDS) as answer:
            assert json.load(answer)["status"] == "DEGRADED"
            assert answer.headers["server"] is None
        process.send_signal(number)
        output, complaints = process.communicate(timeout=_PATIENCE_SECONDS)
    assert (process.returncode, output, complaints) == (0, "tidied up\n", "")


def test_it_answers_to_the_names_of_this_machine_only(database_url: str, edition: str) -> None:
    with served(database_url, edition) as (_, url):
        port = url.rpartition(":")[2]
        asked = urllib.request.Request(f"{url}/health", headers={"Host": f"LOCALHOST:{port}"})
        with urllib.request.urlopen(asked, timeout=_PATIENCE_SECONDS) as answer:
            assert answer.status == 200
        for host in (f"rebound.example:{port}", "127.0.0.1.rebound.example"):
            asked = urllib.request.Request(f"{url}/api/v1/signals", headers={"Host": host})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(asked, timeout=_PATIENCE_SECONDS)
            assert refused.value.code == 421
            assert json.load(refused.value)["title"] == "Misdirected Request"


def test_a_proxy_of_this_machine_says_who_asks_so_that_each_has_a_rate_limit_of_their_own(database: Database) -> None:
    with served_here(database, CLOSED.replace(rate_limit=1)) as (_, address):
        url = address.replace("ws://", "http://").replace("/ws/feed", "/api/v1")
        people = ("203.0.113.1", "203.0.113.2", "203.0.113.1")
        assert [httpx.get(url, headers={"X-Forwarded-For": who}).status_code for who in people] == [200, 200, 429]


def test_a_taken_port_is_one_clear_line(database: Database) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageInvalid) as refused:
            serve(database, Settings(api_port=port))
    assert str(refused.value) == (
        f"Port {port} of 127.0.0.1 is taken by another program. "
        "Choose another with SIGNALHUB_API_PORT, or with demo --port."
    )


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_number_that_is_no_port_is_refused(database: Database, port: int) -> None:
    with pytest.raises(UsageInvalid, match=f"Port {port} of 127.0.0.1 cannot be used"):
        serve(database, Settings(api_port=port))
