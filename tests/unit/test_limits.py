"""Token buckets: how often somebody may ask."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signalhub.api.limits import Limit


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@given(st.integers(1, 600), st.lists(st.floats(0, 90), max_size=200))
def test_nobody_gets_more_than_a_full_bucket_and_what_has_flown_in_since(limit: int, pauses: list[float]) -> None:
    stopwatch = Stopwatch()
    bucket = Limit(limit, stopwatch)
    let_in = 0
    for pause in pauses:
        stopwatch.seconds += pause
        let_in += not bucket.take("ann").is_refused
    assert let_in <= limit + (stopwatch.seconds - 1000) * limit / 60 + 1e-6


@given(st.integers(1, 600))
def test_whoever_waits_as_long_as_told_is_let_in_again(limit: int) -> None:
    stopwatch = Stopwatch()
    bucket = Limit(limit, stopwatch)
    for _ in range(limit):
        assert not bucket.take("ann").is_refused
    refused = bucket.take("ann")
    assert refused.is_refused
    assert refused.headers["retry-after"] == str(refused.wait_seconds)
    assert not bucket.take("bob").is_refused
    stopwatch.seconds += refused.wait_seconds
    assert not bucket.look("ann").is_refused
    assert not bucket.take("ann").is_refused


def test_looking_takes_nothing() -> None:
    bucket = Limit(1, Stopwatch())
    assert not bucket.look("ann").is_refused
    assert not bucket.look("ann").is_refused
    assert not bucket.take("ann").is_refused
    assert bucket.look("ann").is_refused
