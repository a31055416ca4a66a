"""API keys: 256 random bits that are shown once; of which only the sha256 is kept.

A token is found by its hash alone, so that the time an answer takes says nothing about how much of it was right.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.errors import NotFound, UsageInvalid
from signalhub.subscribers import values

ROLES = ("subscriber", "analyst", "operator")
"""What a key may do: see what its subscriber is entitled to; see all; see all and change."""

_SQL = Queries("subscribers/keys")
_TOKEN = re.compile(r"shk_[A-Za-z0-9_-]{43}")
_HINT_LENGTH = 10
"""Six letters of the random part: they tell keys apart, and 220 bits stay unknown."""


@dataclass(frozen=True)
class Principal:
    """Who is asking: what a key that opens something stands for. expires_at None: never."""

    subscriber_id: int
    name: str
    role: str
    key_id: int
    expires_at: datetime | None


@dataclass(frozen=True)
class Key:
    """A row of account.keys, without its hash. expires_at None: never; revoked_at None: not revoked."""

    key_id: int
    name: str
    """Of the subscriber."""
    role: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> str:
        """`valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


def issue(
    connection: Connection,
    subscriber_id: int,
    now: datetime,
    role: str = "subscriber",
    expires_at: datetime | None = None,
) -> tuple[str, Key]:
    """A new key: its token, which nobody can read again, and its row.

    Raises: UsageInvalid for an unknown role or an end that has passed.
    """
    if role not in ROLES:
        raise UsageInvalid(f"{role!r} is no role. Use one of {', '.join(ROLES)}.")
    if expires_at is not None and values.instant(expires_at, "expires") <= now:
        raise UsageInvalid(f"expires {expires_at:%Y-%m-%dT%H:%M}Z has passed: expected a time to come.")
    token = f"shk_{secrets.token_urlsafe(32)}"
    key_id = _SQL.scalar(
        connection,
        "issue",
        subscriber_id=subscriber_id,
        role=role,
        key_sha256=_sha256(token),
        hint=token[:_HINT_LENGTH],
        expires_at=expires_at,
        now=now,
    )
    return token, _one(connection, str(key_id))


def resolve(connection: Connection, token: str, now: datetime) -> Principal | None:
    """Who holds this token; None where it is wrong, expired or revoked, or its subscriber is not active."""
    if not _TOKEN.fullmatch(token):
        return None
    rows = _SQL.rows(connection, "resolve", key_sha256=_sha256(token), now=now)
    return Principal(**rows[0]) if rows else None


def every(connection: Connection, subscriber_id: int) -> list[Key]:
    """All keys of a subscriber, oldest first."""
    return [Key(**row) for row in _SQL.rows(connection, "of", subscriber_id=subscriber_id)]


def revoke(connection: Connection, words: str, now: datetime) -> Key:
    """Ends a key, named by its hint, its id or its token, for good. One that was revoked stays as it was.

    Raises: NotFound; UsageInvalid where several keys have this hint.
    """
    key = _one(connection, words)
    _SQL.run(connection, "revoke", key_id=key.key_id, now=now)
    return _one(connection, str(key.key_id))


def _one(connection: Connection, words: str) -> Key:
    is_token = bool(_TOKEN.fullmatch(words))
    rows = _SQL.rows(
        connection,
        "find",
        key_id=int(words) if re.fullmatch(r"[0-9]{1,9}", words) else None,
        hint=words if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", words) else None,
        key_sha256=_sha256(words) if is_token else None,
    )
    if len(rows) > 1:
        ids = ", ".join(str(row["key_id"]) for row in rows)
        raise UsageInvalid(f"Several keys begin with {words}: say which by its id, one of {ids}.")
    if not rows:
        shown = "token" if is_token else f"hint or id {words[:_HINT_LENGTH]!r}"
        raise NotFound(f"No key has this {shown}. `signalhub subscribers keys NAME` lists them.")
    return Key(**rows[0])


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
