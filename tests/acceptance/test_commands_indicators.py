"""`signalhub indicators`: what each column is, and the newest values of a symbol; for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from signalhub.indicators.catalogue import catalogue
from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests import records
from tests.acceptance.commands import Here, assert_refused, environment
from tests.acceptance.places import replayed

NEWEST = "SELECT * FROM analytics.indicators WHERE symbol = %s AND timeframe = %s ORDER BY open_at DESC LIMIT 1"


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return replayed(url, tmp_path_factory.mktemp("market"))


def stored(url: str, symbol: str, timeframe: str) -> dict[str, float | None]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(NEWEST, (symbol, timeframe))
        row = cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        return {column.name: value for column, value in zip(cursor.description, row, strict=True)}


def test_the_catalogue_needs_no_database_and_lists_every_column(tmp_path: Path, here: Here) -> None:
    nowhere = environment(tmp_path, "postgresql://nobody@127.0.0.1:1/gone")
    lines = here(nowhere, "indicators").out.splitlines()
    assert lines[0].split() == ["Column", "What", "Call", "From", "bar", "Unit"]
    first_words = [line.split(" ", 1)[0] for line in lines[1:]]
    assert [word for word in first_words if word in INDICATOR_COLUMNS] == list(INDICATOR_COLUMNS)
    assert "ta.stochrsi_d(close, 14, 14, 3)" in here(nowhere, "indicators").out
    told = json.loads(here(nowhere, "indicators", "--json").out)
    assert [row["column_name"] for row in told] == list(INDICATOR_COLUMNS)
    assert told[5]["parameters"] == {"period": 14}
    assert (told[5]["talib"], told[5]["oracle"], told[5]["first_bar"]) == ("RSI", None, 15)


def test_as_json_the_newest_values_are_those_of_the_view(env: dict[str, str], url: str, here: Here) -> None:
    told = json.loads(here(env, "indicators", "BBB/USDT", "--timeframe", "4h", "--json").out)
    row = stored(url, "BBB/USDT", "4h")
    assert {item["column_name"]: item["value"] for item in told["indicators"]} == {
        name: row[name] for name in INDICATOR_COLUMNS
    }
    assert all(isinstance(item["value"], float | int) for item in told["indicators"])
    assert (told["symbol"], told["timeframe"], told["n"], told["is_simulated"]) == ("BBB/USDT", "4h", row["n"], False)
    assert [told[name][-1] for name in ("open_at", "close_at", "known_at")] == ["Z"] * 3
    assert told["known_at"] >= told["close_at"]
    assert [(item["unit"], item["first_bar"]) for item in told["indicators"]] == [
        (item.unit, item.first_bar) for item in catalogue()
    ]


def test_for_people_the_bar_comes_first_and_then_a_line_per_column(env: dict[str, str], url: str, here: Here) -> None:
    lines = here(env, "indicators", "BBB/USDT").out.splitlines()
    assert lines[0].startswith("BBB/USDT 1h: the bar from ")
    assert ", number 1,000 or later, known since " in lines[0]
    values = {line.split()[0]: line.split()[1] for line in lines[3:]}
    row = stored(url, "BBB/USDT", "1h")
    assert list(values) == list(INDICATOR_COLUMNS)
    for name in INDICATOR_COLUMNS:
        assert float(values[name].replace(",", "")) == pytest.approx(row[name], rel=1e-6), name


def test_a_column_without_a_value_yet_says_from_which_bar_on(env: dict[str, str], here: Here) -> None:
    told = json.loads(here(env, "indicators", "AAA/USDT", "--timeframe", "1d", "--json").out)
    assert told["n"] < 100
    missing = [item for item in told["indicators"] if item["value"] is None]
    assert {"sma_100", "sma_200", "ema_200"} <= {item["column_name"] for item in missing}
    shown = here(env, "indicators", "AAA/USDT", "--timeframe", "1d").out
    assert [line for line in shown.splitlines() if line.startswith("sma_200 ") and "from bar 200" in line]


def test_asked_for_wrongly_it_says_what_is_wrong(env: dict[str, str], url: str, here: Here) -> None:
    assert_refused(here(env, "indicators", "NOPE"), "No instrument has the symbol 'NOPE'")
    assert_refused(here(env, "indicators", "--timeframe", "1h"), "needs a symbol", "BTC/USDT", code=2)
    unknown = here(env, "indicators", "AAA/USDT", "--timeframe", "7m")
    assert (unknown.code, unknown.out) == (2, "")
    assert "'7m' is not one of" in unknown.err
    missing = here(env, "indicators", "AAA/USDT", "--timeframe", "1m")
    assert_refused(missing, "AAA/USDT has no indicators of 1m: there are some of 1h, 4h, 1d.")
    with psycopg.connect(url) as connection:
        records.add_instrument(connection, "NEW")
    assert_refused(here(env, "indicators", "NEW"), "NEW has no indicators of 1h", "`signalhub import`")
