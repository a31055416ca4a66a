"""Timeframes whose closes fall together are worked on two at a time."""

from __future__ import annotations

from threading import Barrier, Lock

import pytest

from signalhub.domain.timeframe import H1, M1, M5, M15, Timeframe
from signalhub.jobs.live import side_by_side


def test_two_are_worked_on_at_once_and_none_is_left_out() -> None:
    both, done = Barrier(2, timeout=10), list[Timeframe]()

    def work(timeframe: Timeframe) -> None:
        both.wait()  # for the other one: alone it would wait in vain
        done.append(timeframe)

    side_by_side([M1, M5, M15, H1], work)
    assert sorted(done) == [M1, M5, M15, H1]


def test_never_more_than_two() -> None:
    lock, now, most = Lock(), 0, 0

    def work(_: Timeframe) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        sum(range(20_000))
        with lock:
            now -= 1

    side_by_side([M1, M5, M15, H1] * 5, work)
    assert most <= 2


def test_what_one_raises_is_raised_when_the_others_have_ended() -> None:
    done = []

    def work(timeframe: Timeframe) -> None:
        if timeframe == M1:
            raise ValueError("1m")
        done.append(timeframe)

    with pytest.raises(ValueError, match="1m"):
        side_by_side([M1, M5, M15], work)
    assert sorted(done) == [M5, M15]
