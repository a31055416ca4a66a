"""Step two over all history at once: candidates scored and given levels, as `signals.judge` does it one by one.

The strategy judges each candidate by its own code. What follows is arithmetic on all of them: it is exact where a float
says enough, and asks the decimal rule where it does not, so that the same signals come out, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from signalhub.performance.assessing import Part, direction
from signalhub.performance.candidates import Candidates
from signalhub.performance.helping import Helpers
from signalhub.performance.market import Market
from signalhub.performance.paths import Floats, Ints
from signalhub.performance.rounding import hundredths, rounded_levels
from signalhub.signals.judge import Terms
from signalhub.signals.levels import atr_levels, structure_levels
from signalhub.snapshot import PRICE_FACTOR, Snapshot
from signalhub.snapshot.frame import BAR_VALUES
from signalhub.strategies.base import Strategy

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Judged:
    """Candidates that became signals, an array a value, ascending by place; and what held the others back.

    Units: scores in hundredths; prices in quote currency of the signal's date.
    """

    places: Ints
    signs: Ints
    scores: Ints
    entries: Floats
    stops: Floats
    targets: Floats
    risks: Floats
    below_threshold: int
    below_tick: int


def judged(
    market: Market,
    strategy: Strategy,
    found: Candidates,
    terms: Terms,
    helpers: Helpers,
    told: Told = lambda _done, _of: None,
) -> Judged:
    """What the candidates are worth under the terms."""
    part = _part(market.seen, strategy, found)
    said = helpers.assessed(strategy, part, float(terms.min_score), market.columns, market.features, told)
    scores = hundredths(said.totals)
    # Compared as the rule compares: exactly.
    passing = np.flatnonzero(scores >= int((terms.min_score * 100).to_integral_value("ROUND_CEILING")))
    places, signs = found.places[passing], found.signs[passing]
    ids = market.seen.frame["instrument_id"].gather(places).to_numpy()
    ticks = {key: market.universe.instruments[key].tick_size for key in np.unique(ids).tolist()}
    close, atr = part.value("close")[passing], part.value("atr_14")[passing]
    multiples = (strategy.stop_atr, strategy.target_atr)
    levels = rounded_levels(signs, close, atr, multiples, ids, ticks)
    found_by_place = {at: said.structures[one] for at, one in enumerate(passing.tolist()) if one in said.structures}
    for index in {*np.flatnonzero(levels.is_unsure).tolist(), *found_by_place}:
        way, tick = direction(signs[index]), ticks[int(ids[index])]
        price, structure = float(close[index]), found_by_place.get(index)
        if structure is not None:
            levels.put(index, structure_levels(way, price, structure, tick))
        else:
            levels.put(index, atr_levels(way, price, float(atr[index]), multiples, tick))
    good = levels.is_in_order
    return Judged(
        *(places[good], signs[good], scores[passing][good]),
        *(levels.entry[good], levels.stop[good], levels.target[good], levels.risk[good]),
        len(part) - len(passing),
        int(np.count_nonzero(~good)),
    )


def _part(seen: Snapshot, strategy: Strategy, found: Candidates) -> Part:
    chosen = seen.frame.select(*BAR_VALUES, *strategy.columns, PRICE_FACTOR)
    return Part(seen.timeframe, chosen[found.places], chosen[found.places - 1], found.places, found.signs)
