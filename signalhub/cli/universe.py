"""Commands about the universe: which instruments there are, and which were listed, halted or delisted when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from signalhub import clock
from signalhub.bars import instruments, universe
from signalhub.bars.universe import Span
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import Instant
from signalhub.domain.instrument import Listing
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid

_SOURCE = "operator"
_HEADERS = ("Symbol", "Venue", "Status", "From (UTC)", "Until (UTC)", "Said by")


@click.group("instruments")
def instruments_() -> None:
    """Instruments, and what their venues did with them over time."""


@instruments_.command("list")
@click.option("--at", type=Instant(), help="The universe of this instant. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def list_(context: Context, at: datetime | None, as_json: bool) -> None:
    """List the instruments that were listed or halted at an instant."""
    with context.database() as database, database.transaction() as connection:
        found = universe.spans(connection, at=at or clock.now())
    _show([span for span in found if span.status != Listing.DELISTED], as_json, "No instruments.")


@instruments_.command("status")
@click.argument("symbol")
@click.argument("status", required=False, type=click.Choice([item.value for item in Listing]))
@click.option("--from", "from_at", type=Instant(), help="Since when. Wanted with a status.")
@click.option("--until", type=Instant(), help="Until when. Default: until further notice.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def status_(
    context: Context,
    symbol: str,
    status: str | None,
    from_at: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Show when an instrument was listed, halted or delisted, or say so.

    At a close from --from on (before --until) a delisted instrument is no part of the universe, also not of a replay's,
    and a halted one is not scored. What was recorded for that span gives way.
    """
    _check(status, from_at, until)
    with context.database() as database, database.transaction() as connection:
        instrument = instruments.find(connection, symbol)
        if status is not None and from_at is not None:
            told, now = Listing(status), clock.now()
            universe.record(connection, instrument.instrument_id, told, from_at, until, source=_SOURCE, now=now)
        found = universe.spans(connection, instrument.public_symbol)
    _show(found, as_json, f"{symbol} has no bars and no status.")


def _check(status: str | None, from_at: datetime | None, until: datetime | None) -> None:
    if status is None and (from_at is not None or until is not None):
        raise UsageInvalid("--from and --until say when a status holds. Name one: listed, halted or delisted.")
    if status is not None and from_at is None:
        raise UsageInvalid(f"Since when is it {status}? Say --from, for example --from 2026-01-02.")
    if from_at is not None and until is not None and until <= from_at:
        raise UsageInvalid(f"--until {_told(until)} is not after --from {_told(from_at)}.")


def _show(spans: list[Span], as_json: bool, nothing: str) -> None:
    if as_json:
        output.say(to_json([asdict(span) for span in spans], indent=1))
    elif not spans:
        output.say(nothing)
    else:
        output.table(_HEADERS, map(_row, spans))


def _row(span: Span) -> tuple[str | None, ...]:
    until = _told(span.valid_until) if span.valid_until else None
    return span.symbol, span.venue, span.status, _told(span.valid_from), until, span.source


def _told(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"


COMMANDS = (instruments_,)
