"""Preferences over HTTP: what a subscriber wants to hear of, where and when; and a message to try it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, QueryParameter

from signalhub import clock
from signalhub.api import problems
from signalhub.api.access import SUBSCRIBER
from signalhub.api.edge import AccessDependency
from signalhub.api.parameters import DatabaseDependency
from signalhub.domain.wire import plain_row
from signalhub.outbox.publish import queue_test
from signalhub.subscribers import people, preferences
from signalhub.subscribers.preferences import CHANNELS, Preferences


@dataclass(frozen=True)
class PreferencesOnTheWire:
    """Null lists do not narrow; null channels: every channel there is an address for.

    quiet_hours is `22:00-07:00` and digest_at `08:00`, both in the subscriber's time zone.
    """

    symbols: list[str] | None = None
    asset_classes: list[str] | None = None
    timeframes: list[str] | None = None
    directions: list[str] | None = None
    min_score: float = 0
    channels: list[str] | None = None
    quiet_hours: str | None = None
    daily_cap: int | None = None
    digest_at: str | None = None
    weekly: bool = False

    @classmethod
    def of(cls, stored: Preferences) -> PreferencesOnTheWire:
        """Preferences as they go over the wire."""
        return cls(**plain_row(preferences.as_json(stored)))


@dataclass(frozen=True)
class Queued:
    """The channels that will carry the test message."""

    channels: list[str]


_EXAMPLE = PreferencesOnTheWire(symbols=["BTC/USDT"], min_score=65, quiet_hours="22:00-07:00", digest_at="08:00")
_CHANNEL = QueryParameter(
    description="Only this channel; else all that are wanted.", schema_extra={"enum": list(CHANNELS)}
)


def _documented(description: str) -> ResponseSpec:
    examples = [Example(summary="Bitcoin by day", value=_EXAMPLE)]
    return ResponseSpec(PreferencesOnTheWire, generate_examples=False, description=description, examples=examples)


class PreferencesOfMine(Controller):
    """The preferences of whoever's key it is."""

    path = "/api/v1/preferences"
    tags = ("preferences",)
    opt = {"role": SUBSCRIBER}  # noqa: RUF012 — Litestar's attribute.

    @get(
        sync_to_thread=True,
        summary="Get preferences",
        responses={200: _documented("The preferences."), **problems.documented(401, 403, 429, 503)},
    )
    def read(self, database: DatabaseDependency, access: AccessDependency) -> PreferencesOnTheWire:
        """What the subscriber wants."""
        with database.transaction() as connection:
            return PreferencesOnTheWire.of(preferences.get(connection, access.owner))

    @put(
        sync_to_thread=True,
        summary="Replace preferences",
        description="What is left out becomes its default.",
        responses={200: _documented("As they are stored now."), **problems.documented(400, 401, 403, 429, 503)},
    )
    def replace(
        self, database: DatabaseDependency, access: AccessDependency, data: JSONBody[dict[str, Any]]
    ) -> PreferencesOnTheWire:
        """Replaces what the subscriber wants."""
        wanted = preferences.read(data)
        with database.transaction() as connection:
            return PreferencesOnTheWire.of(preferences.put(connection, access.owner, wanted, clock.now()))

    @post(
        "/test",
        opt={"parameters": ("channel",)},
        sync_to_thread=True,
        status_code=202,
        summary="Send me a test message",
        responses={
            202: ResponseSpec(
                Queued,
                description="Queued.",
                generate_examples=False,
                examples=[Example(summary="By e-mail", value=Queued(["email"]))],
            ),
            **problems.documented(400, 401, 403, 429, 503),
        },
    )
    def test(
        self,
        database: DatabaseDependency,
        access: AccessDependency,
        channel: Annotated[str | None, _CHANNEL] = None,
    ) -> Queued:
        """Queues a test message."""
        with database.transaction() as connection:
            subscriber = people.by_id(connection, access.owner)
            channels = people.reachable(subscriber, preferences.get(connection, access.owner), channel)
            queue_test(connection, access.owner, channels, clock.now())
            return Queued(channels)
