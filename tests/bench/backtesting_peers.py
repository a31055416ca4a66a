"""Run by the peers' Python: the same signals simulated by backtesting.py and by vectorbt. One JSON object a line.

Entry at the open after the signal, stop and target as fractions away, out after twelve bars at the latest.
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
FEE = 0.0005


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
    import vectorbt as vbt

    # One bar later, at its open: shifted by hand, as its users do.
    after = {name: np.vstack([np.full((1, matrix.shape[1]), np.nan), matrix[:-1]]) for name, matrix in data.items()}
    is_long, is_short = ~np.isnan(after["long_stop_pct"]), ~np.isnan(after["short_stop_pct"])
    stop = np.where(is_long, after["long_stop_pct"], after["short_stop_pct"])
    target = np.where(is_long, after["long_target_pct"], after["short_target_pct"])
    latest = np.vstack([np.zeros((VALID_BARS, is_long.shape[1]), bool), (is_long | is_short)[:-VALID_BARS]])

    def simulate() -> float:
        portfolio = vbt.Portfolio.from_signals(
            data["close"],
            entries=is_long,
            short_entries=is_short,
            exits=latest,
            short_exits=latest,
            price=data["open"],
            open=data["open"],
            high=data["high"],
            low=data["low"],
            sl_stop=stop,
            tp_stop=target,
            fees=FEE,
            freq="1h",
        )
        return float(portfolio.trades.count().sum() + portfolio.total_return().sum() * 0)

    begun = time.perf_counter()
    simulate()
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    trades = simulate()
    took = time.perf_counter() - begun
    tell("vectorbt", data["close"].size, took, f"{trades:,.0f} trades; the first run, with compiling, {first:.1f} s")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    given = load(Path(sys.argv[1]))
    vectorbt(given)
    backtesting_py(given)
