"""Leaning: which way a strategy looks on a bar, written once for columns and for numbers.

A proposal is rare: the bar on which something happens. A lean lasts as long as its condition holds, so that several
strategies can be asked at once: the votes of `confluence`. A strategy that votes has `leans(now, before)`, made of
comparisons and of & and | alone: on columns it gives expressions for step one, on a candidate's rows plain bools for
step two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import polars as pl

from signalhub.strategies.base import previous


class Bar(Protocol):
    """A bar's values by column: numbers of a row, or expressions."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


@dataclass(frozen=True)
class Lean:
    """Whether a strategy looks up, whether it looks down: bools or boolean expressions. Both are no: it is silent."""

    long: Any
    short: Any


class Voter(Protocol):
    """A strategy that can be asked on every bar."""

    name: ClassVar[str]

    @property
    def needs(self) -> tuple[str, ...]:
        """Indicator columns that have a value wherever it is asked."""

    @property
    def version(self) -> str:
        """Which rule it is."""

    def leans(self, now: Bar, before: Bar) -> Lean:
        """Which way it looks on a bar, by that bar and the one before it. Reads nothing but `needs` and bars."""


class Columns:
    """A bar as expressions: the frame's own bar, or one some bars before it."""

    def __init__(self, bars_before: int = 0) -> None:
        self.bars_before = bars_before

    def __getitem__(self, name: str) -> pl.Expr:
        return previous(name, self.bars_before) if self.bars_before else pl.col(name)


NOW, BEFORE = Columns(), Columns(1)


def begins(condition: pl.Expr) -> pl.Expr:
    """The bars on which a condition holds and on the bar before, of the same instrument, did not.

    It is computed once: worth it where it is made of many columns.
    """
    is_its = pl.col("instrument_id") == pl.col("instrument_id").shift(1)
    return is_its & (condition.cast(pl.Int8).diff() == 1)
