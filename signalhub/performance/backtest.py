"""Backtest: what a strategy would have proposed over stored bars, and what would have become of it. Nothing is stored.

The same two steps as live and replay, the same outcomes, the same statistics, for all closes at once: a test compares
them with a plain replay, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from signalhub import clock
from signalhub.db.connection import Connection
from signalhub.db.engine import Database
from signalhub.domain.bar import OPEN_AT
from signalhub.performance import paths, walking
from signalhub.performance.candidates import candidates
from signalhub.performance.columns import Report
from signalhub.performance.counting import Counts, count
from signalhub.performance.helping import NOBODY, Helpers
from signalhub.performance.judging import Judged, judged
from signalhub.performance.market import Market
from signalhub.performance.paths import Ints
from signalhub.performance.validity import valid_until
from signalhub.performance.walking import NEVER, STATUSES, Outcomes, Proposals
from signalhub.settings import Settings
from signalhub.signals.gate import GateRules
from signalhub.signals.judge import Terms
from signalhub.strategies.base import Strategy

_MINUTE = 60_000_000


@dataclass(frozen=True)
class Backtest:
    """A trial's result.

    Shape of signals: columns of analytics.signals that count, and `place` in the market's frame, in the order in which
    a replay would have stored them. seconds: by step.
    """

    strategy: Strategy
    market: Market
    signals: pl.DataFrame
    counts: Counts
    candidates: int
    held_back: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)


def backtest(
    database: Database,
    market: Market,
    strategy: Strategy,
    settings: Settings,
    report: Report = lambda _stage, _done, _of: None,
    *,
    details: bool = True,
    alone: bool = False,
) -> Backtest:
    """Tries a strategy on a market that was prepared for it.

    `details`: by instrument, by month and equity too. `alone`: in this process only.
    """
    watch = _Watch()
    helpers = Helpers(strategy, market.columns) if not alone else NOBODY
    rules, terms = GateRules.of(settings), Terms.of(settings)
    with watch.step("proposing"):
        span = (market.scope.after, market.until)
        found = candidates(market.seen, strategy, market.is_sound, market.instrument_ids, span, rules)
    with watch.step("judging"), closing(helpers):
        told = lambda done, of: report("judging candidates", done, of)  # noqa: E731
        worth = judged(market, strategy, found, terms, helpers, told)
        market.features.keep()
    report("outcomes and statistics", 0, None)
    with watch.step("walking"), database.transaction() as connection:
        proposals, horizons = _proposals(market, strategy, worth)
        outcomes = _walked(connection, market, proposals, settings.fee_bps + settings.slippage_bps)
        signals = _signals(market, strategy, worth, proposals, horizons, outcomes)
    with watch.step("counting"):
        counts = count(database, signals, details=details)
    held_back = {
        "cooldown": found.cooling,
        "score_below_threshold": worth.below_threshold,
        "risk_below_tick": worth.below_tick,
    }
    candidates_seen = len(found.places) + found.cooling
    return Backtest(strategy, market, signals, counts, candidates_seen, held_back, watch.seconds)


@dataclass
class _Watch:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = clock.stopwatch()
        yield
        self.seconds[name] = clock.stopwatch() - started


def _proposals(market: Market, strategy: Strategy, worth: Judged) -> tuple[Proposals, Ints]:
    """The signals as they are walked, and how far each may look, in microseconds."""
    rows = market.seen.frame.select("instrument_id", "close_at", "price_factor")[worth.places]
    ids = rows["instrument_id"].to_numpy().astype(np.int64)
    closes = rows["close_at"].dt.epoch("us").to_numpy()
    until = valid_until(market.universe, market.seen.timeframe, strategy.valid_bars, ids, closes)
    settled = _reach(market, ids)
    horizons = np.maximum(np.minimum(np.minimum(settled, until), _us(market.now)), closes)
    proposals = Proposals(
        ids,
        closes // _MINUTE,
        horizons // _MINUTE,
        until // _MINUTE,
        worth.signs.astype(np.float64),
        worth.stops,
        worth.targets,
        worth.risks,
        rows["price_factor"].to_numpy(),
    )
    return proposals, horizons


def _reach(market: Market, ids: Ints) -> Ints:
    """Up to when bars of each signal's instrument are settled; nothing is settled of an instrument without any."""
    known, places = np.unique(ids, return_inverse=True)
    settled = [_us(instant) if (instant := market.settled.get(key)) else 0 for key in known.tolist()]
    return np.array(settled, dtype=np.int64)[places]


def _walked(connection: Connection, market: Market, proposals: Proposals, cost_bps: float) -> Outcomes:
    found = Outcomes.unknown(proposals)
    # Who may not look beyond the signal's close is not looked at.
    looks = proposals.horizons > proposals.closes
    is_plain = np.isin(proposals.instrument_ids, market.plain_ids)
    plain = np.flatnonzero(is_plain & looks)
    if len(plain):
        bars = paths.of_columns(market.seen.frame, market.seen.timeframe)
        found.put(plain, walking.walk(connection, proposals.some(plain), bars, cost_bps))
    others = np.flatnonzero(~is_plain & looks)
    asked = proposals.some(others)
    for part, bars in paths.read(connection, asked.instrument_ids, asked.closes, asked.horizons):
        found.put(others[part], walking.walk(connection, asked.some(part), bars, cost_bps))
    return found


def _signals(
    market: Market, strategy: Strategy, worth: Judged, proposals: Proposals, horizons: Ints, outcomes: Outcomes
) -> pl.DataFrame:
    instruments = market.universe.instruments
    known, places = np.unique(proposals.instrument_ids, return_inverse=True)
    about = pl.DataFrame(
        {
            "symbol": [instruments[key].public_symbol for key in known.tolist()],
            "asset_class": [instruments[key].asset_class for key in known.tolist()],
            "is_simulated": [instruments[key].is_simulated for key in known.tolist()],
        },
        schema={"symbol": pl.String, "asset_class": pl.String, "is_simulated": pl.Boolean},
    )[places]
    statuses = pl.Series(STATUSES)
    frame = about.with_columns(
        place=pl.Series(worth.places),
        origin=pl.lit("replay"),
        strategy=pl.lit(strategy.name),
        strategy_version=pl.lit(strategy.version),
        timeframe=pl.lit(market.seen.timeframe.code),
        direction=pl.Series(np.where(worth.signs > 0, "long", "short"), dtype=pl.String),
        close_at=_at(proposals.closes),
        valid_until=_at(proposals.valid_until),
        score=pl.Series(worth.scores / 100),
        entry=pl.Series(worth.entries),
        stop=pl.Series(worth.stops),
        target=pl.Series(worth.targets),
        status=statuses.gather(outcomes.status),
        is_ambiguous=pl.Series(outcomes.is_ambiguous),
        tracked_through=pl.Series(np.where(outcomes.tracked_through < 0, NEVER, horizons)).cast(OPEN_AT),
        fill_at=_at(outcomes.fill_at),
        exit_at=_at(outcomes.exit_at),
        **{name: pl.Series(getattr(outcomes, name)).fill_nan(None) for name in _NUMBERS},
        instrument_id=pl.Series(proposals.instrument_ids),
    )
    ordered = frame.sort("close_at", "instrument_id", "direction", maintain_order=True).drop("instrument_id")
    return ordered.with_row_index("signal_id", offset=1)


_NUMBERS = (
    *("fill_price", "exit_price", "r_multiple", "net_r", "gross_return_pct", "net_return_pct"),
    *("mfe_r", "mae_r"),
)


def _at(minutes: Ints) -> pl.Series:
    micros = pl.Series(np.where(minutes == NEVER, 0, minutes) * _MINUTE).cast(OPEN_AT)
    return pl.select(pl.when(pl.Series(minutes != NEVER)).then(micros)).to_series()


def _us(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)
