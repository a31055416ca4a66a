"""The command verify: whether every signal is what its inputs give, and nothing was altered or removed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import click

from signalhub import clock
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.jobs.progress import Progress
from signalhub.signals import ledger
from signalhub.signals.findings import Finding
from signalhub.signals.ledger import Day
from signalhub.signals.verify import NEWEST, Report, Verified, verify_ledger
from signalhub.signals.verify import verify as verified
from signalhub.strategies.declared import declared


@click.command()
@click.option("--all", "is_all", is_flag=True, help=f"Every signal, instead of the newest {NEWEST:,}.")
@click.option("--root", "day", type=click.DateTime(["%Y-%m-%d"]), help="The root of this UTC day of the ledger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def verify(context: Context, /, is_all: bool, day: datetime | None, as_json: bool) -> int:
    """Make signals once more from their stored inputs, compare every seal, and walk the ledger of live ones.

    Says the first row that was altered or removed; exit code 1 then. With --root: the root of a day of the ledger,
    which proves to others that nothing up to that day was rewritten since they were told it.
    """
    if day is not None:
        if is_all:
            raise UsageInvalid("--root and --all exclude each other: a root is that of the whole ledger up to its day.")
        return _root(context, day.date(), as_json)
    with context.database() as database, output.progress() as progress:
        found = verified(database, declared(), None if is_all else NEWEST, _told(progress))
    if as_json:
        output.say(to_json(_as_object(found), indent=1))
    else:
        _show(found)
    return 0 if found.is_intact else 1


def _root(context: Context, day: date, as_json: bool) -> int:
    with context.database() as database, output.progress() as progress, database.reading() as connection:
        told = ledger.of_day(connection, day, clock.now())
        found = verify_ledger(connection, _told(progress))
    if not found.is_intact:
        # Whoever published this root would vouch for what is not so.
        output.complain(f"The ledger is not intact, so no root is given. {found.findings[0].sentence}")
        return 1
    if not told.is_over:
        output.complain(f"{day} is not over: its root is that of the entries so far, and changes with the next one.")
    output.say(to_json(_as_day(told), indent=1) if as_json else f"{told.date} {told.seq} {told.root}")
    return 0


def _told(progress: Progress) -> Report:
    stage, before = "", 0

    def report(what: str, done: int, of: int) -> None:
        nonlocal stage, before
        if what != stage:
            stage, before = what, 0
            progress.stage(f"verifying {what}", of, what)
        progress.advance(done - before)
        before = done

    return report


def _show(found: Verified) -> None:
    of = "" if found.verified >= found.signals else f" of {found.signals:,}, the newest (--all looks at every one)"
    output.say(f"{found.verified:,} signals verified{of}, and the ledger's {found.entries:,} entries.")
    for version, count in sorted(found.not_remade.items()):
        output.say(f"{count:,} of {version} cannot be made again, its code is gone: their seals were compared alone.")
    if found.is_intact:
        output.say("Hashes, scores, levels and sizes are what the inputs give; nothing was altered or removed.")
        output.say(f"Root of the ledger: {found.root}")
        return
    output.say(f"NOT INTACT. {found.findings[0].sentence}")
    if found.count > 1:
        output.say(f"{found.count - 1:,} more; --json lists them.")


def _as_object(found: Verified) -> dict[str, Any]:
    return {
        "is_intact": found.is_intact,
        "signals": found.signals,
        "verified": found.verified,
        "not_remade": dict(found.not_remade),
        "ledger": {"entries": found.entries, "root": found.root},
        "n_findings": found.count,
        "findings": [_as_finding(item) for item in found.findings],
    }


def _as_finding(finding: Finding) -> dict[str, Any]:
    return {**dataclasses.asdict(finding), "sentence": finding.sentence}


def _as_day(day: Day) -> Mapping[str, Any]:
    return {
        "date": day.date.isoformat(),
        "is_over": day.is_over,
        "previous_root": day.previous_root,
        "root": day.root,
        "seq": day.seq,
        # The instant as it is hashed: whoever walks the chain need not know how to write it.
        "entries": [{**dataclasses.asdict(entry), "entered_at": entry.at} for entry in day.entries],
    }


COMMANDS = (verify,)
