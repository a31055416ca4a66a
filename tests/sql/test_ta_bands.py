"""Bands, volatility and volume indicators: TA-Lib's numbers, a plain computation's, and the same bits either way."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import talib

from tests.sql.ta_bands import AGGREGATES, BULK, FRIENDLY, LIVE, from_scratch, from_talib
from tests.sql.ta_errors import assert_close, cut, last, scaled
from tests.sql.ta_relations import Columns, compute, load_history
from tests.sql.ta_series import SERIES, Series, walk

AS_AGGREGATES = f"SELECT n, {FRIENDLY} FROM history WINDOW w AS (ORDER BY open_at)"
BOUNDS = {
    "natr_14": (0.0, np.inf),
    "stddev_20": (0.0, np.inf),
    "bb_width_20_2": (0.0, np.inf),
    "hv_20": (0.0, np.inf),
    "chop_14": (0.0, np.inf),
    "chaikin_volatility_10_10": (-100.0, np.inf),
    "cmf_20": (-1.0 - 1e-12, 1.0 + 1e-12),
    "volume_ratio_20": (0.0, 20.0 + 1e-12),
}


def _same_bits(one: Columns, other: Columns) -> None:
    assert one.keys() == other.keys()
    for column in one:
        assert one[column].tobytes() == other[column].tobytes(), column


@pytest.mark.parametrize("name", SERIES)
def test_states_and_frames_give_talibs_numbers_and_those_of_a_plain_computation(
    connection: psycopg.Connection, name: str
) -> None:
    bars = scaled(SERIES[name])
    load_history(connection, [bars])
    actual = compute(connection, BULK)
    for column, wanted in {**from_talib(bars), **from_scratch(bars)}.items():
        assert_close(column, actual[column], wanted)


@pytest.mark.parametrize("period", [2, 3, 7, 30])
def test_other_periods_equal_talib(connection: psycopg.Connection, period: int) -> None:
    bars = walk(300, 64)
    load_history(connection, [bars])
    actual = compute(
        connection,
        f"SELECT n, ta.natr(high, low, close, {period}) OVER w AS natr, ta.stddev(close, {period}) OVER w AS stddev, "
        f"ta.bb_upper(close, {period}, 1.5) OVER w AS upper, ta.donchian_middle(high, low, {period}) OVER w AS middle, "
        f"ta.adosc(high, low, close, volume, {period}, 11) OVER w AS adosc FROM history WINDOW w AS (ORDER BY n)",
    )
    assert_close("natr", actual["natr"], talib.NATR(bars.high, bars.low, bars.close, period))
    assert_close("stddev", actual["stddev"], talib.STDDEV(bars.close, period))
    assert_close("upper", actual["upper"], talib.BBANDS(bars.close, period, 1.5, 1.5)[0])
    assert_close("middle", actual["middle"], talib.MIDPRICE(bars.high, bars.low, period))
    wanted = talib.ADOSC(bars.high, bars.low, bars.close, bars.volume, period, 11)
    assert_close("adosc", actual["adosc"], wanted)


@pytest.mark.parametrize("bar", [1, 2, 10, 14, 15, 19, 20, 21, 33, 120])
def test_one_live_bar_has_the_bits_of_the_bulk(connection: psycopg.Connection, bar: int) -> None:
    load_history(connection, [walk(120, 61)])
    bulk = compute(connection, BULK)
    live = compute(connection, LIVE.format(bar=bar))
    _same_bits(live, {column: values[bar - 1 : bar] for column, values in bulk.items()})


def test_no_indicator_looks_ahead(connection: psycopg.Connection) -> None:
    bars = SERIES["gaps"]
    load_history(connection, [cut(bars, 300)])
    whole = compute(connection, AS_AGGREGATES)
    for length in (1, 40, 155):
        load_history(connection, [cut(bars, length)])
        part = compute(connection, AS_AGGREGATES)
        _same_bits(part, {column: values[:length] for column, values in whole.items()})


def test_a_null_row_is_skipped_and_shows_the_value_so_far(connection: psycopg.Connection) -> None:
    load_history(connection, [walk(120, 62)])
    clean = compute(connection, AS_AGGREGATES)
    connection.execute("INSERT INTO history SELECT instrument_id, open_at, n FROM history WHERE n IN (1, 20, 90)")
    holey = compute(
        connection,
        f"SELECT row_number() OVER w AS n, n AS bar, {FRIENDLY} FROM history "
        "WINDOW w AS (ORDER BY open_at, close IS NULL ROWS UNBOUNDED PRECEDING)",
    )
    bars = holey["bar"].astype(int) - 1
    assert len(bars) == 123
    for column in AGGREGATES:
        assert holey[column].tobytes() == clean[column][bars].tobytes(), column


@pytest.mark.parametrize("period", [0, -1, -14])
def test_a_period_below_one_gives_null(connection: psycopg.Connection, period: int) -> None:
    load_history(connection, [walk(60, 63)])
    calls = [
        f"ta.natr(high, low, close, {period})",
        f"ta.stddev(close, {period})",
        f"ta.bb_upper(close, {period}, 2.0)",
        f"ta.bb_percent(close, {period}, 2.0)",
        f"ta.keltner_upper(high, low, close, {period}, 10, 2.0)",
        f"ta.keltner_middle(high, low, close, 20, {period}, 2.0)",
        f"ta.donchian_upper(high, {period})",
        f"ta.donchian_middle(high, low, {period})",
        f"ta.hv(close, {period})",
        f"ta.hv(close, 20, {period})",
        f"ta.chop(high, low, close, {period})",
        f"ta.chaikin_volatility(high, low, {period}, 10)",
        f"ta.chaikin_volatility(high, low, 10, {period})",
        f"ta.adosc(high, low, close, volume, {period}, 10)",
        f"ta.adosc(high, low, close, volume, 3, {period})",
        f"ta.cmf(high, low, close, volume, {period})",
        f"ta.vwap(high, low, close, volume, {period})",
        f"ta.volume_sma(volume, {period})",
        f"ta.volume_ratio(volume, {period})",
        f"ta.force_index(close, volume, {period})",
        f"ta.eom(high, low, volume, {period})",
    ]
    inner = ", ".join(f"{call} OVER w AS c{i}" for i, call in enumerate(calls))
    counts = ", ".join(f"count(c{i})" for i in range(len(calls)))
    row = connection.execute(
        f"SELECT {counts} FROM (SELECT {inner} FROM history WINDOW w AS (ORDER BY open_at)) AS v"
    ).fetchone()
    assert row is not None
    assert {call: count for call, count in zip(calls, row, strict=True) if count} == {}


@pytest.mark.parametrize(("price", "traded"), [(1e-40, 1e-40), (1e-40, 1e40), (1e40, 1e-40), (1e40, 1e40), (1e9, 0.0)])
@pytest.mark.parametrize("name", ["gaps", "ticks and ties", "a walk, then 20,000 flat bars"])
def test_extreme_markets_raise_nothing_and_stay_in_bounds(
    connection: psycopg.Connection, name: str, price: float, traded: float
) -> None:
    bars = last(cut(SERIES[name], 560), 140)
    load_history(connection, [Series(bars.high * price, bars.low * price, bars.close * price, bars.volume * traded)])
    actual = compute(connection, AS_AGGREGATES)
    _same_bits(actual, compute(connection, BULK))
    for column in AGGREGATES:
        defined = actual[column][~np.isnan(actual[column])]
        assert np.isfinite(defined).all(), column
        least, greatest = BOUNDS.get(column, (-np.inf, np.inf))
        assert defined.min(initial=max(least, 0.0)) >= least, column
        assert defined.max(initial=min(greatest, 0.0)) <= greatest, column


def test_a_recursion_over_zeros_dies_out_without_an_error(connection: psycopg.Connection) -> None:
    row = connection.execute(
        "SELECT ta.ad_lag_state(x, n, 3, NULL::float8), ta.adosc(2.0, 1.0, 1.5 + x, 1.0, 3, 10) FROM "
        "(SELECT n, CASE WHEN n = 5 THEN 1e-3::float8 ELSE 0.0::float8 END AS x "
        "FROM generate_series(1::bigint, 20000) AS g (n) ORDER BY n) AS decaying"
    ).fetchone()
    assert row == (0.0, 0.0)


@pytest.mark.parametrize(
    "call",
    [
        "ta.natr_value(a, b)",
        "ta.stddev_value(a, b)",
        "ta.bb_upper_value(a, b, c)",
        "ta.bb_width_value(a, b, c)",
        "ta.bb_percent_value(a, b, c, d)",
        "ta.keltner_upper_value(a, b, c)",
        "ta.donchian_middle_value(a, b)",
        "ta.log_return(a, b)",
        "ta.hv_value(a)",
        "ta.chop_value(a, b, c, 14)",
        "ta.chaikin_volatility_value(a, b)",
        "ta.money_flow_volume(a, b, c, d)",
        "ta.cmf_value(a, b)",
        "ta.typical_turnover(a, b, c, d)",
        "ta.vwap_value(a, b)",
        "ta.volume_ratio_value(a, b)",
        "ta.force(a, b, c)",
        "ta.ease_of_movement(a, b, c, d, a)",
    ],
)
def test_the_small_helpers_are_inlined(connection: psycopg.Connection, call: str) -> None:
    plan = connection.execute(
        f"EXPLAIN (VERBOSE, COSTS OFF) SELECT {call} FROM "
        "(SELECT random() AS a, random() AS b, random() AS c, random() AS d OFFSET 0) AS r"
    ).fetchall()
    assert "ta." not in "".join(line for (line,) in plan)
