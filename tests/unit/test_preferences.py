"""Preferences: JSON values in, the same JSON values out, and one line about what cannot be."""

from __future__ import annotations

import re
from datetime import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.cli import subscriber_words
from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.errors import UsageInvalid
from signalhub.subscribers import preferences
from signalhub.subscribers.preferences import CHANNELS, FIELDS, Preferences, QuietHours

MINUTES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
SYMBOLS = st.from_regex(r"[A-Z]{2,6}/[A-Z]{3,4}", fullmatch=True)
SCORES = st.integers(0, 10_000).map(lambda cents: Decimal(cents) / 100)


def some(items: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | st.lists(items, min_size=1, max_size=5, unique=True).map(tuple)


HOURS = st.tuples(MINUTES, MINUTES).filter(lambda ends: ends[0] != ends[1]).map(lambda ends: QuietHours(*ends))
ANY = st.builds(
    Preferences,
    symbols=some(SYMBOLS),
    asset_classes=some(st.sampled_from(ASSET_CLASSES)),
    timeframes=some(st.sampled_from([item.code for item in TIMEFRAMES])),
    directions=some(st.sampled_from(["long", "short"])),
    min_score=SCORES,
    channels=some(st.sampled_from(CHANNELS)),
    quiet_hours=st.none() | HOURS,
    daily_cap=st.none() | st.integers(1, 1_000_000),
    digest_at=st.none() | MINUTES,
    weekly=st.booleans(),
)


def typed(value: Any) -> str:
    """A JSON value as a person types it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def refused(given_values: dict[str, Any]) -> str:
    with pytest.raises(UsageInvalid) as told:
        preferences.read(given_values)
    return str(told.value)


@given(HOURS)
def test_quiet_hours_read_from_their_text_are_the_same(hours: QuietHours) -> None:
    assert re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", str(hours))
    assert preferences.read({"quiet_hours": str(hours)}).quiet_hours == hours


@given(ANY)
def test_preferences_read_from_their_json_are_the_same(wanted: Preferences) -> None:
    assert preferences.read(preferences.as_json(wanted)) == wanted


@given(ANY, ANY)
def test_what_is_typed_is_what_the_json_says_and_replaces_all_of_what_was(
    wanted: Preferences, before: Preferences
) -> None:
    words = [f"{subscriber_words.shown(name)}={typed(value)}" for name, value in preferences.as_json(wanted).items()]
    about, read = subscriber_words.sorted_out(subscriber_words.pairs(words))
    assert about == {}
    assert preferences.read(read, before) == wanted


@given(ANY, st.sampled_from(sorted(FIELDS)))
def test_null_or_nothing_typed_gives_a_preference_its_default_and_leaves_the_others(
    before: Preferences, name: str
) -> None:
    after = preferences.read({name: None}, before)
    assert getattr(after, name) == getattr(Preferences(), name)
    assert {**preferences.as_json(before), name: None} == {**preferences.as_json(after), name: None}
    _, read = subscriber_words.sorted_out({name: " "})
    assert read == {name: None}


def test_values_are_kept_in_order_without_repeats_and_hours_may_have_one_digit() -> None:
    read = preferences.read(
        {"timeframes": ["4h", "1h", "4h"], "quiet_hours": "9:05 - 17:00", "digest_at": "8:00", "min_score": 70.1}
    )
    assert read.timeframes == ("4h", "1h")
    assert read.quiet_hours == QuietHours(time(9, 5), time(17))
    assert read.digest_at == time(8)
    assert read.min_score == Decimal("70.1")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("symbols", "BTC/USDT", "symbols of instruments"),
        ("symbols", [], "an empty list"),
        ("symbols", ["BTC/USDT", "\0"], "symbols of instruments"),
        ("symbols", ["BTC/USDT", 7], "symbols of instruments"),
        ("symbols", [f"T{index}" for index in range(501)], "more than 500"),
        ("asset_classes", ["art"], "names 'art': expected some of crypto, equity"),
        ("timeframes", ["1w"], "some of 1m, 5m, 15m, 1h, 4h, 1d"),
        ("timeframes", [["1h"]], "some of 1m"),
        ("directions", ["up"], "long, short"),
        ("channels", ["email", "sms"], "names 'sms': expected some of email, telegram, webhook"),
        ("min_score", 100.01, "a number from 0 to 100"),
        ("min_score", -1, "a number from 0 to 100"),
        ("min_score", float("nan"), "a number from 0 to 100"),
        ("min_score", 70.123, "two decimals"),
        ("min_score", Decimal("1e-999"), "two decimals"),
        ("min_score", "70", "'70'"),
        ("min_score", True, "a number"),
        ("daily_cap", 0, "a whole number from 1"),
        ("daily_cap", 1.5, "a whole number from 1"),
        ("daily_cap", True, "a whole number from 1"),
        ("daily_cap", 10**9, "to 1000000"),
        ("quiet_hours", "22:00", "two local times such as 22:00-07:00"),
        ("quiet_hours", "22:00-24:00", "two local times"),
        ("quiet_hours", "22:00-07:00-08:00", "two local times"),
        ("quiet_hours", "٢٢:00-07:00", "two local times"),
        ("quiet_hours", "08:00-08:00", "begin and end at 08:00"),
        ("quiet_hours", ["22:00", "07:00"], "two local times"),
        ("digest_at", "8", "a local time such as 08:00"),
        ("digest_at", "08:60", "a local time"),
        ("digest_at", 8, "a local time"),
        ("weekly", "yes", "true or false"),
        ("weekly", 1, "true or false"),
    ],
)
def test_what_cannot_be_is_told_with_the_field_the_value_and_what_is_expected(name: str, value: Any, part: str) -> None:
    message = refused({name: value})
    assert message.startswith(f"{name} ")
    assert part in message
    assert "\n" not in message
    assert len(message) < 250


def test_an_unknown_field_is_told_with_those_there_are() -> None:
    assert refused({"min-score": 5}) == f"'min-score' cannot be set. Known: {', '.join(FIELDS)}."


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["min-score"], "'min-score' is not KEY=VALUE"),
        (["=5"], "'' cannot be set. Known: email, telegram, webhook, time-zone, active, symbols"),
        (["telegram_chat_id=5"], "cannot be set"),
        (["weekly=yes", "weekly=no"], "weekly is given twice"),
    ],
)
def test_words_that_set_nothing_are_told(words: list[str], part: str) -> None:
    with pytest.raises(UsageInvalid, match=re.escape(part)):
        subscriber_words.pairs(words)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("min-score=high", "min-score is 'high': expected a number"),
        ("min-score=.", "min-score is '.': expected a number"),
        ("min-score=1.2.3", "min-score is '1.2.3'"),
        ("daily-cap=1.5", "daily-cap is 1.5: expected a whole number"),
        ("weekly=maybe", "weekly is 'maybe': expected yes or no"),
        ("channels=,", "channels is an empty list"),
    ],
)
def test_what_cannot_be_is_told_as_it_was_typed(word: str, message: str) -> None:
    _, read = subscriber_words.sorted_out(subscriber_words.pairs([word]))
    with pytest.raises(UsageInvalid, match=re.escape(message)):
        preferences.read(read, shown=subscriber_words.shown)
