"""The command check: does everything that is set up work? One line each; nothing is sent to anybody."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial

import click

from signalhub import clock
from signalhub.channels.base import Channel
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.db.engine import open_database
from signalhub.db.readiness import current_revision
from signalhub.domain.wire import to_json
from signalhub.errors import SignalhubError, UsageInvalid
from signalhub.feeds.configured import configured
from signalhub.settings import Settings, secrets

OK, OFF, FAILED = "ok", "off", "FAILED"
_SHOWN_SYMBOLS = 3
_PROBE_SECONDS = 2.0
_LONGEST_SECONDS = 3600
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_TURNED_ON_BY = {"email": "SIGNALHUB_SMTP_HOST", "telegram": "SIGNALHUB_TELEGRAM_TOKEN"}

Look = Callable[[Settings], str]
"""Says in one line that something works. Raises _OffError, or whatever says that it does not."""


class _OffError(Exception):
    """What is not set up is not missed."""


@dataclass(frozen=True)
class Checked:
    """What was looked at, and what came of it."""

    what: str
    status: str
    detail: str


@click.command()
@click.option(
    "--timeout",
    type=click.FloatRange(0, _LONGEST_SECONDS, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds that each check may take.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def check(context: Context, timeout: float, as_json: bool) -> int:
    """Try everything the settings speak of: database, venue, mail server, bot, the API's port.

    A line each: ok, off or FAILED. Nothing is sent to anybody. Exit code 1 when something that is set up fails.
    """
    results = _all(context.settings, timeout)
    if as_json:
        output.say(to_json([asdict(result) for result in results], indent=1))
    else:
        for result in results:
            output.say(f"{result.status:<7} {result.what}: {result.detail}")
    return int(any(result.status == FAILED for result in results))


def _all(settings: Settings, seconds: float) -> list[Checked]:
    """All checks at the same time: together they take no longer than one of them may."""
    deadline = clock.stopwatch() + seconds
    running = [(what, _begun(what, look, settings)) for what, look in _looks()]
    return [_awaited(what, found, deadline, seconds) for what, found in running]


def _looks() -> Iterator[tuple[str, Look]]:
    # Imported late: the channels cost more time than most commands take.
    from signalhub.channels.deliver import kinds

    yield "database", _database
    yield "indicators", _own_indicators
    yield "venue", _venue
    for name, kind in kinds().items():
        yield name, partial(_channel, name, kind)
    yield "api", _api


def _begun(what: str, look: Look, settings: Settings) -> queue.SimpleQueue[Checked]:
    found: queue.SimpleQueue[Checked] = queue.SimpleQueue()
    # A daemon, since a look that hangs must not keep the command from ending.
    threading.Thread(target=lambda: found.put(_looked(what, look, settings)), daemon=True, name=what).start()
    return found


def _awaited(what: str, found: queue.SimpleQueue[Checked], deadline: float, seconds: float) -> Checked:
    try:
        return found.get(timeout=max(0.0, deadline - clock.stopwatch()))
    except queue.Empty:
        return Checked(what, FAILED, f"no answer within {seconds:g} s")


def _looked(what: str, look: Look, settings: Settings) -> Checked:
    try:
        status, detail = OK, look(settings)
    except _OffError as off:
        status, detail = OFF, str(off)
    except SignalhubError as error:
        status, detail = FAILED, str(error)
    except Exception as error:  # a check that breaks is a check that failed, and the others go on
        status, detail = FAILED, f"{type(error).__name__}: {error}"
    return Checked(what, status, _without_secrets(" ".join(detail.split()), settings))


def _without_secrets(line: str, settings: Settings) -> str:
    for secret in sorted(secrets(settings), key=len, reverse=True):
        line = line.replace(secret, "***")
    return line


def _database(settings: Settings) -> str:
    with open_database(settings) as database, database.transaction() as connection:
        server = "a server of your own" if settings.database_url else "the embedded server"
        version = connection.info.server_version // 10000
        revision = current_revision(connection)
        return f"{server}, PostgreSQL {version}, answers; edition {database.edition}, revision {revision} is current"


def _own_indicators(settings: Settings) -> str:
    # Imported late: Polars costs more time than most commands take.
    from signalhub.indicators import own

    if settings.own_indicators is None:
        raise _OffError("SIGNALHUB_OWN_INDICATORS is not set")
    with open_database(settings) as database:
        found = [f"{item.name} ({item.window_words(off)})" for item, off in own.ready(database)]
    return ", ".join(found) or f"{settings.own_indicators} holds none"


def _venue(settings: Settings) -> str:
    feed, notes = configured(settings), list[str]()
    if settings.symbols:
        found = [feed.find(symbol).symbol for symbol in settings.symbols]
        return f"{feed.venue} lists {_some(found)}"
    found = [spec.symbol for spec in feed.top(settings.top, notes.append)]
    return " ".join([f"{feed.venue} answers; most traded: {_some(found)}.", *notes])


def _some(symbols: list[str]) -> str:
    more = len(symbols) - _SHOWN_SYMBOLS
    return ", ".join(symbols[:_SHOWN_SYMBOLS]) + (f" and {more} more" if more > 0 else "")


def _channel(name: str, kind: type[Channel], settings: Settings) -> str:
    if not kind.is_configured(settings):
        raise _OffError(f"{_TURNED_ON_BY.get(name, 'its setting')} is not set")

    async def ask() -> str:
        channel = kind(settings)
        try:
            return await channel.check()
        finally:
            await channel.close()

    return asyncio.run(ask()).removeprefix(f"{name}: ")


def _api(settings: Settings) -> str:
    # Imported late: a web server and a client cost more time than most commands take.
    from signalhub.api.server import bound

    host, port = settings.api_host, settings.api_port
    try:
        bound(host, port).close()
    except UsageInvalid:
        if _is_ours(_EVERY_ADDRESS.get(host, host), port):
            return f"port {port} of {host} is ours: Signalhub answers there"
        raise
    return f"port {port} of {host} is free"


def _is_ours(host: str, port: int) -> bool:
    import httpx

    from signalhub.api.index import INDEX

    address = f"[{host}]" if ":" in host else host
    with suppress(httpx.HTTPError, ValueError):
        answer = httpx.get(f"http://{address}:{port}{INDEX}", timeout=_PROBE_SECONDS, trust_env=False)
        return isinstance(answer.json(), dict) and answer.json().get("name") == "signalhub"
    return False


COMMANDS = (check,)
