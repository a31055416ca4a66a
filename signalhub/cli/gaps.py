"""The command gaps: which bars are missing, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import click

from signalhub import clock
from signalhub.bars import gaps as gap_rows
from signalhub.bars import instruments
from signalhub.bars.gaps import EVER, LACKING, STATUSES
from signalhub.bars.ingest import Ingested
from signalhub.bars.instruments import Instrument
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import Instant
from signalhub.db.engine import Database
from signalhub.domain.wire import to_json
from signalhub.feeds.configured import at_venue
from signalhub.jobs import gaps as work
from signalhub.jobs import pipeline
from signalhub.jobs.gaps import Filled
from signalhub.jobs.progress import Progress
from signalhub.settings import Settings

_SHOWN = 40


@click.command()
@click.option("--symbol", "symbols", multiple=True, help="Only of this instrument; may be given again.")
@click.option("--since", type=Instant(), help="Only gaps that end after this instant. Default: all.")
@click.option("--fill", is_flag=True, help="Ask the venues for the missing bars.")
@click.option("--fill-in", "is_filled_in", is_flag=True, help="Put flat, flagged bars where some still lack.")
@click.option("--all", "is_all", is_flag=True, help="Show gaps that were filled or closed, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout: every gap.")
@pass_context
def gaps(
    context: Context,
    symbols: tuple[str, ...],
    since: datetime | None,
    fill: bool,
    is_filled_in: bool,
    is_all: bool,
    as_json: bool,
) -> int:
    """Find bars that the calendar lets us expect and that are not there.

    open: nobody was asked yet. unavailable: the venue was asked and has none. filled: they came. closed_session: the
    calendar says by now that nothing was to be expected. A bar that is filled in is flat, has no volume, keeps its
    instrument from being scored while it is in the window, and gives way to the first real one. Exit code 1: a venue
    could not be asked.
    """
    now, start = clock.now(), since or EVER
    with context.database() as database, output.progress() as progress:
        chosen = _chosen(database, symbols)
        ids = [instrument.instrument_id for instrument in chosen]
        work.detect(database, ids, start, now, progress)
        filled = _fill(database, context.settings, chosen, start, now, progress) if fill else Filled()
        flat = work.fill_in(database, chosen, start, now, progress) if is_filled_in else Ingested()
        if fill or is_filled_in:
            progress.stage("rollups and indicators")
            pipeline.refresh(database, now, progress.note)
        with database.transaction() as connection:
            rows = gap_rows.listed(connection, ids, start, STATUSES if is_all else LACKING)
    if as_json:
        output.say(to_json(rows, indent=1))
    else:
        _show(rows)
        _tell(filled, flat, fill=fill, is_filled_in=is_filled_in)
    for symbol, message in filled.failed.items():
        output.complain(f"{symbol} could not be asked for: {message}")
    return 1 if filled.failed else 0


def _chosen(database: Database, symbols: Sequence[str]) -> list[Instrument]:
    with database.transaction() as connection:
        if not symbols:
            return instruments.every(connection)
        return [instruments.find(connection, symbol) for symbol in dict.fromkeys(symbols)]


def _fill(
    database: Database,
    settings: Settings,
    chosen: Sequence[Instrument],
    since: datetime,
    now: datetime,
    progress: Progress,
) -> Filled:
    return work.fill(database, partial(at_venue, settings), chosen, since, now, progress)


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        output.say("No bar is missing.")
        return
    headers = ("Symbol", "Base", "From (UTC)", "To", "Expected", "Missing", "Status", "Detail")
    output.table(headers, [_cells(row) for row in rows[-_SHOWN:]], right=("Expected", "Missing"))
    if len(rows) > _SHOWN:
        output.say(f"… and {len(rows) - _SHOWN:,} before these: --json or analytics.gaps has them all.")
    symbols = len({row["symbol"] for row in rows})
    output.say(
        f"{len(rows):,} gap{'s' if len(rows) != 1 else ''} of {symbols} instrument{'s' if symbols != 1 else ''}, "
        f"{sum(row['missing'] for row in rows):,} bars missing"
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["symbol"],
        row["timeframe"],
        *(f"{row[name]:%Y-%m-%d %H:%M}" for name in ("from_at", "to_at")),
        f"{row['expected']:,}",
        f"{row['missing']:,}",
        row["status"],
        row["detail"] or "",
    )


def _tell(filled: Filled, flat: Ingested, *, fill: bool, is_filled_in: bool) -> None:
    if fill:
        came = filled.ingested.new + filled.ingested.corrected
        output.say(f"{came:,} bars came; the venues have nothing for {filled.unavailable:,} gaps")
    if is_filled_in:
        output.say(f"{flat.new + flat.corrected:,} flat bars filled in, {flat.unchanged:,} were there already")


COMMANDS = (gaps,)
"""Commands about what is missing: gaps."""
