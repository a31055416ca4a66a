"""The command check-strategy: whether a strategy of one's own looks ahead, or hangs on where its history begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from signalhub.cli import output
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import TIMEFRAME_CHOICE
from signalhub.domain import timeframe as timeframes
from signalhub.domain.timeframe import H1, Timeframe
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.jobs import strategy_bars
from signalhub.jobs.progress import Progress
from signalhub.jobs.strategy_bars import Tried
from signalhub.signals import lookahead
from signalhub.signals.lookahead import Checked, Leak, Report
from signalhub.signals.looks import Looks
from signalhub.strategies import outside
from signalhub.strategies.base import Strategy

_STORED_BARS = 2_000
_WORDS = {
    lookahead.CUT_OFF: "when its history ends there",
    lookahead.OTHERS: "when the bars after it are others",
    lookahead.SHORT: "with the history that a live evaluation has",
    lookahead.ALONE: "when its instrument is alone",
    lookahead.AGAIN: "when asked again",
}
_REMEDIES = {
    lookahead.CUT_OFF: "It looks ahead: reach bars with previous(column, bars) only, bars > 0.",
    lookahead.OTHERS: "It looks ahead: reach bars with previous(column, bars) only, bars > 0.",
    lookahead.SHORT: "It hangs on where the history begins: use indicator columns in place of sums over the frame.",
    lookahead.ALONE: "It looks at other instruments' bars: previous(column, bars) keeps to its own.",
    lookahead.AGAIN: "It answers otherwise every time: leave out chance, clocks and what it remembers.",
}


@click.command("check-strategy")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--timeframe", type=TIMEFRAME_CHOICE, help="Default: 1h, or the first that the strategy has.")
@click.option("--symbol", "symbols", multiple=True, help="Try it on stored bars of this instrument; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def check_strategy(
    context: Context, /, file: Path, timeframe: str | None, symbols: Sequence[str], as_json: bool
) -> int:
    """Run the strategy that FILE declares on truncated and full histories, other futures and longer warm-ups.

    Names the column and bar where it says something else; exit code 1 then. Without --symbol it is tried on made-up
    bars in a throw-away database. FILE may lie anywhere: docs/how-to/add-a-strategy.md says what stands in it.
    """
    strategy = outside.read(file)
    chosen = _timeframe(strategy, timeframe)
    with output.progress() as progress:
        progress.stage(f"{chosen} bars with indicators")
        tried = _bars(context, strategy, chosen, symbols)
        looks = Looks.at(strategy, chosen, tried.instruments)
        done = lookahead.check(looks, tried.frame, _told(progress))
    names = {item.instrument_id: item.public_symbol for item in tried.instruments}
    if as_json:
        output.say(to_json(_as_object(strategy, chosen, done, names), indent=1))
    else:
        _show(strategy, chosen, done, names)
    return 1 if done.leaks or not done.proposed else 0


def _timeframe(strategy: Strategy, code: str | None) -> Timeframe:
    if code is None:
        return H1 if H1 in strategy.timeframes else strategy.timeframes[0]
    chosen = timeframes.parse(code)
    if chosen not in strategy.timeframes:
        known = ", ".join(item.code for item in strategy.timeframes)
        raise UsageInvalid(f"{strategy.name} is not for {chosen}. Use one of {known}.")
    return chosen


def _bars(context: Context, strategy: Strategy, timeframe: Timeframe, symbols: Sequence[str]) -> Tried:
    if not symbols:
        return strategy_bars.made_up(strategy, timeframe)
    with context.database() as database:
        return strategy_bars.stored(database, strategy, timeframe, symbols, _STORED_BARS)


def _told(progress: Progress) -> Report:
    def report(what: str, done: int, of: int) -> None:
        if done == 0:
            progress.stage("comparing", of, "checks")
        else:
            progress.advance(1)
        progress.note(what)

    return report


def _show(strategy: Strategy, timeframe: Timeframe, done: Checked, names: dict[int, str]) -> None:
    of = f"{len(names)} instrument{'s' if len(names) > 1 else ''}"
    output.say(
        f"{strategy.name} {strategy.version} on {done.bars:,} {timeframe} bars of {of}: "
        f"{done.proposed:,} proposed, {done.signals:,} scored; {done.comparisons:,} comparisons."
    )
    if not done.proposed:
        output.say("NOT CHECKED: it proposed nothing, so there was nothing to compare. Try --symbol with stored bars.")
        return
    if not done.leaks:
        output.say("It does not look ahead, and says the same of a bar whatever surrounds it.")
        return
    for check in lookahead.CHECKS:
        found = [leak for leak in done.leaks if leak.check == check]
        for leak in found:
            output.say(f"LEAK  {sentence(leak, names)}")
        if found:
            output.say(f"      {_REMEDIES[check]}")


def sentence(leak: Leak, names: dict[int, str]) -> str:
    """A leak in one line: the column, the bar, both values, and what is read where it must not be."""
    where = f"{names[leak.instrument_id]} at {leak.close_at:%Y-%m-%d %H:%M}Z"
    reads = f"; it reads {', '.join(leak.reads)} there" if leak.reads else ""
    return f"{leak.column} of {where} is {leak.whole}, and {leak.other} {_WORDS[leak.check]}{reads}."


def _as_object(strategy: Strategy, timeframe: Timeframe, done: Checked, names: dict[int, str]) -> dict[str, Any]:
    return {
        "strategy": strategy.name,
        "version": strategy.version,
        "timeframe": timeframe.code,
        "symbols": sorted(names.values()),
        "bars": done.bars,
        "proposed": done.proposed,
        "signals": done.signals,
        "comparisons": done.comparisons,
        "looks_ahead": any(leak.check in (lookahead.CUT_OFF, lookahead.OTHERS) for leak in done.leaks),
        "leaks": [_as_leak(leak, names) for leak in done.leaks],
    }


def _as_leak(leak: Leak, names: dict[int, str]) -> dict[str, Any]:
    return {
        "check": leak.check,
        "column": leak.column,
        "symbol": names[leak.instrument_id],
        "close_at": leak.close_at,
        "whole": leak.whole,
        "other": leak.other,
        "reads": list(leak.reads),
        "sentence": sentence(leak, names),
    }


COMMANDS = (check_strategy,)
