"""Bars that jump absurdly are flagged, whatever the order in which bars came, and kept as they came."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl
import pytest

from signalhub.bars.quality import FEWEST_NEIGHBOURS, LEAST_SCALE, NEIGHBOURS
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1
from signalhub.jobs import pipeline
from signalhub.settings import LEAST_OUTLIER_Z
from tests.market import MONDAY, NEXT_YEAR, add_instrument, bar, frame, put, random_bars, rows

TOLERANCE = 1e-9
"""The reference adds and divides in another order."""
FLAGS = "SELECT instrument_id, open_at, score FROM market.bar_flags ORDER BY instrument_id, open_at"
Bar = dict[str, Any]


def minute(number: int) -> datetime:
    return MONDAY + timedelta(minutes=number)


def flags(database: Database) -> dict[tuple[int, datetime], float]:
    return {(row["instrument_id"], row["open_at"]): row["score"] for row in rows(database, FLAGS)}


def flagged(database: Database) -> list[datetime]:
    return [open_at for _, open_at in flags(database)]


def refreshed(database: Database, bars: pl.DataFrame, now: datetime = NEXT_YEAR) -> None:
    put(database, bars, M1, now=now)
    pipeline.refresh(database, now)


def calm(instrument_id: int, count: int = 60, **changed: float) -> list[Bar]:
    """Minutes that go up and down by a thousandth; a few closes, high or low with them, can be changed."""
    made = []
    for number in range(count):
        price = changed.get(f"at{number}", 100.0 + 0.1 * (number % 2))
        made.append(bar(instrument_id, minute(number), open=price, high=price, low=price, close=price))
    return made


def reference(bars: list[Bar]) -> dict[datetime, float]:
    """The flags of one instrument by the definition, bar by bar."""
    found = {}
    for number, here in enumerate(bars):
        closes = [before["close"] for before in bars[max(0, number - NEIGHBOURS - 1) : number]]
        moves = [math.log(after / before) for before, after in pairwise(closes)]
        if len(moves) < FEWEST_NEIGHBOURS:
            continue
        up, down = math.log(here["high"] / max(closes[-3:])), math.log(min(closes[-3:]) / here["low"])
        middle = median(moves)
        scale = max(1.4826 * median(abs(move - middle) for move in moves), LEAST_SCALE)
        score = abs((up if up >= down else -down) - middle) / scale
        if max(up, down) >= LEAST_OUTLIER_Z * LEAST_SCALE and score >= LEAST_OUTLIER_Z:
            found[here["open_at"]] = score
    return found


def test_a_spike_is_flagged_and_its_way_back_is_not(database: Database) -> None:
    btc = add_instrument(database)
    refreshed(database, frame(calm(btc, at40=150.0)))
    assert flagged(database) == [minute(40)]
    assert rows(database, "SELECT close FROM market.bars WHERE open_at = %s", [minute(40)]) == [{"close": 150.0}]


def test_a_new_level_is_flagged_once(database: Database) -> None:
    btc = add_instrument(database)
    refreshed(database, frame(calm(btc, **{f"at{number}": 50.0 for number in range(40, 60)})))
    assert flagged(database) == [minute(40)]


def test_a_wick_is_an_outlier_though_the_bar_closes_where_it_was(database: Database) -> None:
    btc = add_instrument(database)
    bars = calm(btc)
    bars[40]["low"] = 1.0
    refreshed(database, frame(bars))
    assert flagged(database) == [minute(40)]
    score = math.log(100.0 / 1.0) / LEAST_SCALE
    assert flags(database)[btc, minute(40)] == pytest.approx(score, rel=0.01)


def test_the_first_bars_and_the_first_tick_of_a_quiet_market_are_not_judged_absurd(database: Database) -> None:
    btc = add_instrument(database)
    refreshed(database, frame(calm(btc, at5=150.0, at40=101.5)))
    assert flagged(database) == []


def test_a_wild_market_may_jump_further(database: Database) -> None:
    wild = add_instrument(database)
    moves = {f"at{number}": 100.0 + 3.0 * (number % 2) for number in range(60)}
    refreshed(database, frame(calm(wild, **(moves | {"at40": 108.0}))))
    assert flagged(database) == []


def test_a_correction_takes_the_flag_away(database: Database) -> None:
    btc = add_instrument(database)
    refreshed(database, frame(calm(btc, at40=150.0)))
    refreshed(database, frame([calm(btc)[40]]))
    assert flagged(database) == []


def test_a_late_bar_is_a_neighbour_to_those_after_it(database: Database) -> None:
    btc = add_instrument(database)
    bars = calm(btc, at40=150.0, at41=150.0)
    refreshed(database, frame(bars[:40] + bars[41:]))
    assert flagged(database) == [minute(41)]
    refreshed(database, frame([bars[40]]))
    assert flagged(database) == [minute(40)]


def test_a_split_is_no_jump(database: Database) -> None:
    share = add_instrument(database, "AAPL", "equity")
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO market.adjustments (instrument_id, from_at, to_at, price_factor) VALUES (%s, %s, %s, 0.25)",
            (share, MONDAY, minute(40)),
        )
    refreshed(database, frame(calm(share, **{f"at{number}": 25.0 for number in range(40, 60)})))
    assert flagged(database) == []


def test_flagging_twice_keeps_when_it_was_flagged(database: Database) -> None:
    btc = add_instrument(database)
    refreshed(database, frame(calm(btc, at40=150.0)))
    refreshed(database, frame([bar(btc, minute(60), price=100.0)]), NEXT_YEAR + timedelta(days=1))
    assert rows(database, "SELECT flagged_at FROM market.bar_flags") == [{"flagged_at": NEXT_YEAR}]


@pytest.mark.parametrize("seed", range(4))
def test_flags_are_those_of_one_look_at_all_bars_whatever_came_when(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    ids = [add_instrument(database, f"T{number}/USDT") for number in range(3)]
    histories = {key: _jumpy(chance, key) for key in ids}
    everything = [made for history in histories.values() for made in history]
    chance.shuffle(everything)
    while everything:
        size = chance.randint(1, 150)
        batch, everything = everything[:size], everything[size:]
        put(database, frame(batch))
        if chance.random() < 0.6:
            pipeline.refresh(database, NEXT_YEAR)
    corrected = chance.choice(histories[ids[0]])
    corrected["close"] = corrected["low"] = corrected["low"] / 2
    refreshed(database, frame([corrected]))
    expected = {(key, at): score for key, history in histories.items() for at, score in reference(history).items()}
    assert len(expected) > 5
    assert flags(database) == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("seed", range(3))
def test_flags_that_come_with_the_clock_are_those_of_one_look_at_all_bars(database: Database, seed: int) -> None:
    chance = random.Random(100 + seed)
    ids = [add_instrument(database, f"T{number}/USDT") for number in range(3)]
    histories = {key: _jumpy(chance, key) for key in ids}
    held: list[Bar] = []
    for number in range(0, 300, 3):
        span = (minute(number), minute(number + 3))
        held += [made for history in histories.values() for made in history if span[0] <= made["open_at"] < span[1]]
        # A few bars come some minutes late.
        late = [made for made in held if chance.random() < 0.1]
        batch, held = [made for made in held if made not in late], late
        if number == 297:
            batch, held = batch + held, []
        refreshed(database, frame(batch), span[1])
    expected = {(key, at): score for key, history in histories.items() for at, score in reference(history).items()}
    assert len(expected) > 5
    assert flags(database) == pytest.approx(expected, rel=TOLERANCE)


def _jumpy(chance: random.Random, instrument_id: int) -> list[Bar]:
    bars = random_bars(chance.randrange(1000), instrument_id, MONDAY, M1, 300).to_dicts()
    for made in chance.sample(bars, 8):
        factor = chance.choice((0.5, 0.97, 1.04, 1.5))
        for name in ("open", "high", "low", "close"):
            made[name] *= factor
    return bars
