"""Sessions: who logged in to the page with a key. Kept in the database, as a sha256, until they end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries

COOKIE = "signalhub_session"
LIFE = timedelta(days=14)

_SQL = Queries("api/sessions")


@dataclass(frozen=True)
class Session:
    """A login that has not ended: of which key, and until when."""

    key_id: int
    expires_at: datetime


def begin(connection: Connection, key_id: int, now: datetime) -> str:
    """The secret of a new session of this key; it ends with the key at the latest."""
    token = secrets.token_urlsafe(32)
    _SQL.run(connection, "forget_old", now=now)
    _SQL.run(connection, "open", session_sha256=_sha256(token), key_id=key_id, now=now, expires_at=now + LIFE)
    return token


def find(connection: Connection, tokens: Sequence[str], now: datetime) -> dict[str, Session]:
    """The sessions of these secrets that go on."""
    by_sha256 = {_sha256(token): token for token in tokens}
    rows = _SQL.rows(connection, "going_on", sessions=list(by_sha256), now=now)
    return {by_sha256[row.pop("session_sha256")]: Session(**row) for row in rows}


def end(connection: Connection, token: str) -> None:
    """Logs out."""
    _SQL.run(connection, "close", session_sha256=_sha256(token))


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
