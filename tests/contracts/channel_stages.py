"""What the contract of a channel is tried on: each channel with a double of its outside world.

A new channel adds a stage here; the suite names those that have none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, cast

from signalhub.channels.base import Address, Content, Outgoing
from signalhub.settings import Settings
from tests.doubles import bot_api, http, smtp

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOBODY = 9
"""A port of loopback where nobody listens: discard, long out of use."""


class Stage(ABC):
    """A channel's settings, an address, and a double that fails as told for the next message."""

    settings: Settings
    without: ClassVar[str]
    """The part of an address that the channel cannot do without."""
    secrets: tuple[str, ...] = ()
    """What must never be seen in a verdict, an error or a log."""
    asked_to_wait: timedelta | None = None
    """What refuse_for_now asks for."""

    @property
    def address(self) -> Address:
        return Address("ann", "ann@example.org", 42, f"http://127.0.0.1:{NOBODY}/", SECRET)

    @property
    @abstractmethod
    def taken(self) -> list[str]:
        """The texts of messages that arrived, oldest first."""

    @property
    def keys(self) -> list[str]:
        """By what the receiver tells repeats, for each message that arrived."""
        return []

    @abstractmethod
    def refuse_for_now(self) -> None: ...

    @abstractmethod
    def refuse_for_good(self) -> None: ...

    @abstractmethod
    def reset_before(self) -> None: ...

    @abstractmethod
    def reset_after(self) -> None: ...

    @abstractmethod
    def fall_silent(self) -> None: ...

    @abstractmethod
    def off(self) -> Settings:
        """Settings by which nobody answers."""

    def refused_login(self) -> Settings | None:
        """Settings with a wrong login, where there is one."""
        return None


@dataclass
class EmailStage(Stage):
    """E-mail to an SMTP server that wants a login."""

    double: smtp.SmtpDouble
    without: ClassVar[str] = "email"

    def __post_init__(self) -> None:
        self.settings = Settings(
            smtp_host="127.0.0.1",
            smtp_port=self.double.port,
            smtp_tls="none",
            smtp_user="signalhub",
            smtp_password=smtp.PASSWORD,
            mail_from="Signalhub <signals@example.org>",
        )
        self.secrets = (smtp.PASSWORD,)

    @property
    def taken(self) -> list[str]:
        bodies = [mail.get_body(("plain",)) for mail in self.double.mails]
        return [body.get_content() for body in bodies if body is not None]

    @property
    def keys(self) -> list[str]:
        return [mail["Message-ID"] for mail in self.double.mails]

    def refuse_for_now(self) -> None:
        self.double.at_recipient.append("450 4.2.1 mailbox busy")

    def refuse_for_good(self) -> None:
        self.double.at_recipient.append("550 5.1.1 no such mailbox")

    def reset_before(self) -> None:
        self.double.at_mail.append(smtp.RESET_BEFORE)

    def reset_after(self) -> None:
        self.double.at_data.append(smtp.RESET_AFTER)

    def fall_silent(self) -> None:
        self.double.at_data.append(smtp.SILENCE)

    def off(self) -> Settings:
        return self.settings.replace(smtp_port=NOBODY)

    def refused_login(self) -> Settings:
        return self.settings.replace(smtp_password="not the password")


class HttpStage(Stage):
    """What stages over HTTP share."""

    double: http.HttpDouble

    def reset_before(self) -> None:
        self.double.script.append(http.RESET_BEFORE)

    def reset_after(self) -> None:
        self.double.script.append(http.RESET_AFTER)

    def fall_silent(self) -> None:
        self.double.script.append(http.SILENCE)


@dataclass
class TelegramStage(HttpStage):
    """A bot at a Bot API double."""

    double: bot_api.BotApiDouble
    without: ClassVar[str] = "telegram_chat_id"

    def __post_init__(self) -> None:
        self.settings = Settings(telegram_token=bot_api.TOKEN, telegram_url=self.double.url)
        self.secrets = (bot_api.TOKEN,)
        self.asked_to_wait = timedelta(seconds=7)

    @property
    def taken(self) -> list[str]:
        return [parameters["text"] for parameters in self.double.sent]

    def refuse_for_now(self) -> None:
        self.double.script.append(bot_api.refusal(429, "Too Many Requests: retry after 7", retry_after=7))

    def refuse_for_good(self) -> None:
        self.double.script.append(bot_api.refusal(403, "Forbidden: bot was blocked by the user"))

    def off(self) -> Settings:
        return self.settings.replace(telegram_url=f"http://127.0.0.1:{NOBODY}")

    def refused_login(self) -> Settings:
        return self.settings.replace(telegram_token=bot_api.TOKEN[:-1] + "X")


@dataclass
class WebhookStage(HttpStage):
    """A sink of webhooks on loopback, which the settings allow."""

    double: http.HttpDouble
    without: ClassVar[str] = "webhook_url"

    def __post_init__(self) -> None:
        self.settings = Settings(webhook_allow_private=True)
        self.secrets = (SECRET, SECRET.removeprefix("whsec_"))
        self.asked_to_wait = timedelta(seconds=7)
        self.is_on = True

    @property
    def address(self) -> Address:
        url = f"{self.double.url}/hook" if self.is_on else f"http://127.0.0.1:{NOBODY}/"
        return Address("ann", webhook_url=url, webhook_secret=SECRET)

    @property
    def taken(self) -> list[str]:
        return [request.body.decode() for request in self.double.taken]

    @property
    def keys(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.double.requests]

    def refuse_for_now(self) -> None:
        self.double.script.append(http.Answer(429, headers={"Retry-After": "7"}))

    def refuse_for_good(self) -> None:
        self.double.script.append(http.Answer(410))

    def off(self) -> Settings:
        self.is_on = False
        return self.settings


@contextmanager
def email_stage() -> Iterator[Stage]:
    with smtp.serving(wants_login=True) as double:
        yield EmailStage(double)


@contextmanager
def telegram_stage() -> Iterator[Stage]:
    with bot_api.serving_bot() as double:
        yield TelegramStage(cast(bot_api.BotApiDouble, double))


@contextmanager
def webhook_stage() -> Iterator[Stage]:
    with http.serving() as double:
        yield WebhookStage(double)


STAGES: dict[str, Callable[[], AbstractContextManager[Stage]]] = {
    "email": email_stage,
    "telegram": telegram_stage,
    "webhook": webhook_stage,
}


def outgoing(address: Address, text: str = "a signal", key: str = "7-1767358800", **content: Any) -> Outgoing:
    """A message whose text is known again."""
    told: dict[str, Any] = {"subject": "Signal", "text": text, "html": f"<p>{text}</p>", "data": {"text": text}}
    return Outgoing(key, "alert", address, Content(**told | content))
