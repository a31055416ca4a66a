"""The scenes that golden files show: signals put in by SQL under fixed numbers, and messages about them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from signalhub.channels.base import Content
from signalhub.channels.render import Renderer
from signalhub.db.connection import Connection
from signalhub.outbox.queue import Claimed
from signalhub.settings import Settings
from tests import records
from tests.outbox_stage import add_subscriber, grant

CLOSE = datetime(2026, 1, 2, 13, tzinfo=UTC)
"""A Friday, 14:00 in Berlin."""
MORNING = datetime(2026, 1, 3, 7, tzinfo=UTC)
"""08:00 in Berlin on the day after."""
SETTINGS = Settings(public_url="https://signals.example.org")
MOMENTUM: dict[str, Any] = {
    "entry": Decimal("50123.45"),
    "stop": Decimal("49876.54"),
    "target": Decimal("51234.56"),
    "score": Decimal("64.80"),
    "reason": "Close broke the 20-bar high on 1.8× volume; 4h trend up.",
    "valid_until": CLOSE + timedelta(hours=4),
}
HIT: dict[str, Any] = {
    "status": "target_hit",
    "fill_at": CLOSE,
    "fill_price": 50130.0,
    "exit_at": CLOSE + timedelta(hours=3, minutes=20),
    "exit_price": 51234.56,
    "gross_return_pct": 2.2034,
    "net_return_pct": 2.0034,
    "r_multiple": 4.4735,
    "net_r": 4.0675,
    "mfe_r": 4.4735,
    "mae_r": -0.2,
}
STOPPED: dict[str, Any] = HIT | {
    "status": "stop_hit",
    "exit_price": 49876.54,
    "net_return_pct": -0.7056,
    "r_multiple": -1.0265,
    "net_r": -1.4326,
    "is_ambiguous": True,
}
MISSED: dict[str, Any] = {"status": "expired", "exit_at": CLOSE + timedelta(hours=14)}
GAPPED: dict[str, Any] = {"status": "cancelled", "fill_at": CLOSE, "fill_price": 51300.0, "exit_at": CLOSE}


def message(kind: str, **changes: Any) -> Claimed:
    """A claimed message to Ann in Berlin."""
    own: dict[str, Any] = {
        "message_id": 7,
        "kind": kind,
        "channel": "email",
        "subscriber_id": 1,
        "signal_id": None,
        "period_on": None,
        "attempts": 0,
        "created_at": MORNING,
        "leased_until": MORNING + timedelta(minutes=1),
        "name": "ann",
        "email": "ann@example.org",
        "telegram_chat_id": 42,
        "webhook_url": None,
        "webhook_secret": None,
        "time_zone": "Europe/Berlin",
    }
    return Claimed(**own | changes)


def rendered(connection: Connection, channel: str, what: Claimed, settings: Settings = SETTINGS) -> Content:
    """What a new renderer makes of a message that has something to say."""
    content = Renderer(settings).render(connection, channel, what)
    assert content is not None
    return content


def number_from(connection: Connection, first: int = 1234) -> None:
    """Signals get these numbers, so that golden files stay as they are."""
    connection.execute(f"ALTER TABLE engine.signals ALTER COLUMN signal_id RESTART WITH {first}".encode())


def bitcoin(connection: Connection, outcome: dict[str, Any] | None = None, **changes: Any) -> int:
    """The signal of the issue: LONG BTC/USDT 1h momentum; its id."""
    instrument = records.add_instrument(connection, "BTC/USDT", tick_size=Decimal("0.01"))
    strategy = records.add_strategy(connection)
    given = {"origin": "live", "published_at": CLOSE + timedelta(seconds=2)} | MOMENTUM | changes
    return records.add_signal(connection, instrument, strategy, CLOSE, outcome, **given)


def simulated_short(connection: Connection, outcome: dict[str, Any] | None = None) -> int:
    """A short of a simulated instrument without a tick, valid into the next day; its id."""
    instrument = records.add_instrument(connection, "SIM:PEPE/USDT", is_simulated=True)
    strategy = records.add_strategy(connection, "breakout")
    return records.add_signal(
        connection,
        instrument,
        strategy,
        CLOSE,
        outcome,
        origin="live",
        direction="short",
        entry=Decimal("0.00001234567891"),
        stop=Decimal("0.00001267891234"),
        target=Decimal("0.00001198765432"),
        score=Decimal("72.50"),
        reason="Closed under the 20-bar low <b>&</b> volume rising.",
        valid_until=CLOSE + timedelta(hours=14),
    )


def lively_day(connection: Connection) -> int:
    """Signals of every kind that closed and ended on Friday, of two strategies, real and simulated; Ann's id."""
    subscriber_id = add_subscriber(connection, created_at=CLOSE - timedelta(days=9), time_zone="Europe/Berlin")
    grant(connection, subscriber_id, "breakout")
    bitcoin(connection, HIT)
    simulated_short(connection, HIT | {"fill_price": 0.0000123, "exit_price": 0.000012, "net_r": 1.2})
    momentum = records.add_strategy(connection, version="2-bbbbbbbb")
    for index, outcome in enumerate((None, STOPPED, MISSED | {"exit_at": CLOSE + timedelta(hours=8)}, GAPPED)):
        instrument = records.add_instrument(connection, f"T{index}/USDT")
        close_at = CLOSE + timedelta(hours=index - 1)
        records.add_signal(connection, instrument, momentum, close_at, outcome, origin="live")
    return subscriber_id


def digest(kind: str, subscriber_id: int, first_day: date = date(2026, 1, 2)) -> Claimed:
    """A digest for Ann."""
    return message(kind, subscriber_id=subscriber_id, period_on=first_day)


def without_hash(text: str) -> str:
    """The text with the sha256 of made-up inputs blotted out: tests number them through."""
    return re.sub(r'"[0-9a-f]{64}"', '"(sha256)"', text)
