"""Random signals on random paths, stored, with what the plain loop makes of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from signalhub.db.connection import Connection
from signalhub.domain.timeframe import H1, M1
from tests.market import MONDAY, NEXT_YEAR, rows_of
from tests.outcome_rules import Path, by_the_rules
from tests.signals import OHLC, Plan, add_instrument, add_signal, outcomes_of, put_bars, settle

START_AT = MONDAY + timedelta(hours=12)
QUARTER = 0.25
START = 1000.0
COST_BPS = 7.5
PATH_MINUTES = 1200


def random_minutes(rng: np.random.Generator, start: datetime, count: int, keep: float) -> list[OHLC]:
    """A walk in quarters, so that levels are often touched exactly, with jumps and silent minutes."""
    closes = START + QUARTER * np.cumsum(rng.integers(-2, 3, count))
    jumps = QUARTER * rng.integers(-4, 5, count) * (rng.random(count) < 0.1)
    opens = np.concatenate([[START], closes[:-1]]) + jumps
    ups, downs = (QUARTER * rng.integers(0, 3, count) for _ in range(2))
    highs, lows = np.maximum(opens, closes) + ups, np.minimum(opens, closes) - downs
    kept = rng.random(count) < keep
    prices = zip(opens.tolist(), highs.tolist(), lows.tolist(), closes.tolist(), strict=True)
    whole = [OHLC(start + number * M1.span, *four) for number, four in enumerate(prices)]
    return [one for one, is_there in zip(whole, kept, strict=True) if is_there]


def in_hours(minutes: Sequence[OHLC]) -> dict[datetime, list[OHLC]]:
    members: dict[datetime, list[OHLC]] = {}
    for one in minutes:
        members.setdefault(H1.floor(one.open_at), []).append(one)
    return members


def rolled_up(open_at: datetime, parts: Sequence[OHLC]) -> OHLC:
    highest, lowest = max(one.high for one in parts), min(one.low for one in parts)
    return OHLC(open_at, parts[0].open, highest, lowest, parts[-1].close, H1.span)


def minute_path(connection: Connection, rng: np.random.Generator, number: int) -> Path:
    """An instrument with minutes as its base, some missing."""
    instrument_id = add_instrument(connection, f"M{number}/USDT")
    bars = random_minutes(rng, START_AT, PATH_MINUTES, keep=rng.choice([0.3, 0.8, 1.0]))
    put_bars(connection, instrument_id, bars)
    settled = START_AT + M1.span * int(rng.integers(PATH_MINUTES // 2, PATH_MINUTES))
    settle(connection, instrument_id, settled)
    return Path(instrument_id, bars, settled)


def hour_path(connection: Connection, rng: np.random.Generator, number: int) -> Path:
    """An instrument with hours as its base, some missing; of some hours all minutes are there, of some not all."""
    instrument_id = add_instrument(connection, f"H{number}/USDT")
    hours = in_hours(random_minutes(rng, MONDAY, 20 * 24 * 60, keep=1.0))
    bars = [rolled_up(open_at, parts) for open_at, parts in hours.items() if rng.random() < 0.9]
    put_bars(connection, instrument_id, bars, H1)
    # Minutes on every second day, from its third hour on, leave the day to the hours, which cover more of it.
    by_day = {open_at: parts for open_at, parts in hours.items() if open_at.day % 2 and 2 <= open_at.hour < 21}
    complete = {open_at: parts for open_at, parts in by_day.items() if rng.random() < 0.7}
    partial = [one for open_at, parts in by_day.items() if open_at not in complete for one in parts[:59]]
    put_bars(connection, instrument_id, [*(one for parts in complete.values() for one in parts), *partial])
    assert ruling_bases(connection, instrument_id) == ["1h"]
    settled = MONDAY + timedelta(hours=int(rng.integers(300, 480)))
    settle(connection, instrument_id, settled, H1)
    return Path(instrument_id, bars, settled, complete)


def mixed_path(connection: Connection, rng: np.random.Generator, number: int) -> Path:
    """An instrument whose base is hours, then minutes for a day, then hours again."""
    instrument_id = add_instrument(connection, f"X{number}/USDT")
    hours = in_hours(random_minutes(rng, MONDAY, 3 * 24 * 60, keep=1.0))
    bars = [rolled_up(open_at, parts) for open_at, parts in hours.items()]
    first, last = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    minutes = [one for open_at, parts in hours.items() if first <= open_at < last for one in parts]
    put_bars(connection, instrument_id, bars, H1)
    put_bars(connection, instrument_id, minutes)
    assert ruling_bases(connection, instrument_id) == ["1h", "1m", "1h"]
    settle(connection, instrument_id, last)
    settle(connection, instrument_id, last + timedelta(hours=20), H1)
    ruling = [one for one in bars if one.open_at < first], minutes, [one for one in bars if one.open_at >= last]
    return Path(instrument_id, [one for part in ruling for one in part], last + timedelta(hours=20))


def ruling_bases(connection: Connection, instrument_id: int) -> list[str]:
    query = "SELECT base_timeframe AS base FROM market.instrument_bases WHERE instrument_id = %s ORDER BY rules_from"
    return [row["base"] for row in rows_of(connection, query, (instrument_id,))]


def random_plans(rng: np.random.Generator, path: Path, count: int) -> list[Plan]:
    """Signals of both directions at random instants of the path, near its price there."""
    ends = rng.choice(len(path.bars) - 1, min(count, len(path.bars) - 1), replace=False)
    return [_random_plan(rng, path.bars[end]) for end in sorted(ends.tolist())]


def _random_plan(rng: np.random.Generator, at: OHLC) -> Plan:
    direction = ("long", "short")[int(rng.integers(2))]
    sign = 1 if direction == "long" else -1
    entry = at.close + QUARTER * float(rng.integers(-1, 2))
    risk, reward = QUARTER * float(rng.integers(1, 16)), QUARTER * float(rng.integers(1, 24))
    valid_until = at.close_at + int(rng.integers(1, 25)) * at.span
    return Plan(direction, at.close_at, valid_until, entry, entry - sign * risk, entry + sign * reward)


@dataclass
class RandomMarket:
    """Paths with signals, and what the rules make of each of them."""

    connection: Connection
    seed: int
    expected: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        makers = (minute_path, minute_path, hour_path, hour_path, mixed_path)
        for number, make in enumerate(makers):
            path = make(self.connection, rng, number)
            for plan in random_plans(rng, path, 80):
                signal_id = add_signal(self.connection, path.instrument_id, plan)
                self.expected[signal_id] = by_the_rules(plan, path, NEXT_YEAR, COST_BPS)

    def assert_agreement(self) -> None:
        found = outcomes_of(self.connection)
        assert found.keys() == self.expected.keys()
        for signal_id, expected in self.expected.items():
            assert_same(found[signal_id], expected)


FIGURES = ("gross_return_pct", "net_return_pct", "r_multiple", "net_r", "mfe_r", "mae_r")


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    exact = ("status", "fill_price", "fill_at", "exit_price", "exit_at")
    assert {name: found[name] for name in exact} == {name: expected.get(name) for name in exact}
    assert found["is_ambiguous"] == expected.get("is_ambiguous", False)
    for name in FIGURES:
        wanted = expected.get(name)
        # The same formula in another order of steps: no more than rounding.
        assert found[name] == (wanted if wanted is None else pytest.approx(wanted, rel=1e-11, abs=1e-11))
