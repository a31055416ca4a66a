"""The command backfill: history from a venue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from signalhub import clock
from signalhub.bars import instruments
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import TIMEFRAME_CHOICE, Instant
from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.instrument import InstrumentSpec
from signalhub.errors import NotFound, UsageInvalid
from signalhub.feeds.base import Feed
from signalhub.feeds.configured import at_venue, configured
from signalhub.jobs import pipeline
from signalhub.jobs.backfill import Backfilled, Wish
from signalhub.jobs.backfill import backfill as fill
from signalhub.jobs.progress import Progress


@click.command()
@click.option("--symbol", "symbols", multiple=True, help="Such as BTC/USDT; may be given again.")
@click.option("--top", type=click.IntRange(min=1), help="The so many most traded instead.")
@click.option("--timeframe", "code", type=TIMEFRAME_CHOICE, help="Default: SIGNALHUB_BASE_TIMEFRAME.")
@click.option("--since", type=Instant(), help="From this instant on.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Default: SIGNALHUB_HISTORY_DAYS.")
@click.option("--venue", help="Such as kraken. Default: that of SIGNALHUB_FEED and SIGNALHUB_VENUE.")
@pass_context
def backfill(
    context: Context,
    symbols: tuple[str, ...],
    top: int | None,
    code: str | None,
    since: datetime | None,
    days: float | None,
    venue: str | None,
) -> int:
    """Fetch history from a venue: what is missed at either end of what is stored.

    Without --symbol and --top: SIGNALHUB_SYMBOLS, else what was fetched before, else the most traded. It may be
    interrupted at any time: run again, it goes on where it stopped. Exit code 1: a symbol is not complete.
    """
    settings, now = context.settings, clock.now()
    wish = Wish(
        timeframes.parse(code) if code else settings.base_timeframe,
        _since(since, days, settings.history_days, now),
    )
    if symbols and top:
        raise UsageInvalid("Give --symbol or --top, not both.")
    feed = at_venue(settings, venue) if venue else configured(settings)
    with context.database() as database, output.progress() as progress:
        started = clock.stopwatch()
        progress.stage(f"asking {feed.venue}")
        specs, unknown = _specs(database, feed, symbols or settings.symbols, top, settings.top, progress)
        done = fill(database, feed, specs, wish, now, progress)
        done.failed |= unknown
        seconds = clock.stopwatch() - started
        progress.stage("rollups and indicators")
        pipeline.refresh(database, now, progress.note)
    return _tell(done, specs, seconds)


def _since(since: datetime | None, days: float | None, default: float, now: datetime) -> datetime:
    if since is not None and days is not None:
        raise UsageInvalid("Give --since or --days, not both.")
    if since is not None and since >= now:
        raise UsageInvalid(f"--since {since:%Y-%m-%dT%H:%MZ} has not come yet.")
    return since or now - timedelta(days=default if days is None else days)


def _specs(
    database: Database, feed: Feed, symbols: Sequence[str], top: int | None, default: int, progress: Progress
) -> tuple[list[InstrumentSpec], dict[str, str]]:
    """What to fetch, and what the venue does not have, by symbol."""
    with database.transaction() as connection:
        stored = [] if top else [spec.symbol for spec in instruments.of_source(connection, feed.name, feed.venue)]
    wanted = [] if top else symbols or stored
    specs: dict[str, InstrumentSpec] = {}
    unknown: dict[str, str] = {}
    for symbol in wanted:
        try:
            spec = feed.find(symbol)
            specs[spec.symbol] = spec
        except NotFound as error:
            unknown[symbol] = str(error)
    if wanted and not specs:
        raise NotFound(" ".join(unknown.values()))
    return list(specs.values()) or feed.top(top or default, progress.line), unknown


def _tell(done: Backfilled, specs: Sequence[InstrumentSpec], seconds: float) -> int:
    bars = done.ingested
    rate = (bars.new + bars.corrected + bars.unchanged) / seconds if seconds > 0 else 0
    output.say(
        f"{len(specs)} instrument{'s' if len(specs) != 1 else ''}: {bars.new:,} new bars, "
        f"{bars.corrected:,} corrected, {bars.unchanged:,} unchanged ({seconds:.1f} s, {rate:,.0f} bars/s)"
    )
    if not done.failed and bars.new + bars.corrected == 0:
        output.say("Nothing changed: all of it was there already.")
    for symbol, message in done.failed.items():
        output.complain(f"{symbol} is not complete: {message}")
    return 1 if done.failed else 0


COMMANDS = (backfill,)
"""Commands about a venue's history: backfill."""
