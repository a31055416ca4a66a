"""Moving averages, regression and PPO of schema `ta` against what peers publish, and against their definitions."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from tests.sql.ta_averages import analysts
from tests.sql.ta_definitions import ema
from tests.sql.ta_oracles import sheet
from tests.sql.ta_relations import load_history
from tests.sql.ta_series import Floats, Series, walk


def _load(connection: psycopg.Connection, close: Floats) -> None:
    load_history(connection, [Series(close, close, close, np.ones(len(close)))])


def test_the_ppo_of_stockcharts_sheet_is_met_bar_by_bar(connection: psycopg.Connection) -> None:
    """Its averages begin with their first value, ours with a mean; each step from there on is the same."""
    columns = sheet("bukosabino/cs-ppo")
    fast, slow, ppo, signal, hist = (
        columns[f"exp_{name}"].tolist()
        for name in ("12_day_EMA", "26_day_EMA", "PPO", "PPO_Signal_Line", "PPO_Histogram")
    )
    assert len(ppo) == 40
    for i in range(1, 40):
        row = connection.execute(
            "SELECT ta.ppo_value(%s, %s), ta.ema_step(%s, %s, 100, 9)", [fast[i], slow[i], signal[i - 1], ppo[i]]
        ).fetchone()
        assert row is not None
        np.testing.assert_allclose([*row, row[0] - row[1]], [ppo[i], signal[i], hist[i]], atol=1e-7)


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (26, 12, 9), (3, 10, 1), (5, 5, 4)])
def test_ppo_is_its_definition_for_any_periods(
    connection: psycopg.Connection, fast: int, slow: int, signal: int
) -> None:
    bars = walk(300, 71)
    load_history(connection, [bars])
    calls = {name: f"ta.{name}(close, {fast}, {slow}, {signal})" for name in ("ppo", "ppo_signal", "ppo_hist")}
    actual = analysts(connection, calls)
    slow_ema = ema(bars.close, max(fast, slow))
    ppo = 100 * (ema(bars.close, min(fast, slow)) / slow_ema - 1)
    wanted = {"ppo": ppo, "ppo_signal": ema(ppo, signal), "ppo_hist": ppo - ema(ppo, signal)}
    for name in calls:
        np.testing.assert_allclose(actual[name], wanted[name], atol=1e-11)


def test_the_signal_of_ppo_forgets_how_it_was_seeded(connection: psycopg.Connection) -> None:
    """What the head comment of ta.ppo_signal says of the other seeding: below 0.001 after 150 bars."""
    x = walk(400, 72).close
    _load(connection, x)
    averages = {period: x.copy() for period in (12, 26)}
    for period, average in averages.items():
        for i in range(1, 400):
            average[i] = average[i - 1] + 2.0 / (period + 1) * (x[i] - average[i - 1])
    signal = 100 * (averages[12] / averages[26] - 1)
    for i in range(1, 400):
        signal[i] = signal[i - 1] + 0.2 * (signal[i] - signal[i - 1])
    actual = analysts(connection, {"value": "ta.ppo_signal(close, 12, 26, 9)"})["value"]
    assert np.max(np.abs(actual[150:] - signal[150:])) < 1e-3


@pytest.mark.parametrize("call", ["ta.ppo(close, 2, 3, 2)", "ta.ppo_hist(close, 2, 3, 2)", "ta.trix(close, 2)"])
def test_an_average_of_zero_gives_zero(connection: psycopg.Connection, call: str) -> None:
    _load(connection, np.array([0.0] * 10 + [5.0, 5.0]))
    assert set(analysts(connection, {"value": call})["value"][6:10].tolist()) == {0.0}
