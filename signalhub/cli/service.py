"""Commands about the service: run, schedule."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from signalhub import clock
from signalhub.cli import endings, output
from signalhub.cli.context import Context, pass_context, strategies
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.feeds.configured import configured
from signalhub.jobs import runs
from signalhub.jobs.schedule import FEEDS, JOBS, PARTS, PIPELINE


def _parts(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    chosen = tuple(part.strip() for part in value.split(",") if part.strip())
    for part in chosen:
        if part not in PARTS:
            raise UsageInvalid(f"--only: {part!r} is no part. Use some of {','.join(PARTS)}.")
    if not chosen:
        raise UsageInvalid(f"--only names no part. Use some of {','.join(PARTS)}.")
    return chosen


@click.command()
@click.option("--only", "parts", callback=_parts, help=f"Run only these parts, in one process: {','.join(PARTS)}.")
@click.option("--supervised", is_flag=True, hidden=True, help="End when stdin is closed.")
@pass_context
def run(context: Context, parts: tuple[str, ...] | None, supervised: bool) -> int:
    """Run the service: bars in, signals out, until SIGINT or SIGTERM.

    Two processes under a supervisor, or the parts named with --only in this one. Two services side by side on one
    database are harmless.
    """
    # Imported late: the web framework and the channels cost more time than a listing takes.
    from signalhub.indicators import own
    from signalhub.service import logs
    from signalhub.service.supervisor import Supervisor

    stop = endings.stop_on_signals(terminal=not supervised)
    feed = configured(context.settings)
    if supervised:
        threading.Thread(target=_wait_for_end_of_stdin, args=(stop,), daemon=True).start()
    logs.to_stderr_and_file(context.settings, "supervisor" if parts is None else _process_name(parts))
    with context.database() as database:
        own.ready(database)
        if parts is None:
            return Supervisor(["--debug"] if context.debug else [], stop).run()
        # Imported late: the supervisor needs none of it.
        from signalhub.service.parts import Service

        Service(database, context.settings, strategies(), feed, stop).run(parts)
    return 0


def _process_name(parts: Sequence[str]) -> str:
    return "pipeline" if set(parts) <= {FEEDS, PIPELINE} else "edge"


def _wait_for_end_of_stdin(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock would be held by this thread when the interpreter ends.
    while os.read(0, 1024):
        continue
    stop.set()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def schedule(context: Context, as_json: bool) -> None:
    """Print what `signalhub run` does next, and when each job last ran."""
    now = clock.now()
    with context.database() as database, database.transaction() as connection:
        ran = runs.last_runs(connection)
    rows: list[dict[str, Any]] = [
        {
            "job": job.name,
            "part": job.part,
            "next_run": job.next_slot(now),
            "every_seconds": int(job.every.total_seconds()),
            "what": job.what,
            "last_finished": ran.get(job.name, {}).get("finished_at"),
            "error": ran.get(job.name, {}).get("error"),
        }
        for job in JOBS
    ]
    rows.sort(key=lambda row: (row["next_run"], row["every_seconds"]))
    if as_json:
        output.say(to_json(rows, indent=1))
        return
    headers = ("Next run (UTC)", "Job", "Part", "What", "Last finished", "Error")
    columns = ("next_run", "job", "part", "what", "last_finished", "error")
    output.table(headers, [[_shown(row[name]) for name in columns] for row in rows])


def _shown(value: object) -> object:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value


COMMANDS = (run, schedule)
