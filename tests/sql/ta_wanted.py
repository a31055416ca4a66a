"""What every column should be on a made-up series of the store, by whom, and where nobody can say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import talib

from tests.sql import ta_averages, ta_bands, ta_momentum, ta_series, ta_trend_forms
from tests.sql.ta_definitions import definitions, shifted
from tests.sql.ta_errors import DECAYED, worst_error
from tests.sql.ta_relations import Columns
from tests.sql.ta_series import Floats, Series
from tests.sql.ta_store import START, opens

TALIB, PARTS, DEFINITION = "TA-Lib", "TA-Lib's parts", "its definition"
IN_PARTS = {
    "ao_5_34",
    "keltner_upper_20_10_2",
    "keltner_lower_20_10_2",
    "keltner_middle_20_10_2",
    "swing_high_5",
    "swing_low_5",
}
# Column → how many bars after the last move it is still compared.
DECAYING = {
    **dict.fromkeys(("rsi_14", "adx_14", "plus_di_14", "minus_di_14", "cmo_14"), DECAYED - 500),
    **dict.fromkeys(("stochrsi_k_14", "stochrsi_d_14_3"), DECAYED - 500),
    "rsi_7": 3_500,
    "tsi_25_13": 7_000,
    "chaikin_volatility_10_10": 2_000,
}
ERAS = ("obv", "ad")
_DEAD = "Bars more than {} after the last move are left out: {}"
_NOISE = "TA-Lib's averages end in denormal noise there, ours in a clean zero."
EXCEPTIONS = {
    **{column: _DEAD.format(f"{bars:,}", _NOISE) for column, bars in DECAYING.items()},
    "tsi_25_13": _DEAD.format("7,000", "both averages die out, ours into a clean zero."),
    "chaikin_volatility_10_10": _DEAD.format("2,000", "the averaged range dies out, of which no change can be told."),
    "vwma_20": "Windows without volume are left out: NULL here, NaN, infinite or what its sums left over in TA-Lib.",
    "linreg_slope_20": "An error counts against 1e-4 of the price at the least: TA-Lib's own rounding is that of "
    "20 times the price.",
    "ao_5_34": "An error counts against 1e-4 of the price at the least: the difference of two nearly equal means.",
    **dict.fromkeys(
        ("ppo_12_26_9", "ppo_signal_12_26_9", "ppo_hist_12_26_9", "trix_15"),
        "An error counts against 0.001 per cent at the least: the quotient of two nearly equal averages.",
    ),
    **dict.fromkeys(
        ERAS, "The stored sum begins anew with every year (1h, 4h), so that a filled gap reaches no farther; compared "
        "with TA-Lib less its value at the end of the year before. The public function never begins anew.",
    ),
}  # fmt: skip
"""Column → what is special in its comparison, and why."""


@dataclass(frozen=True)
class Wanted:
    """A column's values, NaN where it has none; who says so; what an error is measured against at the least."""

    values: Floats
    source: str
    floor: float = 0.0
    is_comparable: np.ndarray | None = None

    def error(self, actual: Floats) -> float:
        """The greatest relative error over the bars that can be compared."""
        where = self.is_comparable if self.is_comparable is not None else np.ones(len(self.values), dtype=bool)
        return worst_error(actual[: len(where)][where], self.values[where], self.floor)

    @property
    def rows(self) -> int:
        """How many values are compared."""
        where = ~np.isnan(self.values)
        return int(np.sum(where if self.is_comparable is None else where & self.is_comparable))


def wanted(bars: Series, in_eras: bool = True) -> dict[str, Wanted]:
    """Every column that the store or a public function has, over hourly bars from START on."""
    hours = np.datetime64(START.replace(tzinfo=None), "h") + np.arange(len(bars.close))
    by_talib = {**_by_talib(bars), **_wider(bars)}
    if in_eras:
        by_talib |= {name: _in_eras(by_talib[name], hours.astype("datetime64[Y]")) for name in ERAS}
    rest = definitions(bars, hours.astype("datetime64[D]"))
    found = {name: (values, PARTS if name in IN_PARTS else TALIB) for name, values in by_talib.items()}
    found |= {name: (values, DEFINITION) for name, values in rest.items() if name not in found}
    return {
        name: Wanted(values, source, floor(name, bars), _comparable(name, bars))
        for name, (values, source) in found.items()
    }


def _by_talib(bars: Series) -> dict[str, Floats]:
    return {
        **ta_series.expected(bars),
        **ta_averages.expected(bars),
        **ta_bands.from_talib(bars),
        **ta_momentum.expected(bars),
        **ta_trend_forms.expected(bars, opens(bars)),
    }


def _wider(bars: Series) -> dict[str, Floats]:
    """The periods and outputs that the families' own tests leave out."""
    close = bars.close
    candle = talib.HA(opens(bars), bars.high, bars.low, close)
    return {
        **{f"sma_{period}": talib.SMA(close, period) for period in (5, 10, 20, 50, 100, 200)},
        **{f"ema_{period}": talib.EMA(close, period) for period in (9, 12, 20, 21, 26, 50, 100, 200)},
        "rsi_7": talib.RSI(close, 7),
        "true_range": talib.TRANGE(bars.high, bars.low, close),
        "ha_high": candle[1],
        "ha_low": candle[2],
        "typical_price": talib.TYPPRICE(bars.high, bars.low, close),
        "median_price": talib.MEDPRICE(bars.high, bars.low),
    }


def _in_eras(sums: Floats, eras: np.ndarray) -> Floats:
    begins = np.concatenate([[False], eras[1:] != eras[:-1]])
    before = np.where(begins, shifted(sums, 1), 0.0)
    # Of the begins so far the latest counts: sums may fall.
    latest = np.maximum.accumulate(np.where(begins, np.arange(len(sums)), 0))
    result: Floats = sums - before[latest]
    return result


def floor(column: str, bars: Series) -> float:
    """What an error is measured against at the least."""
    column = {"ppo_signal_12_26_9": "ppo_12_26_9", "ppo_hist_12_26_9": "ppo_12_26_9"}.get(column, column)
    return ta_averages.noise(column, bars)


def _comparable(column: str, bars: Series) -> np.ndarray | None:
    if column == "vwma_20":
        return ta_averages.traded(bars.volume, 20)
    moved = np.flatnonzero(np.diff(bars.close)) if len(bars.close) > DECAYED else np.zeros(0)
    if column in DECAYING and len(moved):
        return np.asarray(np.arange(len(bars.close)) < moved[-1] + DECAYING[column])
    return None


def errors(actual: Columns, expected: dict[str, Wanted]) -> dict[str, float]:
    """Column → its greatest relative error."""
    return {name: expected[name].error(values) for name, values in actual.items() if name in expected}
