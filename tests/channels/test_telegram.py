"""Telegram beyond the contract: its pace, and what each of its answers means."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.channels import telegram
from signalhub.channels.base import Address
from signalhub.channels.telegram import Pace, Telegram
from signalhub.outbox.verdicts import PutOff, RetryAt, Sent, Uncertain, Undeliverable, Verdict
from signalhub.settings import Settings
from tests.contracts.channel_stages import outgoing
from tests.doubles.bot_api import TOKEN, BotApiDouble, refusal
from tests.doubles.http import Answer, serving

MICROSECOND = 1e-6
"""Sums of thirtieths of a second are not exact."""


def sent(double: BotApiDouble, chats: Sequence[int]) -> list[Verdict]:
    """What one bot says about a message to each of the chats."""

    async def all_of_it() -> list[Verdict]:
        bot = Telegram(Settings(telegram_token=TOKEN, telegram_url=double.url))
        try:
            messages = [outgoing(Address("ann", telegram_chat_id=chat), "<b>5 &lt; 6</b>") for chat in chats]
            return [await bot.turn(message) or await bot.send(message) for message in messages]
        finally:
            await bot.close()

    return asyncio.run(all_of_it())


# --- what is sent, and what the answers mean


def test_a_message_is_html_without_a_preview_of_its_link() -> None:
    with serving(BotApiDouble) as double:
        assert isinstance(double, BotApiDouble)
        assert sent(double, [42]) == [Sent("message 1")]
        [parameters] = double.sent
    assert parameters["chat_id"] == "42"
    assert parameters["text"] == "<b>5 &lt; 6</b>"
    assert parameters["parse_mode"] == "HTML"
    assert '"is_disabled": true' in parameters["link_preview_options"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(400, "Bad Request: chat not found"), Undeliverable),
        (refusal(400, "Bad Request: can't parse entities"), Undeliverable),
        (refusal(403, "Forbidden: user is deactivated"), Undeliverable),
        (refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001), Undeliverable),
        (refusal(401, "Unauthorized"), RetryAt),
        (refusal(404, "Not Found"), RetryAt),
        (refusal(429, "Too Many Requests: retry after 3", retry_after=3), RetryAt),
        (refusal(429, "Too Many Requests"), RetryAt),
        # The Bot API says itself that it did nothing.
        (refusal(500, "Internal Server Error"), RetryAt),
        (refusal(502, "Bad Gateway"), RetryAt),
        # Something in between lost the answer; the message may have got through.
        (Answer(502, "<html>Bad Gateway</html>"), Uncertain),
        (Answer(504, "<html>Gateway Time-out</html>"), Uncertain),
        (Answer(200, "<html>Sign in</html>"), Uncertain),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status} {value.payload[:60].decode()}",
)
def test_every_answer_has_its_meaning(answer: Answer, expected: type[Verdict]) -> None:
    with serving(BotApiDouble) as double:
        assert isinstance(double, BotApiDouble)
        double.script.append(answer)
        [verdict] = sent(double, [42])
    assert isinstance(verdict, expected)
    assert double.sent == []


def test_a_group_that_moved_says_where_to() -> None:
    with serving(BotApiDouble) as double:
        assert isinstance(double, BotApiDouble)
        double.script.append(refusal(400, "Bad Request: upgraded", migrate_to_chat_id=-1001))
        [verdict] = sent(double, [-5])
    assert verdict == Undeliverable("The group has become chat -1001: set that for the subscriber.")


def test_a_chat_that_was_told_to_wait_is_left_alone_and_others_are_not() -> None:
    with serving(BotApiDouble) as double:
        assert isinstance(double, BotApiDouble)
        double.script.append(refusal(429, "Too Many Requests: retry after 60", retry_after=60))
        first, second, other = sent(double, [42, 42, 43])
        asked = len(double.requests)
    assert first == RetryAt("Flood control exceeded. Retry in 0:01:00", timedelta(seconds=60))
    assert isinstance(second, PutOff)
    assert timedelta(seconds=telegram._LONGEST_TURN) < second.after <= timedelta(seconds=60)
    assert isinstance(other, Sent)
    assert asked == 2


# --- the pace

CHATS = st.integers(-3, 3).filter(bool)
STEPS = st.lists(st.tuples(CHATS, st.floats(0, 2)), min_size=1, max_size=60)


@settings(deadline=None)
@given(STEPS)
def test_turns_of_a_chat_keep_their_distance(steps: list[tuple[int, float]]) -> None:
    pace, now, turns = Pace(), 100.0, dict[int, list[float]]()
    for chat, pause in steps:
        now += pause
        wait = pace.chat_turn(chat, now)
        assert wait >= 0
        turns.setdefault(chat, []).append(now + wait)
    for chat, found in turns.items():
        distance = Pace.person if chat > 0 else Pace.group
        assert all(later - earlier >= distance - MICROSECOND for earlier, later in itertools.pairwise(found))


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=120))
def test_no_second_holds_more_than_thirty_turns_of_all(pauses: list[float]) -> None:
    pace, now, turns = Pace(), 100.0, list[float]()
    for pause in pauses:
        now += pause
        turns.append(now + pace.overall_turn(now))
    assert turns == sorted(turns)
    for index, turn in enumerate(turns[30:]):
        assert turn - turns[index] >= 1.0 - MICROSECOND


@settings(deadline=None)
@given(STEPS, CHATS)
def test_who_is_not_waiting_is_not_kept_waiting(steps: list[tuple[int, float]], chat: int) -> None:
    pace, now = Pace(), 100.0
    for other, pause in steps:
        now += pause
        if other != chat:
            pace.chat_turn(other, now)
    assert pace.chat_turn(chat, now) == 0


@settings(deadline=None)
@given(STEPS)
def test_who_is_sent_away_takes_nobodys_turn_and_gets_a_time_of_their_own(steps: list[tuple[int, float]]) -> None:
    pace, alone, now, told = Pace(), Pace(), 100.0, dict[int, list[float]]()
    for chat, pause in steps:
        now += pause
        wait = pace.chat_turn(chat, now, longest=2.0)
        if wait > 2.0:
            told.setdefault(chat, []).append(now + wait)
        else:
            # As if those that were sent away had never asked.
            assert alone.chat_turn(chat, now) == wait
    for chat, found in told.items():
        distance = Pace.person if chat > 0 else Pace.group
        assert all(later - earlier >= distance - MICROSECOND for earlier, later in itertools.pairwise(found))


def test_a_burst_to_one_chat_comes_through_in_as_many_seconds_with_one_detour_each() -> None:
    pace, now, longest = Pace(), 100.0, telegram._LONGEST_TURN
    waits = [pace.chat_turn(42, now, longest) for _ in range(20)]
    away = sorted(now + wait for wait in waits if wait > longest)
    assert waits == sorted(waits) == [float(second) for second in range(20)]
    assert all(pace.chat_turn(42, back, longest) <= longest for back in away)


def test_chats_long_served_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "_KEPT_CHATS", 10)
    pace = Pace()
    for chat in range(1, 1000):
        pace.chat_turn(chat, float(chat))
    assert len(pace._next_of_chat) <= 11
