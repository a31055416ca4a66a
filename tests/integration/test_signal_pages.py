"""The record, read page by page and one by one; cursors, ours and anyone's; and how the pages are planned."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.errors import UsageInvalid
from signalhub.signals import read
from signalhub.signals.read import MAX_LIMIT, SignalFilter, one, page
from tests import records
from tests.records import CLOSE, ROUNDS, add_instruments

HOURS = st.integers(0, 6)
KEYS = st.tuples(HOURS, st.integers(0, 3))


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


def test_filters_hold_together_and_on_every_page(connection: psycopg.Connection, variety: list[dict[str, Any]]) -> None:
    chosen = SignalFilter(direction="long", origin="replay", symbol="T0/USDT", limit=2)
    kept = [row for row in variety if (row["direction"], row["origin"], row["symbol"]) == ("long", "replay", "T0/USDT")]
    assert len(kept) > 2
    assert [row for items in walk(connection, chosen) for row in items] == kept


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
        # So many that what can still be done with a signal is found by its index, too.
        connection.execute(
            "INSERT INTO engine.signal_validity (signal_id, state, since, checked_at) "
            "SELECT s.signal_id, 'valid', s.close_at, s.close_at FROM engine.signals AS s, generate_series(1, 5)"
        )
        connection.execute("ANALYZE")
        middle = page(connection, SignalFilter(limit=100)).next_cursor
        parameters = read._parameters(connection, SignalFilter(cursor=middle, since=CLOSE, limit=5))
        plan = connection.execute(b"EXPLAIN " + read._SQL.texts["page"], parameters).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "signals_by_close" in text
    assert "validity_of_signal" in text
    assert "Index Cond: ((ROW(close_at, signal_id) < ROW(" in text
    assert "Sort" not in text
