"""market.indicators holds TA-Lib's numbers, and those of the public functions, on every made-up series."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from signalhub.indicators.columns import INDICATOR_COLUMNS
from tests.conftest import scale
from tests.market import add_instrument, put, roll_and_compute, rows
from tests.sql import ta_calls
from tests.sql.conftest import SeriesStore
from tests.sql.ta_errors import DEAD, FORGOTTEN, RELATIVE_TOLERANCE, cut, worst_error
from tests.sql.ta_series import FLAT_TAIL, SERIES, Series
from tests.sql.ta_store import AFTER_ALL, START, frame
from tests.sql.ta_wanted import ERAS, errors, floor, wanted

# Put together from shorter frames: the sums run in another order.
PUT_TOGETHER = {
    *("sma_10", "sma_20", "sma_50", "sma_100", "sma_200", "wma_20", "trima_20", "hma_20", "vwma_20", "vwap_20"),
    *("linreg_20", "linreg_slope_20", "linreg_r2_20", "stddev_20", "zscore_20", "hv_20", "cci_20", "ao_5_34"),
    *("bb_upper_20_2", "bb_middle_20_2", "bb_lower_20_2", "bb_width_20_2", "bb_percent_20_2"),
    *("chop_14", "vortex_plus_14", "vortex_minus_14", "volume_sma_20", "volume_ratio_20", "cmf_20"),
}
# 31 December, the last bar of the first year: sums begin anew thereafter in the store alone.
FIRST_YEAR = 744
# The aggregates for analysts keep windows in arrays, which takes long; the store sees every bar every day.
LEAST = 220
KINDS = ["a calm walk", "flat at a price that binary cannot hold", "only down", "huge prices", "tiny prices",
         "ticks and ties", "gaps"]  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_every_stored_column_is_talibs_or_its_definition_s(series_store: SeriesStore, name: str) -> None:
    bars = series_store.series[name]
    actual, expected = series_store.stored(name), wanted(bars)
    assert set(INDICATOR_COLUMNS) <= expected.keys()
    assert len(actual["n"]) == len(bars.close)
    assert {column: error for column, error in errors(actual, expected).items() if error > RELATIVE_TOLERANCE} == {}


@pytest.mark.parametrize("name", SERIES)
def test_analysts_get_the_bits_of_the_store(series_store: SeriesStore, name: str) -> None:
    stored, bars = series_store.stored(name), series_store.series[name]
    length = len(bars.close) if scale() >= 1 else min(len(bars.close), LEAST)
    public = series_store.public(name, {**ta_calls.STORED, "true_range": ta_calls.SCALARS["true_range"]}, length)
    assert public.keys() - {"n"} == set(INDICATOR_COLUMNS)
    for column in public.keys() - {"n"}:
        end = FIRST_YEAR if column in ERAS else length
        ours, its = public[column][:end], stored[column][:length][:end]
        if column in PUT_TOGETHER:
            assert worst_error(ours, its, floor(column, bars)) <= 1e-11, column
        else:
            assert ours.tobytes() == its.tobytes(), column


@pytest.mark.parametrize("name", ["gaps", "ticks and ties", "34 bars, the first MACD"])
def test_what_is_not_stored_is_talibs_or_its_definition_s(series_store: SeriesStore, name: str) -> None:
    bars = cut(SERIES[name], LEAST)
    actual = series_store.public(name, ta_calls.NOT_STORED, LEAST)
    assert {column: error for column, error in errors(actual, wanted(bars)).items() if error > RELATIVE_TOLERANCE} == {}


def test_a_dead_market_underflows_nowhere_and_ends_in_clean_values(series_store: SeriesStore) -> None:
    actual = series_store.stored(FLAT_TAIL)
    for column in ("rsi_14", "rsi_7", "cmo_14", "mfi_14", "stochrsi_d_14_3", "williams_r_14", "tsi_25_13"):
        assert set(actual[column][DEAD:]) == {0.0}, column
    assert set(actual["atr_14"][FORGOTTEN:]) == {0.0}
    for column in ("adx_14", "macd_12_26_9", "ema_200", "psar", "swing_high_5"):
        assert len(set(actual[column][DEAD:])) == 1, column


def test_no_column_ever_holds_nan_or_infinity(series_store: SeriesStore) -> None:
    assert series_store.count("market.indicators AS x WHERE x::text ~ 'NaN|Infinity'") == 0
    assert series_store.count("market.indicators AS x WHERE x.timeframe = '1h'") > 40_000


@pytest.mark.parametrize("seed", range(max(1, round(4 * scale()))))
def test_batches_single_bars_and_corrections_end_in_the_bits_of_the_whole(
    database: Database, series_store: SeriesStore, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    bars = pl.concat([_first(database, number, cut(SERIES[kind], 420)) for number, kind in enumerate(KINDS)])
    cuts = np.sort(rng.choice(np.arange(20, 400), 3, replace=False)).tolist()
    hours = pl.col("open_at") - START
    wrong = bars.filter(hours == int(rng.integers(5, cuts[0])) * H1.span).with_columns(close=pl.col("low"))
    for start, end in pairwise([0, *cuts[:2], cuts[1] + 1, cuts[2] + 1, 420]):
        put(database, bars.filter(hours >= start * H1.span, hours < end * H1.span), timeframe=H1, now=AFTER_ALL)
        if start == cuts[0]:
            put(database, wrong, timeframe=H1, now=AFTER_ALL)
        roll_and_compute(database, AFTER_ALL)
    put(database, bars, timeframe=H1, now=AFTER_ALL)
    roll_and_compute(database, AFTER_ALL)
    listed = ", ".join(f"array_agg(x.{column} ORDER BY x.open_at) AS {column}" for column in INDICATOR_COLUMNS)
    again = rows(database, f"SELECT {listed} FROM market.indicators AS x WHERE x.timeframe = '1h' "
                           "GROUP BY x.instrument_id ORDER BY x.instrument_id")  # fmt: skip
    for kind, columns in zip(KINDS, again, strict=True):
        whole = series_store.stored(kind)
        for column in INDICATOR_COLUMNS:
            values = np.array(columns[column], dtype=np.float64)
            assert values.tobytes() == whole[column][:420][: len(values)].tobytes(), (kind, column)


def _first(database: Database, number: int, bars: Series) -> pl.DataFrame:
    return frame(add_instrument(database, f"K{number}/USDT"), bars)
