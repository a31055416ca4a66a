"""Values on the wire: numbers are numbers, instants are UTC with Z, and nothing is NaN."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.domain.signal import Direction
from signalhub.domain.wire import instant, number, plain, plain_row, to_json

ZONES = st.sampled_from([UTC, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu"), timezone(timedelta(hours=-11))])
INSTANTS = st.datetimes(datetime(1970, 1, 3), datetime(2200, 1, 1), timezones=ZONES)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | INSTANTS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


def test_a_row_is_json_with_numbers_as_numbers_and_times_with_z() -> None:
    row = {
        "close_at": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "entry": Decimal("100.50"),
        "n": 3,
        "components": {"trend": 0.8},
        "confidence": None,
        "is_simulated": False,
        "direction": Direction.LONG,
    }
    assert to_json([row]) == (
        '[{"close_at":"2026-01-02T03:00:00Z","entry":100.5,"n":3,"components":{"trend":0.8},"confidence":null,'
        '"is_simulated":false,"direction":"long"}]'
    )


def test_an_indent_lays_it_out_and_changes_nothing_else() -> None:
    assert to_json({"a": [1, "×"]}, indent=2) == '{\n  "a": [\n    1,\n    "×"\n  ]\n}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00Z"),
        (datetime(2026, 1, 2, 3, 0, 0, 250, tzinfo=UTC), "2026-01-02T03:00:00.000250Z"),
        (datetime(2026, 7, 1, 23, 30, tzinfo=ZoneInfo("America/St_Johns")), "2026-07-02T02:00:00Z"),
    ],
)
def test_instants_are_in_utc_with_microseconds_only_where_there_are_some(value: datetime, text: str) -> None:
    assert instant(value) == text


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-01-02T03:00:00 has no time zone"):
        to_json({"close_at": datetime(2026, 1, 2, 3)})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", timedelta(1)])
def test_what_has_no_form_on_the_wire_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no form on the wire"):
        plain([value])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("100"), 100),
        (Decimal("100.00"), 100),
        (Decimal("1E+3"), 1000),
        (Decimal("0.1"), 0.1),
        (Decimal("-2.50"), -2.5),
        (Decimal(2**53), 2**53),
        (Decimal("1E+400"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
    ],
)
def test_a_decimal_is_the_number_that_json_carries(value: Decimal, expected: float | None) -> None:
    found = number(value)
    assert found == expected
    assert type(found) is type(expected)


@given(DECIMALS)
def test_a_decimal_arrives_as_the_float_nearest_to_it(value: Decimal) -> None:
    arrived = json.loads(to_json(value))
    assert arrived is None or float(arrived) == float(value)
    assert (arrived is None) == (abs(float(value)) == float("inf"))


@given(INSTANTS)
def test_an_instant_arrives_as_the_same_instant(value: datetime) -> None:
    text = json.loads(to_json(value))
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == value.astimezone(UTC)


@given(st.dictionaries(st.text(), VALUES))
def test_any_row_is_strict_json_and_plain_is_what_arrives(row: dict[str, Any]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    arrived = json.loads(to_json(row), parse_constant=refuse)
    assert arrived == plain_row(row)


@given(st.dictionaries(st.text(), st.floats() | INSTANTS | st.none()))
def test_the_encoder_of_the_api_writes_floats_and_instants_the_same(row: dict[str, Any]) -> None:
    in_utc = {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}
    assert json.loads(msgspec.json.encode(in_utc)) == json.loads(to_json(row))
