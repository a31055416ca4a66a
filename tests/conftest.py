"""Real servers for every test: the embedded PostgreSQL, and TimescaleDB where an installation is found.

The header says which editions run. A template database is migrated once per session; `database` is a clone
of it per test, `connection` a transaction that is rolled back.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import hypothesis
import psycopg
import pytest

from signalhub.db import migrate
from signalhub.db.edition import POSTGRES, TIMESCALE
from signalhub.db.engine import SESSION_OPTIONS, Database, create_engine
from tests import servers

_CLONES = itertools.count(1)
# Not UTC, and with daylight saving: what depends on the session's time zone shows.
_TIME_ZONE = "America/St_Johns"


def pytest_configure() -> None:
    """Children must hear signals, also where a background job started us with some of them ignored.

    A busy machine is no finding: hypothesis measures no time.
    """
    unhurried = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=unhurried)
    hypothesis.settings.load_profile("unhurried")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_report_header() -> list[str]:
    where = servers.timescale_source()
    found = f"{POSTGRES} (embedded), {TIMESCALE} ({where})" if where else f"{POSTGRES} (embedded)"
    missing = "" if where else f"; {TIMESCALE}: no installation found, NOT tested"
    return [f"signalhub editions: {found}{missing}", f"signalhub test scale: {scale()}"]


def scale() -> float:
    """How long the long suites run: 1 is the full number of rounds."""
    return float(os.environ.get("SIGNALHUB_TEST_SCALE", "0.15"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "edition" in metafunc.fixturenames:
        editions = [POSTGRES, TIMESCALE] if servers.timescale_source() else [POSTGRES]
        metafunc.parametrize("edition", editions, scope="session")


@pytest.fixture(scope="session")
def server_urls() -> Iterator[dict[str, str]]:
    """Edition → URL of its server's `postgres` database, servers started when first asked for."""
    with ExitStack() as stack:
        yield servers.LazyServers(stack, hurried=True)


@pytest.fixture(scope="session")
def template(edition: str, server_urls: dict[str, str]) -> str:
    """Name of a migrated database to clone."""
    name = f"template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    admin = server_urls[edition]
    servers.execute(admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    servers.execute(admin, f"ALTER DATABASE {name} SET timezone = '{_TIME_ZONE}'")
    engine = create_engine(servers.with_database(admin, name))
    assert migrate.upgrade(engine).edition == edition
    engine.dispose()
    return name


@pytest.fixture
def database_url(edition: str, server_urls: dict[str, str], template: str) -> Iterator[str]:
    """URL of a fresh migrated database of this test's own."""
    admin = server_urls[edition]
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_CLONES)}"
    servers.execute(admin, f"CREATE DATABASE {name} TEMPLATE {template}")
    servers.execute(admin, f"ALTER DATABASE {name} SET timezone = '{_TIME_ZONE}'")
    yield servers.with_database(admin, name)
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database_url(edition: str, server_urls: dict[str, str]) -> Iterator[str]:
    """URL of a database that was never migrated."""
    admin = server_urls[edition]
    name = f"empty_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_CLONES)}"
    servers.execute(admin, f"CREATE DATABASE {name}")
    yield servers.with_database(admin, name)
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(edition: str, database_url: str) -> Iterator[Database]:
    """A migrated database of this test's own."""
    engine = create_engine(database_url)
    yield Database(engine, edition)
    engine.dispose()


@pytest.fixture(scope="session")
def shared_url(edition: str, server_urls: dict[str, str], template: str) -> str:
    """A migrated database that all rolled-back tests of the session share."""
    admin = server_urls[edition]
    name = f"shared_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.execute(
        admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
    )
    servers.execute(admin, f"ALTER DATABASE {name} SET timezone = '{_TIME_ZONE}'")
    return servers.with_database(admin, name)


@pytest.fixture
def connection(shared_url: str) -> Iterator[psycopg.Connection]:
    """A connection in a transaction that is rolled back after the test."""
    with psycopg.connect(shared_url, options=SESSION_OPTIONS) as opened:
        yield opened
        opened.rollback()
