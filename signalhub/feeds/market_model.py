"""How a simulated market moves: regimes of weeks, clusters of volatility, fat tails, volume with movement.

Two layers, both drawn from counter-based random numbers, so that any minute is the same whatever window it is
asked in:
- a daily path from a fixed epoch on: regime drift, GARCH(1,1) volatility, a weak pull to the anchor price;
- within a UTC day a bridge of minutes between that day's two ends, with its own swings of volatility.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from signalhub.domain.bar import BAR_SCHEMA, empty_bars
from signalhub.domain.timeframe import M1

Floats = npt.NDArray[np.float64]

EPOCH = date(2020, 1, 1)
HORIZON = date(2060, 1, 1)
"""Simulated history begins at the epoch and ends at the horizon; outside there are no bars."""
MINUTES = 1440

_NEW_YORK = ZoneInfo("America/New_York")
_DAYS = (HORIZON - EPOCH).days
_PULL = 0.998
"""Share of the distance to the anchor that is left after a day: half of it is gone after a year."""
_ALPHA, _BETA = 0.09, 0.88
"""GARCH: how much of yesterday's surprise and of yesterday's variance is in today's variance."""
_REGIMES = {"bull": (0.22, 0.9), "bear": (-0.22, 1.2), "range": (0.0, 0.75)}
"""Regime → drift per day in daily volatilities, factor on volatility."""
_MEAN_REGIME_DAYS = 14.0
_OPENING_GAP_CHANCE = 0.25
_BUSY = 1.0 + 0.6 * np.exp(-(((np.arange(MINUTES) - 850) / 240.0) ** 2))
"""How lively each minute of a UTC day is."""


@dataclass(frozen=True)
class Market:
    """What tells one simulated market from another."""

    symbol: str
    asset_class: str
    anchor: float
    """The price it starts at and is weakly drawn to."""
    annual_volatility: float
    tick: Decimal
    minute_volume: float
    """Volume of an ordinary minute, in base units; forex: quote ticks."""
    lot: float
    """Volumes are multiples of it."""

    @property
    def is_always_open(self) -> bool:
        """Whether it trades 24/7; the others rest from Friday to Sunday, 17:00 New York."""
        return self.asset_class == "crypto"

    @property
    def has_turnover(self) -> bool:
        """Whether volume is a traded amount, so that turnover means something."""
        return self.asset_class != "forex"


def minute_bars(seed: int, market: Market, since: datetime, until: datetime) -> pl.DataFrame:
    """The 1m bars with `since <= open_at < until`.

    Shape: BAR_SCHEMA, ascending; no bar while the market rests.
    Guarantees: a bar depends on seed, market and its time alone.
    """
    first, last = (
        max(since.date(), EPOCH),
        min((until - timedelta(microseconds=1)).date(), HORIZON - timedelta(1)),
    )
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    days = [day for day in days if day.weekday() != 5 or market.is_always_open]
    if not days:
        return empty_bars()
    opens_at = pl.concat(_minute_times(market, day) for day in days)
    bars = _bars(market, opens_at, np.hstack([_day_paths(seed, market, day) for day in days]))
    return bars.filter(pl.col("open_at").is_between(since, until, closed="left"))


def open_minutes(is_always_open: bool, day: date) -> tuple[int, int]:
    """The minutes of a UTC day from which on and before which a market trades."""
    if is_always_open or day.weekday() < 4:
        return 0, MINUTES
    if day.weekday() == 5:
        return 0, 0
    turn = _utc_minute(day, time(17))
    return (0, turn) if day.weekday() == 4 else (turn, MINUTES)


@lru_cache(maxsize=128)
def daily_path(seed: int, market: Market) -> tuple[Floats, Floats]:
    """Log price at 00:00 UTC of each day since the epoch (one more than days), and each day's volatility."""
    draws = _generator(seed, market, 0)
    shocks = draws.standard_t(5, _DAYS) * np.sqrt(3 / 5)
    drift, factor = _regimes(draws)
    share = _open_shares(market.is_always_open)
    usual = market.annual_volatility / np.sqrt(share[:365].sum())
    sigma = usual * factor * np.sqrt(share * _garch(shocks))
    moves = sigma * (shocks + drift)
    offsets = np.array(list(accumulate(moves.tolist(), lambda offset, move: offset * _PULL + move, initial=0.0)))
    return np.log(market.anchor) + offsets, sigma


def _generator(seed: int, market: Market, block: int) -> np.random.Generator:
    """Random numbers of one block of one market. Blocks are 2**192 draws apart and never overlap."""
    key = hashlib.sha256(f"{seed}:{market.symbol}".encode()).digest()[:16]
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "big"), counter=block << 192))


def _regimes(draws: np.random.Generator) -> tuple[Floats, Floats]:
    """Drift and volatility factor of each day."""
    lengths = 3 + draws.geometric(1 / (_MEAN_REGIME_DAYS - 3), _DAYS // 4)
    kinds = draws.choice(len(_REGIMES), size=len(lengths), p=(0.36, 0.30, 0.34))
    table = np.array(list(_REGIMES.values()))[np.repeat(kinds, lengths)[:_DAYS]]
    return table[:, 0], table[:, 1]


def _garch(shocks: Floats) -> Floats:
    """Variance of each day relative to the usual one: GARCH(1,1), long-run mean 1."""

    def step(variance: float, shock: float) -> float:
        return (1 - _ALPHA - _BETA) + variance * (_BETA + _ALPHA * min(shock * shock, 9.0))

    return np.array(list(accumulate(shocks[:-1].tolist(), step, initial=1.0)))


@lru_cache(maxsize=2)
def _open_shares(is_always_open: bool) -> Floats:
    """The part of each day that the market trades."""
    spans = (open_minutes(is_always_open, EPOCH + timedelta(days=day)) for day in range(_DAYS))
    return np.array([(end - begin) / MINUTES for begin, end in spans])


def _day_paths(seed: int, market: Market, day: date) -> Floats:
    """One UTC day's minutes: five rows of log open, log close, reach up, reach down, log of volume noise."""
    index, (begin, end) = (day - EPOCH).days, open_minutes(market.is_always_open, day)
    levels, sigmas = daily_path(seed, market)
    draws = _generator(seed, market, index + 1)
    noise = draws.standard_normal((5, MINUTES))
    scale = _minute_scale(noise[0], begin, end) * sigmas[index]
    gaps = _gaps(draws, market, day, begin) * sigmas[index]
    closes = _bridge(levels[index], levels[index + 1], noise[1] * scale + gaps, scale)
    opens = np.concatenate(([levels[index]], closes[:-1])) + gaps
    rows = np.stack([opens, closes, *(0.6 * np.abs(noise[2:4]) * scale), 0.5 * noise[4]])
    return np.asarray(rows[:, begin:end], dtype=np.float64)


def _minute_scale(noise: Floats, begin: int, end: int) -> Floats:
    """Volatility of each minute relative to the day's: swings of about an hour, busiest around 14:00 UTC."""
    sums = np.cumsum(noise)
    swings = 0.06 * (sums - np.concatenate((np.zeros(60), sums[:-60])))
    raw = np.exp(swings) * _BUSY
    raw[:begin] = raw[end:] = 0.0
    return np.asarray(raw / np.sqrt((raw**2).sum()), dtype=np.float64)


def _gaps(draws: np.random.Generator, market: Market, day: date, begin: int) -> Floats:
    """Jumps between one minute's close and the next one's open, in daily volatilities.

    After the weekend always, for equities and indices now and then when New York opens.
    """
    gaps = np.zeros(MINUTES)
    size, chance = draws.standard_normal(), draws.random()
    if begin:
        gaps[begin] = size
    elif market.asset_class in ("equity", "index") and chance < _OPENING_GAP_CHANCE:
        gaps[_utc_minute(day, time(9, 30))] = 0.8 * size
    return gaps


def _bridge(start: float, end: float, steps: Floats, scale: Floats) -> Floats:
    """Log closes of a walk by `steps`, bent so that it ends at `end`; the bend is spread as the variance."""
    walk = np.cumsum(steps)
    share = np.cumsum(scale**2)
    path = start + walk + share / share[-1] * (end - start - walk[-1])
    path[-1] = end
    return np.asarray(path, dtype=np.float64)


def _bars(market: Market, opens_at: pl.Series, paths: Floats) -> pl.DataFrame:
    opens, closes, up, down, noise = paths
    logs = {
        "open": opens,
        "high": np.maximum(opens, closes) + up,
        "low": np.minimum(opens, closes) - down,
        "close": closes,
    }
    prices = {name: _on_tick(np.exp(log), market.tick) for name, log in logs.items()}
    volume = _volume(market, np.abs(closes - opens), noise)
    bars = pl.DataFrame({"open_at": opens_at, **prices, "volume": volume})
    typical = (pl.col("open") + pl.col("high") + pl.col("low") + pl.col("close")) / 4
    turnover = (typical * pl.col("volume")).round(6) if market.has_turnover else pl.lit(None, pl.Float64)
    return bars.with_columns(turnover.alias("turnover")).select(*BAR_SCHEMA)


def _on_tick(prices: Floats, tick: Decimal) -> Floats:
    """Prices on the tick and above zero. Rounding keeps order, so high and low still enclose the others."""
    ticks_per_unit = float(1 / tick)
    return np.asarray(np.maximum(np.rint(prices * ticks_per_unit), 1) / ticks_per_unit, dtype=np.float64)


def _volume(market: Market, moved: Floats, noise: Floats) -> Floats:
    """Volume grows with the minute's movement, measured in ordinary ones."""
    usual = market.annual_volatility / np.sqrt(365 * MINUTES)
    size = market.minute_volume * (0.35 + moved / usual) * np.exp(noise)
    return np.asarray((np.maximum(np.rint(size / market.lot), 1) * market.lot).round(8), dtype=np.float64)


def _minute_times(market: Market, day: date) -> pl.Series:
    begin, end = open_minutes(market.is_always_open, day)
    midnight = datetime.combine(day, time(), UTC)
    first, last = midnight + begin * M1.span, midnight + end * M1.span
    return pl.datetime_range(first, last, M1.span, closed="left", time_unit="us", eager=True).alias("open_at")


def _utc_minute(day: date, in_new_york: time) -> int:
    """The minute of the UTC day at which New York's clocks show a time."""
    instant = datetime.combine(day, in_new_york, _NEW_YORK).astimezone(UTC)
    return instant.hour * 60 + instant.minute
