"""Sortino, exposure, excursions and months, against their definitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given

from tests import records
from tests.market import rows_of
from tests.outcome_statistics import about, sortino
from tests.records import CLOSE, ROUNDS, closed
from tests.sql.test_statistics import DAY, EXITS, FRIDAY, made, over, value

HOUR = timedelta(hours=1)


def sortino_of(connection: psycopg.Connection, exits: list[tuple[float | None, datetime, str]]) -> float | None:
    found: float | None = over(connection, "analytics.sortino(net_r, exit_at, asset_class ORDER BY exit_at, n)", exits)
    return found


@given(exits=EXITS)
@ROUNDS
def test_sortino_is_that_of_a_list_with_every_day_in_it(
    connection: psycopg.Connection, exits: list[tuple[float, datetime, str]]
) -> None:
    for chosen in (exits, [one for one in exits if one[2] != "crypto"]):
        assert sortino_of(connection, chosen) == about(sortino(made(chosen)))


def test_sortino_by_hand(connection: psycopg.Connection) -> None:
    # Friday −1, Saturday and Sunday nothing, Monday +3: mean 1/2, mean square of losses 1/4; of two weekdays 1, 1/2.
    def of(kind: str) -> float | None:
        return sortino_of(connection, [(-1.0, FRIDAY, kind), (3.0, FRIDAY + 3 * DAY, kind)])

    assert of("crypto") == pytest.approx(0.5 / 0.25**0.5 * 365**0.5)
    assert of("equity") == pytest.approx(1.0 / 0.5**0.5 * 252**0.5)
    assert sortino_of(connection, [(1.0, FRIDAY, "crypto"), (3.0, FRIDAY + DAY, "crypto")]) is None, "no day lost"
    assert sortino_of(connection, [(-1.0, FRIDAY, "crypto")]) is None, "one day says nothing"
    assert sortino_of(connection, [(None, FRIDAY, "crypto")]) is None


def test_exposure_counts_time_once_however_many_were_held(connection: psycopg.Connection) -> None:
    def of(*spans: tuple[int, int]) -> float | None:
        froms, untils = ([CLOSE + span[end] * HOUR for span in spans] for end in (0, 1))
        text = "analytics.exposure((SELECT range_agg(tstzrange(f, u)) FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS t (f, u)))"  # noqa: E501
        found: float | None = value(connection, text, froms, untils)
        return found

    assert of((0, 2), (1, 3), (1, 2)) == 1.0
    assert of((0, 1), (3, 4)) == 0.5
    assert of((0, 3), (9, 10), (1, 2)) == 0.4
    assert of() is None
    assert of((2, 2)) is None, "nothing was held for any time"


def test_months_are_those_of_utc_and_what_has_not_ended_is_of_none(connection: psycopg.Connection) -> None:
    symbol, strategy = records.add_instrument(connection), records.add_strategy(connection)
    january, february = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2))
    ends = [february - timedelta(minutes=1), february, february + 27 * DAY]
    for hour, exit_at in enumerate(ends):
        outcome = closed("stop_hit", -1.0, exit_at=exit_at, mfe_r=0.5 * hour, mae_r=-1.0 - hour)
        records.add_signal(connection, symbol, strategy, CLOSE + hour * HOUR, outcome)
    records.add_signal(connection, symbol, strategy, CLOSE + 9 * HOUR)
    for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles"):
        connection.execute("SELECT set_config('timezone', %s, TRUE)", (zone,))
        found = rows_of(connection, "SELECT exit_month, n_signals, n_open, average_mfe_r, average_mae_r "
                        "FROM analytics.performance(ARRAY['month']) ORDER BY 1")  # fmt: skip
        assert [tuple(row.values()) for row in found] == [
            (january, 1, 0, 0.0, -1.0),
            (february, 2, 0, 0.75, -2.5),
            (None, 1, 1, None, None),
        ]
