"""`signalhub import-actions` as a person has it: a factor file, once and again, and what is wrong with it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.acceptance.commands import environment, signalhub
from tests.acceptance.imports import START, ask, assert_refused, assert_said, write
from tests.acceptance.places import migrated

COLUMNS = "date,price_factor,split_factor,reference_price"
FACTORS = [
    "2024-03-01,0.98,0.14285710,140",
    "2024-03-04,0.99,0.14285710,701",
    "2024-03-11,0.99,1,101",
    "2050-12-31,1,1,0",
]
CLOSES = """
    SELECT open_at::text, close, volume FROM {view} WHERE symbol = 'SPLT' AND timeframe = '1d' ORDER BY open_at
"""


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A share whose days go from 700 to 100 on the fifth of March, and one whose days do not."""
    folder = tmp_path_factory.mktemp("home")
    env = migrated(url, folder)
    for symbol, prices in (("SPLT", (700.0, 100.0, 101.0)), ("FLAT", (100.0, 100.0, 101.0))):
        days = (f"{START + timedelta(days=day):%Y-%m-%d},{price},{price},{price},{price},70"
                for day, price in enumerate(prices))  # fmt: skip
        path = write(folder / f"{symbol}_1d__desk.csv", list(days))
        done = signalhub(env, "import", path, "--symbol", symbol, "--venue", "desk", "--asset-class", "equity")
        assert done.returncode == 0, done.stderr
    return env


def test_a_factor_file_is_imported_once_and_bars_stay_raw(url: str, env: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path / "factors.csv", FACTORS, COLUMNS)
    raw = ask(url, CLOSES.format(view="analytics.bars"))
    assert [row[1] for row in raw] == [700.0, 100.0, 101.0]
    done = signalhub(env, "import-actions", path, "--symbol", "SPLT")
    assert_said(done, "2024-03-05", "7:1", "0.14285714", "SPLT: 1 split recorded", "in today's shares")
    assert ask(url, CLOSES.format(view="analytics.bars")) == raw
    adjusted = ask(url, CLOSES.format(view="analytics.adjusted_bars"))
    assert [row[1:] for row in adjusted] == [(100.0, 490.0), (100.0, 70.0), (101.0, 70.0)]
    again = signalhub(env, "import-actions", path, "--symbol", "SPLT", "--venue", "desk", "--json")
    assert json.loads(again.stdout) == [
        {"effective_at": "2024-03-05T00:00:00Z", "ratio": 7.0, "price_factor_before": 1 / 7, "is_new": False}
    ]
    assert_said(signalhub(env, "import-actions", path, "--symbol", "SPLT"), "Nothing changed: 1 split of SPLT")


def test_bars_that_are_adjusted_already_are_refused_unless_forced(
    url: str, env: dict[str, str], tmp_path: Path
) -> None:
    path = write(tmp_path / "factors.csv", FACTORS, COLUMNS)
    refused = signalhub(env, "import-actions", path, "--symbol", "FLAT")
    assert_refused(refused, "FLAT", "from 100 to 100 on 2024-03-05", "adjusted already", "--force")
    assert ask(url, "SELECT count(*) FROM market.splits AS p INNER JOIN market.instruments AS i USING (instrument_id) "
                    "WHERE i.symbol = 'FLAT'") == [(0,)]  # fmt: skip
    assert_said(signalhub(env, "import-actions", path, "--symbol", "FLAT", "--force"), "FLAT: 1 split recorded")


def test_what_is_wrong_is_said_in_one_line(env: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path / "factors.csv", FACTORS, COLUMNS)
    assert_refused(signalhub(env, "import-actions", path, "--symbol", "NONE"), "No instrument has the symbol 'NONE'")
    assert_refused(signalhub(env, "import-actions", path, "--symbol", "SPLT", "--venue", "moon"), "SPLT@moon")
    assert_refused(signalhub(env, "import-actions", tmp_path / "no.csv", "--symbol", "SPLT"), "there is no such file")
    bad = write(tmp_path / "bad.csv", ["2024-03-01,1,many,1", FACTORS[-1]], COLUMNS)
    assert_refused(signalhub(env, "import-actions", bad, "--symbol", "SPLT"), "bad.csv, line 2", "'many'")
    # Before a server is started or asked.
    nowhere = environment(tmp_path, "postgresql://nobody@127.0.0.1:1/gone")
    assert_refused(signalhub(nowhere, "import-actions", bad, "--symbol", "SPLT"), "bad.csv, line 2")
