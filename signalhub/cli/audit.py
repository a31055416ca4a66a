"""The command audit: whether rollups and indicators are what the base bars say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from signalhub import clock
from signalhub.bars import instruments
from signalhub.bars.audit import Finding
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import TIMEFRAME_CHOICE, Instant
from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import TIMEFRAMES, Timeframe
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.jobs import audit_windows, auditing
from signalhub.jobs.audit_windows import Window
from signalhub.jobs.auditing import Audited

_SAMPLE = 200
_SHOWN = 50


@click.command()
@click.option("--since", type=Instant(), help="Only rows of this day or later.")
@click.option("--symbol", "symbols", multiple=True, help="Only this instrument; may be given again.")
@click.option("--timeframe", "codes", multiple=True, type=TIMEFRAME_CHOICE, help="Only this one; may be given again.")
@click.option("--sample", type=click.IntRange(min=1), help=f"So many random windows. Default: {_SAMPLE}.")
@click.option("--full", is_flag=True, help="Every row, instead of a sample.")
@click.option("--repair", "is_repaired", is_flag=True, help="Make anew what is found wrong, and look again.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def audit(
    context: Context,
    /,
    symbols: Sequence[str],
    codes: Sequence[str],
    as_json: bool,
    is_repaired: bool,
    **how: Any,
) -> int:
    """Compare rollups and indicators with what the base bars say they must be, bit for bit.

    Every difference is reported with its relation, row, column, stored and expected value, and kept in
    market.audit_findings. What waits for a refresh, is still forming or lies before the bars that are kept is not
    judged. Exit code 1: differences remain.
    """
    if how["full"] and how["sample"]:
        raise UsageInvalid("--full and --sample exclude each other: all rows, or some of them.")
    now = clock.now()
    with context.database() as database, output.progress() as progress:
        names = _names(database, symbols)
        windows = _windows(database, names, [timeframes.parse(code) for code in codes] or TIMEFRAMES, now, **how)
        audited = auditing.audit(database, windows, now, progress)
        remaining = audited.findings
        if is_repaired:
            remaining = auditing.repair(database, windows, audited.findings, now, progress)
    if as_json:
        output.say(to_json(_as_object(audited, remaining, names), indent=1))
    else:
        _show(audited.findings, names)
        output.say(_summary(audited, remaining, is_repaired=is_repaired))
    return 1 if remaining else 0


def _names(database: Database, symbols: Sequence[str]) -> dict[int, str]:
    with database.transaction() as connection:
        chosen = [instruments.find(connection, symbol) for symbol in symbols] or instruments.every(connection)
    return {item.instrument_id: item.public_symbol for item in chosen}


def _windows(
    database: Database,
    names: dict[int, str],
    chosen: Sequence[Timeframe],
    now: datetime,
    since: datetime | None,
    sample: int | None,
    full: bool,
) -> list[Window]:
    if full:
        return audit_windows.in_full(database, names, chosen, since)
    chance = random.Random(int(now.timestamp()))
    return audit_windows.sample(database, names, chosen, since, sample or _SAMPLE, chance)


def _as_object(audited: Audited, remaining: Sequence[Finding], names: dict[int, str]) -> dict[str, Any]:
    left = set(remaining)
    new = [item for item in remaining if item not in set(audited.findings)]
    return {
        "windows": audited.windows,
        "rows": audited.rows,
        "findings": [
            {
                "relation": item.relation,
                "symbol": names[item.instrument_id],
                "timeframe": item.timeframe,
                "base_timeframe": item.base_timeframe,
                "open_at": item.open_at,
                "column": item.column_name,
                "stored": item.stored,
                "expected": item.expected,
                "remains": item in left,
            }
            for item in [*audited.findings, *new]
        ],
    }


def _show(findings: Sequence[Finding], names: dict[int, str]) -> None:
    if not findings:
        return
    output.table(
        ("Relation", "Symbol", "TF", "Base", "Open (UTC)", "Column", "Stored", "Expected"),
        [
            (
                item.relation,
                names[item.instrument_id],
                item.timeframe,
                item.base_timeframe or "",
                f"{item.open_at:%Y-%m-%d %H:%M}",
                item.column_name,
                item.stored or "–",
                item.expected or "–",
            )
            for item in findings[:_SHOWN]
        ],
    )
    if len(findings) > _SHOWN:
        output.say(f"… and {len(findings) - _SHOWN:,} more in market.audit_findings.")


def _summary(audited: Audited, remaining: Sequence[Finding], *, is_repaired: bool) -> str:
    looked = f"{audited.rows:,} rows compared in {audited.windows:,} windows"
    if not audited.findings:
        return f"{looked}: all of them are what the base bars say."
    if not is_repaired:
        return f"{looked}: {len(audited.findings):,} values differ. --repair makes them right."
    return f"{looked}: {len(audited.findings):,} values differed, {len(remaining):,} differ after the repair."


COMMANDS = (audit,)
