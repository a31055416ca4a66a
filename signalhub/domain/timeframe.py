"""Timeframes: the six spans bars come in, and the UTC grid they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signalhub.errors import UsageInvalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Timeframe:
    """One of `1m 5m 15m 1h 4h 1d`; ordered from fine to coarse."""

    seconds: int
    code: str

    @property
    def span(self) -> timedelta:
        """The length of one bar."""
        return timedelta(seconds=self.seconds)

    def floor(self, instant: datetime) -> datetime:
        """The open of the bar that `instant` falls into."""
        since = (instant - _EPOCH) // timedelta(microseconds=1)
        return _EPOCH + timedelta(microseconds=since - since % (self.seconds * 1_000_000))

    def ceil(self, instant: datetime) -> datetime:
        """The first grid point at or after `instant`."""
        floor = self.floor(instant)
        return floor if floor == instant else floor + self.span

    def __str__(self) -> str:
        return self.code


M1 = Timeframe(60, "1m")
M5 = Timeframe(300, "5m")
M15 = Timeframe(900, "15m")
H1 = Timeframe(3600, "1h")
H4 = Timeframe(14400, "4h")
D1 = Timeframe(86400, "1d")

TIMEFRAMES: tuple[Timeframe, ...] = (M1, M5, M15, H1, H4, D1)
ROLLED_UP: tuple[Timeframe, ...] = TIMEFRAMES[1:]
_BY_CODE = {timeframe.code: timeframe for timeframe in TIMEFRAMES}


def parse(code: str) -> Timeframe:
    """The timeframe of a code such as `1h`.

    Raises: UsageInvalid, listing the codes.
    """
    try:
        return _BY_CODE[code]
    except KeyError:
        known = ", ".join(_BY_CODE)
        raise UsageInvalid(f"{code!r} is no timeframe. Use one of {known}.") from None


def coarser(timeframe: Timeframe, key: str) -> Timeframe | None:
    """The coarser timeframe that `+1` (so many steps) or a code such as `4h` means beside one; None: there is none.

    Raises: UsageInvalid for what is neither.
    """
    if key.startswith("+"):
        place = TIMEFRAMES.index(timeframe) + int(key)
        return TIMEFRAMES[place] if place < len(TIMEFRAMES) else None
    named = parse(key)
    return named if named > timeframe else None
