"""What base.py gives to every strategy: a version that is the rule's own, and words and numbers for people."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.timeframe import M1, M5, M15, TIMEFRAMES
from signalhub.strategies.base import Assessment, Candidate, Proposal, Strategy, previous, shown, unit
from signalhub.strategies.breakout import Breakout
from signalhub.strategies.declared import declared
from signalhub.strategies.leaning import begins

REAL = [(type(strategy), type(strategy.parameters)) for strategy in declared()]


class Bare(Strategy):
    """A strategy that sets nothing."""

    name = "bare"
    code_version = 3
    needs = ()

    def __init__(self, parameters: Any = None) -> None:
        self.parameters = parameters

    def propose(self) -> Proposal:
        return Proposal(pl.lit(value=False), pl.lit(value=False))

    def assess(self, candidate: Candidate) -> Assessment:
        return Assessment([], candidate.direction.value)


class TestProposal:
    frame = pl.DataFrame(
        {"instrument_id": pl.Series([1, 1, 1, 2], dtype=pl.Int32), "close": [1.0, 3.0, None, 2.0], "open": [2.0] * 4}
    )

    def test_what_has_no_value_is_not_proposed(self) -> None:
        proposal = Proposal(long=pl.col("close") > pl.col("open"), short=pl.col("close") < previous("close"))
        found = proposal.over(self.frame)
        assert found.to_dict(as_series=False) == {"long": [False, True, False, False], "short": [False] * 4}
        assert proposal.reads == {"close", "open", "instrument_id"}

    def test_what_is_the_same_for_all_rows_is_said_of_each(self) -> None:
        found = Proposal(pl.lit(value=True), pl.lit(None)).over(self.frame)
        assert found.to_dict(as_series=False) == {"long": [True] * 4, "short": [False] * 4}

    def test_what_both_directions_share_is_no_column_of_the_snapshot(self) -> None:
        body, rises = pl.col("close") - pl.col("open"), pl.col("body") > 0
        shared = Proposal(long=rises & previous(~rises), short=~rises, shared={"body": body})
        apart = Proposal(long=(body > 0) & previous(body <= 0), short=body <= 0)
        assert shared.over(self.frame).equals(apart.over(self.frame))
        assert shared.over(self.frame)["long"].to_list() == [False, True, False, False]
        assert shared.reads == apart.reads


@dataclass(frozen=True)
class Few:
    stop_atr: float = 1.5
    cooldown_bars: int = 2


class TestVersion:
    def test_it_is_the_same_in_every_process(self) -> None:
        program = "from signalhub.strategies.breakout import STRATEGY; print(STRATEGY.version)"
        environment = {**os.environ, "PYTHONHASHSEED": "12345"}
        there = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
        )
        assert there.stdout.strip() == Breakout().version

    def test_it_is_pinned_for_a_rule_without_parameters(self) -> None:
        # The first eight digits of the sha256 of the text {}: `printf '{}' | sha256sum`.
        assert Bare().version == "3-44136fa3"

    @pytest.mark.parametrize(("strategy", "parameters"), REAL)
    def test_equal_parameters_are_the_same_version(self, strategy: Any, parameters: Any) -> None:
        assert strategy(parameters()).version == strategy().version

    @pytest.mark.parametrize(("strategy", "parameters"), REAL)
    def test_any_changed_parameter_is_another_version(self, strategy: Any, parameters: Any) -> None:
        standard = parameters()
        # The votes that confluence counts are those of the others as they are.
        values = {f.name: getattr(standard, f.name) for f in fields(parameters) if f.name != "voters"}
        changed = [replace(standard, **{name: value + 1}) for name, value in values.items()]
        versions = {strategy(values).version for values in (standard, *changed)}
        assert len(versions) == 1 + len(changed)

    def test_another_code_version_is_another_version(self) -> None:
        class Rewritten(Bare):
            code_version = 4

        assert Rewritten().version.split("-")[1] == Bare().version.split("-")[1]
        assert Rewritten().version != Bare().version


class TestDefaults:
    def test_what_parameters_do_not_set_has_the_default_of_the_house(self) -> None:
        bare = Bare()
        assert (bare.stop_atr, bare.target_atr, bare.valid_bars) == (1.0, 2.0, 12)
        assert bare.timeframes == TIMEFRAMES
        assert bare.parameter_values == {}

    def test_what_parameters_set_is_used(self) -> None:
        few = Bare(Few())
        assert (few.stop_atr, few.target_atr) == (1.5, 2.0)
        assert few.parameter_values == {"stop_atr": 1.5, "cooldown_bars": 2}

    def test_cooldown_is_never_under_five_minutes(self) -> None:
        few = Bare(Few())
        assert [few.cooldown_bars(timeframe) for timeframe in (M1, M5, M15)] == [5, 2, 2]
        assert Bare().cooldown_bars(M1) == 5


class TestUnit:
    @pytest.mark.parametrize(
        ("value", "low", "high", "expected"),
        [(5, 0, 10, 0.5), (0, 0, 10, 0.0), (10, 0, 10, 1.0), (-1, 0, 10, 0.0), (11, 0, 10, 1.0), (3, 4, 2, 0.5)],
    )
    def test_it_is_the_place_between_low_and_high(self, value: float, low: float, high: float, expected: float) -> None:
        assert unit(value, low, high) == expected

    @given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.booleans())
    def test_it_is_always_from_0_to_1(self, value: float, low: float, length: float, turned: bool) -> None:
        ends = (low + length, low) if turned else (low, low + length)
        assert 0.0 <= unit(value, *ends) <= 1.0

    @given(st.lists(st.floats(-50, 50), min_size=2), st.booleans())
    def test_it_never_turns_back(self, values: list[float], turned: bool) -> None:
        ends = (10.0, -10.0) if turned else (-10.0, 10.0)
        places = [unit(value, *ends) for value in sorted(values, reverse=turned)]
        assert places == sorted(places)


class TestShown:
    @pytest.mark.parametrize(
        ("price", "expected"),
        [
            (61234.5, "61,234.50"),
            (1000.0, "1,000.00"),
            (123456.789, "123,456.79"),
            (190.25, "190.25"),
            (100.0, "100"),
            (1.08512, "1.08512"),
            (0.6, "0.6"),
            (0.000012345, "0.000012345"),
            (2e-8, "0.00000002"),
        ],
    )
    def test_a_price_reads_as_people_write_it(self, price: float, expected: str) -> None:
        assert shown(price) == expected

    @given(st.floats(1e-9, 1e9))
    def test_it_is_a_plain_number_close_to_the_price(self, price: float) -> None:
        text = shown(price)
        assert re.fullmatch(r"\d{1,3}(,\d{3})*(\.\d+)?", text)
        # Five significant digits at least.
        assert float(text.replace(",", "")) == pytest.approx(price, rel=1e-4)


def test_previous_never_looks_over_the_border_of_an_instrument() -> None:
    frame = pl.DataFrame({"instrument_id": [1, 1, 1, 2, 2], "close": [1.0, 2.0, 3.0, 4.0, 5.0]})
    shifted = frame.select(one=previous("close"), two=previous("close", 2))
    assert shifted["one"].to_list() == [None, 1.0, 2.0, None, 4.0]
    assert shifted["two"].to_list() == [None, None, 1.0, None, None]


def test_previous_takes_an_expression_over_columns_too() -> None:
    frame = pl.DataFrame({"instrument_id": [1, 1, 1, 2], "close": [1.0, 2.0, 3.0, 4.0], "open": [1.0, 1.0, 1.0, 1.0]})
    gained = pl.col("close") - pl.col("open")
    assert frame.select(found=previous(gained))["found"].to_list() == [None, 0.0, 1.0, None]
    assert frame.select(found=previous(previous("close")))["found"].to_list() == [None, None, 1.0, None]


def test_a_condition_begins_where_it_did_not_hold_before() -> None:
    frame = pl.DataFrame(
        {"instrument_id": [1, 1, 1, 1, 2, 2, 2], "is_so": [False, True, True, None, True, False, True]}
    )
    began = frame.select(found=begins(pl.col("is_so")).fill_null(value=False))["found"].to_list()
    assert began == [False, True, False, False, False, False, True]
