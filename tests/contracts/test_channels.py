"""What base.py promises, for every channel found, against a double on loopback that fails on script."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar, cast

import pytest

from signalhub import plugins
from signalhub.channels.base import Address, Channel, Content, Outgoing
from signalhub.channels.lane import Pace
from signalhub.errors import SignalhubError
from signalhub.outbox.verdicts import RetryAt, Sent, Uncertain, Undeliverable, Verdict
from signalhub.settings import Settings
from tests.contracts.channel_stages import STAGES, Stage, outgoing

CHANNELS = plugins.declared_classes("signalhub.channels", "CHANNEL", Channel)
NO_PATIENCE = 0.5
"""Seconds that a channel waits in tests in which nobody answers."""
T = TypeVar("T")


@pytest.fixture(params=sorted(CHANNELS))
def kind(request: pytest.FixtureRequest) -> type[Channel]:
    return CHANNELS[request.param]


@pytest.fixture
def stage(kind: type[Channel]) -> Iterator[Stage]:
    with STAGES[kind.name]() as made:
        yield made


def during(kind: type[Channel], settings: Settings, act: Callable[[Channel], Awaitable[T]]) -> T:
    """Opens a channel, acts with it, and closes it."""

    async def all_of_it() -> T:
        channel = kind(settings)
        try:
            return await act(channel)
        finally:
            await channel.close()

    return asyncio.run(all_of_it())


def verdicts(kind: type[Channel], settings: Settings, *messages: Outgoing) -> list[Verdict]:
    """What one channel says about messages, one after the other."""

    async def one_by_one(channel: Channel) -> list[Verdict]:
        return [(await channel.turn(message) or await channel.send(message)) for message in messages]

    return during(kind, settings, one_by_one)


def undecided(kind: type[Channel]) -> type[Verdict]:
    """What is said when nobody knows whether a message arrived."""
    return RetryAt if kind.has_keys else Uncertain


# --- what a channel is


def test_the_channels_of_the_house_are_found_and_each_has_a_stage() -> None:
    assert {"email", "telegram", "webhook"} <= set(CHANNELS)
    assert set(CHANNELS) == set(STAGES)


def test_a_channel_is_named_as_its_module_and_says_what_it_can(kind: type[Channel]) -> None:
    assert CHANNELS[kind.name] is kind
    assert isinstance(kind.has_keys, bool)
    assert kind.at_once >= 1
    assert kind.patience > 0


def test_a_channel_with_its_settings_is_configured(kind: type[Channel], stage: Stage) -> None:
    assert kind.is_configured(stage.settings)


def test_an_address_is_named_as_its_part_of_the_contract(stage: Stage) -> None:
    assert stage.without in {field.name for field in dataclasses.fields(Address)}


def test_a_channel_without_keys_gives_up_before_it_is_broken_off(kind: type[Channel]) -> None:
    if kind.has_keys:
        pytest.skip("a repeat does no harm here")
    # To connect, to write and to read; and a quarter of the time for what else there is to wait for.
    assert 3 * kind.patience <= 0.75 * Pace().longest_send


# --- sending


def test_a_message_that_is_taken_is_sent(kind: type[Channel], stage: Stage) -> None:
    assert [type(verdict) for verdict in verdicts(kind, stage.settings, outgoing(stage.address))] == [Sent]
    assert len(stage.taken) == 1
    assert "a signal" in stage.taken[0]


def test_as_many_as_may_be_under_way_arrive_once_each(kind: type[Channel], stage: Stage) -> None:
    count = 2 * kind.at_once
    # One chat each: what is sent to one chat comes at a pace of its own.
    addresses = [dataclasses.replace(stage.address, telegram_chat_id=100 + index) for index in range(count)]

    async def all_at_once(channel: Channel) -> list[Verdict]:
        limit = asyncio.Semaphore(kind.at_once)

        async def one(index: int) -> Verdict:
            async with limit:
                message = outgoing(addresses[index], f"signal {index:03}", f"{index}-1")
                return await channel.turn(message) or await channel.send(message)

        return await asyncio.gather(*(one(index) for index in range(count)))

    found = during(kind, stage.settings, all_at_once)
    assert {type(verdict) for verdict in found} == {Sent}
    arrived = "\n".join(stage.taken)
    assert [arrived.count(f"signal {index:03}") for index in range(count)] == [1] * count


def test_text_of_every_kind_arrives_as_it_was(kind: type[Channel], stage: Stage) -> None:
    text = "🟢 LONG −0.49 % 日本語 é"
    assert isinstance(verdicts(kind, stage.settings, outgoing(stage.address, text))[0], Sent)
    assert text in stage.taken[0]


def test_a_subscriber_without_an_address_is_undeliverable(kind: type[Channel], stage: Stage) -> None:
    address = dataclasses.replace(stage.address, **cast(dict[str, Any], {stage.without: None}))
    assert [type(verdict) for verdict in verdicts(kind, stage.settings, outgoing(address))] == [Undeliverable]
    assert stage.taken == []


# --- failing


def test_what_is_refused_for_now_is_tried_again_when_the_receiver_says(kind: type[Channel], stage: Stage) -> None:
    stage.refuse_for_now()
    [verdict] = verdicts(kind, stage.settings, outgoing(stage.address))
    assert isinstance(verdict, RetryAt)
    assert verdict.after == stage.asked_to_wait
    assert stage.taken == []


def test_what_is_refused_for_good_is_a_dead_letter(kind: type[Channel], stage: Stage) -> None:
    stage.refuse_for_good()
    [verdict] = verdicts(kind, stage.settings, outgoing(stage.address))
    assert isinstance(verdict, Undeliverable)
    assert stage.taken == []


def test_where_nobody_listens_nothing_was_sent(kind: type[Channel], stage: Stage) -> None:
    settings = stage.off()
    assert [type(verdict) for verdict in verdicts(kind, settings, outgoing(stage.address))] == [RetryAt]


def test_a_connection_that_breaks_is_only_tried_again_where_a_repeat_is_told(kind: type[Channel], stage: Stage) -> None:
    stage.reset_before()
    assert [type(verdict) for verdict in verdicts(kind, stage.settings, outgoing(stage.address))] == [undecided(kind)]


def test_a_message_without_a_receipt_is_only_tried_again_where_a_repeat_is_told(
    kind: type[Channel], stage: Stage
) -> None:
    stage.reset_after()
    assert [type(verdict) for verdict in verdicts(kind, stage.settings, outgoing(stage.address))] == [undecided(kind)]


def test_silence_after_the_message_is_only_tried_again_where_a_repeat_is_told(
    kind: type[Channel], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "patience", NO_PATIENCE)
    stage.fall_silent()
    assert [type(verdict) for verdict in verdicts(kind, stage.settings, outgoing(stage.address))] == [undecided(kind)]


@pytest.mark.parametrize("way", ["refuse_for_good", "reset_before", "reset_after", "fall_silent"])
def test_after_a_failure_the_next_message_arrives(
    kind: type[Channel], stage: Stage, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "patience", NO_PATIENCE)
    first = outgoing(stage.address, "the first one", "1-1")
    second = outgoing(dataclasses.replace(stage.address, telegram_chat_id=43), "the second one", "2-1")
    getattr(stage, way)()
    found = verdicts(kind, stage.settings, first, second)
    assert not isinstance(found[0], Sent)
    assert isinstance(found[1], Sent)
    assert "the second one" in stage.taken[-1]


def test_a_repeat_carries_the_same_key_and_another_message_another(
    kind: type[Channel], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kind.has_keys:
        pytest.skip("receivers of this channel cannot tell a repeat")
    monkeypatch.setattr(kind, "patience", NO_PATIENCE)
    stage.reset_after()
    message = outgoing(stage.address)
    verdicts(kind, stage.settings, message, message, outgoing(stage.address, key="8-1767358800"))
    first, second, other = stage.keys
    assert first == second != other


@pytest.mark.parametrize("way", ["refuse_for_now", "refuse_for_good", "reset_before", "reset_after", "fall_silent"])
def test_a_failure_says_in_one_line_what_happened_and_no_secret(
    kind: type[Channel], stage: Stage, way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(kind, "patience", NO_PATIENCE)
    getattr(stage, way)()
    [verdict] = verdicts(kind, stage.settings, outgoing(stage.address))
    assert verdict.detail
    assert len(verdict.detail.splitlines()) == 1
    assert [secret for secret in stage.secrets if secret in verdict.detail + caplog.text] == []


def test_no_secret_is_logged_where_all_goes_well(
    kind: type[Channel], stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert isinstance(verdicts(kind, stage.settings, outgoing(stage.address))[0], Sent)
    assert [secret for secret in stage.secrets if secret in caplog.text] == []


def test_an_empty_message_never_raises(kind: type[Channel], stage: Stage) -> None:
    message = Outgoing("7-1", "alert", stage.address, Content())
    assert isinstance(verdicts(kind, stage.settings, message)[0], Sent | RetryAt | Undeliverable | Uncertain)


# --- check


def test_a_check_of_a_channel_that_works_is_one_line_and_sends_nothing(kind: type[Channel], stage: Stage) -> None:
    line = during(kind, stage.settings, lambda channel: channel.check())
    assert line.startswith(f"{kind.name}: ")
    assert len(line.splitlines()) == 1
    assert stage.taken == []


def test_a_check_says_in_one_line_what_is_wrong_and_no_secret(
    kind: type[Channel], stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    settings = stage.refused_login()
    if settings is None:
        pytest.skip("there is nothing of ours to log in to")
    caplog.set_level(logging.DEBUG)
    for wrong in (settings, stage.off()):
        with pytest.raises(SignalhubError) as caught:
            during(kind, wrong, lambda channel: channel.check())
        assert "SIGNALHUB_" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
        told = str(caught.value) + caplog.text
        secrets = (*stage.secrets, settings.telegram_token or settings.smtp_password or "")
        assert [secret for secret in secrets if secret in told] == []


def test_a_refused_login_is_tried_again_for_it_is_ours_to_mend(kind: type[Channel], stage: Stage) -> None:
    settings = stage.refused_login()
    if settings is None:
        pytest.skip("there is nothing of ours to log in to")
    [verdict] = verdicts(kind, settings, outgoing(stage.address))
    assert isinstance(verdict, RetryAt)
    assert "refuses" in verdict.detail
