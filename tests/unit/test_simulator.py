"""The simulated market: deterministic in every window, and shaped like a real one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import D1, H1, H4, M1, ROLLED_UP, TIMEFRAMES, Timeframe
from signalhub.errors import NotFound
from signalhub.feeds.market_model import EPOCH, HORIZON, daily_path, minute_bars
from signalhub.feeds.simulator import MARKETS, Simulator

SIMULATOR = Simulator()
SPECS = {spec.symbol: spec for spec in SIMULATOR.instruments()}
BTC, EUR, AAPL = SPECS["SIM:BTC/USDT"], SPECS["SIM:EUR/USD"], SPECS["SIM:AAPL"]
MONDAY = datetime(2024, 5, 13, tzinfo=UTC)


def minutes(spec: InstrumentSpec, since: datetime, days: float) -> pl.DataFrame:
    return SIMULATOR.fetch(spec, M1, since, since + timedelta(days=days))


@settings(max_examples=30, deadline=None)
@given(
    spec=st.sampled_from(list(SPECS.values())),
    timeframe=st.sampled_from(TIMEFRAMES),
    offset=st.integers(-7000, 7000),
    length=st.integers(0, 3000),
)
def test_a_bar_is_the_same_whatever_window_asks_for_it(
    spec: InstrumentSpec, timeframe: Timeframe, offset: int, length: int
) -> None:
    since = MONDAY + timedelta(minutes=offset)
    until = since + timedelta(minutes=length)
    wide = SIMULATOR.fetch(spec, timeframe, MONDAY - timedelta(days=6), MONDAY + timedelta(days=8))
    inside = (pl.col("open_at") >= since) & (pl.col("open_at") + timeframe.span <= until)
    assert_frame_equal(SIMULATOR.fetch(spec, timeframe, since, until), wide.filter(inside))


@pytest.mark.parametrize("timeframe", ROLLED_UP, ids=str)
@pytest.mark.parametrize("spec", [BTC, EUR, AAPL], ids=lambda spec: spec.symbol)
def test_coarser_bars_are_the_minutes_rolled_up(spec: InstrumentSpec, timeframe: Timeframe) -> None:
    members: dict[datetime, list[dict[str, float]]] = {}
    for row in minutes(spec, MONDAY, days=2).to_dicts():
        members.setdefault(timeframe.floor(row["open_at"]), []).append(row)
    bars = SIMULATOR.fetch(spec, timeframe, MONDAY, MONDAY + timedelta(days=2)).to_dicts()
    assert [bar["open_at"] for bar in bars] == list(members)
    for bar in bars:
        parts = members[bar["open_at"]]
        assert bar["open"] == parts[0]["open"]
        assert bar["close"] == parts[-1]["close"]
        assert bar["high"] == max(row["high"] for row in parts)
        assert bar["low"] == min(row["low"] for row in parts)
        assert bar["volume"] == pytest.approx(sum(row["volume"] for row in parts))


def test_two_simulators_of_one_seed_agree_and_two_seeds_differ() -> None:
    window = (MONDAY, MONDAY + timedelta(days=1))
    assert_frame_equal(Simulator(7).fetch(BTC, H1, *window), SIMULATOR.fetch(BTC, H1, *window))
    assert not Simulator(8).fetch(BTC, H1, *window).equals(SIMULATOR.fetch(BTC, H1, *window))


def test_no_two_instruments_move_alike() -> None:
    moves = {tuple(minutes(spec, MONDAY, 0.01)["close"].pct_change().drop_nulls()) for spec in SPECS.values()}
    assert len(moves) == len(SPECS)


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.symbol)
def test_prices_lie_on_the_tick_and_bars_enclose_their_ends(spec: InstrumentSpec) -> None:
    bars = minutes(spec, MONDAY, days=1)
    assert bars.height == 1440
    for name in ("open", "high", "low", "close"):
        assert all(Decimal(repr(price)) % (spec.tick_size or 1) == 0 for price in bars[name])
    assert bars.select((pl.col("high") >= pl.max_horizontal("open", "close")).all()).item()
    assert bars.select((pl.col("low") <= pl.min_horizontal("open", "close")).all()).item()
    assert bars.select((pl.col("low") > 0).all() & (pl.col("volume") > 0).all()).item()


def test_a_day_opens_where_the_day_before_closed() -> None:
    bars = SIMULATOR.fetch(BTC, D1, MONDAY, MONDAY + timedelta(days=60))
    assert bars["open"].to_list()[1:] == bars["close"].to_list()[:-1]


def test_crypto_never_rests() -> None:
    assert minutes(BTC, MONDAY, days=7).height == 7 * 1440


@pytest.mark.parametrize("spec", [EUR, AAPL], ids=lambda spec: spec.symbol)
@pytest.mark.parametrize(
    ("monday", "friday_close", "sunday_open"),
    [
        (datetime(2024, 1, 8, tzinfo=UTC), 22, 22),
        (datetime(2024, 5, 13, tzinfo=UTC), 21, 21),
        (datetime(2024, 3, 4, tzinfo=UTC), 22, 21),  # New York's clocks go forward on that Sunday
        (datetime(2024, 10, 28, tzinfo=UTC), 21, 22),  # and back on this one
    ],
)
def test_the_others_rest_from_friday_to_sunday_five_in_new_york(
    spec: InstrumentSpec, monday: datetime, friday_close: int, sunday_open: int
) -> None:
    opens = minutes(spec, monday, days=7)["open_at"]
    closing = monday + timedelta(days=4, hours=friday_close)
    opening = monday + timedelta(days=6, hours=sunday_open)
    assert opens.filter((opens >= closing) & (opens < opening)).is_empty()
    assert opens.filter((opens >= closing - timedelta(hours=1)) & (opens < closing)).len() == 60
    assert opens.filter((opens >= opening) & (opens < opening + timedelta(hours=1))).len() == 60


def test_a_coarse_bar_that_straddles_the_weeks_end_holds_the_open_part() -> None:
    friday = MONDAY + timedelta(days=4)
    bars = SIMULATOR.fetch(EUR, H4, friday, friday + timedelta(days=3))
    assert [open_at.strftime("%a %H") for open_at in bars["open_at"][-2:]] == ["Fri 20", "Sun 20"]


def test_equities_gap_now_and_then_when_new_york_opens() -> None:
    bars = minutes(AAPL, datetime(2024, 6, 3, tzinfo=UTC), days=60)
    jumps = bars.filter((pl.col("open") / pl.col("close").shift(1) - 1).abs() > 0.002)
    at_opening = jumps.filter(pl.col("open_at").dt.strftime("%H:%M") == "13:30")
    assert 2 <= at_opening.height <= 30


def test_volatility_is_about_what_the_market_is_meant_to_have() -> None:
    for market in MARKETS:
        levels, _ = daily_path(7, market)
        realised = np.diff(levels).std() * np.sqrt(365)
        assert 0.7 < realised / market.annual_volatility < 1.4, market.symbol


def test_movements_cluster_and_have_fat_tails() -> None:
    """Mean over all markets, since one market's sample autocorrelation is noisy."""
    moves = [np.diff(daily_path(7, market)[0]) for market in MARKETS]
    sizes = [np.abs(move) for move in moves]
    clustering = np.mean([np.corrcoef(size[:-1], size[1:])[0, 1] for size in sizes])
    kurtosis = np.mean([((move - move.mean()) ** 4).mean() / move.var() ** 2 for move in moves])
    assert clustering > 0.1
    assert kurtosis > 4.0


def test_trends_last_for_days() -> None:
    """Weekly moves of crypto are larger than those of a walk without direction (ratio 1)."""
    ratios = []
    for market in MARKETS[:8]:
        levels, _ = daily_path(7, market)
        weekly = levels[7:] - levels[:-7]
        ratios.append(weekly.var() / (7 * np.diff(levels).var()))
    assert np.mean(ratios) > 1.15


def test_volume_goes_with_movement() -> None:
    for spec in (BTC, EUR, AAPL):
        bars = minutes(spec, MONDAY, days=2)
        assert np.corrcoef((bars["close"] - bars["open"]).abs(), bars["volume"])[0, 1] > 0.4


def test_turnover_is_told_where_volume_is_an_amount() -> None:
    bars = minutes(BTC, MONDAY, days=0.1)
    vwap = bars["turnover"] / bars["volume"]
    assert ((vwap >= bars["low"] - 0.01) & (vwap <= bars["high"] + 0.01)).all()
    assert minutes(EUR, MONDAY, days=0.1)["turnover"].null_count() == 144


def test_prices_stay_within_sight_of_their_anchor() -> None:
    for market in MARKETS:
        levels, _ = daily_path(7, market)
        assert np.abs(levels - np.log(market.anchor)).max() < 8 * market.annual_volatility, market.symbol


def test_there_is_nothing_before_the_epoch_and_after_the_horizon() -> None:
    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    market, two = MARKETS[0], timedelta(days=2)
    first = minute_bars(7, market, midnight(EPOCH) - two, midnight(EPOCH) + two)
    last = minute_bars(7, market, midnight(HORIZON) - two, midnight(HORIZON) + two)
    assert first["open_at"][0] == midnight(EPOCH)
    assert last["open_at"][-1] == midnight(HORIZON) - M1.span
    assert minute_bars(7, market, midnight(EPOCH) - two, midnight(EPOCH) - two / 2).is_empty()
    assert minute_bars(7, market, midnight(HORIZON) + two, midnight(HORIZON) + 2 * two).is_empty()


def test_twenty_instruments_of_five_classes_are_simulated_ones() -> None:
    assert len(SPECS) == 20
    assert {spec.asset_class for spec in SPECS.values()} == {
        "crypto",
        "forex",
        "commodity",
        "equity",
        "index",
    }
    assert all(spec.is_simulated and spec.venue == "simulator" and spec.tick_size for spec in SPECS.values())
    assert {spec.trading_calendar for spec in SPECS.values()} == {"24/7", "24/5"}


def test_an_instrument_it_does_not_have_is_named() -> None:
    with pytest.raises(NotFound, match="no BTC/USDT"):
        SIMULATOR.fetch(InstrumentSpec("BTC/USDT", "binance", "crypto"), H1, MONDAY, MONDAY + timedelta(days=1))
