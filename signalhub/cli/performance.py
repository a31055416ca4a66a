"""The command performance: what became of the signals, and how sure one may be of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import Instant
from signalhub.db.connection import Connection
from signalhub.domain.wire import to_json
from signalhub.performance import statistics
from signalhub.performance.statistics import PerformanceFilter
from signalhub.signals.read import ORIGINS, known_strategy

_READERS: dict[str, Callable[[Connection, PerformanceFilter], list[dict[str, Any]]]] = {
    "strategy": statistics.by_strategy,
    "instrument": statistics.by_instrument,
    "timeframe": statistics.by_timeframe,
    "day": statistics.daily,
}
_KEYS = {
    "strategy": {"Strategy": "strategy", "Version": "strategy_version"},
    "instrument": {"Symbol": "symbol"},
    "timeframe": {"TF": "timeframe"},
    "day": {"Strategy": "strategy", "Version": "strategy_version", "Day (UTC)": "exit_day"},
}
_FIGURES = ("Signals", "Decided", "Win rate", "95 % interval", "Worst–best", "Expect. R", "Total R", "Profit f.")
_FIGURES_OVER_TIME = ("Open", "Max DD R", "Sharpe", "Held")
_EXPLAINED = (
    "Decided = filled and closed. Win = net R > 0, after the fees and slippage that are set. 95 % interval (Wilson): "
    "where the true win rate may lie after so few.\nWorst–best: bars that held both stop and target counted as losses, "
    "or as wins. Live and replayed, real and simulated ones are never added up."
)


@click.command()
@click.option("--by", "what", type=click.Choice(list(_READERS)), default="strategy", help="Default: strategy.")
@click.option("--origin", type=click.Choice(ORIGINS), help="Default: both, in rows of their own.")
@click.option("--strategy", help="Only of this strategy.")
@click.option("--symbol", help="Only of this instrument.")
@click.option("--since", type=Instant(), help="Only signals that closed at this instant or later.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
@pass_context
def performance(
    context: Context, /, what: str, strategy: str | None, as_json: bool, since: datetime | None, **chosen: Any
) -> None:
    """Say what became of the signals: win rates with their intervals, expectancy in R, drawdown."""
    with context.database() as database, database.transaction() as connection:
        strategies = [name] if (name := known_strategy(connection, strategy)) else None
        rows = _READERS[what](connection, PerformanceFilter(**chosen, strategies=strategies, since=since))
    if as_json:
        output.say(to_json(rows, indent=1))
        return
    if not rows:
        output.say("No signals to count. `signalhub replay` makes signals of the bars there are.")
        return
    _show(what, rows)


def _show(what: str, rows: Sequence[Mapping[str, Any]]) -> None:
    keys = _KEYS[what]
    over_time = () if what == "day" else _FIGURES_OVER_TIME
    output.table(
        (*keys, "Origin", "Simulated", *_FIGURES, *over_time),
        [
            (
                *(_key(row[name]) for name in keys.values()),
                row["origin"],
                "yes" if row["is_simulated"] else "no",
                *figures(row),
                *(figures_over_time(row) if over_time else ()),
            )
            for row in rows
        ],
        right=(*_FIGURES, *over_time),
    )
    output.say()
    output.say(_EXPLAINED)


def figures(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A row's counts, rates and R, as cells."""
    return (
        f"{row['n_signals']:,}",
        f"{row['n_decided']:,}",
        _number(row["win_rate"], "{:.1f} %", 100),
        _span(row["win_rate_low"], row["win_rate_high"]),
        _span(row["win_rate_worst"], row["win_rate_best"]),
        _number(row["expectancy_r"], "{:+.3f}"),
        _number(row["total_r"], "{:+.1f}"),
        _number(row["profit_factor"], "{:.2f}"),
    )


def figures_over_time(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What depends on when signals ended, as cells."""
    return (
        f"{row['n_open']:,}",
        _number(row["max_drawdown_r"], "{:.1f}"),
        _number(row["sharpe"], "{:.2f}"),
        _span_of_time(row["average_duration_s"]),
    )


def _number(value: float | None, form: str, times: int = 1) -> str:
    """Nothing to say is a dash: an empty cell looks like an oversight."""
    return "–" if value is None else form.format(times * value)


def _span(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{100 * low:.0f}–{100 * high:.0f} %"


def _span_of_time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}h {minutes:02}m"


def _key(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


COMMANDS = (performance,)
