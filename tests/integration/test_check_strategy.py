"""The look-ahead and warm-up check finds who cheats, names column, bar and what is read, and clears who does not."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from signalhub.domain.timeframe import H1
from signalhub.errors import PluginInvalid
from signalhub.jobs import strategy_bars
from signalhub.jobs.strategy_bars import Tried
from signalhub.signals.lookahead import AGAIN, ALONE, CUT_OFF, OTHERS, SHORT, Checked, check
from signalhub.signals.looks import Looks
from signalhub.strategies import outside
from tests.strategy_files import HONEST, VALUE, strategy_file

CHEATS: dict[str, tuple[str, set[str], str]] = {
    # What `long` is → the checks that must find it, and the column whose surroundings it reads.
    "the next close": ("close.shift(-1).over(by) > close", {CUT_OFF, OTHERS}, "close"),
    "the next close, rarely": (f"({HONEST}) & (close.shift(-1).over(by) > close)", {CUT_OFF, OTHERS}, "close"),
    "a close far ahead": ("close.shift(-24).over(by) > close * 1.02", {CUT_OFF, OTHERS}, "close"),
    "the next RSI": ("pl.col('rsi_14').shift(-1).over(by).fill_null(50.0) > 60.0", {CUT_OFF, OTHERS}, "rsi_14"),
    "the next row, whoever's": ("close.shift(-1) > close * 1.01", {CUT_OFF, OTHERS}, "close"),
    "the mean of the whole frame": ("close > close.mean()", {OTHERS, ALONE}, "close"),
    "the mean of all its bars": ("close > close.mean().over(by)", {CUT_OFF, OTHERS, SHORT}, "close"),
    "the last close": ("close < close.last().over(by) * 0.98", {CUT_OFF, OTHERS}, "close"),
    "the highest of all to come": ("close >= close.reverse().cum_max().reverse().over(by)", {CUT_OFF, OTHERS}, "close"),
    "a rank among all": ("pl.col('volume').rank().over(by) > 700", {CUT_OFF, OTHERS, SHORT}, "volume"),
    "a sum since the first bar": ("pl.col('volume').cum_sum().over(by) % 7.0 < 1.0", {SHORT}, "volume"),
    "a mean that never forgets": ("close > close.ewm_mean(span=400, adjust=False).over(by)", {SHORT}, "close"),
    "more bars than a live evaluation has": ("close > previous('close', 200)", {SHORT}, "close"),
    "a window over other instruments": ("close > close.rolling_mean(20)", {ALONE}, "close"),
    # Python's own chance, which no seed of Polars holds.
    "chance": ("close % 1.0 < random.random()", {AGAIN}, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    honest = outside.read(strategy_file(tmp_path_factory.mktemp("honest")))
    return strategy_bars.made_up(honest, H1)


def checked(path: Path, tried: Tried) -> Checked:
    return check(Looks.at(outside.read(path), H1, tried.instruments), tried.frame)


def test_an_honest_strategy_has_no_leak_and_was_compared_often(tmp_path: Path, tried: Tried) -> None:
    found = checked(strategy_file(tmp_path, short=f"~({HONEST}) & (pl.col('rsi_14') < 30.0)"), tried)
    assert found.leaks == []
    assert found.proposed > found.signals > 50
    assert found.comparisons > 50_000


@pytest.mark.parametrize(("cheat", "side"), list(zip(CHEATS, cycle(["long", "short"]), strict=False)))
def test_one_that_cheats_is_caught_with_the_column_the_bar_and_what_it_reads(
    tmp_path: Path, tried: Tried, cheat: str, side: str
) -> None:
    text, checks, reads = CHEATS[cheat]
    other = "short" if side == "long" else "long"
    path = strategy_file(tmp_path, **{side: text, other: "pl.lit(value=False)"}, imports="import random")
    found = checked(path, tried)
    assert checks <= {leak.check for leak in found.leaks}
    for leak in found.leaks:
        assert leak.column == side or cheat == "chance"
        assert leak.close_at in tried.frame["close_at"]
        assert leak.instrument_id in tried.frame["instrument_id"]
    said = [leak for leak in found.leaks if leak.check in checks]
    assert all({leak.whole, leak.other} == {True, False} for leak in said if leak.column == side)
    assert not reads or any(reads in leak.reads for leak in said)


def test_a_score_that_hangs_on_what_was_asked_before_is_caught(tmp_path: Path, tried: Tried) -> None:
    found = checked(strategy_file(tmp_path, value="(self.asked % 97) / 97.0"), tried)
    assert {leak.column for leak in found.leaks} >= {"score", "component trend"}
    assert AGAIN in {leak.check for leak in found.leaks}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"long": "pl.col('ema_50') > close"}, "mine reads ema_50, which it does not declare: name it in needs"),
        ({"long": "pl.col('+1.close') > close"}, "mine reads +1.close, which it does not declare"),
        ({"value": "unit(row['sma_20'], 0.0, 1.0)"}, "mine reads sma_20, which it does not declare"),
        ({"value": "{}['mine']"}, "assess() of mine fails: KeyError: 'mine'"),
        ({"long": "pl.col('close').no_such()"}, "propose() of mine fails: AttributeError"),
        ({"value": "1 / 0"}, "assess() of mine fails: ZeroDivisionError"),
    ],
)
def test_one_that_fails_or_reads_what_it_does_not_declare_is_refused_in_one_line(
    tmp_path: Path, tried: Tried, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(PluginInvalid) as refused:
        checked(strategy_file(tmp_path, **changes), tried)
    assert words in str(refused.value)


def test_one_that_proposes_nothing_was_not_checked(tmp_path: Path, tried: Tried) -> None:
    found = checked(strategy_file(tmp_path, long="close < 0.0"), tried)
    assert (found.proposed, found.leaks) == (0, [])


def test_made_up_bars_are_the_same_every_time_and_hold_what_was_declared(tmp_path: Path, tried: Tried) -> None:
    text = VALUE.replace("rsi_14", "obs.funding_rate")
    path = strategy_file(tmp_path, value=text)
    path.write_text(
        path.read_text().replace(
            'asset_classes = ("crypto", "forex")',
            'asset_classes = ("crypto", "forex")\n    context = {"+1": ("ema_50", "close")}\n'
            '    observations = ("funding_rate",)',
        )
    )
    again = strategy_bars.made_up(outside.read(path), H1)
    assert again.frame.select(tried.frame.columns).equals(tried.frame)
    assert again.frame["+1.ema_50"].drop_nulls().len() > 1_000
    assert again.frame["obs.funding_rate"].null_count() < 50


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (None, "is no Python file. Give the file that declares STRATEGY"),
            ("import no_such_module", "cannot be imported: ModuleNotFoundError"),
            ("x =", "cannot be imported: SyntaxError"),
            ("STRATEGY = 7", "declares no STRATEGY"),
            ("from signalhub.strategies.momentum import Momentum\nSTRATEGY = Momentum", "declares no STRATEGY"),
        ],
    )
    def test_a_file_that_declares_no_strategy_is_named(self, tmp_path: Path, text: str | None, words: str) -> None:
        path = tmp_path / "mine.py"
        if text is not None:
            path.write_text(text)
        with pytest.raises(PluginInvalid) as refused:
            outside.read(path)
        assert str(refused.value).startswith(str(path))
        assert words in str(refused.value)
