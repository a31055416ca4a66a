"""The facts that messages are made of, read from the database: one signal, or a subscriber's day or week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from signalhub.channels import words
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

_SQL = Queries("channels/render")
_LISTED = 15
"""Signals that a digest lists of each sort; the counts are of all."""
_DAYS = {"daily_digest": 1, "weekly_performance": 7}
_ENDS = ("target_hit", "stop_hit", "expired", "cancelled")
_COUNTED = ("n_ended", *(f"n_{status}" for status in _ENDS), "n_ambiguous", "n_decided", "n_won")

Row = dict[str, Any]
Visible = tuple[tuple[str, str, str], ...]
"""(strategy, from, until): what a subscriber may see, as the queries take it."""


@dataclass(frozen=True)
class Period:
    """Local days as instants, [since, until), with the zone they are local to."""

    kind: str
    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def title(self) -> str:
        """`Fri 2 Jan 2026`, or the first and the last day."""
        first = words.day(self.since, self.zone)
        last = words.day(self.until - timedelta(microseconds=1), self.zone)
        return first if first == last else f"{first} to {last}"


def period(kind: str, first_day: date, time_zone: str) -> Period:
    """The local day or week that begins on a date.

    A midnight that comes twice begins the day the first time, one that is skipped begins it when the clocks have moved:
    no instant is in two days or in none.
    """
    zone = ZoneInfo(time_zone)
    since, until = (
        datetime.combine(first_day + timedelta(days=days), time(), zone).astimezone(ZoneInfo("UTC"))
        for days in (0, _DAYS[kind])
    )
    return Period(kind, since, until, zone)


def signal(connection: Connection, signal_id: int) -> Row | None:
    """The row of analytics.signals, or None."""
    rows = _SQL.rows(connection, "signal", signal_id=signal_id)
    return rows[0] if rows else None


def visible(connection: Connection, subscriber_id: int, now: datetime) -> Visible:
    """What a subscriber may see: all of a strategy they own now, else what closed while they owned it."""
    spans: list[tuple[str, str, str]] = []
    for row in _SQL.rows(connection, "visible", subscriber_id=subscriber_id, now=now):
        owned = [("-infinity", "infinity")] if row["is_owned"] else zip(row["froms"], row["untils"], strict=True)
        spans += [(row["strategy"], since, until) for since, until in owned]
    return tuple(spans)


def of_period(connection: Connection, span: Period, spans: Visible) -> Row:
    """New and ended signals, and what became of those that ended: real ones, then simulated ones, never together."""
    bounds: Row = {
        "since": span.since,
        "until": span.until,
        "strategies": [strategy for strategy, _, _ in spans],
        "froms": [since for _, since, _ in spans],
        "untils": [until for _, _, until in spans],
    }
    new = [words.clean(row) for row in _SQL.rows(connection, "new_signals", **bounds, limit=_LISTED)]
    ended = [words.clean(row) for row in _SQL.rows(connection, "ended_signals", **bounds, limit=_LISTED)]
    by_strategy = [words.clean(row) for row in _SQL.rows(connection, "ended_by_strategy", **bounds)]
    n_new = {False: new[0]["n_real"], True: new[0]["n_simulated"]} if new else {False: 0, True: 0}
    totals = [_total(by_strategy, is_simulated, count) for is_simulated, count in n_new.items()]
    return {
        "new": [{name: row[name] for name in row if name not in ("n_real", "n_simulated")} for row in new],
        "ended": ended,
        "by_strategy": by_strategy,
        # Simulated ones are spoken of only where there are some.
        "totals": [total for total in totals if total["n_new"] or total["n_ended"] or not total["is_simulated"]],
        "n_new": sum(total["n_new"] for total in totals),
        "n_ended": sum(total["n_ended"] for total in totals),
        "has_strategies": bool(spans),
    }


def _total(by_strategy: Sequence[Row], is_simulated: bool, n_new: int) -> Row:
    rows = [row for row in by_strategy if row["is_simulated"] == is_simulated]
    return {
        "is_simulated": is_simulated,
        "n_new": n_new,
        **{name: sum(row[name] for row in rows) for name in _COUNTED},
        "net_r": sum((row["net_r"] for row in rows), 0.0),
    }


def ended_words(total: Row) -> str:
    """`5 ended: 2 target hit, 2 stop hit, 1 expired`, or `none ended`."""
    if not total["n_ended"]:
        return "none ended"
    ends = [f"{total[f'n_{status}']} {words.outcome_words(status)}" for status in _ENDS if total[f"n_{status}"]]
    return f"{total['n_ended']:,} ended: {', '.join(ends)}"


def result_words(total: Row) -> str:
    """`Net +1.83 R over 5 filled, 3 won.`; says so where nothing can be counted."""
    if not total["n_decided"]:
        return "None of them was filled, so there is no result to count." if total["n_ended"] else ""
    text = f"Net {words.in_r(total['net_r'])} over {total['n_decided']:,} filled, {total['n_won']:,} won."
    if total["n_ambiguous"]:
        text += f" {total['n_ambiguous']:,} ambiguous, counted as stopped."
    return text
