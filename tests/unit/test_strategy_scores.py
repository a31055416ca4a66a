"""What the second step makes of a candidate: components by hand, and what is left out where an instrument lacks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from signalhub.domain.signal import Direction
from signalhub.domain.timeframe import D1, H1, TIMEFRAMES, Timeframe
from signalhub.strategies import confluence
from signalhub.strategies.composite import STRATEGY as COMPOSITE
from signalhub.strategies.mean_reversion import STRATEGY as MEAN_REVERSION
from signalhub.strategies.parts import beyond, extreme, higher, higher_words, volume_ratio
from signalhub.strategies.rsi_reversal import STRATEGY as RSI_REVERSAL
from signalhub.strategies.scalping import STRATEGY as SCALPING
from tests.unit.strategy_rows import candidate, worth

LACKING = float("nan")
BARS: dict[str, list[float | None]] = {
    "open": [99, 100], "high": [101, 104], "low": [97, 99], "close": [100, 103], "volume": [10, 18],
}  # fmt: skip
BROKEN: dict[str, list[float | None]] = BARS | {
    "swing_high_5": [102, 102], "swing_low_5": [98, 98], "ema_21": [101, 101], "ema_50": [100, 100], "atr_14": [2, 2],
    "true_range": [2, 2.5], "chop_14": [50, 49], "volume_sma_20": [10, 10], "vwap_20": [100, 101],
}  # fmt: skip
OBSERVED = {
    "obs.open_interest": 1010.0,
    "obs.open_interest.before": 1000.0,
    "obs.liquidations_long": 20.0,
    "obs.liquidations_short": 30.0,
    "obs.event_impact": 0.5,
}
UNOBSERVED = dict.fromkeys(OBSERVED, LACKING)


def trend(close: float, fast: float, slow: float, key: str = "+1") -> dict[str, float]:
    return {f"{key}.close": close, f"{key}.ema_21": fast, f"{key}.ema_50": slow}


class TestHigherTrend:
    @pytest.mark.parametrize(
        ("row", "value", "words"),
        [
            (trend(12, 11, 10), 1.0, "; 4h trend up"),
            (trend(9, 10, 11), 0.0, "; 4h trend down"),
            (trend(10, 11, 10), 0.5, "; 4h trend flat"),
            (trend(12, 10, 10), 0.5, "; 4h trend flat"),
            (trend(12, LACKING, 10), None, ""),
            ({}, None, ""),
        ],
    )
    def test_it_is_up_above_both_averages_in_their_order(
        self, row: dict[str, float], value: float | None, words: str
    ) -> None:
        long, short = (candidate(BROKEN, direction, **row) for direction in Direction)
        assert (higher(long), higher_words(long)) == (value, words)
        assert (higher(short), higher_words(short)) == (None if value is None else 1.0 - value, words)

    @pytest.mark.parametrize(
        ("timeframe", "code"), list(zip(TIMEFRAMES, ["5m", "15m", "1h", "4h", "1d", "higher"], strict=True))
    )
    def test_it_is_called_by_the_timeframe_it_is_of(self, timeframe: Timeframe, code: str) -> None:
        assert higher_words(candidate(BROKEN, timeframe=timeframe, **trend(12, 11, 10))) == f"; {code} trend up"


class TestBeyond:
    @pytest.mark.parametrize(
        ("level", "stop", "target"),
        [(100.0, 100.0, 109.0), (102.9, 102.0, 105.0), (90.0, 98.0, 113.0), (104.0, 102.0, 105.0)],
    )
    def test_a_stop_stands_at_its_level_within_bounds_and_the_target_follows(
        self, level: float, stop: float, target: float
    ) -> None:
        assert beyond(candidate(BROKEN), level, (0.5, 2.5), 2.0) == (stop, target)
        mirrored = beyond(candidate(BROKEN, Direction.SHORT), 206.0 - level, (0.5, 2.5), 2.0)
        assert mirrored == (206.0 - stop, 206.0 - target)

    def test_the_extreme_is_the_low_for_a_long_and_the_high_for_a_short(self) -> None:
        assert [extreme(candidate(BROKEN, direction), 2) for direction in Direction] == [97.0, 104.0]
        assert [extreme(candidate(BROKEN, direction), 1) for direction in Direction] == [99.0, 104.0]

    @given(some.floats(1e-6, 1e6), some.floats(-3, 3), some.sampled_from(Direction))
    def test_a_stop_from_structure_is_never_on_the_wrong_side(
        self, atr: float, away: float, direction: Direction
    ) -> None:
        one = candidate(BROKEN, direction, atr_14=atr)
        stop, target = beyond(one, 103.0 + away, (0.7, 2.5), 2.0)
        assert direction.sign * stop < direction.sign * 103.0 < direction.sign * target


class TestComposite:
    def test_all_seven_are_weighed_where_all_is_known(self) -> None:
        found = worth(COMPOSITE, candidate(BROKEN, **OBSERVED, **trend(12, 11, 10)))
        assert found == pytest.approx(
            {
                "trend": 0.5 * (0.5 + 0.5) / 1.5 + 0.5,
                "liquidation": (0.6 - 0.3) / 0.5,
                "volatility": 0.5 * (1.25 - 0.7) / 1.1 + 0.5 * (60 - 49) / 22,
                "vwap": 0.5,
                "open_interest": 0.5,
                "structure": 0.5 / 0.8,
                "event": 0.75,
            }
        )

    def test_what_an_instrument_lacks_is_left_out(self) -> None:
        found = worth(COMPOSITE, candidate(BROKEN, vwap_20=LACKING, **UNOBSERVED))
        assert [name for name, value in found.items() if value is None] == [
            *("liquidation", "vwap", "open_interest", "event")
        ]

    @pytest.mark.parametrize(
        ("observed", "name", "long", "short"),
        [
            ({"obs.liquidations_long": 0.0, "obs.liquidations_short": 0.0}, "liquidation", 0.5, 0.5),
            ({"obs.liquidations_long": 0.0}, "liquidation", 1.0, 0.0),
            ({"obs.liquidations_long": LACKING}, "liquidation", None, None),
            ({"obs.open_interest.before": 0.0}, "open_interest", None, None),
            ({"obs.open_interest.before": LACKING}, "open_interest", None, None),
            ({"obs.open_interest": 1100.0}, "open_interest", 1.0, 1.0),
            ({"obs.event_impact": -1.0}, "event", 0.0, 1.0),
        ],
    )
    def test_observations_count_for_the_side_they_speak_for(
        self, observed: dict[str, float], name: str, long: float | None, short: float | None
    ) -> None:
        both = [worth(COMPOSITE, candidate(BROKEN, direction, **OBSERVED | observed))[name] for direction in Direction]
        assert both == [long, short]

    def test_its_stop_lies_beyond_the_other_swing_and_no_farther_than_three_atr(self) -> None:
        assert COMPOSITE.structure(candidate(BROKEN)) == (97.5, 114.0)
        assert COMPOSITE.structure(candidate(BROKEN, swing_low_5=90.0)) == (97.0, 115.0)
        assert COMPOSITE.structure(candidate(BROKEN, swing_low_5=103.0)) == (101.4, pytest.approx(106.2))


def test_a_reversal_stops_beyond_the_last_bars_and_a_reversion_ends_at_the_mean() -> None:
    assert RSI_REVERSAL.structure(candidate(BROKEN)) == (98.0, 112.0)
    assert MEAN_REVERSION.structure(candidate(BROKEN, bb_middle_20_2=106.0)) == (101.0, 106.0)


def test_a_scalp_without_a_session_price_leaves_it_out() -> None:
    rows = BROKEN | {"ema_9": [102, 102], "stoch_k_14_3": [20, 40], "vwap_session": [100, 102]}
    assert worth(SCALPING, candidate(rows))["vwap"] == 0.25
    assert worth(SCALPING, candidate(rows, vwap_session=LACKING))["vwap"] is None


def test_volume_is_measured_against_the_bars_before_and_unknown_without_any() -> None:
    assert volume_ratio(candidate(BROKEN | {"volume_sma_20": [10, 99]})) == 1.8
    assert volume_ratio(candidate(BROKEN | {"volume_sma_20": [0, 99]})) is None


class TestConfluence:
    ROWS: Any = BROKEN | {
        name: [101.0, 101.0] for name in confluence.STRATEGY.needs if name not in (*BROKEN, "open")
    }  # fmt: skip

    def test_a_vote_is_all_or_nothing_and_without_volume_one_cannot_vote(self) -> None:
        found = worth(confluence.STRATEGY, candidate(self.ROWS))
        names = [voter.name for voter in confluence.VOTERS]
        assert list(found) == [*names, "higher", "highest"]
        assert all(found[name] in (0.0, 1.0) for name in names)
        silent = worth(confluence.STRATEGY, candidate(self.ROWS | {"volume_sma_20": [0.0, 0.0]}))
        assert [name for name in names if silent[name] is None] == ["volume_breakout"]

    def test_the_two_next_timeframes_are_told(self) -> None:
        wider = trend(12, 11, 10) | trend(9, 10, 11, "+2")
        told = candidate(self.ROWS, timeframe=H1, **wider)
        assert confluence.STRATEGY.assess(told).words.endswith("; 4h trend up, 1d trend down.")
        alone = candidate(self.ROWS, timeframe=D1)
        assert "; " not in confluence.STRATEGY.assess(alone).words

    def test_those_that_go_against_a_move_can_but_object_to_it(self) -> None:
        calm = worth(confluence.STRATEGY, candidate(self.ROWS | {"zscore_20": [0.0, 0.0], "rsi_14": [50.0, 50.0]}))
        assert (calm["mean_reversion"], calm["rsi_reversal"]) == (1.0, 1.0)
        late = candidate(self.ROWS | {"zscore_20": [2.0, 2.0], "rsi_14": [80.0, 80.0], "adx_14": [20.0, 20.0]})
        stretched = worth(confluence.STRATEGY, late)
        assert (stretched["mean_reversion"], stretched["rsi_reversal"]) == (0.0, 0.0)

    def test_every_other_strategy_votes_by_a_version_that_is_its_own(self) -> None:
        told = confluence.STRATEGY.parameters.voters
        assert told == ", ".join(f"{voter.name} {voter.version}" for voter in confluence.VOTERS)

    def test_votes_of_another_version_cannot_be_had(self) -> None:
        told = confluence.STRATEGY.parameters.voters
        old = confluence.Parameters(voters=told.replace("momentum 2", "momentum 1"))
        assert confluence.Confluence(old).version == confluence.STRATEGY.version
