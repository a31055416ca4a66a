"""Commands about signals: replay, once, signals, status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from signalhub import clock
from signalhub.bars import instruments
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context, strategies
from signalhub.cli.options import TIMEFRAME_CHOICE, Instant
from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import TIMEFRAMES
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.indicators import own
from signalhub.jobs import evaluation, topping_up
from signalhub.jobs.evaluation import Evaluated, Scope
from signalhub.jobs.generating import generate
from signalhub.jobs.status import status as read_status
from signalhub.signals.levels import shown_level
from signalhub.signals.read import SignalFilter, page

_PAGE = 500


@click.command()
@click.option("--from", "after", type=Instant(), help="Closes after this instant. Default: all there is.")
@click.option("--to", "until", type=Instant(), help="Closes up to this instant. Default: now.")
@click.option("--timeframe", "codes", type=TIMEFRAME_CHOICE, multiple=True, help="Default: all; may be given again.")
@click.option("--symbol", "symbols", multiple=True, help="Default: all instruments; may be given again.")
@click.option("--strategy", "names", multiple=True, help="Default: all strategies; may be given again.")
@pass_context
def replay(
    context: Context,
    after: datetime | None,
    until: datetime | None,
    codes: tuple[str, ...],
    symbols: tuple[str, ...],
    names: tuple[str, ...],
) -> None:
    """Walk stored history close by close through the pipeline. Replayed signals are never delivered."""
    if after is not None and until is not None and after >= until:
        raise UsageInvalid(f"--from {after:%Y-%m-%dT%H:%MZ} is not before --to {until:%Y-%m-%dT%H:%MZ}.")
    chosen = strategies(names)
    started = clock.stopwatch()
    with context.database() as database, output.progress() as progress:
        scope = Scope(
            timeframes=[timeframes.parse(code) for code in codes] or TIMEFRAMES,
            instrument_ids=_ids(database, symbols),
            until=until,
            **({"after": after} if after else {}),
        )
        done = evaluation.replay(database, scope, chosen, context.settings, clock.now(), progress)
    _said(done, clock.stopwatch() - started)


@click.command()
@click.option("--mode", type=click.Choice(topping_up.MODES), help="Default: SIGNALHUB_GENERATION_MODE.")
@pass_context
def once(context: Context, mode: str | None) -> None:
    """One pipeline pass for everything that closed and was not evaluated yet.

    Mode database: on what is stored. hybrid: instruments that are behind are topped up from the feed first.
    live: all are.
    """
    started = clock.stopwatch()
    settings = context.settings.replace(generation_mode=mode or context.settings.generation_mode)
    with context.database() as database, output.progress() as progress:
        own.ready(database)
        done = generate(database, strategies(), settings, progress)
    if done.problem:
        output.complain(done.problem)
    _said(done.evaluated, clock.stopwatch() - started)


@click.command()
@click.option("--open", "is_open", flag_value=True, type=bool, default=None, help="Only open ones.")
@click.option("--closed", "is_open", flag_value=False, type=bool, help="Only closed ones.")
@click.option("--symbol", help="Only of this instrument.")
@click.option("--timeframe", type=TIMEFRAME_CHOICE, help="Only of this timeframe.")
@click.option("--strategy", help="Only of this strategy.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest so many. Default: 50; with --json all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def signals(context: Context, /, limit: int | None, as_json: bool, **chosen: Any) -> None:
    """List signals, newest first."""
    with context.database() as database:
        rows = _read(database, SignalFilter(**chosen), limit if limit or as_json else 50)
    if as_json:
        output.say(to_json(rows, indent=1))
        return
    if not rows:
        output.say("No signals. `signalhub import` brings bars, `signalhub replay` makes signals of them.")
        return
    show(rows)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Say what is in the database and how fresh it is."""
    with context.database() as database:
        facts = read_status(database)
    if as_json:
        output.say(to_json(facts, indent=1))
        return
    output.say(
        f"{facts['edition']} · {facts['instruments']:,} instruments · {facts['bars']:,} base bars · "
        f"{facts['signals']:,} signals, {facts['open_signals']:,} open"
    )
    for code, close in facts["last_close"].items():
        output.say(f"  last close {code:<4}{_minute(close) if close else 'none'}")
    output.say("  " + ", ".join(f"{name} {version}" for name, version in facts["versions"].items()))


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints signals as a table."""
    headers = ("Close (UTC)", "Symbol", "TF", "Strategy", "Side", "Score", "Entry", "Stop", "Target", "Status", "R")
    output.table(
        headers,
        [
            (
                _minute(row["close_at"]),
                row["symbol"],
                row["timeframe"],
                row["strategy"],
                row["direction"],
                f"{row['score']:.0f}",
                *(shown_level(row[level]) for level in ("entry", "stop", "target")),
                _standing(row),
                "" if row["r_multiple"] is None else f"{row['r_multiple']:+.2f}",
            )
            for row in rows
        ],
        right=("Score", "Entry", "Stop", "Target", "R"),
    )


def _standing(row: Mapping[str, Any]) -> str:
    if row["status"] == "open" and row["validity"] not in (None, "valid"):
        return f"open, {row['validity'].replace('_', ' ')}"
    return f"{row['status']} (ambiguous)" if row["is_ambiguous"] else str(row["status"])


def _read(database: Database, chosen: SignalFilter, limit: int | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    with database.transaction() as connection:
        while limit is None or len(rows) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(rows))
            found = page(connection, chosen.at(cursor, size))
            rows += found.items
            cursor = found.next_cursor
            if cursor is None:
                break
    return rows


def _ids(database: Database, symbols: Sequence[str]) -> list[int] | None:
    if not symbols:
        return None
    with database.transaction() as connection:
        return [instruments.find(connection, symbol).instrument_id for symbol in symbols]


def _said(done: Evaluated, seconds: float) -> None:
    closed = ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in sorted(done.outcomes.items()))
    output.say(
        f"{done.closes:,} closes evaluated, {done.signals:,} new signals ({seconds:.1f} s, "
        f"{done.closes / seconds if seconds else 0:,.0f} closes/s)" + (f"; looked at last: {closed}" if closed else "")
    )


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"


COMMANDS = (replay, once, signals, status)
