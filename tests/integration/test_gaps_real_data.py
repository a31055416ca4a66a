"""The dirty files beside the project: their gap tables against the counts of that README.

Where we differ from it, docs/market-store.md says who is right and why; the numbers here are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signalhub.bars.gaps import EVER
from signalhub.db.engine import Database
from signalhub.feeds.files import FileOptions
from signalhub.jobs import gaps
from signalhub.jobs.importing import Imported, import_files, store_file
from tests.gaps_stage import Found, found
from tests.market import rows

DATA = Path(__file__).parents[3] / "shared/data/ohlcv"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
COUNTS = {
    "crypto/ETHUSDT_1h__binance-octo_201806": (3, 18),
    "crypto/NEOBTC_1h__binance-octo_201806": (2, 8),
    "crypto/UNITTESTBTC_1m__spot_201711": (538, 717),
    "crypto/XRPETH_1m__binance_201910": (676, 1091),
    "crypto/ADABTC_5m__spot_201801": (5, 40),
    "crypto/ADABTC_15m__binance-octo_202004": (1, 10),
    "derivatives/BTCUSD_PERP_1h__binance_202008": (31, 284),
    "crypto/BTCUSD_1d__coinbase_201412": (8, 34),
    "crypto/BTCUSD_INDEX_1d__tradingview_200910": (18, 92),
    "crypto/XBTUSDT_1m__kraken-api_202511": (0, 0),
    # Where the calendar knows better than a count of weekdays or of minutes outside the session:
    "equity/AAPL_1d__us_199801": (0, 0),
    "equity/AAPL_1h__us_199801": (2, 3),
    "equity/AAPL_1m__lean_201406": (0, 0),
    "equity/SPY_1m__lean_201310": (0, 0),
    "equity/SPY_1m__ninjatrader_201101": (0, 0),
}
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real market data is not beside the project"),
]


def path_of(name: str) -> Path:
    return DATA / f"{name}.csv.gz"


def hour(month: int, day: int, hours: int) -> datetime:
    return datetime(2018, month, day, hours, tzinfo=UTC)


def gaps_of(database: Database, symbol: str) -> list[Found]:
    (row,) = rows(database, "SELECT instrument_id FROM market.instruments WHERE public_symbol = %s", (symbol,))
    return found(database, row["instrument_id"])


def imported(database: Database, names: Sequence[str], venue: str | None = None) -> Imported:
    return import_files(database, [path_of(name) for name in names], FileOptions(venue=venue), NOW)


def test_gaps_of_the_dirty_files(database: Database) -> None:
    counts = {}
    for name in COUNTS:
        # A venue of its own for each: files of one instrument would rule each other out.
        venue = name.rpartition("/")[2].lower()
        store_file(database, path_of(name), FileOptions(venue=venue), NOW)
        (row,) = rows(database, "SELECT instrument_id FROM market.instruments WHERE venue = %s", (venue,))
        gaps.detect(database, [row["instrument_id"]], EVER, NOW)
        table = found(database, row["instrument_id"])
        counts[name] = (len(table), sum(row[3] for row in table))
    assert counts == COUNTS


def test_the_outages_of_binance_are_where_they_were(database: Database) -> None:
    done = imported(database, ["crypto/ETHUSDT_1h__binance-octo_201806"])
    assert done.gaps == 3
    assert gaps_of(database, "ETH/USDT") == [
        (hour(6, 26, 2), hour(6, 26, 12), 10, 10, "open"),
        (hour(6, 27, 13), hour(6, 27, 14), 1, 1, "open"),
        (hour(7, 4, 1), hour(7, 4, 8), 7, 7, "open"),
    ]


def test_bars_off_the_grid_are_rejected_and_leave_their_span_missing(database: Database) -> None:
    done = imported(database, ["crypto/NEOBTC_4h__binance-octo_201804"], venue="alone")
    assert done.rejected == 9
    assert gaps_of(database, "NEO/BTC") == [
        (hour(6, 26, 4), hour(6, 27, 12), 8, 8, "open"),
        (hour(7, 4, 4), hour(7, 4, 8), 1, 1, "open"),
    ]


def test_with_the_hours_beside_them_the_gaps_of_the_four_hours_are_nobodys(database: Database) -> None:
    imported(database, ["crypto/NEOBTC_4h__binance-octo_201804"])
    imported(database, ["crypto/NEOBTC_1h__binance-octo_201806"])
    assert gaps_of(database, "NEO/BTC") == [
        (hour(6, 27, 13), hour(6, 27, 14), 1, 1, "open"),
        (hour(7, 4, 1), hour(7, 4, 8), 7, 7, "open"),
    ]
