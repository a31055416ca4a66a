"""Commands about the database: migrate, db url|psql|exec|stop|status|size."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict

import click

from signalhub.bars import retention
from signalhub.cli import address, endings, output
from signalhub.cli.context import Context, pass_context
from signalhub.db.embedded import EmbeddedServer
from signalhub.db.engine import checked, connected, open_database
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.settings import Settings


@click.command()
@click.option("--down-to", metavar="REVISION", help="Take revisions back, data and all: a revision or `base`.")
@click.option("--yes", is_flag=True, help="With --down-to: do it without asking.")
@pass_context
def migrate(context: Context, down_to: str | None, yes: bool) -> int:
    """Bring the database to this program's revision. Run twice it changes nothing."""
    # Imported late: Alembic costs more time than most commands take.
    from signalhub.db import migrate as migration

    if down_to is not None and not yes and not _agreed(down_to):
        output.say("Nothing was changed.")
        return 1
    with connected(context.settings) as engine:
        done = migration.upgrade(engine) if down_to is None else migration.downgrade(engine, down_to)
    if done.is_unchanged:
        output.say(f"Nothing to do: revision {done.revision} on {done.edition}.")
        return 0
    objects = f", {len(done.derived)} derived files applied" if done.derived else ""
    output.say(f"Revision {done.revision_before or 'empty'} → {done.revision or 'empty'} on {done.edition}{objects}.")
    return 0


def _agreed(down_to: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageInvalid("Nobody is there to ask: add --yes to take revisions back, data and all.")
    return click.confirm(f"This drops data of revisions after {down_to}. Go on?")


@click.group()
def db() -> None:
    """The database server: its URL, a psql, a command with it up, stop, status, size."""


@db.command()
@pass_context
def url(context: Context) -> None:
    """Print the database's URL."""
    output.say(context.settings.database_url or EmbeddedServer(context.settings.home).url())


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_context
def psql(context: Context, arguments: tuple[str, ...]) -> int:
    """Open psql on the database; ARGUMENTS go to psql."""
    if context.settings.database_url is not None:
        return _run(["psql", *arguments], _environment(context.settings))
    server = EmbeddedServer(context.settings.home)
    with connected(context.settings) as engine:
        checked(engine, may_migrate=True)
        return _run([str(server.psql), *arguments], server.environment())


@db.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True)
@pass_context
def execute(context: Context, arguments: tuple[str, ...]) -> int:
    """Run a command with the database up: `signalhub db exec -- CMD …`.

    SIGNALHUB_DATABASE_URL and the PG* variables are set for it.
    """
    with connected(context.settings) as engine:
        checked(engine, may_migrate=context.settings.database_url is None)
        return _run(list(arguments), _environment(context.settings))


@db.command()
@click.option("--force", is_flag=True, help="Stop it under the commands that use it.")
@pass_context
def stop(context: Context, force: bool) -> None:
    """Stop the embedded server."""
    _only_embedded(context.settings, "stop")
    stopped = EmbeddedServer(context.settings.home).stop(force)
    output.say("Stopped." if stopped else "It was not running.")


@db.command()
@pass_context
def status(context: Context) -> None:
    """Say where the database is and whether it runs."""
    if context.settings.database_url is not None:
        with connected(context.settings) as engine, engine.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar()
            output.say(f"A server of your own, PostgreSQL {version}, answers.")
        return
    state = EmbeddedServer(context.settings.home).status()
    running = f"running, process {state.pid}" if state.is_running else "not running; commands start it on demand"
    output.say(f"Embedded {state.version}: {running}")
    for label, path in (("data", state.data), ("socket", state.socket), ("log", state.log)):
        output.say(f"  {label:<7}{path}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def size(context: Context, as_json: bool) -> None:
    """Say how big each relation is, and how well it is compressed."""
    with open_database(context.settings) as database, database.transaction() as connection:
        found = retention.sizes(connection)
    if as_json:
        output.say(to_json([asdict(item) for item in found], indent=1))
        return
    rows = [(item.relation, f"{item.rows:,}", _bytes(item.bytes), _ratio(item.compression_ratio)) for item in found]
    total = ("all", "", _bytes(sum(item.bytes for item in found)), "")
    output.table(("relation", "rows", "size", "compressed"), [*rows, total], right=("rows", "size", "compressed"))


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f} : 1"


def _only_embedded(settings: Settings, action: str) -> None:
    if settings.database_url is not None:
        raise UsageInvalid(f"`signalhub db {action}` is for the embedded server; SIGNALHUB_DATABASE_URL is set.")


def _environment(settings: Settings) -> dict[str, str]:
    if settings.database_url is None:
        return EmbeddedServer(settings.home).environment()
    return {"SIGNALHUB_DATABASE_URL": settings.database_url, **address.environment(settings.database_url)}


def _run(words: list[str], extra: Mapping[str, str]) -> int:
    sys.stdout.flush()
    try:
        return endings.run_child(words, {**os.environ, **extra})
    except FileNotFoundError:
        raise UsageInvalid(f"There is no command {words[0]!r} on this machine.") from None
    except OSError as error:
        raise UsageInvalid(f"The command {words[0]!r} cannot be run: {error.strerror}.") from None


COMMANDS = (migrate, db)
