"""The record, read: pages, filters, one signal, and what became of them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalhub.errors import NotFound, UsageInvalid
from signalhub.signals import read
from signalhub.signals.read import MAX_LIMIT, STATUSES, SignalFilter, one, page, summary
from tests import records
from tests.records import CLOSE, closed

ROUNDS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOURS = st.integers(0, 6)
KEYS = st.tuples(HOURS, st.integers(0, 3))


def add_instruments(connection: psycopg.Connection, count: int) -> list[int]:
    return [records.add_instrument(connection, f"T{index}/USDT") for index in range(count)]


@pytest.fixture
def variety(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Signals that differ in everything one can filter by; as they stand in the view."""
    symbols = add_instruments(connection, 2)
    strategies = [records.add_strategy(connection, name) for name in ("momentum", "breakout")]
    short = {"direction": "short", "stop": 101, "target": 98}
    outcomes = [
        None,
        closed("target_hit", 2.0),
        closed("stop_hit", -1.0),
        {"status": "cancelled"},
        {"status": "expired"},
    ]
    for index in range(40):
        records.add_signal(
            connection,
            symbols[index % 2],
            strategies[index // 2 % 2],
            CLOSE + timedelta(hours=index // 4),
            outcomes[index % len(outcomes)],
            timeframe=("1h", "4h", "1d")[index % 3],
            origin=("live", "replay")[index // 3 % 2],
            **(short if index % 7 < 3 else {}),
        )
    return page(connection, SignalFilter(limit=MAX_LIMIT)).items


def walk(connection: psycopg.Connection, chosen: SignalFilter) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = None
    while True:
        found = page(connection, chosen.at(cursor, chosen.limit))
        yield found.items
        cursor = found.next_cursor
        if cursor is None:
            return


@given(
    present=st.sets(KEYS, max_size=12),
    arriving=st.lists(KEYS, max_size=12),
    size=st.integers(1, 5),
)
@ROUNDS
def test_pages_hold_every_signal_exactly_once_while_new_ones_arrive(
    connection: psycopg.Connection, present: set[tuple[int, int]], arriving: list[tuple[int, int]], size: int
) -> None:
    with connection.transaction(force_rollback=True):
        symbols, strategy = add_instruments(connection, 4), records.add_strategy(connection)

        def add(hour: int, symbol: int) -> int:
            return records.add_signal(connection, symbols[symbol], strategy, CLOSE + timedelta(hours=hour))

        at_first = {add(*key) for key in sorted(present)}
        still_to_come = [key for key in dict.fromkeys(arriving) if key not in present]
        seen: list[dict[str, Any]] = []
        for items in walk(connection, SignalFilter(limit=size)):
            assert len(items) <= size
            seen += items
            if still_to_come:
                add(*still_to_come.pop())
        ids = [row["signal_id"] for row in seen]
        assert len(ids) == len(set(ids))
        assert at_first <= set(ids)
        order = [(row["close_at"], row["signal_id"]) for row in seen]
        assert order == sorted(order, reverse=True)


def test_a_last_page_that_is_full_has_no_cursor(connection: psycopg.Connection, variety: list[dict[str, Any]]) -> None:
    assert page(connection, SignalFilter(limit=len(variety))).next_cursor is None
    assert page(connection, SignalFilter(limit=len(variety) - 1)).next_cursor is not None


def test_a_record_without_signals_is_an_empty_last_page(connection: psycopg.Connection) -> None:
    found = page(connection, SignalFilter())
    assert (found.items, found.next_cursor) == ([], None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("status", status) for status in STATUSES),
        *(("direction", direction) for direction in ("long", "short")),
        *(("origin", origin) for origin in ("live", "replay")),
        *(("strategy", strategy) for strategy in ("momentum", "breakout")),
        ("symbol", "T1/USDT"),
        ("timeframe", "4h"),
    ],
)
def test_a_filter_keeps_exactly_what_it_says(
    connection: psycopg.Connection, variety: list[dict[str, Any]], name: str, value: str
) -> None:
    kept = [row for row in variety if row[name] == value]
    assert 0 < len(kept) < len(variety)
    assert page(connection, SignalFilter(**{name: value, "limit": MAX_LIMIT})).items == kept  # type: ignore[arg-type]


@pytest.mark.parametrize("is_open", [True, False])
def test_open_and_closed_part_the_record(
    connection: psycopg.Connection, variety: list[dict[str, Any]], is_open: bool
) -> None:
    kept = [row for row in variety if (row["status"] == "open") == is_open]
    assert 0 < len(kept) < len(variety)
    assert page(connection, SignalFilter(is_open=is_open, limit=MAX_LIMIT)).items == kept


def test_since_keeps_closes_at_and_after_it(connection: psycopg.Connection, variety: list[dict[str, Any]]) -> None:
    since = CLOSE + timedelta(hours=4)
    kept = [row for row in variety if row["close_at"] >= since]
    assert any(row["close_at"] == since for row in kept)
    assert len(kept) < len(variety)
    assert page(connection, SignalFilter(since=since, limit=MAX_LIMIT)).items == kept


def test_filters_hold_together_and_on_every_page(connection: psycopg.Connection, variety: list[dict[str, Any]]) -> None:
    chosen = SignalFilter(direction="long", origin="replay", symbol="T0/USDT", limit=2)
    kept = [row for row in variety if (row["direction"], row["origin"], row["symbol"]) == ("long", "replay", "T0/USDT")]
    assert len(kept) > 2
    assert [row for items in walk(connection, chosen) for row in items] == kept


def test_a_strategy_with_no_signals_yet_is_known_by_its_file(connection: psycopg.Connection) -> None:
    assert page(connection, SignalFilter(strategy="breakout")).items == []


def test_a_strategy_whose_file_is_gone_is_known_by_its_record(connection: psycopg.Connection) -> None:
    strategy = records.add_strategy(connection, "retired")
    signal_id = records.add_signal(connection, records.add_instrument(connection), strategy)
    found = page(connection, SignalFilter(strategy="retired")).items
    assert [row["signal_id"] for row in found] == [signal_id]


@pytest.mark.usefixtures("variety")
def test_a_symbol_with_its_venue_finds_the_same(connection: psycopg.Connection) -> None:
    assert page(connection, SignalFilter(symbol="T1/USDT@test")) == page(connection, SignalFilter(symbol="T1/USDT"))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (SignalFilter(timeframe="2h"), ("'2h'", "1m, 5m, 15m, 1h, 4h, 1d")),
        (SignalFilter(direction="up"), ("'up'", "long, short")),
        (SignalFilter(status="won"), ("'won'", "open, target_hit, stop_hit, expired, cancelled")),
        (SignalFilter(origin="dream"), ("'dream'", "live, replay")),
        (SignalFilter(strategy="nope"), ("'nope'", "breakout, momentum")),
        (SignalFilter(limit=0), ("limit 0", "1 to 500")),
        (SignalFilter(limit=501), ("limit 501", "1 to 500")),
        (SignalFilter(since=datetime(2026, 1, 2)), ("since 2026-01-02", "no time zone")),
    ],
)
def test_a_wrong_filter_is_refused_with_what_is_allowed(
    connection: psycopg.Connection, chosen: SignalFilter, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageInvalid) as refused:
        page(connection, chosen)
    assert all(word in str(refused.value) for word in words)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("symbol", ["NOPE/USDT", "", "a\0b"])
def test_an_unknown_symbol_is_not_found(connection: psycopg.Connection, symbol: str) -> None:
    with pytest.raises(NotFound):
        page(connection, SignalFilter(symbol=symbol))


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not base64!",
        "ü",
        encoded("2026-01-02T03:00:00+00:00"),
        encoded("2026-01-02T03:00:00+00:00|-1"),
        encoded("2026-01-02T03:00:00+00:00|1_0"),
        encoded("2026-01-02T03:00:00+00:00| 10"),
        encoded(f"2026-01-02T03:00:00+00:00|{2**63}"),
        encoded("2026-01-02T03:00:00|10"),
        encoded("2026-01-02|10"),
        encoded("0001-01-01T00:00:00+14:00|10"),
        encoded("2026-01-02T03:00:00+00:00|" + "9" * 5000),
        encoded("2026-01-02T03:00:00+00:00|10") + "=",
        "\n" + encoded("2026-01-02T03:00:00+00:00|10"),
    ],
)
def test_a_broken_cursor_is_refused_in_one_line(connection: psycopg.Connection, cursor: str) -> None:
    with pytest.raises(UsageInvalid, match="next_cursor") as refused:
        page(connection, SignalFilter(cursor=cursor))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@given(cursor=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@ROUNDS
def test_no_cursor_of_anyones_making_breaks_the_reader(connection: psycopg.Connection, cursor: str) -> None:
    with pytest.raises(UsageInvalid):
        page(connection, SignalFilter(cursor=cursor))


def test_one_signal_is_the_row_of_the_list_with_instants_in_utc(
    connection: psycopg.Connection, variety: list[dict[str, Any]]
) -> None:
    connection.execute("SET TIME ZONE 'America/St_Johns'")
    for row in variety:
        assert one(connection, row["signal_id"]) == row
        assert {value.tzinfo for value in row.values() if isinstance(value, datetime)} == {UTC}
    assert page(connection, SignalFilter(limit=MAX_LIMIT)).items == variety
    assert connection.info.parameter_status("TimeZone") == "America/St_Johns"


@pytest.mark.parametrize("signal_id", [-1, 0, 2**63 - 1, 2**63, 10**40])
def test_a_signal_that_does_not_exist_is_none(connection: psycopg.Connection, signal_id: int) -> None:
    assert one(connection, signal_id) is None


def test_pages_are_planned_for_their_values_however_often_a_connection_reads(connection: psycopg.Connection) -> None:
    for _ in range(20):
        page(connection, SignalFilter())
    found = connection.execute(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%ROM analytics.signals%'"
    ).fetchall()
    assert len(found) == 1
    generic, custom = found[0]
    assert generic == 0
    assert custom >= 10


def test_pages_are_read_along_the_index_by_close(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
        for hour in range(400):
            records.add_signal(connection, symbol, strategy, CLOSE + timedelta(hours=hour))
        connection.execute("ANALYZE")
        middle = page(connection, SignalFilter(limit=100)).next_cursor
        parameters = read._parameters(connection, SignalFilter(cursor=middle, since=CLOSE, limit=5))
        plan = connection.execute(b"EXPLAIN " + read._SQL.texts["page"], parameters).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "signals_by_close" in text
    assert "Index Cond: ((ROW(close_at, signal_id) < ROW(" in text
    assert "Sort" not in text


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
