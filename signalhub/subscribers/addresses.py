"""Where a subscriber is reached, and in which time zone it lives: what is let in."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from signalhub.settings import Settings
from signalhub.subscribers import values
from signalhub.subscribers.values import Field, Fields, Refused

_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
"""Plain addresses alone, so that none can say more to a mail server than where the mail goes."""
_LONGEST_EMAIL = 254
_LONGEST_URL = 2000
_LARGEST_CHAT = 2**52
"""Telegram says that its ids have at most 52 significant bits."""
_NO_ZONES = {"localtime", "Factory"}
"""What these mean depends on the machine."""


def fields(settings: Settings) -> Fields:
    """What can be set about a subscriber, by JSON name."""
    yes_or_no = "yes or no (in JSON: true or false)"
    return {
        "email": Field(_email, "an address such as ann@example.org, or nothing"),
        "telegram_chat_id": Field(_chat, "a chat's number such as 123456789, or nothing", None, values.number_words),
        "webhook_url": Field(lambda value: _webhook(value, settings), "a URL such as https://example.org/hook"),
        "time_zone": Field(_zone, "a time zone such as Europe/Berlin", "UTC"),
        "is_active": Field(values.yes_or_no, yes_or_no, None, values.yes_words, may_be_null=False),
    }


def _email(value: Any) -> str:
    if len(value) > _LONGEST_EMAIL or not _EMAIL.fullmatch(value):
        raise ValueError
    return str(value)


def _chat(value: Any) -> int:
    chat = values.whole(-_LARGEST_CHAT, _LARGEST_CHAT)(value)
    if chat == 0:
        raise ValueError
    return chat


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def _zone(value: Any) -> str:
    if value not in _zones():
        raise ValueError
    return str(value)


def _webhook(value: Any, settings: Settings) -> str:
    """The URL; no message repeats it, since its path may be a secret."""
    parts, allows = _split(value), settings.webhook_allow_private
    if parts.scheme != "https" and not (allows and parts.scheme == "http"):
        hint = " (SIGNALHUB_WEBHOOK_ALLOW_PRIVATE=yes allows it)" if parts.scheme == "http" else ""
        raise Refused(f"does not begin with https://{hint}")
    if parts.username is not None or parts.password is not None:
        raise Refused("holds a user name or password")
    if not allows and _is_private(parts.hostname or ""):
        raise Refused("leads into a private network (SIGNALHUB_WEBHOOK_ALLOW_PRIVATE=yes allows it)")
    return str(value)


def _split(value: Any) -> SplitResult:
    try:
        text = values.text(value)
        parts = urlsplit(text)
        is_one = bool(parts.hostname) and parts.port != 0 and " " not in text and text.isascii()
    except ValueError:
        is_one = False
    if not is_one:
        raise Refused("is no URL")
    if len(text) > _LONGEST_URL:
        raise Refused(f"is longer than {_LONGEST_URL} letters")
    return parts


def _is_private(host: str) -> bool:
    """Whether the name alone says so; where it resolves to is looked at when something is sent."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
