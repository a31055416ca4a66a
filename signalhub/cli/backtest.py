"""The command backtest: what a strategy would have proposed over stored bars, and what would have become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from signalhub import clock
from signalhub.cli import output
from signalhub.cli.context import Context, pass_context, strategies
from signalhub.cli.options import TIMEFRAME_CHOICE, Instant
from signalhub.cli.performance import figures, figures_over_time
from signalhub.db.engine import Database
from signalhub.domain import timeframe as timeframes
from signalhub.domain.wire import to_json
from signalhub.errors import UsageInvalid
from signalhub.jobs.progress import Progress
from signalhub.performance import drafts, trials
from signalhub.performance.backtest import Backtest
from signalhub.performance.backtest import backtest as run
from signalhub.performance.columns import Report
from signalhub.performance.market import Scope, prepare
from signalhub.performance.trials import Trial
from signalhub.settings import Settings
from signalhub.signals.gate import GateRules
from signalhub.strategies.base import Strategy
from signalhub.web import equity as pictures

_FIGURES = ("Signals", "Decided", "Win rate", "95 % interval", "Worst–best", "Expect. R", "Total R", "Profit f.")
_OVER_TIME = ("Open", "Max DD R", "Sharpe", "Held")
_MORE = {"sortino": "Sortino", "exposure": "Exposure", "average_mfe_r": "MFE R", "average_mae_r": "MAE R"}
_SHOWN = 12
_LUCK = "The best of many trials owes something to luck: try it on a span that it was not chosen on."


@click.command()
@click.option("--strategy", "name", required=True, help="Which strategy.")
@click.option("--param", "params", multiple=True, metavar="K=V", help="A parameter; may be given again.")
@click.option("--grid", "grids", multiple=True, metavar="K=A,B,C", help="Try every one of these; may be given again.")
@click.option("--symbol", "symbols", multiple=True, help="An instrument; may be given again.")
@click.option("--all", "is_all", is_flag=True, help="All instruments that the strategy serves.")
@click.option("--timeframe", "code", type=TIMEFRAME_CHOICE, required=True, help="Of the signals.")
@click.option("--from", "after", type=Instant(), help="Closes after this instant. Default: all there is.")
@click.option("--to", "until", type=Instant(), help="Closes up to this instant. Default: the newest.")
@click.option("--equity", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw the curve: FILE.svg.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@pass_context
def backtest(context: Context, /, **options: Any) -> None:
    """Try a strategy on stored bars, as a replay would, and count what would have become of its signals.

    Nothing is stored but the trial itself, with its parameters, its span and its statistics.
    """
    asked = _Asked(**options)
    asked.check()
    strategy = trials.with_parameters(strategies((asked.name,))[0], _pairs(asked.params, "--param"))
    choices = {key: value.split(",") for key, value in _pairs(asked.grids, "--grid").items()}
    with context.database() as database:
        if choices:
            with output.progress() as progress:
                several, told = trials.grid(strategy, choices), _report(progress)
                found = list(trials.try_all(database, several, asked.scope, context.settings, clock.now(), told))
            _tell_trials(found, list(choices), as_json=asked.as_json)
            return
        with output.progress() as progress:
            single = _single(database, strategy, asked.scope, context.settings, progress)
        if asked.picture is not None:
            asked.picture.write_text(_picture(single), encoding="utf-8")
        if asked.as_json:
            with database.transaction() as connection:
                signals = list(drafts.rows(connection, single, context.settings))
            output.say(to_json(_document(single, signals), indent=1))
        else:
            _show(single, asked.picture)


@dataclass(frozen=True)
class _Asked:
    """The command's options."""

    name: str
    params: tuple[str, ...]
    grids: tuple[str, ...]
    symbols: tuple[str, ...]
    is_all: bool
    code: str
    after: datetime | None
    until: datetime | None
    picture: Path | None
    as_json: bool

    @property
    def scope(self) -> Scope:
        return Scope(timeframes.parse(self.code), self.after, self.until, None if self.is_all else self.symbols)

    def check(self) -> None:
        if bool(self.symbols) == self.is_all:
            raise UsageInvalid("Say which instruments: --symbol BTC/USDT (may be given again), or --all; not both.")
        if self.after is not None and self.until is not None and self.after >= self.until:
            raise UsageInvalid(f"--from {self.after:%Y-%m-%dT%H:%MZ} is not before --to {self.until:%Y-%m-%dT%H:%MZ}.")
        if self.picture is not None:
            self._check_picture(self.picture)

    def _check_picture(self, picture: Path) -> None:
        if picture.suffix.lower() != ".svg":
            raise UsageInvalid(
                f"--equity {picture}: the picture is an SVG. Name it {picture.with_suffix('.svg').name}."
            )
        if not picture.absolute().parent.is_dir():
            raise UsageInvalid(f"--equity {picture}: there is no folder {picture.parent}.")
        if self.grids:
            raise UsageInvalid("--equity draws one trial. Leave out --grid, and draw the one you choose afterwards.")


def _pairs(words: Sequence[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not (key and sign and value):
            raise UsageInvalid(f"{option} {word!r}: write NAME=VALUE, such as {option} stop_atr=1.5.")
        if key in found:
            raise UsageInvalid(f"{option} {key} is given twice.")
        found[key] = value
    return found


def _report(progress: Progress) -> Report:
    """Stages of the work on the bar."""
    begun: dict[str, int] = {}

    def told(stage: str, done: int, of: int | None) -> None:
        if stage not in begun:
            progress.stage(stage, of, "instruments" if stage.startswith("reading") else "")
            begun[stage] = 0
        progress.advance(done - begun[stage])
        begun[stage] = done

    return told


def _single(database: Database, strategy: Strategy, scope: Scope, settings: Settings, progress: Progress) -> Backtest:
    now, report, started = clock.now(), _report(progress), clock.stopwatch()
    market = prepare(database, settings.home, strategy, scope, GateRules.of(settings), now, report)
    result = run(database, market, strategy, settings, report)
    trial = trials.tried(result, clock.stopwatch() - started)
    with database.transaction() as connection:
        trials.record(connection, strategy, scope, trial, settings, now)
    return result


def _document(single: Backtest, signals: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    parts = {"by_instrument": single.counts.by_instrument, "by_month": single.counts.by_month}
    held = {"n_candidates": single.candidates, "held_back": single.held_back}
    return {
        "signals": signals,
        "statistics": single.counts.whole | held | parts,
        "parameters": single.strategy.parameter_values,
    }


def _picture(single: Backtest) -> str:
    statistics, market = single.counts.whole, single.market
    title = f"{single.strategy.name} {single.strategy.version}, {market.seen.timeframe}"
    subtitle = (
        f"{statistics['n_decided']:,} decided signals of {len(market.instrument_ids):,} instruments, net R; shaded: "
        f"below the high so far"
    )
    points = [pictures.Point(row["exit_at"], row["equity_r"]) for row in single.counts.equity]
    return pictures.draw(title, subtitle, points)


def _show(single: Backtest, picture: Path | None) -> None:
    market = single.market
    held = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in single.held_back.items())
    output.say(
        f"{single.strategy.name} {single.strategy.version} on {market.bars:,} bars of {market.seen.timeframe}, "
        f"{len(market.instrument_ids):,} instruments, closes up to {market.until:%Y-%m-%d %H:%M}: "
        f"{single.candidates:,} candidates, {single.signals.height:,} signals; held back: {held}."
    )
    if not single.signals.height:
        return
    output.say()
    _table("", [("All", single.counts.whole)])
    output.say()
    output.table(
        list(_MORE.values()), [[_more(name, single.counts.whole[name]) for name in _MORE]], list(_MORE.values())
    )
    output.say()
    _table("Month", [(f"{row['exit_month']:%Y-%m}", row) for row in single.counts.by_month][-_SHOWN:])
    output.say()
    by_total = sorted(single.counts.by_instrument, key=lambda row: row["total_r"] or 0.0, reverse=True)
    chosen = by_total if len(by_total) <= _SHOWN else [*by_total[: _SHOWN // 2], *by_total[-_SHOWN // 2 :]]
    _table("Symbol", [(row["symbol"], row) for row in chosen])
    if len(by_total) > _SHOWN:
        output.say(f"The best and the worst {_SHOWN // 2} of {len(by_total):,} instruments; --json has all.")
    if picture is not None:
        output.say(f"The equity curve is in {picture}.")


def _table(key: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    output.table(
        (key, *_FIGURES, *_OVER_TIME),
        [(name, *figures(row), *figures_over_time(row)) for name, row in rows],
        right=(*_FIGURES, *_OVER_TIME),
    )


def _more(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if name == "exposure" else f"{value:+.2f}"


def _tell_trials(found: Sequence[Trial], names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        told = [{"parameters": trial.parameters, "statistics": trial.statistics} for trial in found]
        output.say(to_json({"trials": told}, indent=1))
        return
    best_first = sorted(found, key=lambda trial: trial.statistics["expectancy_r"] or -1e9, reverse=True)
    output.table(
        (*names, *_FIGURES, *_OVER_TIME),
        [
            (
                *(str(trial.parameters[name]) for name in names),
                *figures(trial.statistics),
                *figures_over_time(trial.statistics),
            )
            for trial in best_first
        ],
        right=(*names, *_FIGURES, *_OVER_TIME),
    )
    output.say()
    output.say(f"{len(found):,} trials, all on record in engine.trials. {_LUCK}")


COMMANDS = (backtest,)
