"""Which fields of stored inputs count as different now."""

from __future__ import annotations

from typing import Any

from signalhub.signals.drift import Difference, differences

STORED: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "tick_size": "0.01",
    "row": {"close": 2.0, "ema_9": 1.5, "adx_14": None},
    "previous": {"close": 1.0, "ema_9": 1.25, "adx_14": None},
    "window": {"open": [1.0, 1.0], "close": [1.0, 2.0]},
}


def now(**changes: Any) -> dict[str, Any]:
    return {**STORED, **changes}


def test_equal_inputs_do_not_differ() -> None:
    assert differences(STORED, now()) == []


def test_bars_come_first_then_rows_then_the_rest() -> None:
    changed = now(
        tick_size="0.1", row={**STORED["row"], "ema_9": 1.75}, window={"open": [1.0, 3.0], "close": [4.0, 2.0]}
    )
    assert differences(STORED, changed) == [
        Difference("window.close[0]", 1.0, 4.0),
        Difference("window.open[1]", 1.0, 3.0),
        Difference("row.ema_9", 1.5, 1.75),
        Difference("tick_size", "0.01", "0.1"),
    ]


def test_a_column_that_came_later_is_no_difference() -> None:
    assert differences(STORED, now(row={**STORED["row"], "vwap": 3.0})) == []


def test_an_indicator_without_a_value_is_that_of_the_stored_inputs_and_differs_from_a_number() -> None:
    nothing = float("nan")
    assert differences(STORED, now(row={**STORED["row"], "adx_14": nothing})) == []
    lost = now(previous={**STORED["previous"], "ema_9": nothing})
    assert differences(STORED, lost) == [Difference("previous.ema_9", 1.25, None)]


def test_where_there_is_no_such_bar_any_more_every_field_is_gone() -> None:
    gone = differences(STORED, {})
    assert gone[0] == Difference("window.open[0]", 1.0, None)
    assert {item.field for item in gone} >= {"row.close", "previous.close", "symbol"}
