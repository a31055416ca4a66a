"""Splits out of factor files, and what they make of prices before."""

from __future__ import annotations

import gzip
import math
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.split import Adjustment, Split, SplitDay, adjustments, plain_ratio
from signalhub.errors import DataUnusable
from signalhub.feeds.factor_files import read_factors
from signalhub.signals.shares import SharesOfDate

HEADER = "date,price_factor,split_factor,reference_price\n"
# Two for one, two for one, seven for one, four for one; dividends in between.
LEAN = """1998-01-02,0.8613657,0.00892857,1
2000-06-20,0.8613657,0.00892857,101
2005-02-25,0.8613657,0.01785710,88.97
2012-08-08,0.8613657,0.03571430,619.86
2014-06-06,0.9011818,0.03571430,645.57
2014-08-06,0.9011818,0.25,94.97
2020-08-28,0.9967882,0.25,499.23
2021-02-04,0.9985079,1,137.39
2050-12-31,1,1,0
"""
SPLITS = (
    SplitDay(date(2000, 6, 20), 2.0),
    SplitDay(date(2005, 2, 25), 2.0),
    SplitDay(date(2014, 6, 6), 7.0),
    SplitDay(date(2020, 8, 28), 4.0),
)
RATIOS = st.builds(Fraction, st.integers(1, 20), st.integers(1, 20)).filter(lambda ratio: ratio != 1)


def written(folder: Path, text: str, name: str = "factors.csv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["factors.csv", "factors.csv.gz"])
@pytest.mark.parametrize("text", [HEADER + LEAN, LEAN, LEAN.replace("-", "")], ids=["header", "none", "plain dates"])
def test_splits_are_where_the_split_factor_changes(tmp_path: Path, text: str, name: str) -> None:
    read = read_factors(written(tmp_path, text, name))
    assert read.splits == SPLITS
    assert (read.first_day, read.last_day) == (date(1998, 1, 2), date(2021, 2, 4))
    assert read.other_changes == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no factors"),
        (HEADER, "holds no factors"),
        ("2020-01-01,1,0.5,1\n2020-13-01,1,1,1\n", "line 2: '2020-13-01' is no date"),
        (HEADER + "2020-01-01,1\n", "line 2: expected date,price_factor,split_factor"),
        ("2020-01-01,1,zero\n2050-01-01,1,1\n", "line 1: split_factor 'zero' is no number above 0"),
        ("2020-01-01,1,0\n2050-01-01,1,1\n", "line 1: split_factor '0' is no number above 0"),
        ("2020-01-01,1,nan\n2050-01-01,1,1\n", "line 1: split_factor 'nan' is no number above 0"),
        ("2020-01-02,1,1\n2020-01-01,1,1\n", "line 2: 2020-01-01 does not come after 2020-01-02"),
        ("2020-01-02,1,1e-9\n2020-01-03,1,1\n", "line 2: split_factor goes from 1e-09 to 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataUnusable) as told:
        read_factors(written(tmp_path, text))
    assert words in str(told.value)
    assert "factors.csv" in str(told.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="no such file"):
        read_factors(tmp_path / "none.csv")
    (tmp_path / "broken.csv.gz").write_bytes(b"no gzip at all")
    with pytest.raises(DataUnusable, match="cannot be read"):
        read_factors(tmp_path / "broken.csv.gz")


@given(RATIOS, st.floats(1e-3, 1.0), st.integers(7, 9))
def test_rounded_factors_give_the_ratio_that_was_meant(ratio: Fraction, before: float, digits: int) -> None:
    printed = [float(f"{factor:.{digits}g}") for factor in (before, before * float(ratio))]
    assert plain_ratio(printed[1] / printed[0]) == float(ratio)


def test_a_ratio_of_no_small_numbers_stays_as_it_is() -> None:
    assert plain_ratio(math.pi) == math.pi
    assert [plain_ratio(ratio) for ratio in (1000.001, 0.0010000004, 1.0499999)] == [1000.0, 0.001, 1.05]


@given(st.dictionaries(st.integers(0, 5000), RATIOS, max_size=8))
def test_factors_are_the_product_of_all_later_splits(made: dict[int, Fraction]) -> None:
    splits = [Split(datetime.fromtimestamp(day * 86_400, UTC), float(ratio)) for day, ratio in made.items()]
    spans = adjustments(splits)
    assert [span.from_at for span in spans[1:]] == sorted(split.effective_at for split in splits)
    assert all(before.to_at == after.from_at for before, after in pairwise(spans))
    assert [span.price_factor for span in spans[-1:]] == [1.0] * bool(splits)
    for span in spans:
        later = [split.ratio for split in splits if span.from_at is None or split.effective_at > span.from_at]
        assert span.price_factor == pytest.approx(1 / math.prod(later), rel=1e-12)


def test_no_split_makes_no_adjustment_and_one_makes_two() -> None:
    at = datetime(2014, 6, 9, tzinfo=UTC)
    assert adjustments([]) == []
    assert adjustments([Split(at, 7.0)]) == [Adjustment(None, at, 1 / 7), Adjustment(at, None, 1.0)]


@given(st.decimals("0.0001", "99999999", places=4), st.lists(RATIOS, min_size=1, max_size=5))
def test_the_price_of_a_date_is_the_raw_one_to_the_bit(raw: str, ratios: list[Fraction]) -> None:
    at = (datetime.fromtimestamp(number, UTC) for number in range(len(ratios)))
    factor = adjustments([Split(when, float(ratio)) for when, ratio in zip(at, ratios, strict=True)])[0].price_factor
    back = SharesOfDate(factor).values({"close": float(raw) * factor, "volume": float(raw) / factor, "rsi_14": 50.1})
    assert back == {"close": float(raw), "volume": float(raw), "rsi_14": 50.1}
