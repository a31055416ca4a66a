"""What became of signals: the summary counts by the design's definitions, and mixes nothing."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from signalhub.signals.read import summary
from tests import records
from tests.records import CLOSE, ROUNDS, closed


def test_the_summary_counts_by_the_designs_definitions(connection: psycopg.Connection) -> None:
    symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
    outcomes = [
        closed("target_hit", 2.0),
        closed("target_hit", 2.0),
        closed("stop_hit", -1.0),
        closed("stop_hit", -1.0, is_ambiguous=True),
        closed("expired", 0.5),
        {"status": "expired", "exit_at": CLOSE},
        {"status": "cancelled", "exit_at": CLOSE},
        {"fill_at": CLOSE, "fill_price": 100.0},
        None,
    ]
    for hour, outcome in enumerate(outcomes):
        records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour), outcome)
    assert summary(connection) == [
        {
            "strategy": "momentum",
            "strategy_version": "1-aaaaaaaa",
            "origin": "replay",
            "is_simulated": False,
            "n_signals": 9,
            "n_open": 2,
            "n_decided": 5,
            "n_target_hit": 2,
            "n_stop_hit": 2,
            "n_expired": 2,
            "n_cancelled": 1,
            "n_ambiguous": 1,
            "win_rate": 0.6,
            "win_rate_best": 0.8,
            "win_rate_worst": 0.6,
            "expectancy_r": 0.5,
            "profit_factor": 2.25,
            "average_return_pct": 0.5,
        }
    ]


@given(results=st.lists(st.tuples(st.integers(-8, 8), st.booleans()), max_size=12))
@ROUNDS
def test_the_summarys_rates_follow_from_the_results(
    connection: psycopg.Connection, results: list[tuple[int, bool]]
) -> None:
    # Quarters of R: their sums are exact in any order.
    with connection.transaction(force_rollback=True):
        symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
        records.add_signal(connection, symbol, strategy, CLOSE - timedelta(hours=1))
        for hour, (quarters, is_ambiguous) in enumerate(results):
            outcome = closed("stop_hit", quarters / 4, is_ambiguous=is_ambiguous)
            records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour), outcome)
        (row,) = summary(connection)
    n = len(results)
    won, lost = sum(q for q, _ in results if q > 0), -sum(q for q, _ in results if q < 0)
    assert row["n_decided"] == n
    assert row["n_ambiguous"] == sum(1 for _, unsure in results if unsure)
    assert row["win_rate"] == (sum(1 for q, _ in results if q > 0) / n if n else None)
    assert row["win_rate_best"] == (sum(1 for q, unsure in results if q > 0 or unsure) / n if n else None)
    assert row["win_rate_worst"] == (sum(1 for q, unsure in results if q > 0 and not unsure) / n if n else None)
    assert row["expectancy_r"] == (sum(q for q, _ in results) / 4 / n if n else None)
    assert row["profit_factor"] == (won / lost if lost else None)


def test_the_summary_mixes_neither_origins_nor_versions_nor_simulated_prices(connection: psycopg.Connection) -> None:
    real = records.add_instrument(connection)
    simulated = records.add_instrument(connection, "SIM:BTC/USDT", is_simulated=True)
    old, new = (records.add_strategy(connection, version=version) for version in ("1-aaaaaaaa", "2-bbbbbbbb"))
    records.add_signal(connection, real, old, outcome=closed("target_hit", 2.0), origin="live")
    records.add_signal(connection, real, old, outcome=closed("stop_hit", -1.0), origin="replay")
    records.add_signal(connection, simulated, old, outcome=closed("target_hit", 1.0), origin="replay")
    records.add_signal(connection, real, new, outcome=closed("target_hit", 3.0), origin="replay")
    found = [
        (row["strategy_version"], row["origin"], row["is_simulated"], row["n_decided"], row["expectancy_r"])
        for row in summary(connection)
    ]
    assert found == [
        ("1-aaaaaaaa", "live", False, 1, 2.0),
        ("1-aaaaaaaa", "replay", False, 1, -1.0),
        ("1-aaaaaaaa", "replay", True, 1, 1.0),
        ("2-bbbbbbbb", "replay", False, 1, 3.0),
    ]
