"""The statistics' own functions: Wilson's interval, drawdown, Sharpe, against their definitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outcome_statistics import CLOSE_TO, Made, about, max_drawdown, sharpe, wilson
from tests.records import ROUNDS

FRIDAY = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EXITS = st.lists(
    st.tuples(
        st.integers(-3000, 6000).map(lambda thousandths: thousandths / 1000),
        st.integers(0, 30 * 24 * 4).map(lambda quarters: FRIDAY + quarters * timedelta(minutes=15)),
        st.sampled_from(["crypto", "equity", "forex"]),
    ),
    max_size=30,
)


def value(connection: psycopg.Connection, expression: str, *parameters: Any) -> Any:
    row = connection.execute(f"SELECT {expression}".encode(), parameters).fetchone()
    assert row is not None
    return row[0]


def over(connection: psycopg.Connection, aggregate: str, exits: list[tuple[float | None, datetime, str]]) -> Any:
    results, instants, classes = zip(*exits, strict=True) if exits else ([], [], [])
    return value(
        connection,
        f"{aggregate} FROM unnest(%s::float8[], %s::timestamptz[], %s::text[]) "
        "WITH ORDINALITY AS e (net_r, exit_at, asset_class, n)",
        *(list(results), list(instants), list(classes)),
    )


def sharpe_of(connection: psycopg.Connection, exits: list[tuple[float | None, datetime, str]]) -> float | None:
    found: float | None = over(connection, "analytics.sharpe(net_r, exit_at, asset_class ORDER BY exit_at, n)", exits)
    return found


def drawdown_of(connection: psycopg.Connection, exits: list[tuple[float | None, datetime, str]]) -> float | None:
    found: float | None = over(connection, "analytics.max_drawdown(net_r, exit_at ORDER BY exit_at, n)", exits)
    return found


def made(exits: list[tuple[float, datetime, str]]) -> list[Made]:
    return [Made("expired", instant, result, asset_class=kind) for result, instant, kind in exits]


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
@ROUNDS
def test_wilsons_interval_holds_the_rates_that_are_just_as_far_off(
    connection: psycopg.Connection, n: int, share: float
) -> None:
    won = round(n * share)
    low = value(connection, "analytics.wilson_low(%s::bigint, %s::bigint)", won, n)
    high = value(connection, "analytics.wilson_high(%s::bigint, %s::bigint)", won, n)
    assert (low, high) == pytest.approx(wilson(won, n), abs=CLOSE_TO)
    assert 0 <= low <= won / n <= high <= 1


def test_wilsons_interval_of_published_tables(connection: psycopg.Connection) -> None:
    # Newcombe (1998), table I, method 3.
    table = ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718))
    for won, n, low, high in table:
        assert value(connection, "analytics.wilson_low(%s::bigint, %s::bigint)", won, n) == pytest.approx(low, abs=5e-5)
        assert value(connection, "analytics.wilson_high(%s::bigint, %s::bigint)", won, n) == pytest.approx(
            high, abs=5e-5
        )


def test_of_nothing_wilson_says_nothing_and_the_ends_are_exact(connection: psycopg.Connection) -> None:
    assert value(connection, "analytics.wilson_low(0, 0)") is None
    assert value(connection, "analytics.wilson_high(0, 0)") is None
    for n in (1, 3, 7, 12345):
        assert value(connection, "analytics.wilson_low(0, %s::bigint)", n) == 0.0
        assert value(connection, "analytics.wilson_high(%s::bigint, %s::bigint)", n, n) == 1.0


@given(exits=EXITS)
@ROUNDS
def test_the_drawdown_is_the_deepest_fall_between_any_two_points(
    connection: psycopg.Connection, exits: list[tuple[float, datetime, str]]
) -> None:
    assert drawdown_of(connection, exits) == about(max_drawdown(made(exits)))


def test_the_first_loss_is_a_drawdown_and_what_exits_at_once_counts_at_once(connection: psycopg.Connection) -> None:
    def at(*exits: tuple[float, int]) -> float | None:
        return drawdown_of(
            connection, [(result, FRIDAY + hour * timedelta(hours=1), "crypto") for result, hour in exits]
        )

    assert at() is None
    assert at((-1.0, 0)) == 1.0
    assert at((2.0, 0)) == 0.0
    assert at((2.0, 0), (-1.0, 1), (-1.0, 2), (3.0, 3)) == 2.0
    assert at((-1.0, 0), (2.0, 0)) == at((2.0, 0), (-1.0, 0)) == 0.0


@given(exits=EXITS)
@ROUNDS
def test_sharpe_is_that_of_a_list_with_every_day_in_it(
    connection: psycopg.Connection, exits: list[tuple[float, datetime, str]]
) -> None:
    for kinds in ({"crypto", "equity", "forex"}, {"equity", "forex"}):
        chosen = [one for one in exits if one[2] in kinds]
        assert sharpe_of(connection, chosen) == about(sharpe(made(chosen)))


def test_sharpe_by_hand(connection: psycopg.Connection) -> None:
    # Friday +1, Saturday and Sunday nothing, Monday +3: mean 1, deviation √2; without the weekend mean 2.
    def of(kind: str) -> float | None:
        return sharpe_of(connection, [(1.0, FRIDAY, kind), (3.0, FRIDAY + 3 * DAY, kind)])

    assert of("crypto") == pytest.approx(1 / 2**0.5 * 365**0.5)
    assert of("commodity") == of("index") == of("crypto")
    assert of("equity") == of("forex") == pytest.approx(2 / 2**0.5 * 252**0.5)
    mixed = [(1.0, FRIDAY, "equity"), (3.0, FRIDAY + 3 * DAY, "crypto")]
    assert sharpe_of(connection, mixed) == of("crypto")
    on_sunday = [(1.0, FRIDAY, "forex"), (1.0, FRIDAY + 2 * DAY, "forex"), (4.0, FRIDAY + 3 * DAY, "forex")]
    assert sharpe_of(connection, on_sunday) == pytest.approx(2 / 3**0.5 * 252**0.5)


def test_sharpe_says_nothing_of_one_day_or_of_equal_days(connection: psycopg.Connection) -> None:
    assert sharpe_of(connection, []) is None
    assert sharpe_of(connection, [(1.0, FRIDAY, "crypto"), (-2.0, FRIDAY + timedelta(hours=11), "crypto")]) is None
    for result in (0.1, -0.7, 0.0):
        assert sharpe_of(connection, [(result, FRIDAY + n * DAY, "crypto") for n in range(40)]) is None


def test_a_day_ends_at_midnight_utc_whatever_the_sessions_zone(connection: psycopg.Connection) -> None:
    last = datetime(2026, 1, 2, 23, 59, 59, tzinfo=UTC)
    exits: list[tuple[float | None, datetime, str]] = [
        (1.0, last, "crypto"),
        (2.0, last + timedelta(seconds=1), "crypto"),
    ]
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        connection.execute("SELECT set_config('timezone', %s, TRUE)", (zone,))
        assert sharpe_of(connection, exits) == pytest.approx(1.5 / 0.5**0.5 * 365**0.5)


def test_exits_without_a_result_are_skipped(connection: psycopg.Connection) -> None:
    exits: list[tuple[float | None, datetime, str]] = [(-1.0, FRIDAY, "equity"), (2.0, FRIDAY + DAY, "equity")]
    more = [(None, FRIDAY - DAY, "crypto"), *exits, (None, FRIDAY + 9 * DAY, "crypto")]
    assert sharpe_of(connection, more) == sharpe_of(connection, exits)
    assert drawdown_of(connection, more) == drawdown_of(connection, exits) == 1.0
