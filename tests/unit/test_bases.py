"""Which base rules on which days: the laws that hold for any collection of days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from signalhub.domain.bases import BaseDay, ruling_bases
from signalhub.domain.timeframe import D1, H1, M1, M5, Timeframe

START = datetime(2024, 3, 4, tzinfo=UTC)
BASES = (M1, M5, H1, D1)


def base_day(base: Timeframe, day: int, first_hour: float = 0, last_hour: float = 24) -> BaseDay:
    midnight = START + timedelta(days=day)
    return BaseDay(base, midnight, midnight + timedelta(hours=first_hour), midnight + timedelta(hours=last_hour))


@st.composite
def some_days(draw: st.DrawFn) -> list[BaseDay]:
    keys = draw(st.sets(st.tuples(st.sampled_from(BASES), st.integers(0, 8)), max_size=20))
    entries = []
    for base, day in sorted(keys):
        bars = 86400 // base.seconds
        first = draw(st.integers(0, bars - 1)) if draw(st.booleans()) else 0
        last = draw(st.integers(first + 1, bars)) if draw(st.booleans()) else bars
        entries.append(base_day(base, day, first * base.seconds / 3600, last * base.seconds / 3600))
    return draw(st.permutations(entries))


def ruler_of(changes: list[tuple[datetime | None, Timeframe]], day: datetime) -> Timeframe:
    return [base for since, base in changes if since is None or since <= day][-1]


@given(entries=some_days())
def test_changes_ascend_from_for_ever_before_and_neighbours_differ(entries: list[BaseDay]) -> None:
    changes = ruling_bases(entries)
    days = [day for day, _ in changes]
    assert days[:1] == [None][: len(days)]
    later = [day for day in days[1:] if day is not None]
    assert later == sorted(set(later))
    assert len(later) == len(days[1:])
    assert all(one[1] != two[1] for one, two in pairwise(changes))


@given(entries=some_days())
def test_the_ruler_of_a_day_has_bars_on_it(entries: list[BaseDay]) -> None:
    changes = ruling_bases(entries)
    for day in {entry.day for entry in entries}:
        assert ruler_of(changes, day) in {entry.base for entry in entries if entry.day == day}


@given(entries=some_days(), data=st.data())
def test_the_order_of_days_does_not_matter(entries: list[BaseDay], data: st.DataObject) -> None:
    assert ruling_bases(data.draw(st.permutations(entries))) == ruling_bases(entries)


@given(entries=some_days())
def test_a_base_that_covers_its_whole_day_rules_over_coarser_ones(entries: list[BaseDay]) -> None:
    changes = ruling_bases(entries)
    for entry in entries:
        if entry == base_day(entry.base, (entry.day - START).days):
            assert ruler_of(changes, entry.day) <= entry.base


@given(base=st.sampled_from(BASES), days=st.sets(st.integers(0, 30), min_size=1))
def test_an_only_base_rules_for_ever(base: Timeframe, days: set[int]) -> None:
    assert ruling_bases([base_day(base, day, 5, 6) for day in days]) == [(None, base)]


def test_no_days_have_no_ruler() -> None:
    assert ruling_bases([]) == []


def test_a_day_that_a_finer_base_enters_or_leaves_midway_stays_with_the_coarser_one() -> None:
    hours = [base_day(H1, day) for day in range(6)]
    minutes = [base_day(M1, 1, first_hour=9.5), base_day(M1, 2), base_day(M1, 3), base_day(M1, 4, last_hour=12)]
    assert ruling_bases([*hours, *minutes]) == [
        (None, H1),
        (START + timedelta(days=2), M1),
        (START + timedelta(days=4), H1),
    ]


def test_a_thin_market_that_trades_some_minutes_late_still_covers_its_day() -> None:
    hours = [base_day(H1, day) for day in range(3)]
    minutes = [base_day(M1, 0), base_day(M1, 1, first_hour=7 / 60, last_hour=23.9), base_day(M1, 2)]
    assert ruling_bases([*hours, *minutes]) == [(None, M1)]


def test_today_the_finer_base_rules_while_it_keeps_up() -> None:
    hours = [base_day(H1, 0), base_day(H1, 1, last_hour=10)]
    minutes = [base_day(M1, 0), base_day(M1, 1, last_hour=9.5)]
    assert ruling_bases([*hours, *minutes]) == [(None, M1)]
    behind = [base_day(M1, 0), base_day(M1, 1, last_hour=9)]
    assert ruling_bases([*hours, *behind]) == [(None, M1), (START + timedelta(days=1), H1)]


@given(entries=some_days(), data=st.data())
def test_more_bars_of_the_last_ruler_change_nothing_where_no_finer_base_rules(
    entries: list[BaseDay], data: st.DataObject
) -> None:
    """What bars/bases.sql with_another_base goes by."""
    changes = ruling_bases(entries)
    assume(changes and all(changes[-1][1] <= base for _, base in changes))
    since, ruler = changes[-1]
    days = data.draw(st.sets(st.integers(((since or START) - START).days, 11), min_size=1, max_size=3))
    added = [base_day(ruler, day, data.draw(st.integers(0, 11)), data.draw(st.integers(12, 24))) for day in days]
    assert ruling_bases(united([*entries, *added])) == changes


def united(entries: list[BaseDay]) -> list[BaseDay]:
    """One entry per (base, day)."""
    found: dict[tuple[Timeframe, datetime], BaseDay] = {}
    for entry in entries:
        before = found.get((entry.base, entry.day), entry)
        span = min(before.first_at, entry.first_at), max(before.last_at, entry.last_at)
        found[entry.base, entry.day] = BaseDay(entry.base, entry.day, *span)
    return list(found.values())
