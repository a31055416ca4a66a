"""The command quality: how good the bars of each instrument are, with a grade and the reasons for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from signalhub import clock
from signalhub.bars import quality as bars_quality
from signalhub.bars.quality import Rules
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import TIMEFRAME_CHOICE
from signalhub.domain.wire import to_json
from signalhub.signals.read import known_symbol

_HEADERS = ("Symbol", "TF", "Grade", "Reasons", "Overdue", "24 h", "7 d", "Gaps", "No volume", "Flat", "Outliers")
_EXPLAINED = (
    "D: stale, or no bars. C: incomplete, flat, or without volume though it had some. B: gaps or outliers of the last "
    "seven days. A: none of that.\nOverdue: how long the oldest close is over that is not settled. No volume, Flat: "
    "newest bars in a row, of 60 at most."
)


@click.command()
@click.option("--symbol", help="Only of this instrument.")
@click.option("--timeframe", type=TIMEFRAME_CHOICE, help="Only of this timeframe.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def quality(context: Context, /, symbol: str | None, timeframe: str | None, as_json: bool) -> None:
    """Say how good the bars are: fresh, complete, with gaps, flat, without volume, with outliers; a grade from A to D.

    The rules are settings: SIGNALHUB_FRESH_BARS, _FRESH_HOURS, _COMPLETE_PCT, _OUTLIER_Z and _FLAT_BARS. Analysts find
    the same in the view analytics.data_quality.
    """
    with context.database() as database, database.transaction() as connection:
        bars_quality.remember(connection, Rules.of(context.settings))
        chosen = known_symbol(connection, symbol)
        rows = bars_quality.data_quality(connection, clock.now(), chosen, timeframe)
    if as_json:
        output.say(to_json(rows, indent=1))
    elif rows:
        _show(rows)
    else:
        output.say("No bars to judge. `signalhub import` or `signalhub backfill` brings some.")


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    output.table(_HEADERS, [_cells(row) for row in rows], right=_HEADERS[4:])
    output.say()
    output.say(_EXPLAINED)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["symbol"],
        row["timeframe"],
        row["grade"],
        ", ".join(row["reasons"]) or "–",
        _span(row["overdue_seconds"]),
        _percent(row["complete_24h_pct"]),
        _percent(row["complete_7d_pct"]),
        *(f"{row[name]:,}" for name in ("open_gaps", "zero_volume_run", "flat_run", "outliers_7d")),
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.0f} s"


COMMANDS = (quality,)
