"""The contract of a feed: an adapter that lists instruments and yields closed bars.

A feed module declares `FEED`, an instance of a subclass of Feed. It writes nothing: what it yields goes to
`bars.ingest`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import polars as pl

from signalhub.domain.instrument import InstrumentSpec
from signalhub.domain.timeframe import Timeframe


class Feed(ABC):
    """Where bars come from."""

    name: ClassVar[str]
    """The source's name, as stored in market.sources."""
    is_live: ClassVar[bool]
    """Whether its bars arrive as they close, so that signals on them may be of origin `live`."""

    @abstractmethod
    def instruments(self) -> Sequence[InstrumentSpec]:
        """What the feed can give bars of."""

    @abstractmethod
    def fetch(self, spec: InstrumentSpec, timeframe: Timeframe, since: datetime, until: datetime) -> pl.DataFrame:
        """The closed bars with `since <= open_at` and `close_at <= until`.

        Shape: domain.bar.BAR_SCHEMA, ascending by open_at, no duplicates, never a forming bar.
        Guarantees: the same arguments give the same bars unless the venue corrected them.
        Raises: FeedUnavailable with one line that says what did not answer.
        """
