"""The command drift: which signals would be made from other inputs today."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from signalhub import clock
from signalhub.bars import instruments
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import Instant
from signalhub.db.engine import Database
from signalhub.domain.wire import to_json
from signalhub.jobs import pipeline
from signalhub.jobs.progress import Progress
from signalhub.signals import drift as drifting
from signalhub.signals.drift import DIRTY, DROPPED, Drift, Drifted

_WHY = {
    DIRTY: "their bars wait to be rolled up; ask again in a moment",
    DROPPED: "bars or indicators of their windows are not kept any more",
}


@click.command()
@click.option("--since", type=Instant(), help="Only signals that closed at this instant or later.")
@click.option("--symbol", "symbols", multiple=True, help="Default: all instruments; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def drift(context: Context, since: datetime | None, symbols: tuple[str, ...], as_json: bool) -> None:
    """Name the signals whose inputs would differ now, because bars were corrected since. They stay as they were."""
    with context.database() as database, output.progress() as progress:
        found = _found(database, since, symbols, progress)
    if as_json:
        output.say(to_json(dataclasses.asdict(found), indent=1))
        return
    if found.drifted:
        _show(found.drifted)
        output.say()
    output.say(f"{found.signals:,} signals looked at; the inputs of {len(found.drifted):,} would differ now.")
    for reason, count in sorted(found.undecided.items()):
        output.say(f"Nothing can be said of {count:,}: {_WHY[reason]}.")


def _found(database: Database, since: datetime | None, symbols: Sequence[str], progress: Progress) -> Drift:
    with database.transaction() as connection:
        ids = [instruments.find(connection, symbol).instrument_id for symbol in symbols] or None
    progress.stage("rollups and indicators")
    # What is written counts as known: a correction that waits to be rolled up would pass unseen.
    pipeline.refresh(database, clock.now(), progress.note)
    done = 0

    def report(looked_at: int, whole: int) -> None:
        nonlocal done
        if done == 0:
            progress.stage("comparing inputs", whole, "signals")
        progress.advance(looked_at - done)
        done = looked_at

    return drifting.drift(database, since or drifting.EVER, ids, report)


def _show(drifted: Sequence[Drifted]) -> None:
    output.table(
        ("Signal", "Close (UTC)", "Symbol", "TF", "Strategy", "Side", "Origin", "Fields", "The first of them"),
        [
            (
                row.signal_id,
                f"{row.close_at:%Y-%m-%d %H:%M}",
                row.symbol,
                row.timeframe,
                row.strategy,
                row.direction,
                row.origin,
                f"{row.differing:,}",
                ", ".join(f"{field.field} {_value(field.stored)} → {_value(field.now)}" for field in row.fields[:2]),
            )
            for row in drifted
        ],
        right=("Signal", "Fields"),
    )


def _value(value: Any) -> str:
    if value is None:
        return "gone"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


COMMANDS = (drift,)
