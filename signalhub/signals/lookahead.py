"""Does a strategy look ahead, or hang on where its history begins? It is run on the same bars in other surroundings.

What it makes of a bar must not change when later bars are cut off or are others, when earlier ones are more than a
live evaluation has, when other instruments are not there, or when it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

import polars as pl

from signalhub.signals.looks import KEY, SIDES, Looks, Verdicts
from signalhub.snapshot.kept import REACH_BARS

CUT_OFF = "later bars cut off"
OTHERS = "other later bars"
SHORT = "a longer history"
ALONE = "other instruments"
AGAIN = "asked again"
CHECKS = (CUT_OFF, OTHERS, SHORT, ALONE, AGAIN)
_MOST_CUTS = 150
_MOST_FUTURES = 15
_MOST_JUDGED = 12
_KEPT = 5
"""Leaks of one check that are told; the others are as good as them."""


@dataclass(frozen=True)
class Leak:
    """A bar of which the strategy says something else in other surroundings."""

    check: str
    column: str
    """`long` or `short` of step one, or a column of what step two gives: `score`, `component trend`, `stop` …"""
    instrument_id: int
    close_at: datetime
    whole: Any
    """With the whole history."""
    other: Any
    """In the other surroundings."""
    reads: tuple[str, ...] = ()
    """The columns whose values there make the difference, where any alone does."""


@dataclass
class Checked:
    """What was compared, and what came of it."""

    bars: int = 0
    proposed: int = 0
    """Bars that are proposed in the whole history: where there are none, nothing was checked."""
    signals: int = 0
    comparisons: int = 0
    leaks: list[Leak] = field(default_factory=list)


Report = Callable[[str, int, int], None]


def check(looks: Looks, frame: pl.DataFrame, report: Report = lambda _what, _done, _of: None) -> Checked:
    """Runs every check on a frame of closed bars with all columns that the strategy declares.

    Shape: ascending by (instrument_id, close_at). Guarantees: writes nothing; the same frame gives the same leaks.
    Raises: PluginInvalid where the strategy fails, or reads what it does not declare.
    """
    frame = frame.select(looks.columns())
    trial = _Trial(looks, frame)
    done = Checked(frame.height, int(trial.whole.select(pl.sum_horizontal(pl.col(SIDES).sum())).item()))
    done.signals = len(trial.verdicts)
    for number, (name, leaks) in enumerate(trial.checks().items()):
        report(name, number, len(CHECKS))
        done.leaks += islice(leaks, _KEPT)
    done.comparisons = trial.comparisons
    report("done", len(CHECKS), len(CHECKS))
    return done


class _Trial:
    """One strategy on one frame: what it says of the whole, and of each part."""

    def __init__(self, looks: Looks, frame: pl.DataFrame) -> None:
        self.looks = looks
        self.frame = frame
        self.closes: list[datetime] = frame["close_at"].unique().sort().to_list()
        self.whole = looks.proposed(frame)
        self.verdicts = looks.judged(frame, self.closes)
        self.comparisons = 0
        proposed = self.whole.filter(pl.any_horizontal(SIDES))["close_at"].unique().sort().to_list()
        # Where it proposes, and in between: a proposal may vanish, and one may come.
        self.cuts = sorted({*_some(proposed, _MOST_CUTS), *_some(self.closes[:-1], _MOST_CUTS // 3)})
        self.judged_at = _some(sorted({close for _, close, _ in self.verdicts}), _MOST_JUDGED)

    def checks(self) -> dict[str, Iterator[Leak]]:
        """The leaks that each check finds, looked for when they are asked for."""
        return {
            CUT_OFF: chain(self._cut_off(), self._cut_off_judged()),
            OTHERS: chain(self._others(), self._others_judged()),
            SHORT: chain(self._short(), self._short_judged()),
            ALONE: self._alone(),
            AGAIN: self._again(),
        }

    def _cut_off(self) -> Iterator[Leak]:
        for cut in self.cuts:
            part = self.frame.filter(pl.col("close_at") <= cut)
            is_later = pl.col("close_at") > cut
            yield from self._compared(CUT_OFF, self.looks.proposed(part), is_later)

    def _cut_off_judged(self) -> Iterator[Leak]:
        for cut in self.judged_at:
            part = self.frame.filter(pl.col("close_at") <= cut)
            yield from self._judged(CUT_OFF, self.looks.judged(part, self._until(cut)), cut)

    def _others(self) -> Iterator[Leak]:
        for number, cut in enumerate(_some(self.cuts, _MOST_FUTURES)):
            is_later = pl.col("close_at") > cut
            other = self.looks.proposed(dealt(self.frame, is_later, seed=number)).filter(~is_later)
            yield from self._compared(OTHERS, other, is_later)

    def _others_judged(self) -> Iterator[Leak]:
        for number, cut in enumerate(self.judged_at):
            other = dealt(self.frame, pl.col("close_at") > cut, seed=number)
            yield from self._judged(OTHERS, self.looks.judged(other, self._until(cut)), cut)

    def _short(self) -> Iterator[Leak]:
        for cut in self.cuts:
            window = self._live(cut)
            firsts = dict(window.group_by("instrument_id").agg(pl.col("close_at").min()).iter_rows())
            first = pl.col("instrument_id").replace_strict(firsts, default=None, return_dtype=window["close_at"].dtype)
            found = self.looks.proposed(window).filter(pl.col("close_at") == cut)
            yield from self._compared(SHORT, found, (pl.col("close_at") < first).fill_null(value=False))

    def _short_judged(self) -> Iterator[Leak]:
        for cut in self.judged_at:
            yield from self._judged(SHORT, self.looks.judged(self._live(cut), [cut]), cut)

    def _alone(self) -> Iterator[Leak]:
        for instrument_id in self.frame["instrument_id"].unique().sort().to_list():
            is_its = pl.col("instrument_id") == instrument_id
            yield from self._compared(ALONE, self.looks.proposed(self.frame.filter(is_its)), ~is_its)

    def _again(self) -> Iterator[Leak]:
        yield from self._compared(AGAIN, self.looks.proposed(self.frame), None)
        yield from self._judged(AGAIN, self.looks.judged(self.frame, self.closes), self.closes[-1])

    def _live(self, close: datetime) -> pl.DataFrame:
        """The bars that a live evaluation of this close may have, at the least."""
        bars = REACH_BARS + self.looks.strategy.cooldown_bars(self.looks.timeframe) + 1
        until = self.frame.filter(pl.col("close_at") <= close)
        return until.group_by("instrument_id", maintain_order=True).tail(bars)

    def _until(self, cut: datetime) -> list[datetime]:
        return [close for close in self.closes if close <= cut]

    def _compared(self, check: str, other: pl.DataFrame, surroundings: pl.Expr | None) -> Iterator[Leak]:
        """Leaks of step one; `surroundings` are the rows that must not matter."""
        self.comparisons += other.height
        both = other.join(self.whole, on=list(KEY), how="inner", suffix="_whole", maintain_order="left")
        for side in SIDES:
            differing = both.filter(pl.col(side) != pl.col(f"{side}_whole"))
            for row in differing.head(_KEPT).iter_rows(named=True):
                key = row["instrument_id"], row["close_at"]
                reads = () if surroundings is None else self._culprits(side, key, surroundings)
                yield Leak(check, side, *key, row[f"{side}_whole"], row[side], reads)

    def _culprits(self, side: str, key: tuple[int, datetime], surroundings: pl.Expr) -> tuple[str, ...]:
        """The columns of which other values in the surroundings change what is said of this bar."""
        is_it = (pl.col("instrument_id") == key[0]) & (pl.col("close_at") == key[1])
        said = self.whole.filter(is_it)[side][0]

        def is_culprit(column: str) -> bool:
            others = (dealt(self.frame, surroundings, seed, [column]) for seed in range(4))
            return any(self.looks.proposed(other).filter(is_it)[side][0] != said for other in others)

        names = self.looks.strategy.propose().reads.difference(KEY)
        return tuple(name for name in sorted(names) if self.frame[name].dtype.is_float() and is_culprit(name))

    def _judged(self, check: str, other: Verdicts, cut: datetime) -> Iterator[Leak]:
        """Leaks of step two; a candidate that is there in one only is a matter of step one."""
        for key, verdict in other.items():
            whole = self.verdicts.get(key)
            if whole is None or key[1] > cut:
                continue
            self.comparisons += 1
            for column in sorted({*whole, *verdict}):
                if whole.get(column) != verdict.get(column):
                    yield Leak(check, column, key[0], key[1], whole.get(column), verdict.get(column))


def dealt(frame: pl.DataFrame, where: pl.Expr, seed: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The frame with the values of some rows dealt anew among them and stretched: of all float columns, or of these."""
    chosen = [name for name, dtype in frame.schema.items() if dtype == pl.Float64 and name != "price_factor"]
    chosen = chosen if columns is None else list(columns)
    picked = frame.filter(where)
    if picked.is_empty():
        return frame
    # Stretched too: values of other bars may be much alike, and those of other instruments far from its own.
    factor = (0.5, 3.0, 1e6, 1e-6)[seed % 4]
    mixed = picked.with_columns(
        (pl.col(name).shuffle(seed=seed * 1000 + number) * factor) for number, name in enumerate(chosen)
    )
    return pl.concat([frame.filter(~where), mixed]).sort(KEY)


def _some(values: Sequence[datetime], most: int) -> list[datetime]:
    """At most so many of them, spread evenly, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    step = (len(values) - 1) / (most - 1)
    return [values[round(number * step)] for number in range(most)]
