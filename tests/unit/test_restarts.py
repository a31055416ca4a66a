"""Restarts: pauses grow with every death, and begin anew after a long life."""

from __future__ import annotations

import pytest

from signalhub import clock
from signalhub.jobs.restarts import Restarts


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The stopwatch, to be set."""
    read = [1000.0]
    monkeypatch.setattr(clock, "stopwatch", lambda: read[0])
    return read


def test_pauses_grow_up_to_the_last_and_are_waited_for(now: list[float]) -> None:
    restarts = Restarts((0.0, 5.0, 30.0), settled_after=60.0)
    assert restarts.is_due
    for pause in (0.0, 5.0, 30.0, 30.0):
        restarts.started()
        assert restarts.died() == pause
        now[0] += pause - 0.5 if pause else 0.0
        assert restarts.is_due is (pause == 0.0)
        now[0] += 0.5
        assert restarts.is_due


def test_one_that_lived_long_enough_begins_anew(now: list[float]) -> None:
    restarts = Restarts((1.0, 5.0), settled_after=60.0)
    for lived, pause in ((1.0, 1.0), (60.0, 5.0), (60.5, 1.0)):
        restarts.started()
        now[0] += lived
        assert restarts.died() == pause
