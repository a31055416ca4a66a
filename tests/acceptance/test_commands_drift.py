"""`signalhub drift`: a corrected file comes in, and the signals it reached are named."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.acceptance.commands import Here, assert_refused
from tests.acceptance.places import replayed

FIELDS = {
    *("signal_id", "symbol", "timeframe", "strategy", "strategy_version", "direction", "origin", "close_at"),
    *("differing", "fields"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("market")


@pytest.fixture(scope="module")
def env(url: str, folder: Path) -> dict[str, str]:
    return replayed(url, folder)


def test_signals_whose_bars_were_corrected_are_named_and_stay_as_they_were(
    env: dict[str, str], folder: Path, here: Here
) -> None:
    nothing = here(env, "drift")
    before = json.loads(here(env, "signals", "--json").out)
    assert (nothing.code, nothing.err) == (0, "")
    assert nothing.out == f"{len(before):,} signals looked at; the inputs of 0 would differ now.\n"

    file = folder / "AAAUSDT_1h__desk.csv"
    bars = pl.read_csv(file)
    latest = max(row["close_at"] for row in before if row["symbol"] == "AAA/USDT")
    bars.with_columns(
        volume=pl.when(pl.int_range(pl.len()) >= 1300).then(pl.col("volume") * 2).otherwise(pl.col("volume"))
    ).write_csv(file)
    assert here(env, "import", str(file)).code == 0

    found = json.loads(here(env, "drift", "--json").out)
    named = found["drifted"]
    assert found["signals"] == len(before)
    assert found["undecided"] == {}
    assert 0 < len(named) < len(before)
    assert all(set(row) == FIELDS for row in named)
    assert {row["symbol"] for row in named} == {"AAA/USDT"}
    assert max(row["close_at"] for row in named) == latest
    first = named[0]["fields"][0]
    assert first["field"].startswith("window.volume[")
    assert first["now"] == 2 * first["stored"]
    assert json.loads(here(env, "signals", "--json").out) == before

    table = here(env, "drift", "--symbol", "AAA/USDT", "--since", latest).out.splitlines()
    assert table[0].split()[:4] == ["Signal", "Close", "(UTC)", "Symbol"]
    assert "window.volume[" in table[1]
    assert here(env, "drift", "--symbol", "BBB/USDT").out.endswith("the inputs of 0 would differ now.\n")


def test_a_symbol_that_is_not_there_is_one_line(env: dict[str, str], here: Here) -> None:
    assert_refused(here(env, "drift", "--symbol", "NO/SUCH"), "NO/SUCH", "AAA/USDT")
