"""Verdicts: what a channel says about one try to send a message. Values, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias


@dataclass(frozen=True)
class Sent:
    """The receiver has taken it. `detail`: the receiver's own id or answer, where there is one."""

    detail: str | None = None


@dataclass(frozen=True)
class RetryAt:
    """Surely not sent, and a later try may work. `after`: what the receiver asked us to wait, where it did."""

    detail: str
    after: timedelta | None = None


@dataclass(frozen=True)
class Undeliverable:
    """Surely not sent, and no later try will work: a dead letter."""

    detail: str


@dataclass(frozen=True)
class Uncertain:
    """The bytes left and no answer came: it may have arrived. Not sent again blindly."""

    detail: str


@dataclass(frozen=True)
class PutOff:
    """No verdict: nothing was tried, since the receiver's turn comes only after so long. It costs no try."""

    after: timedelta


Verdict: TypeAlias = Sent | RetryAt | Undeliverable | Uncertain
