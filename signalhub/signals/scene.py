"""The scene: one snapshot made ready to be judged by any number of strategies; what they share is computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signalhub.bars.instruments import Instrument
from signalhub.domain.bar import OPEN_AT
from signalhub.domain.session import Calendar
from signalhub.domain.signal import Direction, Reason
from signalhub.signals.gate import GateRules, gated
from signalhub.signals.inputs import InputColumns
from signalhub.snapshot import Snapshot
from signalhub.strategies.base import Strategy

_RULES = GateRules()
_REASONS = tuple(Reason)
_CODES = {reason.value: code for code, reason in enumerate(_REASONS)}
_NO_REASON, _WARMING_UP, _DIRTY = -1, _REASONS.index(Reason.WARMING_UP), _REASONS.index(Reason.DIRTY)
_Flags = NDArray[np.bool_]
_Places = NDArray[np.int64]


@dataclass(frozen=True)
class Universe:
    """What evaluation knows besides the snapshot: instruments by id and their calendars by name."""

    instruments: Mapping[int, Instrument]
    calendars: Mapping[str, Calendar]

    def calendar_by_instrument(self, instrument_ids: Iterable[int]) -> dict[int, Calendar]:
        """The calendars of some of the instruments."""
        return {key: self.calendars[self.instruments[key].calendar] for key in instrument_ids}


@dataclass(frozen=True)
class Proposed:
    """A bar that a strategy proposes: where it stands in the frame, and whether the direction still cools down."""

    place: int
    close_number: int
    close_at: datetime
    instrument_id: int
    direction: Direction
    cools: bool


@dataclass(frozen=True)
class Asked:
    """What step one of a strategy, and the gate, say of the bars at the closes."""

    seen_by_close: list[int]
    abstaining: list[tuple[int, int, Reason]]
    """Number of the close, instrument, reason; by instrument and close."""
    proposed: list[Proposed]


class Scene:
    """A snapshot whose bars the gate has looked at.

    Shape: the snapshot's frame is ascending by (instrument_id, open_at). Columns that a strategy joins and the frame
    does not have are as if there were nothing to join.
    """

    def __init__(self, snapshot: Snapshot, universe: Universe, rules: GateRules = _RULES) -> None:
        present = [key for key in snapshot.frame["instrument_id"].unique().to_list() if key in universe.instruments]
        looked = gated(snapshot, rules, universe.calendar_by_instrument(present))
        is_seen = snapshot.frame["close_at"].is_in(pl.Series(snapshot.closes, dtype=OPEN_AT).implode())
        places = (is_seen & ~looked["is_delisted"]).arg_true()
        self.snapshot = snapshot
        self.universe = universe
        self.frame = snapshot.frame.with_row_index("place")
        self.columns = InputColumns(self.frame)
        self._ids = snapshot.frame["instrument_id"].gather(places).to_numpy()
        self._places: _Places = places.cast(pl.Int64).to_numpy()
        self._numbers = _numbers(snapshot.frame["close_at"].gather(places), snapshot.closes)
        self._before, self._after = (_codes(looked[name].gather(places)) for name in ("before", "after"))
        self._known: dict[str, _Flags] = {}
        self._served: dict[tuple[str, ...], tuple[frozenset[int], _Flags]] = {}
        self._proposals: dict[str, tuple[_Flags, _Flags]] = {}

    def served(self, strategy: Strategy) -> frozenset[int]:
        """The instruments of the universe that are of a class the strategy serves."""
        return self._of_classes(strategy)[0]

    def _of_classes(self, strategy: Strategy) -> tuple[frozenset[int], _Flags]:
        """The instruments of a strategy's classes, and which bars at the closes are theirs. Many serve the same."""
        classes = strategy.asset_classes
        if classes not in self._served:
            known = self.universe.instruments.items()
            keys = frozenset(key for key, instrument in known if instrument.asset_class in classes)
            self._served[classes] = keys, np.isin(self._ids, np.fromiter(keys, np.int64))
        return self._served[classes]

    def propose(self, strategies: Sequence[Strategy]) -> None:
        """Step one of some strategies, and where the columns are known that they need."""
        wanted = [strategy for strategy in strategies if _key(strategy) not in self._proposals]
        if not wanted:
            return
        self._join_nothing({name for strategy in wanted for name in strategy.joined})
        needs = {name for strategy in wanted for name in strategy.needs} - self._known.keys()
        known = self.frame.select(pl.col(sorted(needs)).is_not_null())
        self._known |= {name: known[name].to_numpy() for name in known.columns}
        for strategy in wanted:
            found = strategy.proposal.over(self.frame)
            self._proposals[_key(strategy)] = (found["long"].to_numpy(), found["short"].to_numpy())

    def asked(self, strategy: Strategy) -> Asked:
        """Step one of a strategy at the closes: who is seen, who abstains, which bars are proposed."""
        self.propose([strategy])
        _, is_served = self._of_classes(strategy)
        codes = self._reasons(strategy)
        is_seen = is_served & (codes == _NO_REASON)
        seen = np.bincount(self._numbers[is_seen], minlength=len(self.snapshot.closes))
        silent = np.flatnonzero(is_served & (codes != _NO_REASON))
        abstaining = [
            (number, instrument_id, _REASONS[code])
            for number, instrument_id, code in zip(
                self._numbers[silent].tolist(), self._ids[silent].tolist(), codes[silent].tolist(), strict=True
            )
        ]
        return Asked(seen.tolist(), abstaining, self._proposed(strategy, is_seen))

    def _proposed(self, strategy: Strategy, is_seen: _Flags) -> list[Proposed]:
        long, short = self._proposals[_key(strategy)]
        of_block = np.flatnonzero(is_seen & (long[self._places] | short[self._places]))
        bars = strategy.cooldown_bars(self.snapshot.timeframe)
        found = []
        for index in of_block.tolist():
            place, number = int(self._places[index]), int(self._numbers[index])
            for direction, flags in ((Direction.LONG, long), (Direction.SHORT, short)):
                if flags[place]:
                    first = max(place - bars, int(self._firsts[place]))
                    cools = bool(flags[first:place].any())
                    close_at = self.snapshot.closes[number]
                    found.append(Proposed(place, number, close_at, int(self._ids[index]), direction, cools))
        return found

    def _reasons(self, strategy: Strategy) -> NDArray[np.int8]:
        """Why each bar at the closes may not be scored; the first reason counts."""
        codes = self._before.copy()
        is_dirty = self._is_dirty(strategy) & ((codes == _NO_REASON) | (codes == _WARMING_UP))
        codes[is_dirty] = _DIRTY
        is_known = np.ones(len(codes), dtype=np.bool_)
        for name in strategy.needs:
            flags = self._known[name]
            # Whoever has no bar before its first one is warming up as it is.
            is_known &= flags[self._places] & flags[self._places - 1]
        codes[(codes == _NO_REASON) & ~is_known] = _WARMING_UP
        return np.where(codes == _NO_REASON, self._after, codes)

    def _is_dirty(self, strategy: Strategy) -> _Flags:
        """Which bars at the closes hang on bars of a context that are not computed yet. Hardly ever any."""
        found = np.zeros(len(self._ids), dtype=np.bool_)
        closes = np.array([close.timestamp() for close in self.snapshot.closes])[self._numbers]
        for key in strategy.contexts(self.snapshot.timeframe):
            for instrument_id, instant in self.snapshot.dirty_contexts.get(key, {}).items():
                found |= (self._ids == instrument_id) & (closes > instant.timestamp())
        return found

    @cached_property
    def _firsts(self) -> _Places:
        """The place of each row's instrument's first row."""
        ids = self.frame["instrument_id"].to_numpy()
        is_first = np.concatenate([[True], ids[1:] != ids[:-1]]) if len(ids) else np.zeros(0, dtype=np.bool_)
        return np.maximum.accumulate(np.where(is_first, np.arange(len(ids)), 0))

    def _join_nothing(self, names: Iterable[str]) -> None:
        lacking = [name for name in sorted(names) if name not in self.frame.columns]
        if lacking:
            self.frame = self.frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in lacking)
            self.columns = InputColumns(self.frame)


def _key(strategy: Strategy) -> str:
    return f"{strategy.name} {strategy.version} {id(strategy)}"


def _numbers(close_ats: pl.Series, closes: Sequence[datetime]) -> NDArray[np.int64]:
    """Which of the closes, which ascend, each one is."""
    known = pl.Series(closes, dtype=OPEN_AT).to_physical().to_numpy()
    return np.searchsorted(known, close_ats.to_physical().to_numpy())


def _codes(reasons: pl.Series) -> NDArray[np.int8]:
    return reasons.replace_strict(_CODES, default=_NO_REASON, return_dtype=pl.Int8).to_numpy().copy()
