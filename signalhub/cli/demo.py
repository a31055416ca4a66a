"""The command demo: the main job on a fresh machine, with two commands' worth of typing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from signalhub import clock
from signalhub.cli import endings, output
from signalhub.cli.context import Context, pass_context, strategies
from signalhub.cli.signals import show
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.timeframe import M1
from signalhub.feeds.base import Feed
from signalhub.feeds.configured import configured
from signalhub.jobs import demo as job
from signalhub.jobs.demo import Demonstrated
from signalhub.jobs.schedule import API, PARTS
from signalhub.performance.statistics import by_strategy
from signalhub.signals.read import SignalFilter, page

_SHOWN = 15
_LIVE_HISTORY_DAYS = 1.0
"""Minutes of the last day, so that minute strategies are warm when the first live bar closes."""


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the table instead of serving the API.")
@click.option("--import", "paths", multiple=True, type=click.Path(path_type=Path), help="Use these files or folders.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API. Default: SIGNALHUB_API_PORT or 8000.")
@pass_context
def demo(context: Context, no_serve: bool, paths: tuple[Path, ...], port: int | None) -> None:
    """Bars → indicators → signals → outcomes on this machine, then the API on 127.0.0.1.

    Bars come from --import, else from a live exchange, else from the built-in market simulator.
    """
    started = clock.stopwatch()
    with context.database() as database:
        with output.progress() as progress:
            done = job.run(database, strategies(), context.settings, clock.now(), progress, paths)
        _present(database, done, clock.stopwatch() - started)
        if not no_serve:
            _serve(context, database, done.feed, port)


def _present(database: Database, done: Demonstrated, seconds: float) -> None:
    with database.transaction() as connection:
        latest = _latest(connection, done.symbols)
        totals = by_strategy(connection)
    output.say(f"Latest signals, from bars of {done.source}:")
    output.say()
    show(latest)
    output.say()
    output.say("Outcomes so far (net of the fees and slippage that are set; R = move in units of risk):")
    output.say()
    _totals(totals)
    output.say()
    if any(row["is_simulated"] for row in latest):
        output.say("These prices are SIMULATED (symbols SIM:…): they show how it works, not how markets move.")
    output.say(f"{done.evaluated.closes:,} closes evaluated, {done.evaluated.signals:,} new signals, {seconds:.1f} s.")


def _latest(connection: Connection, symbols: Sequence[str]) -> list[dict[str, Any]]:
    """The newest signals, of the symbols where there are some."""
    wanted = [SignalFilter(symbol=symbol, limit=_SHOWN) for symbol in symbols] or [SignalFilter(limit=_SHOWN)]
    found = [row for chosen in wanted for row in page(connection, chosen).items]
    return sorted(found, key=lambda row: (row["close_at"], row["signal_id"]), reverse=True)[:_SHOWN]


def _totals(totals: list[dict[str, object]]) -> None:
    def percent(value: object) -> str:
        return "" if value is None else f"{100 * float(str(value)):.1f} %"

    output.table(
        ("Strategy", "Origin", "Simulated", "Signals", "Open", "Decided", "Win rate", "Best/worst", "Expectancy R"),
        [
            (
                row["strategy"],
                row["origin"],
                "yes" if row["is_simulated"] else "no",
                row["n_signals"],
                row["n_open"],
                row["n_decided"],
                percent(row["win_rate"]),
                f"{percent(row['win_rate_best'])} / {percent(row['win_rate_worst'])}",
                "" if row["expectancy_r"] is None else f"{float(str(row['expectancy_r'])):+.3f}",
            )
            for row in totals
        ],
        right=("Signals", "Open", "Decided", "Win rate", "Best/worst", "Expectancy R"),
    )


def _serve(context: Context, database: Database, feed: Feed | None, port: int | None) -> None:
    # Imported late: the web framework costs more time than a listing takes.
    from signalhub.service import logs
    from signalhub.service.parts import Service

    # Open to whoever sits at this machine, and to nobody else, whatever the settings say.
    settings = context.settings.replace(
        api_host="127.0.0.1", api_port=port or context.settings.api_port, open_page=True, symbols=(),
        base_timeframe=M1, history_days=_LIVE_HISTORY_DAYS,
    )  # fmt: skip
    logs.to_stderr_and_file(settings, "demo", on_stderr=logging.WARNING)

    def ready(url: str) -> None:
        output.say()
        output.say(f"The live page: {url}/ (for this machine only); Ctrl-C ends.")
        if feed is not None:
            output.say(f"  Bars of {feed.venue} come in as they close; new signals appear there without a reload.")
        output.say(f"  {url}/api/v1/signals   {url}/schema/openapi.json   {url}/health")

    stop = endings.stop_on_signals()
    Service(database, settings, strategies(), feed or configured(settings), stop, ready).run(PARTS if feed else (API,))


COMMANDS = (demo,)
