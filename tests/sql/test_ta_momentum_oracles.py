"""Oscillators by hand."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES


def _ema(values: list[float], period: int) -> list[float]:
    """Seeded by the mean of the first values; what comes before the seed is left out."""
    averages = [sum(values[:period]) / period]
    for value in values[period:]:
        averages.append((value - averages[-1]) * (2 / (period + 1)) + averages[-1])
    return averages


@pytest.mark.parametrize("name", ["a calm walk", "ticks and ties", "gaps", "tiny prices", "only down"])
@pytest.mark.parametrize(("long", "short"), [(25, 13), (13, 25), (5, 1), (1, 1)])
def test_the_tsi_is_what_its_definition_says(connection: psycopg.Connection, name: str, long: int, short: int) -> None:
    bars = SERIES[name]
    load_history(connection, [bars])
    call = f"ta.tsi(close, {long}, {short})"
    actual = compute(connection, f"SELECT n, {call} OVER (ORDER BY open_at) AS tsi FROM history")["tsi"]
    changes = np.diff(bars.close).tolist()
    change = _ema(_ema(changes, long), short)
    absolute = _ema(_ema([abs(value) for value in changes], long), short)
    wanted = [100 * up / size if size else 0.0 for up, size in zip(change, absolute, strict=True)]
    assert np.flatnonzero(~np.isnan(actual))[0] == long + short - 1
    np.testing.assert_allclose(actual[long + short - 1 :], wanted, rtol=1e-9, atol=1e-9)


def test_the_cmo_is_not_the_one_of_plain_sums(connection: psycopg.Connection) -> None:
    """Chande's own oscillator and Wilder's smoothing agree on the first value only; ours is TA-Lib's."""
    bars = SERIES["gaps"]
    load_history(connection, [bars])
    actual = compute(connection, "SELECT n, ta.cmo(close, 14) OVER (ORDER BY open_at) AS cmo FROM history")["cmo"]
    changes = np.diff(bars.close)
    plain = [100 * changes[end - 14 : end].sum() / abs(changes[end - 14 : end]).sum() for end in range(14, 60)]
    assert actual[14] == pytest.approx(plain[0])
    assert max(abs(actual[15:60] - plain[1:])) > 10
