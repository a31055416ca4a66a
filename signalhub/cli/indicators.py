"""The command indicators: what each column is, or what an instrument's newest closed bar says."""

from __future__ import annotations

import math
from typing import Any

import click

from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import TIMEFRAME_CHOICE
from signalhub.domain import timeframe as timeframes
from signalhub.domain.wire import instant, to_json
from signalhub.errors import UsageInvalid
from signalhub.indicators.catalogue import WINDOW, catalogue, facts_of
from signalhub.indicators.newest import Newest, newest
from signalhub.signals.read import known_symbol

_DIGITS = 8
"""Enough for the price of anything; all digits are in --json."""
_DEFAULT = "1h"


@click.command()
@click.argument("symbol", required=False)
@click.option("--timeframe", type=TIMEFRAME_CHOICE, help=f"Of the bars of SYMBOL. Default: {_DEFAULT}.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
@pass_context
def indicators(context: Context, /, symbol: str | None, timeframe: str | None, as_json: bool) -> None:
    """List the indicator columns, or show their values at the newest closed bar of SYMBOL.

    Without SYMBOL: what each column is, the SQL call that gives it on any table, the first bar that has a value, its
    unit. Analysts find the same in the view analytics.indicator_catalogue, and all of it in docs/indicators.md.
    """
    if symbol is None:
        _list(timeframe, as_json)
        return
    with context.database() as database, database.transaction() as connection:
        known = known_symbol(connection, symbol)
        assert known is not None
        found = newest(connection, known, timeframes.parse(timeframe or _DEFAULT))
    output.say(to_json(_as_row(found), indent=1)) if as_json else _show(found)


def _list(timeframe: str | None, as_json: bool) -> None:
    if timeframe is not None:
        raise UsageInvalid(f"--timeframe needs a symbol: signalhub indicators BTC/USDT --timeframe {timeframe}")
    if as_json:
        output.say(to_json([facts_of(item) for item in catalogue()], indent=1))
        return
    headers = ("Column", "What", "Call", "From bar", "Unit")
    rows = [(item.column, item.head.title, item.short_call, item.first_bar, item.unit_text) for item in catalogue()]
    output.table(headers, rows, right=("From bar",))
    output.say()
    output.say(f"Every call is followed by{WINDOW}. On tables of your own, too; see docs/indicators.md.")


def _as_row(found: Newest) -> dict[str, Any]:
    """What --json shows."""
    return {
        "symbol": found.instrument.public_symbol,
        "timeframe": found.timeframe.code,
        "is_simulated": found.instrument.is_simulated,
        "open_at": found.open_at,
        "close_at": found.close_at,
        "n": found.n,
        "known_at": found.known_at,
        "indicators": [
            {"column_name": item.column, "name": item.head.title, "value": found.values[item.column],
             "unit": item.unit, "first_bar": item.first_bar}
            for item in catalogue()
        ],
    }  # fmt: skip


def _show(found: Newest) -> None:
    simulated = " (simulated)" if found.instrument.is_simulated else ""
    known = f", known since {instant(found.known_at)}" if found.known_at else ""
    number = f"{found.n:,}" if found.n < 1000 else "1,000 or later"
    output.say(
        f"{found.instrument.public_symbol}{simulated} {found.timeframe.code}: the bar from {instant(found.open_at)} to "
        f"{instant(found.close_at)}, number {number}{known}"
    )
    output.say()
    rows = [
        (item.column, _value(found.values[item.column], item.first_bar, found.n), item.unit_text, item.head.title)
        for item in catalogue()
    ]
    output.table(("Column", "Value", "Unit", "What"), rows, right=("Value",))


def _value(value: float | None, first_bar: int, n: int) -> str:
    if value is None:
        return f"from bar {first_bar}" if n < first_bar else "–"
    size = math.floor(math.log10(abs(value))) if value else 0
    if not -5 <= size <= 15:
        return f"{value:.{_DIGITS - 1}e}"
    return f"{value:,.{max(0, _DIGITS - 1 - size)}f}"


COMMANDS = (indicators,)
