"""The catalogue says everything of every column and every public function; what is written from it is current."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from signalhub.indicators import catalogue_files, heads, written
from signalhub.indicators.catalogue import WINDOW, Indicator, catalogue, facts_of
from signalhub.indicators.catalogue_files import ACCURACY, PAGE
from signalhub.indicators.columns import INDICATOR_COLUMNS
from signalhub.indicators.heads import Head

ROOT = Path(__file__).parents[2]
FACTS = {"usage", "formula", "parameters", "warm-up", "bounds", "null", "flat", "ta-lib"}
WRITTEN = written.files()
NAMED = {item.column: item for item in catalogue()}


def of_column(item: Indicator) -> str:
    return item.column


def of_head(head: Head) -> str:
    return f"{head.name}({len(head.arguments)})"


@pytest.mark.parametrize("path", WRITTEN)
def test_what_is_written_from_the_declarations_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == WRITTEN[path], "run scripts/write-indicators"


def test_what_another_script_says_of_accuracy_is_kept() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    table = f"## Accuracy\n\n{ACCURACY[0]}| a | table |\n{ACCURACY[1]}\n## More"
    assert catalogue_files.between_marks(table) == "| a | table |\n"
    assert page.count(ACCURACY[0]) == page.count(ACCURACY[1]) == 1
    assert catalogue_files.between_marks(catalogue_files.files()[PAGE]) == catalogue_files.between_marks(page)


def test_every_column_is_in_it_once_in_the_order_of_the_table() -> None:
    assert [item.column for item in catalogue()] == list(INDICATOR_COLUMNS)


@pytest.mark.parametrize("head", heads.public(), ids=of_head)
def test_a_public_function_tells_every_fact_in_full(head: Head) -> None:
    assert head.facts.keys() == FACTS
    assert all(text.strip() for text in head.facts.values())
    assert not [text for text in head.facts.values() if re.match(r"as ta\.", text)], "a fact that only points elsewhere"
    assert head.call.startswith(f"ta.{head.name}(")
    assert len(heads.split(head.call.removesuffix(WINDOW).partition("(")[2][:-1])) <= len(head.arguments)
    assert head.family.units


@pytest.mark.parametrize("item", catalogue(), ids=of_column)
def test_a_column_is_the_function_of_its_name_called_with_its_numbers(item: Indicator) -> None:
    numbers = re.sub(rf"^{item.head.name}_?", "", item.column).split("_")
    given = iter(item.parameters.values())
    assert all(float(number) in given for number in numbers if number), item.call
    assert item.call.startswith(f"ta.{item.head.name}(")
    assert len(item.parameters) == len(re.findall(r"(?<=[(,] )\d[\d.]*|(?<=\()\d[\d.]*", item.short_call))


def test_numbers_that_a_name_leaves_out_are_the_usual_ones() -> None:
    assert NAMED["sma_5"].call == f"ta.sma(close, 5){WINDOW}"
    assert NAMED["kama_10"].parameters == {"period": 10, "fast": 2, "slow": 30}
    assert NAMED["stochrsi_d_14_3"].short_call == "ta.stochrsi_d(close, 14, 14, 3)"
    assert NAMED["psar"].parameters == {"acceleration": 0.02, "maximum": 0.2}
    assert NAMED["pivot_r2"].short_call.endswith("::date, 2)")
    assert NAMED["hv_20"].short_call == "ta.hv(close, 20)"


@pytest.mark.parametrize("item", catalogue(), ids=of_column)
def test_a_column_has_a_twin_in_ta_lib_or_somebody_whose_values_it_follows(item: Indicator) -> None:
    facts = facts_of(item)
    assert (facts["talib"] is None) != (facts["oracle"] is None)
    assert not [name for name in ("name", "family", "bounds", "warm_up", "formula", "author") if not facts[name]]
    assert facts["name"].count(". ") == 0


def test_sums_that_begin_anew_say_so_and_no_others() -> None:
    noted = {item.column for item in catalogue() if "era" in item.note}
    assert noted == {"obv", "ad"}
    assert "1h, 4h: the year" in NAMED["obv"].note
    assert {item.column for item in catalogue() if "session" in item.note} == {"vwap_session"}
    assert {item.column.partition("_")[0] for item in catalogue() if "UTC day that has a bar" in item.note} == {"pivot"}


def test_the_page_tells_of_every_public_function_and_column_once() -> None:
    page = catalogue_files.files()[PAGE]
    told = Counter(re.findall(r"^\*\*`ta\.(\w+)\(", page, re.MULTILINE))
    assert told == Counter(head.name for head in heads.public())
    listed = re.findall(r"^\| `(\w+)` \|", page.partition("## Accuracy")[0], re.MULTILINE)
    assert listed == list(INDICATOR_COLUMNS)
    assert {"volume_profile", "fibonacci_r", "levels", "ha_high"} <= set(told), "what is not stored is told, too"


def test_no_line_of_the_page_begins_a_list_by_chance() -> None:
    lines = catalogue_files.files()[PAGE].partition("## The functions")[2].splitlines()
    assert not [line for line in lines if re.match(r"(?: +-| *[+*]| *\d+[.)]) ", line)]
