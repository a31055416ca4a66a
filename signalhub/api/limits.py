"""Limits: how often somebody may ask, as token buckets in memory. One process's own; nothing survives a restart."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from signalhub import clock

_MOST_BUCKETS = 50_000


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


@dataclass(frozen=True)
class Taken:
    """What came of asking for one more: seconds to wait where it was too much, and what the headers say."""

    limit: int
    remaining: int
    reset_seconds: int
    wait_seconds: int

    @property
    def is_refused(self) -> bool:
        """Too much, for now."""
        return self.wait_seconds > 0

    @property
    def headers(self) -> dict[str, str]:
        """RateLimit headers, and Retry-After where it was too much."""
        told = {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_seconds),
        }
        return told | ({"retry-after": str(self.wait_seconds)} if self.is_refused else {})


class Limit:
    """So many a minute for each of those who ask; unused ones are saved up to a minute's worth."""

    def __init__(self, per_minute: int, stopwatch: Callable[[], float] = clock.stopwatch) -> None:
        self.per_minute = per_minute
        self._stopwatch = stopwatch
        self._buckets: dict[Hashable, _Bucket] = {}

    def take(self, who: Hashable) -> Taken:
        """One more by `who`."""
        bucket = self._filled(who)
        is_refused = bucket.tokens < 1
        bucket.tokens -= 0 if is_refused else 1
        return self._taken(bucket, is_refused)

    def look(self, who: Hashable) -> Taken:
        """What `take` would say, without taking."""
        bucket = self._filled(who)
        return self._taken(bucket, bucket.tokens < 1)

    def _filled(self, who: Hashable) -> _Bucket:
        now = self._stopwatch()
        bucket = self._buckets.get(who)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[who] = _Bucket(self.per_minute, now)
        bucket.tokens = min(self.per_minute, bucket.tokens + (now - bucket.filled_at) * self.per_minute / 60)
        bucket.filled_at = now
        return bucket

    def _make_room(self, now: float) -> None:
        # Whoever did not ask for a minute has a full bucket, which is what a new one would be.
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets = {who: bucket for who, bucket in self._buckets.items() if now - bucket.filled_at < 60}

    def _taken(self, bucket: _Bucket, is_refused: bool) -> Taken:
        a_second = self.per_minute / 60
        reset = math.ceil((self.per_minute - bucket.tokens) / a_second)
        wait = max(1, math.ceil((1 - bucket.tokens) / a_second)) if is_refused else 0
        return Taken(self.per_minute, int(bucket.tokens), reset, wait)
