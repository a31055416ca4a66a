"""retry_at: pure, later and later, spread out, and with an end."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signalhub.outbox.queue import MAX_ATTEMPTS, retry_at

INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
IDS = st.integers(1, 2**63 - 1)
TRIES = st.integers(1, MAX_ATTEMPTS - 1)


@given(attempt=TRIES, now=INSTANTS, message_id=IDS)
def test_the_same_arguments_give_the_same_instant_which_is_later_than_now(
    attempt: int, now: datetime, message_id: int
) -> None:
    due_at = retry_at(attempt, now, message_id)
    assert due_at is not None
    assert due_at > now
    assert due_at == retry_at(attempt, now, message_id)


@given(attempt=TRIES, now=INSTANTS, message_id=IDS, later=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_what_is_waited_does_not_depend_on_the_time_of_day(
    attempt: int, now: datetime, message_id: int, later: timedelta
) -> None:
    first, second = retry_at(attempt, now, message_id), retry_at(attempt, now + later, message_id)
    assert first is not None
    assert second is not None
    assert second - first == later


@given(now=INSTANTS, message_id=IDS)
def test_every_wait_is_longer_than_the_one_before(now: datetime, message_id: int) -> None:
    dues = [retry_at(attempt, now, message_id) for attempt in range(1, MAX_ATTEMPTS)]
    waits = [due_at - now for due_at in dues if due_at is not None]
    assert len(waits) == MAX_ATTEMPTS - 1
    assert all(after > before for before, after in itertools.pairwise(waits))


@given(attempt=st.integers(MAX_ATTEMPTS, 10**6), now=INSTANTS, message_id=IDS)
def test_after_the_last_attempt_there_is_no_other(attempt: int, now: datetime, message_id: int) -> None:
    assert retry_at(attempt, now, message_id) is None


@given(attempt=TRIES, now=INSTANTS)
def test_messages_that_failed_together_come_back_apart(attempt: int, now: datetime) -> None:
    dues = {retry_at(attempt, now, message_id) for message_id in range(200)}
    assert len(dues) == 200
