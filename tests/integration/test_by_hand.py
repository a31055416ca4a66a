"""Three signals of the breakout strategy in a made-up market, from bars to R, every number worked out by hand.

Each instrument lies still for 80 quarters of an hour; then one bar leaves the channel of the 20 bars before it.
The bars of the stillness all have the same range, which is then the ATR(14) of all of them exactly.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalhub.db.engine import Database
from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import M15
from signalhub.jobs import pipeline
from signalhub.jobs.evaluation import Scope, replay
from signalhub.settings import Settings
from signalhub.strategies.breakout import Breakout
from tests.engine_rows import register
from tests.market import HISTORY, MONDAY, NEXT_YEAR, bar, frame, rows

STILL = 80
SIGNAL_CLOSE = MONDAY + (STILL + 1) * M15.span
# 10 + 5 basis points a side: 0.30 % of the fill for both.
SETTINGS = Settings(fee_bps=10.0, slippage_bps=5.0)
Prices = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""


def after(quarters: int) -> datetime:
    return SIGNAL_CLOSE + quarters * timedelta(minutes=15)


def signal_of(database: Database, symbol: str, tick: str, still: Prices, bars: list[Prices]) -> dict[str, Any]:
    """The only signal that comes of it."""
    instrument_id = register(database, InstrumentSpec(symbol, "test", "crypto", Decimal(tick)))
    values = [still] * STILL + bars
    names = ("open", "high", "low", "close", "volume")
    made = [
        bar(instrument_id, MONDAY + number * M15.span, **dict(zip(names, prices, strict=True)))
        for number, prices in enumerate(values)
    ]
    with database.transaction() as connection:
        pipeline.take_in(connection, M15, frame(made), HISTORY, {instrument_id: NEXT_YEAR}, NEXT_YEAR)
    replay(database, Scope(timeframes=(M15,)), [Breakout()], SETTINGS, NEXT_YEAR)
    (found,) = rows(database, "SELECT * FROM analytics.signals WHERE symbol = %s", (symbol,))
    return found


def levels(found: dict[str, Any]) -> tuple[str, str, str]:
    return str(found["entry"]), str(found["stop"]), str(found["target"])


def figures(found: dict[str, Any]) -> dict[str, Any]:
    names = ("r_multiple", "gross_return_pct", "net_return_pct", "net_r", "mfe_r", "mae_r")
    return {name: found[name] for name in names}


def test_a_long_that_reaches_its_target(database: Database) -> None:
    found = signal_of(
        database,
        *("LONG/USDT", "0.01"),
        still=(100.0, 100.5, 99.5, 100.0, 10.0),
        bars=[
            (100.0, 102.25, 99.75, 102.0, 30.0),
            (102.1, 102.6, 101.5, 102.4, 1.0),
            (102.4, 104.3, 102.2, 104.0, 1.0),
            (104.0, 105.0, 103.0, 104.5, 1.0),
        ],
    )
    # True range 102.25 − 99.75 = 2.5; ATR = (13 × 1.0 + 2.5) / 14 = 1.107143.
    # Stop 102 − 1.107143 = 100.892857, down; target 102 + 2.214286 = 104.214286, down.
    assert levels(found) == ("102.00", "100.89", "104.21")
    # 2.21 / 1.11
    assert found["risk_reward"] == Decimal("1.9910")
    # break: (102 − 100.5) / 1.107143 = 1.35 ≥ 0.8 → 30. volume: 30 / 10 = 3 → 25.
    # body: (102 − 100) / 2.5 = 0.8, of 0.9 → 17.78. strength: ADX = (13 × 0 + 100) / 14 = 7.14 < 12 → 0.
    # room: deviation of nineteen 100 and one 102 is √0.19 = 0.43589; 2 × 0.43589 / 1.107143 = 0.79 ≤ 1.5 → 10.
    assert found["components"] == {"break": 30.0, "volume": 25.0, "body": 17.78, "strength": 0.0, "room": 10.0}
    assert found["score"] == Decimal("82.78")
    assert found["reason"] == "Close 102 broke the 20-bar high 100.5 on 3.0× volume; ADX 7."
    assert (found["direction"], found["close_at"], found["valid_until"]) == ("long", SIGNAL_CLOSE, after(12))
    # Filled at the open of the next bar; the bar after it touches 104.21.
    assert (found["status"], found["fill_at"], found["fill_price"]) == ("target_hit", after(0), 102.1)
    assert (found["exit_at"], found["exit_price"], found["is_ambiguous"]) == (after(2), 104.21, False)
    assert figures(found) == pytest.approx(
        {
            "r_multiple": 1.900901,  # (104.21 − 102.10) / 1.11
            "gross_return_pct": 2.066601,  # 2.11 / 102.10
            "net_return_pct": 1.766601,  # less 0.30
            "net_r": 1.624955,  # (2.11 − 0.003 × 102.10) / 1.11
            "mfe_r": 1.900901,  # the exit; the bar before reached (102.6 − 102.1) / 1.11 = 0.45
            "mae_r": -0.540541,  # (101.5 − 102.1) / 1.11
        },
        abs=1e-6,
    )


def test_a_short_that_opens_beyond_its_stop(database: Database) -> None:
    found = signal_of(
        database,
        *("SHORT/USDT", "0.01"),
        still=(50.0, 50.25, 49.75, 50.0, 4.0),
        bars=[
            (50.0, 50.05, 48.8, 49.0, 6.0),
            (48.9, 49.3, 48.6, 49.2, 1.0),
            (49.7, 49.8, 47.5, 48.0, 1.0),
        ],
    )
    # True range 50.05 − 48.8 = 1.25; ATR = (13 × 0.5 + 1.25) / 14 = 0.553571.
    # Stop 49 + 0.553571 = 49.553571, up; target 49 − 1.107143 = 47.892857, up.
    assert levels(found) == ("49.00", "49.56", "47.90")
    # 1.10 / 0.56
    assert found["risk_reward"] == Decimal("1.9643")
    # break: (49.75 − 49) / 0.553571 = 1.35 → 30. volume: 6 / 4 = 1.5, a quarter of the way from 1 to 3 → 6.25.
    # body: (50 − 49) / 1.25 = 0.8, of 0.9 → 17.78. strength: ADX 7.14 → 0. room: 2 × 0.217945 / 0.553571 = 0.79 → 10.
    assert found["components"] == {"break": 30.0, "volume": 6.25, "body": 17.78, "strength": 0.0, "room": 10.0}
    assert found["score"] == Decimal("64.03")
    assert found["reason"] == "Close 49 broke the 20-bar low 49.75 on 1.5× volume; ADX 7."
    # The second bar opens at 49.70, over the stop: out there, although it falls through the target later on.
    assert (found["status"], found["fill_at"], found["fill_price"]) == ("stop_hit", after(0), 48.9)
    assert (found["exit_at"], found["exit_price"], found["is_ambiguous"]) == (after(1), 49.7, False)
    assert figures(found) == pytest.approx(
        {
            "r_multiple": -1.428571,  # (48.90 − 49.70) / 0.56
            "gross_return_pct": -1.635992,  # −0.80 / 48.90
            "net_return_pct": -1.935992,
            "net_r": -1.690536,  # (−0.80 − 0.003 × 48.90) / 0.56
            "mfe_r": 0.535714,  # (48.9 − 48.6) / 0.56
            "mae_r": -1.428571,  # the exit; the bar before reached (48.9 − 49.3) / 0.56 = −0.71
        },
        abs=1e-6,
    )


def test_a_long_without_volume_that_expires(database: Database) -> None:
    quiet = (1.204, 1.2052, 1.2025, 1.2048, 0.0)
    found = signal_of(
        database,
        *("FLAT/USDT", "0.00001"),
        still=(1.2, 1.201, 1.199, 1.2, 0.0),
        bars=[
            (1.2, 1.2042, 1.1998, 1.204, 0.0),
            (1.2045, 1.205, 1.203, 1.204, 0.0),
            *([quiet] * 10),
            (1.2048, 1.206, 1.204, 1.205, 0.0),
            (1.205, 1.21, 1.2045, 1.2055, 0.0),
        ],
    )
    # True range 1.2042 − 1.1998 = 0.0044; ATR = (13 × 0.002 + 0.0044) / 14 = 0.00217143.
    # Stop 1.204 − 0.00217143 = 1.20182857, down; target 1.204 + 0.00434286 = 1.20834286, down.
    assert levels(found) == ("1.20400", "1.20182", "1.20834")
    # Without volume the other 75 weights carry 100: break 30 / 75 → 40; body 0.0044 of 0.0040: 0.91 of 0.9, 20 / 75 →
    # 26.67; strength 0; room: 2 × 0.000871780 / 0.00217143 = 0.80 → 10 / 75 = 13.33.
    assert found["components"] == {"break": 40.0, "body": 26.67, "strength": 0.0, "room": 13.33}
    assert found["score"] == Decimal("80.00")
    assert found["reason"] == "Close 1.204 broke the 20-bar high 1.201; ADX 7."
    # Twelve bars between stop and target; the thirteenth, which touches 1.20834, closes after valid_until.
    assert (found["status"], found["fill_at"], found["fill_price"]) == ("expired", after(0), 1.2045)
    assert (found["valid_until"], found["exit_at"], found["exit_price"]) == (after(12), after(12), 1.205)
    assert figures(found) == pytest.approx(
        {
            "r_multiple": 0.229358,  # 0.0005 / 0.00218
            "gross_return_pct": 0.041511,  # 0.0005 / 1.2045
            "net_return_pct": -0.258489,
            "net_r": -1.428211,  # (0.0005 − 0.0036135) / 0.00218
            "mfe_r": 0.688073,  # (1.2060 − 1.2045) / 0.00218
            "mae_r": -0.917431,  # (1.2025 − 1.2045) / 0.00218
        },
        abs=1e-6,
    )
