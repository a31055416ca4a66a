"""docs/strategies: a page and a picture for every strategy found, made of its own words, and the index."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import polars as pl

from signalhub.db.edition import POSTGRES
from signalhub.domain.signal import SignalDraft
from signalhub.domain.timeframe import Timeframe
from signalhub.strategies.base import Strategy
from signalhub.web.candle import Charted
from tests import servers
from tests.contracts.strategy_markets import STRATEGIES, WHOLE, Frames, evaluated, markets, signals_of, timeframe_of
from tests.contracts.strategy_pictures import picture
from tests.contracts.strategy_words import (
    classes,
    codes,
    explained,
    kind_of_levels,
    listed,
    said_of_itself,
    steps,
    weights_told,
)
from tests.outcome_rules import Path, by_the_rules
from tests.signals import OHLC, Plan

ROOM_BEFORE, ROOM_AFTER = 90, 40
_WRITTEN = "Written by scripts/write-strategy-pages from signalhub/strategies/{}.py: do not edit."
_ENDS = {
    "target_hit": "It reached its target",
    "stop_hit": "It was stopped",
    "expired": "It came to the end of its time",
    "cancelled": "It was cancelled, for the market opened beyond its levels",
}


@dataclass(frozen=True)
class Sample:
    """The best signal that a strategy found in the made-up markets, and what became of it."""

    draft: SignalDraft
    outcome: Mapping[str, Any]
    timeframe: Timeframe
    bars: pl.DataFrame
    """Its instrument's bars around it, with indicators."""


def in_a_server_of_its_own(stack: ExitStack) -> dict[str, str]:
    """The files of all strategies found, computed by a throw-away server."""
    server = servers.LazyServers(stack)
    return files(STRATEGIES, stack.enter_context(markets(server[POSTGRES])))


def stale(folder: pathlib.Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of files that differ from what they should be, are missing, or should not be there."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*") if path.is_file()}
    return sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))


def files(strategies: Mapping[str, Strategy], frames: Mapping[Timeframe, Frames]) -> dict[str, str]:
    """File name → text, of everything in docs/strategies."""
    found = {"README.md": _index(strategies)}
    for module, strategy in strategies.items():
        sample = sample_of(strategy, frames[timeframe_of(strategy)][WHOLE])
        found[f"{module}.md"] = _page(module, strategy, sample)
        found[f"{module}.svg"] = picture(strategy.name, _charted(sample), sample.bars)
    return found


def sample_of(strategy: Strategy, frame: pl.DataFrame) -> Sample:
    """Of those with room for a picture the one with most components, then with the highest score, then the first."""
    closes = frame["close_at"].unique().sort()
    first, last = closes[ROOM_BEFORE], closes[-ROOM_AFTER]
    drafts = [draft for draft in signals_of(evaluated(strategy, frame)) if first <= draft.close_at <= last]
    best = max(drafts, key=lambda d: (len(d.components), d.score, -d.close_at.timestamp(), -d.instrument_id))
    timeframe = timeframe_of(strategy)
    end = min(last, best.valid_until + 6 * timeframe.span)
    # Expressions of the picture look at bars before those that it shows.
    bars = frame.filter(
        instrument_id=best.instrument_id
    ).filter(pl.col("close_at").is_between(best.close_at - ROOM_BEFORE * timeframe.span, end))  # fmt: skip
    return Sample(best, _outcome(best, bars, timeframe), timeframe, bars)


def _outcome(draft: SignalDraft, bars: pl.DataFrame, timeframe: Timeframe) -> dict[str, Any]:
    levels = (float(level) for level in (draft.levels.entry, draft.levels.stop, draft.levels.target))
    plan = Plan(draft.direction.value, draft.close_at, draft.valid_until, *levels, timeframe=timeframe.code)
    rows = bars.select("open_at", "open", "high", "low", "close").iter_rows()
    until = bars["close_at"][-1]
    path = Path(draft.instrument_id, [OHLC(*row, span=timeframe.span) for row in rows], until)
    return by_the_rules(plan, path, until, cost_bps=0.0)


def _charted(sample: Sample) -> Charted:
    draft = sample.draft
    ends = {name: sample.outcome.get(name) for name in ("fill_at", "fill_price", "exit_at", "exit_price")}
    return Charted(
        f"Made-up market {draft.instrument_id}",
        sample.timeframe,
        draft.direction.value,
        draft.close_at,
        draft.valid_until,
        draft.levels.entry,
        draft.levels.stop,
        draft.levels.target,
        **ends,
    )


def _page(module: str, strategy: Strategy, sample: Sample) -> str:
    title, idea, rest = said_of_itself(strategy)
    return "\n".join(
        [
            f"# {title}\n\n<!-- {_WRITTEN.format(module)} -->\n\n{idea}\n\n{_sample_words(module, strategy, sample)}",
            f"## Logic\n\n{rest}\n",
            f"## What its score is made of\n\n{_components(strategy, sample.draft)}",
            f"## Parameters\n\n{_parameters(strategy)}",
            f"## Where it runs\n\n{_where(strategy)}",
        ]
    )


def _sample_words(module: str, strategy: Strategy, sample: Sample) -> str:
    draft, outcome = sample.draft, sample.outcome
    levels = f"entry {draft.levels.entry}, stop {draft.levels.stop}, target {draft.levels.target}"
    ended = _ENDS[outcome["status"]]
    after = (outcome["exit_at"] - draft.close_at) / sample.timeframe.span
    result = f", {outcome['r_multiple']:+.2f} R" if "r_multiple" in outcome else ""
    return (
        f"![A {draft.direction} signal of {strategy.name} among candles]({module}.svg)\n\n"
        f"> {draft.reason}\n\n"
        f"Of its signals in five made-up markets of {sample.timeframe} bars this one had the highest score, "
        f"{draft.score}: a {draft.direction} with {levels}.\n{ended} after {after:.0f} bars{result}. One picture "
        f"proves nothing: what it did on real markets is in [performance](../performance.md).\n"
    )


def _components(strategy: Strategy, draft: SignalDraft) -> str:
    rows = [
        f"| {name} | {weight:g} | {_points(draft, name)} | {text[0].upper()}{text[1:]} |"
        for name, (weight, text) in weights_told(strategy).items()
    ]
    head = "| component | weight | in the picture | what it measures |\n|---|--:|--:|---|\n"
    return head + "\n".join(rows) + "\n"


def _points(draft: SignalDraft, name: str) -> str:
    return f"{draft.components[name]:.2f}" if name in draft.components else "left out"


def _parameters(strategy: Strategy) -> str:
    told = explained(type(strategy.parameters))
    rows = [
        f"| `{field.name}` | {_shown(getattr(strategy.parameters, field.name))} | {told[field.name]} |"
        for field in dataclasses.fields(strategy.parameters)
    ]
    return "| parameter | default | what |\n|---|--:|---|\n" + "\n".join(rows) + "\n"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _where(strategy: Strategy) -> str:
    lines = [
        f"- Timeframes: {codes(strategy)}. Asset classes: {classes(strategy)}.",
        f"- Needs {listed(strategy.needs)}: a bar without one of them is `warming_up`.",
    ]
    if strategy.wants:
        lines.append(f"- Reads where there is a value: {listed(strategy.wants)}.")
    if strategy.context:
        told = (f"{listed(names)} of {steps(key)}" for key, names in strategy.context.items())
        lines.append(f"- Context, as of the signal bar's close: {'; '.join(told)}.")
    if strategy.observations:
        lines.append(f"- Observations, as known at the close: {listed(strategy.observations)}.")
    lines.append(f"- This is version `{strategy.version}`: a changed parameter is another version.")
    return "\n".join(lines) + "\n"


def _index(strategies: Mapping[str, Strategy]) -> str:
    rows = [
        f"| [{strategy.name}]({module}.md) | {said_of_itself(strategy)[1]} | {codes(strategy)} | {classes(strategy)} | "
        f"{kind_of_levels(strategy)} | {strategy.valid_bars} |"
        for module, strategy in sorted(strategies.items())
    ]
    return _INDEX.format(rows="\n".join(rows), written=_WRITTEN.replace("/{}.py", ""))


_INDEX = """\
# Strategies

<!-- {written} -->

Each is one file in [signalhub/strategies](../../signalhub/strategies), and each page here is made of what that file
says of itself: the rule, what the score is made of, the parameters, and a picture of a signal in a made-up market.

| strategy | idea | timeframes | asset classes | stop / target | valid, bars |
|---|---|---|---|---|--:|
{rows}

**What all have in common.** Entry is the close of the signal bar. Stop and target are multiples of ATR 14, or come from
structure (a swing, a mean), rounded to the tick. The score is the sum of its components: each has a weight, the weights
are 100 in all, and a component that an instrument lacks (volume, open interest, a coarser timeframe) is left out, its
weight shared by the others; what was left out is stored and shown. Below the threshold (`SIGNALHUB_MIN_SCORE`, 50) no
signal is given, and within the cooldown no second one of the same direction. What was held back is on record, with the
reason.

**Higher timeframes.** "4h trend up" in a reason: on the last 4h bar that had closed by then, EMA 21 stood above EMA 50
and the close above EMA 50; "down" mirrors it, "flat" is all else.

**None of them is a promise.** They are plain rules that many know. What each did on real bars, with its intervals, is
in [performance](../performance.md), whatever the numbers say.

Your own: [add a strategy](../how-to/add-a-strategy.md).
"""
