"""Commands about market data: import."""

from __future__ import annotations

from pathlib import Path

import click
import polars as pl

from signalhub import clock
from signalhub.bars.ingest import Ingested
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.domain.instrument import ASSET_CLASSES
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.errors import DataUnusable
from signalhub.feeds.files import FileOptions, find_files
from signalhub.jobs.importing import Imported, import_files

REPORT = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--symbol", help="Public symbol, such as BTC/USDT. Default: from the file's name.")
@click.option("--asset-class", type=click.Choice(ASSET_CLASSES), help="Default: from the folder or the symbol.")
@click.option("--timeframe", type=click.Choice([item.code for item in TIMEFRAMES]), help="Default: from the name.")
@click.option("--venue", help="Default: from the file's name, else `file`.")
@click.option("--timezone", help="Time zone of times that have none, such as UTC.")
@click.option("--calendar", help="Trading calendar: 24/7, 24/5 or an exchange code such as XNYS.")
@click.option("--rejects", "report", type=REPORT, help="Where rejected rows are reported. Default: in SIGNALHUB_HOME.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a row was rejected.")
@pass_context
def import_(
    context: Context, /, paths: tuple[Path, ...], report: Path | None, strict: bool, **options: str | None
) -> int:
    """Import bars from csv, csv.gz or parquet files, or folders of them.

    Importing the same file again changes nothing. A changed bar keeps its old version. Exit code 1: a file, or with
    --strict a row, could not be used.
    """
    now, chosen = clock.now(), FileOptions(**options)
    find_files(paths, chosen)  # so that no server is started for paths that lead nowhere
    with context.database() as database, output.progress() as progress:
        started = clock.stopwatch()
        done = import_files(database, paths, chosen, now, progress)
        seconds = clock.stopwatch() - started
    _summary(done, seconds)
    if done.rejects:
        _report(done, report or context.settings.home / "reports" / f"rejects-{now:%Y%m%dT%H%M%S%f}.csv")
    for message in done.unusable:
        output.complain(message)
    if done.rejected == done.rows_read:
        raise DataUnusable(f"Not one of {done.rows_read:,} rows is a bar of use: nothing was written.")
    return 1 if done.unusable or (strict and done.rejected) else 0


def _report(done: Imported, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.concat(done.rejects).write_csv(path)
    output.say(f"Rejected rows, with file, line and reason: {path}")


def _summary(done: Imported, seconds: float) -> None:
    for path, reason in done.skipped:
        output.say(f"Skipped {path.name}: {reason}")
    bars = done.ingested
    rate = done.rows_read / seconds if seconds > 0 else 0
    output.say(
        f"{done.files} file{'s' if done.files != 1 else ''}, {done.rows_read:,} rows read: {bars.new:,} new, "
        f"{bars.corrected:,} corrected, {bars.unchanged:,} unchanged, {done.rejected:,} rejected"
        f"{f', {bars.outranked:,} outranked by a better source' if bars.outranked else ''}"
        f"{f', {bars.expired:,} older than what is kept' if bars.expired else ''} "
        f"({seconds:.1f} s, {rate:,.0f} rows/s)"
    )
    if bars.unchanged and bars == Ingested(unchanged=bars.unchanged):
        output.say("Nothing changed: all of it was there already.")
    if done.gaps:
        those = "1 gap was" if done.gaps == 1 else f"{done.gaps:,} gaps were"
        output.say(f"{those} found in the bars: `signalhub gaps` lists them.")


COMMANDS = (import_,)
