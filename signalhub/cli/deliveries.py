"""Commands about deliveries: why, deliveries."""

from __future__ import annotations

from typing import Any

import click

from signalhub import clock
from signalhub.cli import delivery_words, output
from signalhub.cli.context import Context, pass_context
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.outbox import queue
from signalhub.outbox.explain import explain

_MOST = 1_000_000
_LONGEST_NUMBER = 40
_HEADERS = ("Message", "Created (UTC)", "Kind", "About", "Channel", "Subscriber", "Status", "Tries", "Detail")


@click.command()
@click.argument("signal")
@click.argument("subscriber")
@pass_context
def why(context: Context, signal: str, subscriber: str) -> None:
    """Say why SUBSCRIBER did or did not get SIGNAL, and what became of every message."""
    signal_id = _number(signal)
    with context.database() as database, database.reading() as connection:
        about = explain(connection, signal_id, subscriber)
    for sentence in delivery_words.sentences(about):
        output.say(sentence)


@click.command()
@click.option("--failed", "only_failed", is_flag=True, help="Only what failed or is uncertain.")
@click.option("--retry", "message_id", type=int, metavar="ID", help="Try a failed or uncertain message once more, now.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, help="The newest so many. Default: 50.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def deliveries(context: Context, only_failed: bool, message_id: int | None, limit: int, as_json: bool) -> None:
    """List messages, newest first, or have one tried again."""
    with context.database() as database, database.transaction() as connection:
        if message_id is not None:
            queue.retry_now(connection, message_id, clock.now())
        else:
            rows = queue.listed(connection, only_failed=only_failed, limit=limit)
    if message_id is not None:
        output.say(f"Message {message_id} is tried once more, as soon as `signalhub run` delivers.")
    elif as_json:
        output.say(to_json([_plain(row) for row in rows], indent=1))
    elif rows:
        output.table(_HEADERS, map(_cells, rows), right=("Message", "Tries"))
    else:
        output.say("Nothing failed." if only_failed else "No messages. Live signals make them for whoever is entitled.")


def _number(signal: str) -> int:
    # Messages show it as #1234.
    digits = signal.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER):
        raise UsageInvalid(f"{signal[:40]!r} is no signal's number. `signalhub signals --json` lists them.")
    return int(digits)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    # A day is no instant: it has no form of its own on the wire.
    return {**row, "period_on": row["period_on"] and row["period_on"].isoformat()}


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    about = f"signal {row['signal_id']}" if row["signal_id"] is not None else row["period_on"]
    return (
        row["message_id"],
        f"{row['created_at']:%Y-%m-%d %H:%M}",
        row["kind"].replace("_", " "),
        about,
        row["channel"],
        row["subscriber"],
        row["status"],
        row["attempts"],
        row["detail"],
    )


COMMANDS = (why, deliveries)
