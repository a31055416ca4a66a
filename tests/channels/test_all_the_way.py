"""From a published signal to what stands at the receivers' ends, through the outbox and every channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from signalhub.channels.deliver import drain
from signalhub.db.engine import Database
from signalhub.outbox import publish
from signalhub.outbox.digests import create_digests
from signalhub.settings import Settings
from tests.channels.scenes import CLOSE, MORNING, bitcoin
from tests.contracts.channel_stages import SECRET
from tests.doubles import http, smtp
from tests.doubles.bot_api import TOKEN, BotApiDouble
from tests.outbox_stage import add_subscriber, statuses

NOW = CLOSE + timedelta(seconds=3)


@dataclass
class World:
    """Every receiver there is, and settings that lead to them."""

    mail: smtp.SmtpDouble
    bot: BotApiDouble
    sink: http.HttpDouble
    settings: Settings

    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mail.mails]

    def chats(self) -> list[str]:
        return [parameters["text"].splitlines()[0] for parameters in self.bot.sent]

    def events(self) -> list[str]:
        return [json.loads(request.body)["type"] for request in self.sink.taken]


@pytest.fixture
def world() -> Iterator[World]:
    with smtp.serving() as mail, http.serving(BotApiDouble) as bot, http.serving() as sink:
        settings = Settings(
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
            smtp_tls="none",
            mail_from="Signalhub <signals@example.org>",
            telegram_token=TOKEN,
            telegram_url=bot.url,
            webhook_allow_private=True,
        )
        yield World(mail, cast(BotApiDouble, bot), sink, settings)


def test_an_alert_its_end_and_a_digest_reach_a_subscriber_on_every_channel(database: Database, world: World) -> None:
    with database.transaction() as connection:
        add_subscriber(
            connection,
            created_at=CLOSE - timedelta(days=1),
            telegram_chat_id=42,
            webhook_url=f"{world.sink.url}/hook",
            webhook_secret=SECRET,
            time_zone="Europe/Berlin",
            wants={"digest_at": "08:00"},
        )
        signal_id = bitcoin(connection)
        assert publish.publish(connection, [signal_id], NOW).messages == 3
    assert drain(database, world.settings, NOW) == {"Sent": 3}
    with database.transaction() as connection:
        connection.execute(
            "UPDATE engine.outcomes SET status = 'expired', exit_at = %s WHERE signal_id = %s",
            (CLOSE + timedelta(hours=4), signal_id),
        )
        assert publish.publish_closings(connection, [signal_id], CLOSE + timedelta(hours=4)) == 3
    assert drain(database, world.settings, CLOSE + timedelta(hours=4)) == {"Sent": 3}
    with database.transaction() as connection:
        assert create_digests(connection, MORNING) == 3
    assert drain(database, world.settings, MORNING) == {"Sent": 3}
    assert world.subjects() == [
        "🟢 LONG BTC/USDT · 1h · momentum",
        "⌛ EXPIRED · 🟢 LONG BTC/USDT · 1h · momentum",
        "Signals of Fri 2 Jan 2026",
    ]
    assert world.chats() == [
        "<b>🟢 LONG BTC/USDT</b> · 1h · momentum",
        "⌛ <b>EXPIRED</b> · 🟢 LONG BTC/USDT · 1h · momentum",
        "<b>Signals of Fri 2 Jan 2026</b> · Europe/Berlin",
    ]
    assert world.events() == ["signal.opened", "signal.closed", "digest.daily"]
    with database.transaction() as connection:
        assert statuses(connection) == ["sent"] * 9
