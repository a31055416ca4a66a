"""The volume indicators where they are anchored: AD, ADOSC and the VWAP of a session; and what no volume means."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

from tests.sql.ta_bands import BARS
from tests.sql.ta_errors import assert_close
from tests.sql.ta_relations import compute, load_history
from tests.sql.ta_series import SERIES, Series, from_close, walk


def _scalar(connection: psycopg.Connection, expression: str) -> object:
    row = connection.execute(f"SELECT {expression}").fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("start", [2, 10, 38, 39, 40, 57])
def test_a_state_goes_on_from_its_seed(connection: psycopg.Connection, start: int) -> None:
    load_history(connection, [walk(100, 71)])
    states = [
        "ta.ad_state(money_flow, n, {ad}) {filter} OVER w AS ad",
        "ta.ad_lag_state(money_flow, n, 10, {lag}) {filter} OVER w AS lag",
        "ta.vwap_session_state(turnover, volume, floor(n / 39)::float8, {sums}) {filter} OVER w AS sums",
    ]
    nothing = {"ad": "NULL::float8", "lag": "NULL::float8", "sums": "NULL::float8[]", "filter": ""}
    seeds = {name: f"(SELECT {name} FROM whole WHERE n = {start - 1})" for name in ("ad", "lag", "sums")}
    some = {**seeds, "filter": f"FILTER (WHERE n >= {start})"}
    rows = connection.execute(
        f"""
        WITH whole AS (SELECT n, {", ".join(states).format(**nothing)} FROM ({BARS}) AS bars WINDOW w AS (ORDER BY n)),
        resumed AS (SELECT n, {", ".join(states).format(**some)} FROM ({BARS}) AS bars WINDOW w AS (ORDER BY n))
        SELECT w.ad, r.ad, w.lag, r.lag, w.sums, r.sums FROM whole AS w JOIN resumed AS r USING (n) WHERE n >= {start}
        """
    ).fetchall()
    assert len(rows) == 101 - start
    for ad, ad_again, lag, lag_again, sums, sums_again in rows:
        assert (ad, lag, sums) == (ad_again, lag_again, sums_again)


def test_ad_never_restarts_silently(connection: psycopg.Connection) -> None:
    assert _scalar(connection, "ta.ad_step(NULL, 5.0::float8, 0)") is None
    assert _scalar(connection, "ta.ad_step(NULL, 5.0::float8, 1)") == 5.0
    assert _scalar(connection, "ta.ad_step(NULL, 5.0::float8, 2)") is None
    assert _scalar(connection, "ta.ad_step(3.0::float8, NULL, 2)") == 3.0
    assert _scalar(connection, "ta.ad_lag_step(NULL, 5.0::float8, 0, 3)") is None
    assert _scalar(connection, "ta.ad_lag_step(NULL, 5.0::float8, 1, 3)") == 0.0
    assert _scalar(connection, "ta.ad_lag_step(NULL, 5.0::float8, 2, 3)") is None
    assert _scalar(connection, "ta.ad_lag_step(NULL, 5.0::float8, 2, 3, 7.0::float8)") == 1.0


def test_ad_begins_anew_where_its_ordinal_does(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(120, 72)])
    restarted = f"SELECT n, ta.ad_state(money_flow, (n - 1) % 50 + 1, NULL) OVER (ORDER BY n) AS ad FROM ({BARS}) AS b"
    split = (
        f"SELECT n, sum(money_flow) OVER (PARTITION BY (n - 1) / 50 ORDER BY n ROWS UNBOUNDED PRECEDING) AS ad "
        f"FROM ({BARS}) AS b"
    )
    assert compute(connection, restarted)["ad"].tobytes() == compute(connection, split)["ad"].tobytes()


@pytest.mark.parametrize(("fast", "slow"), [(3, 10), (2, 3), (10, 3), (5, 5), (7, 30)])
def test_adosc_is_the_difference_of_two_averages_of_ad(connection: psycopg.Connection, fast: int, slow: int) -> None:
    """Whatever level AD has; the averages are spelled out here, as TA-Lib has them."""
    bars = walk(300, 73)
    load_history(connection, [bars])
    actual = compute(
        connection,
        f"SELECT n, ta.adosc(high, low, close, volume, {fast}, {slow}) OVER (ORDER BY n) AS adosc, "
        "ta.ad(high, low, close, volume) OVER (ORDER BY n) AS ad FROM history",
    )
    for level in (0.0, 1e6):
        lines = []
        for period in (fast, slow):
            line = [actual["ad"][0] + level]
            for value in actual["ad"][1:] + level:
                line.append(line[-1] + 2.0 / (period + 1) * (value - line[-1]))
            lines.append(np.array(line))
        wanted = lines[0] - lines[1]
        wanted[: max(fast, slow) - 1] = np.nan
        assert_close(f"adosc on a level of {level}", actual["adosc"], wanted)


def test_adosc_forgets_a_bar_of_long_ago(connection: psycopg.Connection) -> None:
    """A gap that is filled later changes AD for ever and ADOSC for some hundred bars, to the last bit."""
    bars = walk(1_200, 74)
    query = (
        "SELECT n, ta.ad(high, low, close, volume) OVER w AS ad, ta.adosc(high, low, close, volume, 3, 10) OVER w "
        "AS adosc FROM history WINDOW w AS (ORDER BY n)"
    )
    load_history(connection, [bars])
    before = compute(connection, query)
    connection.execute("UPDATE history SET volume = 10 * volume + 1000 WHERE n = 100")
    after = compute(connection, query)
    assert (before["ad"][100:] != after["ad"][100:]).all()
    assert before["adosc"][100] != after["adosc"][100]
    assert before["adosc"][1_000:].tobytes() == after["adosc"][1_000:].tobytes()


@pytest.mark.parametrize("name", ["ticks and ties", "gaps", "tiny prices"])
def test_the_vwap_of_a_session_begins_with_the_session(connection: psycopg.Connection, name: str) -> None:
    bars = SERIES[name]
    load_history(connection, [bars])
    actual = compute(
        connection,
        "SELECT n, ta.vwap_session(high, low, close, volume, floor((n - 1) / 39)::float8) OVER (ORDER BY n) AS vwap "
        "FROM history",
    )["vwap"]
    turnover = (bars.high + bars.low + bars.close) / 3 * bars.volume
    wanted = np.full(len(actual), np.nan)
    for start in range(0, len(actual), 39):
        part = slice(start, start + 39)
        volumes = np.cumsum(bars.volume[part])
        wanted[part] = np.where(volumes > 0, np.cumsum(turnover[part]) / np.where(volumes > 0, volumes, 1.0), np.nan)
    assert_close("vwap_session", actual, wanted)


def test_a_session_may_come_back_or_repeat_its_key_without_being_joined(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT array_agg(v) FROM (SELECT ta.vwap_session(p, p, p, 1, s) OVER (ORDER BY n) AS v FROM "
        "(VALUES (1, 1.0, 7.0), (2, 3.0, 7.0), (3, 10.0, 8.0), (4, 20.0, NULL), (5, 30.0, 8.0), (6, 5.0, 7.0)) "
        "AS bars (n, p, s)) AS walked"
    ).fetchone()
    assert row == ([1.0, 2.0, 10.0, 10.0, 20.0, 5.0],)


def test_nothing_traded_has_no_average_price_and_no_flow(connection: psycopg.Connection) -> None:
    quiet = walk(60, 75)
    load_history(connection, [Series(quiet.high, quiet.low, quiet.close, np.zeros(60))])
    actual = compute(
        connection,
        "SELECT n, ta.vwap(high, low, close, volume, 20) OVER w AS vwap, "
        "ta.vwap_session(high, low, close, volume, 0.0) OVER w AS vwap_session, "
        "ta.cmf(high, low, close, volume, 20) OVER w AS cmf, ta.volume_ratio(volume, 20) OVER w AS ratio, "
        "ta.eom(high, low, volume, 14) OVER w AS eom FROM history WINDOW w AS (ORDER BY n)",
    )
    for column in ("vwap", "vwap_session", "cmf", "ratio", "eom"):
        assert np.isnan(actual[column]).all(), column


def test_a_dead_market_has_no_place_between_its_bands(connection: psycopg.Connection) -> None:
    """Also at a price that binary cannot hold, whose mean is not the price itself."""
    bars = from_close(np.full(60, 0.1), 76, wick=0.0)
    load_history(connection, [bars])
    actual = compute(
        connection,
        "SELECT n, ta.stddev(close, 20) OVER w AS stddev, ta.bb_width(close, 20, 2.0) OVER w AS width, "
        "ta.bb_percent(close, 20, 2.0) OVER w AS percent, ta.hv(close, 20) OVER w AS hv, "
        "ta.chop(high, low, close, 14) OVER w AS chop, ta.chaikin_volatility(high, low, 10, 10) OVER w AS chaikin "
        "FROM history WINDOW w AS (ORDER BY n)",
    )
    for column in ("stddev", "width", "hv"):
        assert set(actual[column][20:]) == {0.0}, column
    for column in ("percent", "chop", "chaikin"):
        assert np.isnan(actual[column]).all(), column


def test_a_price_of_zero_or_below_has_no_return(connection: psycopg.Connection) -> None:
    for pair in ("0.0, 5.0", "5.0, 0.0", "-1.0, 5.0", "5.0, NULL", "1e300, 1e-300"):
        assert _scalar(connection, f"ta.log_return({pair})") is None
    assert _scalar(connection, "ta.log_return(5.0, 5.0)") == 0.0
    assert _scalar(connection, "ta.natr_value(1.0, 0.0)") == 0.0
    assert _scalar(connection, "ta.natr_value(NULL, 0.0)") is None
    assert _scalar(connection, "ta.hv_value(0.01, 0.0)") is None
    assert _scalar(connection, "ta.hv_value(0.01, 400.0)") == pytest.approx(0.2)
