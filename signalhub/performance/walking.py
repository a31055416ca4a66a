"""Walking: what would have become of signals, all at once, over the base bars that came after them.

The rules are those of `outcomes.py`, which does it in SQL for signals that are stored; the same bits come out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from signalhub.db.connection import Connection
from signalhub.db.copy import array_of
from signalhub.db.queries import Queries
from signalhub.performance.paths import Floats, Ints, Paths, instant, keys

_SQL = Queries("performance/walking")
OPEN, TARGET_HIT, STOP_HIT, EXPIRED, CANCELLED = range(5)
STATUSES = ("open", "target_hit", "stop_hit", "expired", "cancelled")
NEVER = -1
"""An instant that there is none of."""
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Proposals:
    """What signals propose, an array a value.

    Units: minutes since 1970; sign +1 for long, −1 for short; prices of the signal's date, `price_factors` being those
    of that date.
    """

    instrument_ids: Ints
    closes: Ints
    horizons: Ints
    """How far a signal may look: until it is no longer valid, and no further than bars are settled."""
    valid_until: Ints
    signs: Floats
    stops: Floats
    targets: Floats
    risks: Floats
    price_factors: Floats

    def some(self, which: Ints | Flags) -> Proposals:
        """Those of some places."""
        return Proposals(*(getattr(self, part.name)[which] for part in fields(self)))

    def __len__(self) -> int:
        return len(self.closes)


@dataclass
class Outcomes:
    """What became of them, an array a value, as engine.outcomes has it; NaN and NEVER where it has null."""

    status: Ints
    tracked_through: Ints
    is_ambiguous: Flags
    fill_at: Ints
    fill_price: Floats
    exit_at: Ints
    exit_price: Floats
    r_multiple: Floats
    net_r: Floats
    gross_return_pct: Floats
    net_return_pct: Floats
    mfe_r: Floats
    mae_r: Floats

    @classmethod
    def unknown(cls, proposals: Proposals) -> Outcomes:
        """Nothing was looked at yet."""
        n = len(proposals)
        numbers = {part.name: np.full(n, np.nan) for part in fields(cls) if part.type == "Floats"}
        return cls(
            status=np.full(n, OPEN, dtype=np.int64),
            tracked_through=proposals.closes.copy(),
            is_ambiguous=np.zeros(n, dtype=np.bool_),
            fill_at=np.full(n, NEVER, dtype=np.int64),
            exit_at=np.full(n, NEVER, dtype=np.int64),
            **numbers,
        )

    def put(self, which: Ints, found: Outcomes) -> None:
        """Takes over what was found for some."""
        for part in fields(self):
            getattr(self, part.name)[which] = getattr(found, part.name)


@dataclass(frozen=True)
class _Steps:
    """How far each signal got: places of the bars of fill and exit, and the extremes before the exit's, turned long."""

    first: Ints
    last: Ints
    is_gapped: Flags
    exits: Ints
    best: Floats
    worst: Floats

    @property
    def is_filled(self) -> Flags:
        return (self.last > self.first) & ~self.is_gapped


def walk(connection: Connection, proposals: Proposals, paths: Paths, cost_bps: float) -> Outcomes:
    """The outcomes of signals of instruments whose paths these are.

    Units: `cost_bps` is fee + slippage per side, in basis points.
    """
    bars = _Turned(proposals, paths)
    steps = _steps(proposals, paths, bars)
    found = _judged(connection, proposals, paths, bars, steps)
    _value(found, proposals, steps, cost_bps)
    return found


@dataclass(frozen=True)
class _Turned:
    """Prices of the paths in the shares of each signal's date."""

    proposals: Proposals
    paths: Paths

    def price(self, name: str, who: Ints, places: Ints) -> Floats:
        raw: Floats = getattr(self.paths, name)[places]
        return raw * self.scale(who, places)

    def scale(self, who: Ints, places: Ints) -> Floats:
        return np.asarray(self.paths.price_factors[places] / self.proposals.price_factors[who])

    def opens_beyond_stop(self, who: Ints, places: Ints) -> Flags:
        sign = self.proposals.signs[who]
        return np.asarray(self.price("open", who, places) * sign <= self.proposals.stops[who] * sign)

    def touches(self, who: Ints, places: Ints) -> tuple[Flags, Flags]:
        """Whether bars touch the stop, and the target."""
        high, low = self.price("high", who, places), self.price("low", who, places)
        is_long, stop, target = self.proposals.signs[who] > 0, self.proposals.stops[who], self.proposals.targets[who]
        return np.where(is_long, low <= stop, high >= stop), np.where(is_long, high >= target, low <= target)


def _steps(proposals: Proposals, paths: Paths, bars: _Turned) -> _Steps:
    first = np.searchsorted(paths.open_keys, keys(proposals.instrument_ids, proposals.closes), side="left")
    last = np.searchsorted(paths.close_keys, keys(proposals.instrument_ids, proposals.horizons), side="right")
    n = len(proposals)
    is_gapped, exits = np.zeros(n, dtype=np.bool_), np.full(n, -1)
    best, worst = np.full(n, -np.inf), np.full(n, np.inf)
    active = np.flatnonzero(last > first)
    fill, sign = bars.price("open", active, first[active]), proposals.signs[active]
    stop, target = proposals.stops[active] * sign, proposals.targets[active] * sign
    is_gapped[active] = (fill * sign <= stop) | (fill * sign >= target)
    active, step = active[~is_gapped[active]], 0
    while len(active):
        active = active[first[active] + step < last[active]]
        places = first[active] + step
        stops, targets = bars.touches(active, places)
        ends = stops | targets
        exits[active[ends]] = places[ends]
        active, places = active[~ends], places[~ends]
        high, low = bars.price("high", active, places), bars.price("low", active, places)
        is_long = proposals.signs[active] > 0
        best[active] = np.maximum(best[active], np.where(is_long, high, -low))
        worst[active] = np.minimum(worst[active], np.where(is_long, low, -high))
        step += 1
    return _Steps(first, last, is_gapped, exits, best, worst)


def _judged(connection: Connection, proposals: Proposals, paths: Paths, bars: _Turned, steps: _Steps) -> Outcomes:
    """Status, fill and exit."""
    found = Outcomes.unknown(proposals)
    found.tracked_through = proposals.horizons.copy()
    is_over = proposals.horizons >= proposals.valid_until
    has_bars = steps.last > steps.first
    found.status[~has_bars & is_over] = EXPIRED
    found.exit_at[~has_bars & is_over] = proposals.valid_until[~has_bars & is_over]
    gapped = np.flatnonzero(steps.is_gapped)
    found.status[gapped], found.exit_at[gapped] = CANCELLED, paths.opened[steps.first[gapped]]
    filled = np.flatnonzero(steps.is_filled)
    found.fill_at[filled] = paths.opened[steps.first[filled]]
    found.fill_price[filled] = bars.price("open", filled, steps.first[filled])
    expired = np.flatnonzero(steps.is_filled & (steps.exits < 0) & is_over)
    newest = steps.last[expired] - 1
    found.status[expired], found.exit_at[expired] = EXPIRED, paths.closed[newest]
    found.exit_price[expired] = bars.price("close", expired, newest)
    ended = np.flatnonzero(steps.exits >= 0)
    places = steps.exits[ended]
    stops, targets = bars.touches(ended, places)
    beyond = bars.opens_beyond_stop(ended, places) & (paths.opened[places] > found.fill_at[ended])
    is_target = targets & ~stops
    found.status[ended] = np.where(is_target & ~beyond, TARGET_HIT, STOP_HIT)
    found.exit_at[ended] = np.where(beyond, paths.opened[places], paths.closed[places])
    at_level = np.where(is_target, proposals.targets[ended], proposals.stops[ended])
    found.exit_price[ended] = np.where(beyond, bars.price("open", ended, places), at_level)
    both = ended[stops & targets & ~beyond]
    found.is_ambiguous[both] = True
    if len(both):
        _decide(connection, found, proposals, paths, bars, both, steps.exits[both])
    return found


def _decide(
    connection: Connection,
    found: Outcomes,
    proposals: Proposals,
    paths: Paths,
    bars: _Turned,
    both: Ints,
    places: Ints,
) -> None:
    """Asks finer bars about those that hold both stop and target."""
    told = _SQL.rows(
        connection,
        "finer",
        numbers=array_of(range(len(both))),
        instrument_ids=array_of(proposals.instrument_ids[both].tolist()),
        opens=array_of(_instants(paths.opened[places])),
        closes=array_of(_instants(paths.closed[places])),
        bases=array_of(paths.bases[places].tolist()),
        scales=bars.scale(both, places).tolist(),
        signs=proposals.signs[both].tolist(),
        stops=proposals.stops[both].tolist(),
        targets=proposals.targets[both].tolist(),
        fills=array_of(_instants(found.fill_at[both])),
    )
    for row in told:
        one = both[row["number"]]
        found.exit_at[one] = int(row["exit_at"].timestamp()) // 60
        found.is_ambiguous[one] = row["first_is_target"] is None
        if row["first_is_target"]:
            found.status[one], found.exit_price[one] = TARGET_HIT, proposals.targets[one]
        elif row["opens_beyond_stop"]:
            found.exit_price[one] = row["exit_open"]


def _value(found: Outcomes, proposals: Proposals, steps: _Steps, cost_bps: float) -> None:
    """R and returns, gross and net, and the excursions."""
    sign, risk = proposals.signs, proposals.risks
    move, cost_pct = (found.exit_price - found.fill_price) * sign, 2.0 * cost_bps / 100.0
    found.r_multiple = move / risk
    found.gross_return_pct = 100.0 * move / found.fill_price
    found.net_return_pct = 100.0 * move / found.fill_price - cost_pct
    found.net_r = (move - found.fill_price * cost_pct / 100.0) / risk
    is_closed, start = ~np.isnan(found.exit_price), found.fill_price * sign
    highest = np.maximum(np.maximum(0.0, move / risk), (steps.best - start) / risk)
    lowest = np.minimum(np.minimum(0.0, move / risk), (steps.worst - start) / risk)
    found.mfe_r, found.mae_r = np.where(is_closed, highest, np.nan), np.where(is_closed, lowest, np.nan)


def _instants(minutes: Ints) -> list[datetime]:
    return [instant(minute) for minute in minutes.tolist()]
