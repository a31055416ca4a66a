"""Published indicator values beside the project (shared/data/indicators), read only where they are there."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.sql.ta_series import Floats, Series

PEERS = Path(__file__).parents[3] / "shared/data/indicators"
needs_peers = pytest.mark.skipif(not PEERS.is_dir(), reason="the other libraries' numbers are not beside the project")


@dataclass(frozen=True)
class Sheet:
    """One column of a peer's file, and the call that gives it."""

    name: str
    column: str
    call: str
    tolerance: float
    """Of the published digits."""
    last: int = 0
    """Compare so many rows from the end only: the peer seeds its averages otherwise. 0: all that both have."""

    def read(self) -> dict[str, Floats]:
        """All columns of the file."""
        return sheet(self.name)


_KELTNER = "ta.keltner_{}(high, low, close, 20, 10, 2.0)"
_ADOSC = "ta.adosc(high, low, close, volume, 3, 10)"
SHEETS = [
    # It begins the second average with one value, TA-Lib and we with a mean.
    Sheet("skender/dema", "exp_dema", "ta.dema(close, 14)", 1e-12, last=200),
    Sheet("skender/hma", "exp_hma", "ta.hma(close, 14)", 1e-12),
    Sheet("skender/vwma", "exp_vwma", "ta.vwma(close, volume, 14)", 1e-12),
    Sheet("skender/kama", "exp_kama", "ta.kama(close, 10, 2, 30)", 1e-12),
    Sheet("skender/epma", "exp_epma", "ta.linreg(close, 10)", 1e-12),
    Sheet("skender/slope", "exp_slope", "ta.linreg_slope(close, 14)", 1e-10),
    Sheet("skender/slope", "exp_rSquared", "ta.linreg_r2(close, 14)", 1e-10),
    Sheet("lean/spy_trima", "exp_TRIMA_5", "ta.trima(close, 5)", 1e-11),
    Sheet("lean/spy_trima", "exp_TRIMA_6", "ta.trima(close, 6)", 1e-11),
    Sheet("skender/tsi", "exp_tsi", "ta.tsi(close, 25, 13)", 1e-11),
    Sheet("lean/spy_tsi", "exp_TSI_25_13", "ta.tsi(close, 25, 13)", 1e-11),
    Sheet("lean/spy_ao", "exp_AO", "ta.ao(high, low, 5, 34)", 1e-11),
    Sheet("skender/willr", "exp_williamsR", "ta.williams_r(high, low, close, 14)", 1e-11),
    Sheet("skender/cci", "exp_cci", "ta.cci(high, low, close, 20)", 1e-11),
    Sheet("skender/roc", "exp_roc", "ta.roc(close, 14)", 1e-11),
    Sheet("skender/roc", "exp_momentum", "ta.mom(close, 14)", 1e-11),
    Sheet("skender/stoch-rsi", "exp_stochRsi", "ta.stochrsi_k(close, 14, 14)", 1e-11),
    Sheet("skender/stoch-rsi", "exp_signal", "ta.stochrsi_d(close, 14, 14, 3)", 1e-11),
    # This K is smoothed over three bars, which is our D.
    Sheet("lean/spy_StochRSI", "exp_k", "ta.stochrsi_d(close, 14, 14, 3)", 1e-11),
    Sheet("bukosabino/cs-soo", "exp_SO", "ta.stochf_k(high, low, close, 14)", 1e-6),
    Sheet("bukosabino/cs-cci", "exp_CCI", "ta.cci(high, low, close, 20)", 1e-4),
    Sheet("bukosabino/cs-ultosc", "exp_Ult_Osc", "ta.ultosc(high, low, close, 7, 14, 28)", 1e-6),
    Sheet("skender/keltner", "exp_upperBand", _KELTNER.format("upper"), 1e-12),
    Sheet("skender/keltner", "exp_centerline", _KELTNER.format("middle"), 1e-12),
    Sheet("skender/keltner", "exp_lowerBand", _KELTNER.format("lower"), 1e-12),
    Sheet("skender/bb", "exp_width", "ta.bb_width(close, 20, 2.0)", 1e-10),
    Sheet("skender/bb", "exp_percentB", "ta.bb_percent(close, 20, 2.0)", 1e-10),
    Sheet("skender/force", "exp_forceIndex", "ta.force_index(close, volume, 2)", 1e-12),
    Sheet("skender/adl", "exp_adl", "ta.ad(high, low, close, volume)", 1e-12),
    Sheet("skender/vwap", "exp_vwap", "ta.vwap_session(high, low, close, volume, 0.0)", 1e-12),
    Sheet("lean/spy_natr", "exp_NATR_5", "ta.natr(high, low, close, 5)", 1e-12),
    # The rest is rounded by its source.
    Sheet("bukosabino/cs-vwap", "exp_vwap", "ta.vwap(high, low, close, volume, 14)", 1e-12),
    Sheet("bukosabino/cs-easeofmovement", "exp_SMA_EMV", "ta.eom(high, low, volume, 14)", 1e-7),
    Sheet("bukosabino/cs-easeofmovement", "exp_EMV", "ta.eom(high, low, volume, 1)", 1e-7),
    Sheet("cinar/chop", "exp_Expected", "ta.chop(high, low, close, 14)", 1e-7),
    Sheet("lean/spy_chop", "exp_CHOP14", "ta.chop(high, low, close, 14)", 1e-12),
    Sheet("lean/spy_cmf", "exp_CMF_20", "ta.cmf(high, low, close, volume, 20)", 1e-4),
    # Both seed the averages by a mean, TA-Lib and we by the first AD.
    Sheet("skender/chaikin-osc", "exp_oscillator", _ADOSC, 1e-6, last=300),
    Sheet("lean/spy_ad_osc", "exp_AdOsc_3_10", _ADOSC, 1e-6, last=90),
    Sheet("skender/ichimoku", "exp_tenkanSen", "ta.ichimoku_tenkan(high, low, 9)", 1e-12),
    Sheet("skender/ichimoku", "exp_kijunSen", "ta.ichimoku_kijun(high, low, 26)", 1e-12),
    Sheet("skender/ichimoku", "exp_senkouSpanA", "ta.ichimoku_senkou_a(high, low, 9, 26)", 1e-12),
    Sheet("skender/ichimoku", "exp_senkouSpanB", "ta.ichimoku_senkou_b(high, low, 52, 26)", 1e-12),
    Sheet("cinar/z_score", "exp_Expected", "ta.zscore(close, 20)", 1e-9),
    Sheet("skender/fcb", "exp_upperBand", "ta.swing_high(high, 2)", 1e-12),
    Sheet("skender/fcb", "exp_lowerBand", "ta.swing_low(low, 2)", 1e-12),
]


def sheet(name: str) -> dict[str, Floats]:
    """The columns of one file, empty cells and what is no number as NaN; skips the test where the file is missing."""
    path = PEERS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"needs the peers' values beside the project: {name}")
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    dated = [row for row in rows if row.get("ts", "-")]
    return {column: np.array([_number(row[column]) for row in dated]) for column in rows[0]}


def sheet_error(actual: Floats, wanted: Floats, case: Sheet) -> tuple[float, int]:
    """The greatest error against the column's usual size at the least; the rows compared, from our first value on.

    A peer may have values during our warm-up (Lean), or zeros (cinar, ta4j).
    """
    both = ~np.isnan(actual) & ~np.isnan(wanted)
    both[: len(both) - case.last if case.last else 0] = False
    scale = np.maximum(np.abs(wanted[both]), np.mean(np.abs(wanted[both])))
    return float(np.max(np.abs(actual[both] - wanted[both]) / scale)), int(both.sum())


def bars_of(columns: dict[str, Floats]) -> Series:
    """The bars among the columns; what the sheet lacks is the close, volume 1."""
    some = next(value for name, value in columns.items() if name != "ts")
    close = columns.get("close", np.ones(len(some)))
    volume = columns.get("volume", np.ones(len(close)))
    return Series(columns.get("high", close), columns.get("low", close), close, volume)


def tulip_cases(indicator: str) -> list[tuple[list[float], list[Floats]]]:
    """Options and arrays (inputs, then outputs) of each of Tulip's cases for an indicator."""
    with gzip.open(PEERS / "tulip/cases.json.gz", "rt") as file:
        cases = json.load(file)
    return [
        (case["options"], [np.array(values) for values in case["arrays"]])
        for case in cases
        if case["indicator"] == indicator
    ]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
