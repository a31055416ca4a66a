"""docs/indicator-queries.md: each query prints what the page says over a made-up market, in any session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from signalhub.db.engine import Database, create_engine
from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests import lessons, servers
from tests.worked import as_table, worked

PAGE = (Path(__file__).parents[2] / "docs/indicator-queries.md").read_text(encoding="utf-8")
WORKED = worked(PAGE)


@pytest.fixture(scope="module")
def market_url(edition: str, server_urls: dict[str, str], template: str) -> Iterator[str]:
    """A database that holds the page's market; its sessions are in no time zone that anybody would guess."""
    admin, name = server_urls[edition], f"lessons_{template}"
    servers.execute(
        admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {template}"
    )
    servers.execute(admin, f"ALTER DATABASE {name} SET timezone = 'America/St_Johns'")
    url = servers.with_database(admin, name)
    engine = create_engine(url)
    lessons.make(Database(engine, edition))
    engine.dispose()
    yield url
    servers.execute(admin, f"DROP DATABASE {name} WITH (FORCE)")


def test_the_page_has_ten_worked_queries_and_a_table_for_each() -> None:
    assert len(WORKED) == PAGE.count("```sql") == 10


@pytest.mark.parametrize("number", range(10))
def test_a_worked_query_prints_what_the_page_says_to_an_analyst(market_url: str, number: int) -> None:
    query, result = WORKED[number]
    with psycopg.connect(market_url) as connection:
        connection.execute("SET ROLE signalhub_analyst")
        assert as_table(connection.execute(query.encode())) == result


@pytest.mark.parametrize("number", range(10))
def test_no_table_of_the_page_is_empty(number: int) -> None:
    assert WORKED[number][1].count("\n") > 2


def test_the_market_has_every_column_by_its_last_hour(market_url: str) -> None:
    """A query of the reader's own finds something to look at."""
    known = ", ".join(f"count({name})" for name in INDICATOR_COLUMNS)
    query = f"SELECT {known} FROM analytics.indicators WHERE timeframe = '1h' AND open_at = '2024-04-14 23:00Z'"
    with psycopg.connect(market_url) as connection:
        (counts,) = connection.execute(query.encode()).fetchall()
    assert set(counts) == {len(lessons.MARKET)}
