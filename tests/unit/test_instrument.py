"""Instruments: symbols split at known quotes, asset classes guessed, calendars by class."""

from __future__ import annotations

import pytest

from signalhub.domain.instrument import (
    ASSET_CLASSES,
    DEFAULT_CALENDARS,
    InstrumentSpec,
    guess_asset_class,
    split_pair,
)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("BTCUSDT", "BTC/USDT"),
        ("btcusdt", "BTC/USDT"),
        ("ETHBTC", "ETH/BTC"),
        ("BTCUSD", "BTC/USD"),
        ("EURUSD", "EUR/USD"),
        ("USDJPY", "USD/JPY"),
        ("XAUUSD", "XAU/USD"),
        ("BTCFDUSD", "BTC/FDUSD"),
        ("BNBBUSD", "BNB/BUSD"),
        ("BTCTUSD", "BTC/TUSD"),
        ("1000SHIBUSDT", "1000SHIB/USDT"),
        ("OPUSDT", "OP/USDT"),
        ("BTCUSDT_PERP", "BTC/USDT_PERP"),
        # A base that ends in T or B beside the dollar, not TUSD or BUSD.
        ("DOTUSD", "DOT/USD"),
        ("BNBUSD", "BNB/USD"),
        ("BATUSD", "BAT/USD"),
        # No known quote, or nothing left in front of it.
        ("AAPL", "AAPL"),
        ("USDT", "USDT"),
        ("USD", "USD"),
        ("", ""),
        # Split already.
        ("BTC/USDT", "BTC/USDT"),
        ("btc/usdt_perp", "BTC/USDT_PERP"),
    ],
)
def test_a_symbol_is_split_at_a_known_quote(text: str, pair: str) -> None:
    assert split_pair(text) == pair
    assert split_pair(pair) == pair


@pytest.mark.parametrize(
    ("symbol", "asset_class"),
    [
        ("BTC/USDT", "crypto"),
        ("ETH/EUR", "crypto"),
        ("EUR/USD", "forex"),
        ("USD/CNH", "forex"),
        ("XAU/USD", "commodity"),
        ("AAPL", "equity"),
    ],
)
def test_the_asset_class_is_guessed_from_the_symbol(symbol: str, asset_class: str) -> None:
    assert guess_asset_class(symbol) == asset_class


def test_every_asset_class_has_a_calendar() -> None:
    assert set(DEFAULT_CALENDARS) == set(ASSET_CLASSES)


def test_a_calendar_of_its_own_goes_before_that_of_the_class() -> None:
    assert InstrumentSpec("AAPL", "nasdaq", "equity").trading_calendar == "XNYS"
    assert InstrumentSpec("SAP", "xetra", "equity", calendar="XFRA").trading_calendar == "XFRA"


def test_the_quote_is_what_stands_behind_the_slash() -> None:
    assert InstrumentSpec("BTC/USDT", "binance", "crypto").quote == "USDT"
    assert InstrumentSpec("AAPL", "nasdaq", "equity").quote is None
