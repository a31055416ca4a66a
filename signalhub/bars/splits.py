"""Splits as rows of market.splits, and market.adjustments that follows from them.

Raw bars stay as they came. market.adjusted_bars shows them in today's shares, and all indicators are computed from
it: so a change here records everything of the instrument as dirty. Dividends are not adjusted for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalhub.bars import refreshes, sessions
from signalhub.bars.instruments import Instrument
from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.domain.session import ALWAYS, WEEKDAYS
from signalhub.domain.split import Split, SplitDay, adjustments, midnight
from signalhub.errors import DataUnusable
from signalhub.feeds.factor_files import FactorFile

_SQL, _RESCALE = Queries("bars/splits"), Queries("bars/rescale")
_DAY = timedelta(days=1)
_LONGEST_BREAK = timedelta(days=14)
_TELLING = 1.5
"""Below that a price moves so far over a night without any split, and its jump tells nothing."""


@dataclass(frozen=True)
class Recorded:
    """What a factor file changed of an instrument's splits."""

    splits: tuple[Split, ...]
    """All that are stored now, ascending."""
    added: tuple[Split, ...]
    removed: tuple[Split, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether the splits were all there already."""
        return not self.added and not self.removed


def record(
    connection: Connection, instrument: Instrument, file: FactorFile, now: datetime, *, is_sure: bool = False
) -> Recorded:
    """Stores the splits of a factor file in place of those stored for its span; the rest follows from them.

    Guarantees: the same file again changes nothing; splits before and after the file's span stay.
    Raises: DataUnusable where the bars do not jump as raw ones would, unless the caller `is_sure`.
    """
    key = {"instrument_id": instrument.instrument_id}
    _SQL.run(connection, "lock_instrument", **key)
    wanted = _effective(connection, instrument.calendar, file.splits)
    stored = of_instrument(connection, instrument.instrument_id)
    told = {split for split in stored if _is_told(split, file, wanted)}
    added, removed = sorted(wanted - told), sorted(told - wanted)
    if not is_sure:
        _refuse_adjusted(connection, instrument, added)
    if added or removed:
        _SQL.run(connection, "delete", **key, effective_ats=[split.effective_at for split in removed])
        _insert(connection, instrument, added, file.path.name, now)
        _adjust(connection, instrument)
        # Rows whose bars were dropped are never computed again: only here they change.
        refreshes.record_whole(connection, [instrument.instrument_id], now)
    return Recorded(tuple(of_instrument(connection, instrument.instrument_id)), tuple(added), tuple(removed))


def of_instrument(connection: Connection, instrument_id: int) -> list[Split]:
    """The splits of an instrument, ascending."""
    rows = _SQL.rows(connection, "stored", instrument_id=instrument_id)
    return [Split(row["effective_at"], row["ratio"]) for row in rows]


def _is_told(split: Split, file: FactorFile, wanted: Iterable[Split]) -> bool:
    last = max([midnight(file.last_day), *(item.effective_at for item in wanted)])
    return midnight(file.first_day) <= split.effective_at <= last


def _effective(connection: Connection, calendar: str, days: Sequence[SplitDay]) -> set[Split]:
    """A split takes effect at 00:00 UTC of the day of the next session; around the clock, of the next day."""
    ends = [midnight(item.last_day) + _DAY for item in days]
    if not ends or calendar in (ALWAYS, WEEKDAYS):
        return {Split(end, item.ratio) for end, item in zip(ends, days, strict=True)}
    sessions.ensure(connection, calendar, min(ends), max(ends) + _LONGEST_BREAK)
    rows = _SQL.rows(connection, "session_days", calendar=calendar, day_ends=ends)
    known = {row["day_end"]: row["effective_at"] for row in rows}
    return {Split(known[end] or end, item.ratio) for end, item in zip(ends, days, strict=True)}


def _refuse_adjusted(connection: Connection, instrument: Instrument, added: Sequence[Split]) -> None:
    """Adjusting what somebody adjusted already would make a jump where there is none."""
    telling = {split.effective_at: split for split in added if abs(math.log(split.ratio)) >= math.log(_TELLING)}
    parameters = {"instrument_id": instrument.instrument_id, "effective_ats": sorted(telling)}
    for jump in _SQL.rows(connection, "jumps", **parameters):
        split = telling[jump["effective_at"]]
        before, after = jump["close_before"], jump["open_after"]
        if math.log(before / after) / math.log(split.ratio) < 0.5:
            raise DataUnusable(
                f"The bars of {instrument.public_symbol} go from {before:g} to {after:g} on "
                f"{split.effective_at:%Y-%m-%d}, where a split of {split.ratio:g} for 1 is said to be: they seem to be "
                "adjusted already. Import raw bars, or record the splits all the same with --force."
            )


def _insert(connection: Connection, instrument: Instrument, added: Sequence[Split], source: str, now: datetime) -> None:
    _SQL.run(
        connection,
        "insert",
        instrument_id=instrument.instrument_id,
        effective_ats=[split.effective_at for split in added],
        ratios=[split.ratio for split in added],
        source=source,
        now=now,
    )


def _adjust(connection: Connection, instrument: Instrument) -> None:
    """Adjustments anew from the stored splits; everything that hangs on the bars is to be computed again."""
    key = {"instrument_id": instrument.instrument_id}
    spans = adjustments(of_instrument(connection, instrument.instrument_id))
    _rescale(connection, instrument, is_back=True)
    _SQL.run(connection, "delete_adjustments", **key)
    _SQL.run(
        connection,
        "insert_adjustments",
        **key,
        from_ats=[span.from_at for span in spans],
        to_ats=[span.to_at for span in spans],
        price_factors=[span.price_factor for span in spans],
    )
    _rescale(connection, instrument, is_back=False)
    _SQL.run(connection, "record_dirty", **key)


def _rescale(connection: Connection, instrument: Instrument, *, is_back: bool) -> None:
    for name in ("rescale_rows", "rescale_states"):
        _RESCALE.run(connection, name, instrument_id=instrument.instrument_id, is_back=is_back)
