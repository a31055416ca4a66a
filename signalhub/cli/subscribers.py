"""Commands about subscribers: who receives signals, which, where, and with what key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from signalhub import clock
from signalhub.cli import output, subscriber_views, subscriber_words
from signalhub.cli.context import Context, pass_context
from signalhub.cli.options import Instant
from signalhub.db.connection import Connection
from signalhub.domain.wire import to_json
from signalhub.outbox.publish import queue_test
from signalhub.subscribers import entitlements, keys, people, preferences
from signalhub.subscribers.people import Subscriber
from signalhub.subscribers.preferences import CHANNELS

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
_STRATEGIES = click.argument("strategies", nargs=-1, required=True, metavar="STRATEGY…")


@click.group()
def subscribers() -> None:
    """Manage who receives signals: addresses, strategies, preferences, keys."""


@subscribers.command()
@click.argument("name")
@click.option("--email", metavar="ADDRESS", help="Where e-mail goes.")
@click.option("--telegram", metavar="CHAT_ID", help="Number of the chat with the bot.")
@click.option("--webhook", metavar="URL", help="Where signed webhooks go.")
@click.option("--time-zone", metavar="ZONE", help="Such as Europe/Berlin, for times of day. Default: UTC.")
@click.option("--strategy", "strategies", multiple=True, metavar="STRATEGY", help="Entitle to it; may be given again.")
@click.option("--all-strategies", is_flag=True, help="Entitle to each strategy there is now.")
@pass_context
def add(context: Context, /, name: str, strategies: tuple[str, ...], all_strategies: bool, **given: str | None) -> None:
    """Add a subscriber. They get signals of the strategies they are entitled to, at each address they have."""
    now = clock.now()
    about, _ = subscriber_words.sorted_out({key: words for key, words in given.items() if words is not None})
    names = (*strategies, entitlements.ALL) if all_strategies else strategies
    with context.database() as database, database.transaction() as connection:
        made = people.add(connection, name, about, context.settings, now, subscriber_words.shown)
        owned = entitlements.grant(connection, made.subscriber_id, names, now) if names else []
        secret = people.webhook_secret(connection, made.subscriber_id)
    output.say(f"Added {name}: {subscriber_views.reached(made)}; {subscriber_views.owned(owned)}.")
    _tell_secret(secret)


@subscribers.command("list")
@_AS_JSON
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List subscribers, with the strategies they are entitled to now."""
    now = clock.now()
    with context.database() as database, database.reading() as connection:
        everybody = people.every(connection)
        owned = entitlements.current(connection, now)
    if as_json:
        output.say(to_json([subscriber_views.summary(one, owned) for one in everybody], indent=1))
    elif everybody:
        subscriber_views.show_all(everybody, owned)
    else:
        output.say("No subscribers yet. `signalhub subscribers add NAME` adds one.")


@subscribers.command()
@click.argument("name")
@_AS_JSON
@pass_context
def show(context: Context, name: str, as_json: bool) -> None:
    """Show a subscriber: addresses, preferences, every entitlement there is or was, keys."""
    now = clock.now()
    with context.database() as database, database.reading() as connection:
        whole = subscriber_views.read(connection, people.find(connection, name), now)
    if as_json:
        output.say(to_json(whole.as_json(), indent=1))
    else:
        subscriber_views.show(whole, now)


@subscribers.command("set")
@click.argument("name")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@pass_context
def set_(context: Context, name: str, changes: tuple[str, ...]) -> None:
    """Set addresses and preferences; an empty value clears.

    \b
    email=ADDRESS telegram=CHAT_ID webhook=URL time-zone=ZONE active=yes|no
    symbols=BTC/USDT,ETH/USDT asset-classes=crypto timeframes=1h,4h directions=long
    min-score=60 channels=email,telegram quiet-hours=22:00-07:00 daily-cap=10
    digest-at=08:00 weekly=yes|no
    """
    words = subscriber_words.pairs(changes)
    about, wanted = subscriber_words.sorted_out(words)
    with context.database() as database, database.transaction() as connection:
        before = people.find(connection, name)
        sid, told = before.subscriber_id, subscriber_words.shown
        after = people.change(connection, sid, about, context.settings, told)
        held = preferences.change(connection, sid, wanted, clock.now(), told)
        secret = people.webhook_secret(connection, sid) if after.webhook_url != before.webhook_url else None
    subscriber_views.show_values(subscriber_views.settable(after, held), only=list(words))
    _warn(after, held.channels)
    _tell_secret(secret)


@subscribers.command()
@click.argument("name")
@_STRATEGIES
@click.option("--from", "valid_from", type=Instant(), help="Default: now.")
@click.option("--until", "valid_until", type=Instant(), help="Default: without end.")
@pass_context
def grant(
    context: Context,
    name: str,
    strategies: tuple[str, ...],
    valid_from: datetime | None,
    valid_until: datetime | None,
) -> None:
    """Entitle a subscriber to strategies, or to `all` there are now. What they own already is kept."""
    now = clock.now()
    with context.database() as database, database.transaction() as connection:
        sid = people.find(connection, name).subscriber_id
        new = entitlements.grant(connection, sid, strategies, now, valid_from, valid_until)
    if not new:
        output.say(f"{name} was entitled to that already: nothing changed. `revoke` ends an entitlement.")
    for span in new:
        output.say(f"{name}: {span.strategy} {subscriber_views.span(span)}")


@subscribers.command()
@click.argument("name")
@_STRATEGIES
@pass_context
def revoke(context: Context, name: str, strategies: tuple[str, ...]) -> None:
    """End entitlements to strategies now, or to `all`. They stay on record."""
    now = clock.now()
    with context.database() as database, database.transaction() as connection:
        ended = entitlements.revoke(connection, people.find(connection, name).subscriber_id, strategies, now)
    output.say(f"{name}: ended {', '.join(ended)}." if ended else f"{name} was not entitled to that: nothing changed.")


@subscribers.command()
@click.argument("name")
@click.option("--role", type=click.Choice(keys.ROLES), default=keys.ROLES[0], show_default=True)
@click.option("--expires", type=Instant(), help="Default: never.")
@pass_context
def key(context: Context, name: str, role: str, expires: datetime | None) -> None:
    """Make a key for the API and the page. It is on stdout, once; only its sha256 is kept."""
    with context.database() as database, database.transaction() as connection:
        owner = people.find(connection, name)
        token, made = keys.issue(connection, owner.subscriber_id, clock.now(), role, expires)
    output.say(token)
    click.echo(
        f"Key {made.key_id} of {name}: role {made.role}, expires {subscriber_views.utc(expires, 'never')}. "
        "It is not shown again: keep it safe.",
        err=True,
    )


@subscribers.command("keys")
@click.argument("name")
@_AS_JSON
@pass_context
def keys_(context: Context, name: str, as_json: bool) -> None:
    """List a subscriber's keys by the beginning of their tokens."""
    now = clock.now()
    with context.database() as database, database.reading() as connection:
        found = keys.every(connection, people.find(connection, name).subscriber_id)
    if as_json:
        output.say(to_json([subscriber_views.key(one) for one in found], indent=1))
    elif found:
        subscriber_views.show_keys(found, now)
    else:
        output.say(f"{name} has no keys. `signalhub subscribers key {name}` makes one.")


@subscribers.command("revoke-key")
@click.argument("hint", metavar="HINT|ID")
@pass_context
def revoke_key(context: Context, hint: str) -> None:
    """End a key for good, named by the beginning of its token or its id."""
    with context.database() as database, database.transaction() as connection:
        ended = keys.revoke(connection, hint, clock.now())
    since = subscriber_views.utc(ended.revoked_at)
    output.say(f"Key {ended.key_id} ({ended.hint}…) of {ended.name} is revoked since {since} UTC.")


@subscribers.command()
@click.argument("name")
@click.option("--channel", type=click.Choice(CHANNELS), help="Default: each one that alerts would go to.")
@pass_context
def test(context: Context, name: str, channel: str | None) -> None:
    """Queue a test message. `signalhub run` sends it."""
    with context.database() as database, database.transaction() as connection:
        receiver = people.find(connection, name)
        channels = _reachable(connection, receiver, channel)
        queue_test(connection, receiver.subscriber_id, channels, clock.now())
    output.say(f"Queued a test message to {name} by {', '.join(channels)}.")


def _reachable(connection: Connection, subscriber: Subscriber, channel: str | None) -> list[str]:
    return people.reachable(subscriber, preferences.get(connection, subscriber.subscriber_id), channel)


def _warn(subscriber: Subscriber, channels: Sequence[str] | None) -> None:
    missing = [channel for channel in channels or () if channel not in subscriber.channels]
    if missing:
        click.echo(f"{subscriber.name} has no address for {', '.join(missing)}: nothing is sent there.", err=True)


def _tell_secret(secret: str | None) -> None:
    if secret is not None:
        output.say(f"Webhooks are signed with {secret} (Standard Webhooks): give it to their receiver alone.")


COMMANDS = (subscribers,)
