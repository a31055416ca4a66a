"""Volume profile: bins that hold all the volume, the point of control and the value area, against plain Python."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.ta_profile import Bar, plain_area, plain_profile
from tests.sql.ta_relations import load_history
from tests.sql.ta_series import SERIES, walk

# The profile, point of control, value area.
Profile = tuple[list[float], float | None, float | None, float | None]
AGGREGATES = "ta.volume_profile(h, l, v, {0}), ta.point_of_control(h, l, v, {0}), ta.value_area_low(h, l, v, {0}), "
BARS = "unnest(%(highs)s::float8[], %(lows)s::float8[], %(volumes)s::float8[]) AS bars (h, l, v)"
# Prices on a grid, so that bars end on the borders of bins and volumes tie.
BAR = st.tuples(st.integers(0, 12), st.integers(0, 8), st.integers(0, 4)).map(
    lambda drawn: (10.0 + (drawn[0] + drawn[1]) / 4, 10.0 + drawn[0] / 4, float(drawn[2]))
)


def _ask(connection: psycopg.Connection, bars: list[Bar], bins: int) -> Profile:
    highs, lows, volumes = (list(column) for column in zip(*bars, strict=True))
    query = f"SELECT {AGGREGATES.format(bins)} ta.value_area_high(h, l, v, {bins}) FROM {BARS}"
    row = connection.execute(query, {"highs": highs, "lows": lows, "volumes": volumes}).fetchone()
    assert row is not None
    return row


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bars=st.lists(BAR, min_size=1, max_size=12), bins=st.sampled_from([1, 2, 4, 8, 24]))
def test_a_profile_equals_a_plain_one(connection: psycopg.Connection, bars: list[Bar], bins: int) -> None:
    profile, control, low, high = _ask(connection, bars, bins)
    lowest, highest = profile[0], profile[1]
    assert (lowest, highest) == (min(bar[1] for bar in bars), max(bar[0] for bar in bars))
    assert profile[2:] == pytest.approx(plain_profile(bars, bins), abs=1e-9)
    assert sum(profile[2:]) == pytest.approx(sum(volume for _, _, volume in bars))
    if sum(profile[2:]) == 0:
        assert control is low is high is None
        return
    assert control is not None
    assert low is not None
    assert high is not None
    height = (highest - lowest) / bins
    # The volumes as the database has them: a tie up to a rounding is none.
    peak, first, last = plain_area(profile[2:], 0.7)
    assert control == pytest.approx(lowest + (peak + 0.5) * height)
    assert low == pytest.approx(lowest + first * height)
    assert high == pytest.approx(lowest + (last + 1) * height)
    assert low <= control <= high


def test_a_flat_market_has_one_price(connection: psycopg.Connection) -> None:
    assert _ask(connection, [(7.0, 7.0, 2.0), (7.0, 7.0, 3.0)], 4) == ([7.0, 7.0, 5.0, 0.0, 0.0, 0.0], 7.0, 7.0, 7.0)


def test_ties_go_to_the_middle_and_then_down(connection: psycopg.Connection) -> None:
    for volumes, peak in (([5, 1, 5, 5, 0], 3), ([5, 0, 0, 0, 5], 1), ([1, 2, 2, 1], 2), ([0, 0], None)):
        row = connection.execute(
            "SELECT ta.volume_profile_peak(ARRAY[0, 1] || %(volumes)s::float8[])", {"volumes": volumes}
        ).fetchone()
        assert row == (peak,)


def test_the_rows_of_a_profile_show_bins_shares_and_the_area(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT bin, price_from, price_to, volume, volume_share, is_point_of_control, is_in_value_area "
        "FROM ta.volume_profile_bins(ARRAY[10, 18, 1, 6, 2, 1]::float8[])"
    ).fetchall()
    assert rows == [
        (1, 10.0, 12.0, 1.0, 0.1, False, False),
        (2, 12.0, 14.0, 6.0, 0.6, True, True),
        (3, 14.0, 16.0, 2.0, 0.2, False, True),
        (4, 16.0, 18.0, 1.0, 0.1, False, False),
    ]
    everything = "SELECT count(*) FILTER (WHERE is_in_value_area) FROM ta.volume_profile_bins(%(profile)s, 1.0)"
    assert connection.execute(everything, {"profile": [10.0, 18.0, 1.0, 6.0, 2.0, 1.0]}).fetchone() == (4,)
    assert connection.execute("SELECT count(*) FROM ta.volume_profile_bins(NULL)").fetchone() == (0,)


@pytest.mark.parametrize("bins", ["0", "-1", "10001", "NULL"])
def test_bins_out_of_range_give_null(connection: psycopg.Connection, bins: str) -> None:
    row = connection.execute(f"SELECT ta.volume_profile(2.0, 1.0, 5.0, {bins}), ta.point_of_control(2, 1, 5, {bins})")
    assert row.fetchone() == (None, None)


def test_a_bar_with_a_null_is_left_out(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT ta.volume_profile(h, l, v, 2) = '{1,3,1,1}'::float8[], "
        "ta.volume_profile_of(array_agg(h), array_agg(l), array_agg(v), 2) = '{1,3,1,1}'::float8[] "
        "FROM (VALUES (3.0, 1.0, 2.0), (9.0, NULL, 5.0), (9.0, 0.5, NULL)) AS bars (h, l, v)"
    ).fetchone()
    assert row == (True, True)


def test_a_frame_moves_the_profile_along(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(150, 81)])
    row = connection.execute(
        "SELECT rolled.profile = (SELECT ta.volume_profile(high, low, volume, 24 ORDER BY n) FROM history "
        "WHERE n > 50) FROM (SELECT n, ta.volume_profile(high, low, volume, 24) OVER (ORDER BY n ROWS 99 PRECEDING) "
        "AS profile FROM history) AS rolled WHERE n = 150"
    ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize("name", ["huge prices", "tiny prices", "gaps", "ticks and ties"])
def test_no_volume_is_lost_at_any_scale(connection: psycopg.Connection, name: str) -> None:
    load_history(connection, [SERIES[name]])
    row = connection.execute(
        "SELECT ta.volume_profile_of(array_agg(high), array_agg(low), array_agg(volume), 100), sum(volume) FROM history"
    ).fetchone()
    assert row is not None
    assert sum(row[0][2:]) == pytest.approx(row[1], rel=1e-12)
    assert min(row[0][2:]) >= 0.0
