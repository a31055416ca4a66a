"""Access: who is asking, in which role, and which signals they may see until when."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from litestar.exceptions import NotAuthorizedException

from signalhub.db.connection import Connection
from signalhub.db.queries import Queries
from signalhub.signals.read import Visible
from signalhub.subscribers.keys import Principal

ANYONE, SUBSCRIBER, ANALYST, OPERATOR = "anyone", "subscriber", "analyst", "operator"
ROLES = (ANYONE, SUBSCRIBER, ANALYST, OPERATOR)
"""Each may do what those before it may."""

Span: TypeAlias = tuple[str, datetime, datetime]
"""A strategy, owned from then until then."""
_SQL = Queries("api/access")


@dataclass(frozen=True)
class Access:
    """What somebody who asks may do. key_id None: anonymous. visible None: every signal."""

    role: str
    name: str = "anonymous"
    subscriber_id: int | None = None
    key_id: int | None = None
    visible: Visible | None = None
    until: datetime | None = None
    """From then on it has to be looked up again: a key, a session or an entitlement begins or ends."""
    session: str | None = None
    """The session's secret, where the page's cookie brought it."""

    @property
    def csrf_token(self) -> str | None:
        """What writes of this session have to carry, as X-CSRF-Token or as the form's csrf_token."""
        return None if self.session is None else csrf_token(self.session)

    @property
    def owner(self) -> int:
        """The subscriber whose key it is.

        Raises: NotAuthorizedException where nobody's key was given.
        """
        if self.subscriber_id is None:
            raise NotAuthorizedException("This is about a subscriber: send a key.")
        return self.subscriber_id

    def may(self, role: str) -> bool:
        """Whether a route of this role is open to them."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def is_good(self, now: datetime) -> bool:
        """Whether what was looked up still holds, as far as time goes."""
        return self.until is None or now < self.until


NOBODY = Access(ANYONE, visible=Visible())
READER = Access(ANALYST)
"""Anybody, where the operator opened the page: reads everything, writes nothing."""


def csrf_token(session: str) -> str:
    """Belongs to one session and tells nothing about it."""
    return hmac.new(session.encode(), b"signalhub csrf", hashlib.sha256).hexdigest()


def of_principal(connection: Connection, principal: Principal, now: datetime) -> Access:
    """What a key opens now."""
    return _of(principal, _spans(connection, [principal.subscriber_id]).get(principal.subscriber_id, []), now)


def of_keys(connection: Connection, key_ids: Sequence[int], now: datetime) -> dict[int, Access]:
    """What keys open now, by id; those that are revoked or expired, or whose owner is not active, are left out."""
    rows = _SQL.rows(connection, "holders", key_ids=list(key_ids), now=now)
    holders = [Principal(**row) for row in rows]
    spans = _spans(connection, [holder.subscriber_id for holder in holders])
    return {holder.key_id: _of(holder, spans.get(holder.subscriber_id, []), now) for holder in holders}


def _of(principal: Principal, spans: Sequence[Span], now: datetime) -> Access:
    ends = [principal.expires_at] if principal.expires_at else []
    visible = None
    if principal.role == SUBSCRIBER:
        ends += [instant for _, *both in spans for instant in both if instant > now]
        visible = visible_at(spans, now)
    return Access(
        principal.role, principal.name, principal.subscriber_id, principal.key_id, visible, min(ends, default=None)
    )


def visible_at(spans: Sequence[Span], now: datetime) -> Visible:
    """Of strategies that are owned now everything, of others what closed while they were owned."""
    owned = {strategy for strategy, begin, end in spans if begin <= now < end}
    past = {span for span in spans if span[0] not in owned and span[2] <= now}
    return Visible(tuple(sorted(owned)), tuple(sorted(past)))


def _spans(connection: Connection, subscriber_ids: Sequence[int]) -> dict[int, list[Span]]:
    spans: dict[int, list[Span]] = {}
    for row in _SQL.rows(connection, "spans", subscriber_ids=list(subscriber_ids)):
        span = (row["strategy"], row["valid_from"], row["valid_until"])
        spans.setdefault(row["subscriber_id"], []).append(span)
    return spans
