"""The made-up market of docs/indicator-queries.md: six weeks of hours of five instruments, by formula."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise

import polars as pl

from signalhub.db.engine import Database
from signalhub.domain.timeframe import H1
from tests.market import MONDAY, SCHEMA, add_instrument, put, roll_and_compute

HOURS = 6 * 7 * 24
MARKET = {
    "ADA/USDT": (0.6, -0.0003, 0.012, 31),
    "BTC/USDT": (60_000.0, 0.0004, 0.015, 47),
    "ETH/USDT": (3_000.0, 0.0002, 0.02, 73),
    "SOL/USDT": (120.0, 0.0, 0.03, 61),
    "XRP/USDT": (0.5, -0.0001, 0.025, 101),
}
"""Symbol → first price, drift per hour, height and length in hours of its swings."""


def make(database: Database) -> None:
    """Bars of all five, rolled up, with their indicators."""
    frames = [hours(add_instrument(database, symbol), symbol) for symbol in MARKET]
    put(database, pl.concat(frames), timeframe=H1)
    roll_and_compute(database)


def hours(instrument_id: int, symbol: str) -> pl.DataFrame:
    """One instrument's bars."""
    price, drift, height, length = MARKET[symbol]
    digits = 2 if price > 1 else 5
    closes = [round(price * _at(hour, symbol, drift, height, length), digits) for hour in range(-1, HOURS)]
    bars = []
    for hour, (before, close) in enumerate(pairwise(closes)):
        wick = price * 0.002 * (1 + hour % 3)
        spike = 6.0 if symbol == "XRP/USDT" and hour % 167 == 0 else 1.0
        bars.append(
            {
                "instrument_id": instrument_id,
                "open_at": MONDAY + timedelta(hours=hour),
                "open": before,
                "high": round(max(before, close) + wick, digits),
                "low": round(min(before, close) - wick, digits),
                "close": close,
                "volume": (100.0 + hour * 7 % 40) * spike,
                "turnover": None,
            }
        )
    return pl.DataFrame(bars, schema=SCHEMA)


def _at(hour: int, symbol: str, drift: float, height: float, length: int) -> float:
    """The price for its first price. Solana's swings die away, and at last it leaves them."""
    calm = max(0.0, 1.0 - hour / 900) if symbol == "SOL/USDT" else 1.0
    late = 0.004 * max(0, hour - 990) if symbol == "SOL/USDT" else 0.0
    swing = math.sin(2 * math.pi * hour / length) + 0.4 * math.sin(2 * math.pi * hour / (length * 4.3))
    return 1.0 + drift * hour + calm * height * swing + late + 0.001 * math.sin(hour * 2.3)
