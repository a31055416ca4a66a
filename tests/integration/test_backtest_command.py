"""The command backtest: what it prints, what it draws, what goes on record, and what it says of words that are off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from signalhub.cli.app import run
from signalhub.db.engine import Database
from signalhub.strategies.breakout import Breakout
from tests.evaluation_market import lively_market
from tests.market import roll_and_compute, rows

TRIED = ("--strategy", "breakout", "--timeframe", "15m")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def backtest(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    monkeypatch.setenv("SIGNALHUB_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNALHUB_HOME", str(tmp_path))
    monkeypatch.setenv("SIGNALHUB_MIN_SCORE", "0")

    def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["backtest", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


@pytest.fixture
def market(database: Database) -> Database:
    lively_market(database)
    roll_and_compute(database)
    return database


def test_json_is_signals_statistics_and_parameters(market: Database, backtest: Run) -> None:
    code, out, _ = backtest(*TRIED, "--all", "--json")
    assert code == 0
    told = json.loads(out)
    assert list(told) == ["signals", "statistics", "parameters"]
    fields = rows(market, "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'analytics.signals'::regclass "
                  "AND attnum > 0 ORDER BY attnum")  # fmt: skip
    assert [list(signal) for signal in told["signals"]] == [[row["name"] for row in fields]] * len(told["signals"])
    assert told["parameters"] == Breakout().parameter_values
    statistics = told["statistics"]
    assert statistics["n_signals"] == len(told["signals"]) > 10
    assert sum(row["n_signals"] for row in statistics["by_instrument"]) == len(told["signals"])
    assert {"sortino", "exposure", "average_mfe_r", "average_mae_r", "win_rate_low", "by_month"} <= set(statistics)


@pytest.mark.usefixtures("market")
def test_people_get_tables_and_a_picture(backtest: Run, tmp_path: Path) -> None:
    picture = tmp_path / "equity.svg"
    code, out, _ = backtest(*TRIED, "--all", "--equity", str(picture))
    assert code == 0
    assert "breakout 2-" in out
    assert "3 instruments" in out
    assert all(word in out for word in ("Sortino", "Exposure", "2024-03", "A/USDT", "95 % interval"))
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_parameter_makes_another_version_and_every_trial_is_on_record(market: Database, backtest: Run) -> None:
    assert backtest(*TRIED, "--all")[0] == 0
    assert backtest(*TRIED, "--symbol", "A/USDT", "--param", "stop_atr=1.5", "--to", "2024-03-06")[0] == 0
    first, second = rows(market, "SELECT * FROM engine.trials ORDER BY trial_id")
    assert first["version"] == Breakout().version != second["version"]
    assert (first["parameters"]["stop_atr"], second["parameters"]["stop_atr"]) == (1.0, 1.5)
    assert (first["symbols"], second["symbols"]) == (None, ["A/USDT"])
    assert first["signals"] == first["statistics"]["n_signals"] > second["signals"] > 0
    assert (first["instruments"], first["bars"]) == (3, 900)
    assert first["data_version"] > 0
    assert first["settings"]["min_score"] == "0.0"


def test_a_grid_is_tried_over_all_cores_and_all_of_it_is_on_record(market: Database, backtest: Run) -> None:
    grid = ("--grid", "stop_atr=1,1.5", "--grid", "volume_ratio=1.0,1.2,1.5")
    code, out, _ = backtest(*TRIED, "--all", *grid, "--json")
    assert code == 0
    trials = json.loads(out)["trials"]
    asked = {(stop, ratio) for stop in (1.0, 1.5) for ratio in (1.0, 1.2, 1.5)}
    assert {(one["parameters"]["stop_atr"], one["parameters"]["volume_ratio"]) for one in trials} == asked
    recorded = rows(market, "SELECT parameters, statistics FROM engine.trials")
    assert sorted(map(_text, recorded)) == sorted(map(_text, trials))
    single = json.loads(
        backtest(*TRIED, "--all", "--param", "stop_atr=1.5", "--param", "volume_ratio=1.5", "--json")[1]
    )
    (same,) = [one for one in trials if one["parameters"] == single["parameters"]]
    assert same["statistics"] == {name: single["statistics"][name] for name in same["statistics"]}
    code, out, _ = backtest(*TRIED, "--all", "--grid", "stop_atr=1,1.5")
    assert code == 0
    assert "2 trials, all on record" in out


def _text(row: dict[str, Any]) -> str:
    return json.dumps({name: row[name] for name in ("parameters", "statistics")}, sort_keys=True)


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (TRIED, "Say which instruments: --symbol BTC/USDT (may be given again), or --all; not both."),
        ((*TRIED, "--all", "--symbol", "A/USDT"), "Say which instruments"),
        ((*TRIED, "--symbol", "NOPE"), "No instrument has the symbol 'NOPE'"),
        (
            (*TRIED, "--all", "--param", "stopp=1"),
            "breakout has no parameter 'stopp'. There are: volume_ratio,",
        ),
        ((*TRIED, "--all", "--param", "stop_atr"), "--param 'stop_atr': write NAME=VALUE"),
        ((*TRIED, "--all", "--param", "stop_atr=x"), "stop_atr='x': stop_atr is a number, such as 1.0."),
        ((*TRIED, "--all", "--param", "valid_bars=1.5"), "valid_bars is a whole number, such as 12."),
        ((*TRIED, "--all", "--param", "stop_atr=1", "--param", "stop_atr=2"), "--param stop_atr is given twice."),
        ((*TRIED, "--all", "--grid", "x=1,2"), "breakout has no parameter 'x'"),
        ((*TRIED, "--all", "--from", "2024-03-06", "--to", "2024-03-05"), "is not before --to"),
        ((*TRIED, "--all", "--equity", "curve.png"), "the picture is an SVG. Name it curve.svg."),
        ((*TRIED, "--all", "--equity", "no/such/curve.svg"), "there is no folder no/such."),
        ((*TRIED, "--all", "--equity", "curve.svg", "--grid", "stop_atr=1,2"), "--equity draws one trial."),
        (("--strategy", "nope", "--timeframe", "15m", "--all"), "No strategy is called 'nope'. There are: "),
        (("--strategy", "scalping", "--timeframe", "1h", "--all"), "scalping does not serve the timeframe 1h"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_in_one_line(backtest: Run, words: tuple[str, ...], said: str) -> None:
    code, out, err = backtest(*words)
    assert code in (1, 2)
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1
