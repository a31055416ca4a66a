"""The connection every stage takes: a psycopg connection inside a transaction that somebody else ends.

Every instant that is read is in UTC, whatever the session's time zone is. Within a zone with daylight saving Python
compares and subtracts by the clock on the wall: in the night when it is put back two hours would be one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzBinaryLoader, TimestamptzLoader

Connection: TypeAlias = psycopg.Connection[Any]


class _UtcLoader(TimestamptzLoader):
    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


class _UtcBinaryLoader(TimestamptzBinaryLoader):
    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


psycopg.adapters.register_loader("timestamptz", _UtcLoader)
psycopg.adapters.register_loader("timestamptz", _UtcBinaryLoader)
