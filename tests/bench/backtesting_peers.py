"""Run by the peers' Python: the same bars and rule, tried by backtesting.py and by vectorbt. One JSON object a line.

Entry at the open after the signal, stop and target as fractions away, out after twelve bars at the latest. The signals
are handed over as arrays; vectorbt runs once more with the rule written in NumPy, as its users do, and with what it has
of the statistics that ours ends with.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

FEW = 10
VALID_BARS = 12
COOLDOWN_BARS = 8
MIN_SCORE = 50
FEE = 0.0005
STATISTICS = ("win_rate", "expectancy", "profit_factor", "sharpe_ratio", "sortino_ratio", "max_dd")
GIVEN = ("long_stop_pct", "long_target_pct", "short_stop_pct", "short_target_pct")


def load(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))}


def tell(name: str, bars: int, seconds: float, note: str) -> None:
    print(json.dumps({"name": name, "bars": bars, "seconds": seconds, "note": note}), flush=True)


def backtesting_py(data: dict[str, np.ndarray]) -> None:
    from backtesting import Backtest, Strategy

    class Given(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            for trade in self.trades:
                if len(self.data) - trade.entry_bar > VALID_BARS:
                    trade.close()
            price = self.data.Close[-1]
            if self.data.Long[-1] == self.data.Long[-1]:
                self.buy(size=0.02, sl=price * (1 - self.data.Long[-1]), tp=price * (1 + self.data.LongTarget[-1]))
            if self.data.Short[-1] == self.data.Short[-1]:
                self.sell(size=0.02, sl=price * (1 + self.data.Short[-1]), tp=price * (1 - self.data.ShortTarget[-1]))

    index = pd.date_range("2024-01-01", periods=len(data["close"]), freq="h")
    started, trades = time.perf_counter(), 0
    for number in range(FEW):
        names = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}
        names |= {"Long": "long_stop_pct", "LongTarget": "long_target_pct"}
        names |= {"Short": "short_stop_pct", "ShortTarget": "short_target_pct"}
        frame = pd.DataFrame({name: data[key][:, number] for name, key in names.items()}, index=index)
        trades += Backtest(frame, Given, cash=1e6, commission=FEE).run()["# Trades"]
    took = time.perf_counter() - started
    tell("backtesting.py", FEW * len(index), took, f"{FEW} instruments, {trades:,.0f} trades, statistics included")


def vectorbt(data: dict[str, np.ndarray]) -> None:
    given = {name: data[name] for name in GIVEN}
    begun = time.perf_counter()
    simulated(data, given)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    trades = simulated(data, given).trades.count().sum()
    took = time.perf_counter() - begun
    note = f"{trades:,.0f} trades; the first run, with compiling, {first:.1f} s"
    tell("vectorbt, simulating given signals", data["close"].size, took, note)
    # Once before: arrays that lie otherwise in memory, and the statistics, are compiled anew.
    statistics(simulated(data, breakout(data)))
    begun = time.perf_counter()
    found = breakout(data)
    proposed = time.perf_counter() - begun
    portfolio = simulated(data, found)
    simulating = time.perf_counter() - begun - proposed
    statistics(portfolio)
    took = time.perf_counter() - begun
    signals = sum(int(np.count_nonzero(~np.isnan(found[name]))) for name in ("long_stop_pct", "short_stop_pct"))
    note = f"{signals:,} signals; rule {proposed:.1f} s, simulating {simulating:.1f} s, statistics the rest"
    tell("vectorbt, rule and statistics too", data["close"].size, took, note)


def simulated(data: dict[str, np.ndarray], signals: dict[str, np.ndarray]) -> object:
    import vectorbt as vbt

    # One bar later, at its open: shifted by hand, as its users do.
    after = {name: before(matrix) for name, matrix in signals.items()}
    is_long, is_short = ~np.isnan(after["long_stop_pct"]), ~np.isnan(after["short_stop_pct"])
    latest = np.vstack([np.zeros((VALID_BARS, is_long.shape[1]), bool), (is_long | is_short)[:-VALID_BARS]])
    return vbt.Portfolio.from_signals(
        data["close"],
        entries=is_long,
        short_entries=is_short,
        exits=latest,
        short_exits=latest,
        price=data["open"],
        open=data["open"],
        high=data["high"],
        low=data["low"],
        sl_stop=np.where(is_long, after["long_stop_pct"], after["short_stop_pct"]),
        tp_stop=np.where(is_long, after["long_target_pct"], after["short_target_pct"]),
        fees=FEE,
        freq="1h",
    )


def statistics(portfolio: object) -> None:
    """By instrument and of all, and the equity curves: part of what ours ends with."""
    portfolio.stats(metrics=list(STATISTICS), agg_func=None)
    portfolio.value().sum(axis=1)


def breakout(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Breakout's proposals, cooldown, score and levels; no reasons, no sizes, no rounding to ticks."""
    usual = before(data["volume_sma_20"])
    is_busy = (usual == 0) | (data["volume"] >= 1.2 * usual)
    found = {}
    for name, band, sign in (("long", "donchian_upper_20", 1), ("short", "donchian_lower_20", -1)):
        edge = before(data[band])
        is_beyond = (sign * (data["close"] - edge) > 0) & is_busy
        proposed = is_beyond & (sign * (before(data["close"]) - before(data[band], 2)) <= 0)
        at = np.nonzero(proposed & ~cools(proposed))
        good = scored(data, at, edge[at], usual[at], sign) >= MIN_SCORE
        at = at[0][good], at[1][good]
        for part, multiple in (("stop", 1.0), ("target", 2.0)):
            matrix = np.full(edge.shape, np.nan)
            matrix[at] = multiple * data["atr_14"][at] / data["close"][at]
            found[f"{name}_{part}_pct"] = matrix
    return found


def scored(data: dict[str, np.ndarray], at: tuple, edge: np.ndarray, usual: np.ndarray, sign: int) -> np.ndarray:
    names = ("open", "high", "low", "close", "volume", "atr_14", "adx_14", "bb_upper_20_2", "bb_middle_20_2")
    opened, high, low, close, volume, atr, adx, upper, middle = (data[name][at] for name in names)
    parts = (
        (30, sign * (close - edge) / atr, 0.0, 0.8),
        (25, volume / usual, 1.0, 3.0),
        (20, sign * (close - opened) / (high - low), 0.0, 0.9),
        (15, adx, 12.0, 35.0),
        (10, (upper - middle) / atr, 4.0, 1.5),
    )
    return sum(weight * np.clip((value - low_) / (high_ - low_), 0, 1) for weight, value, low_, high_ in parts)


def cools(proposed: np.ndarray) -> np.ndarray:
    """Whether the same was proposed in the bars before."""
    so_far = np.vstack([np.zeros((1, proposed.shape[1]), np.int32), np.cumsum(proposed, axis=0, dtype=np.int32)])
    until, since = so_far[:-1], np.vstack([np.zeros((COOLDOWN_BARS, proposed.shape[1]), np.int32), so_far])
    return until > since[: len(until)]


def before(matrix: np.ndarray, bars: int = 1) -> np.ndarray:
    return np.vstack([np.full((bars, matrix.shape[1]), np.nan), matrix[:-bars]])


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    given = load(Path(sys.argv[1]))
    vectorbt(given)
    backtesting_py(given)
