"""Addresses of subscribers: what is let in, and one line about what is not."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalhub.cli import subscriber_words
from signalhub.errors import UsageInvalid
from signalhub.settings import Settings
from signalhub.subscribers import addresses, values

STRICT = Settings()
LENIENT = Settings(webhook_allow_private=True)


def read(name: str, value: Any, settings: Settings = STRICT) -> Any:
    return values.read(addresses.fields(settings), {name: value})[name]


def refused(name: str, value: Any, settings: Settings = STRICT) -> str:
    with pytest.raises(UsageInvalid) as told:
        read(name, value, settings)
    message = str(told.value)
    assert message.startswith(f"{name} ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "ann@example.org"),
        ("email", "ann.lee+signals@mail.example.co.uk"),
        ("email", "ann@localhost"),
        ("telegram_chat_id", 123456789),
        ("telegram_chat_id", -1001234567890),
        ("webhook_url", "https://example.org/hook?to=ann"),
        ("webhook_url", "https://93.184.216.34:8443/"),
        ("time_zone", "Europe/Berlin"),
        ("time_zone", "UTC"),
        ("is_active", False),
    ],
)
def test_an_address_is_kept_as_it_is(name: str, value: Any) -> None:
    assert read(name, value) == value


@pytest.mark.parametrize(
    "value",
    [
        *("ann", "ann@", "@example.org", "ann@@example.org", "ann@example..org", ".ann@example.org", "ann@-x.org"),
        *("Ann <ann@example.org>", "ann@example.org, bob@example.org", "ann@example.org\nBcc: all@example.org"),
        *("änn@example.org", "ann@example.org\0", "a" * 250 + "@example.org", 5, ["ann@example.org"]),
    ],
)
def test_what_is_no_plain_email_address_is_refused(value: Any) -> None:
    assert "an address such as ann@example.org" in refused("email", value)


@given(st.text() | st.from_regex(r"\S+@\S+"))
def test_an_email_address_that_is_let_in_names_one_receiver_to_a_mail_server(text: str) -> None:
    try:
        address = read("email", text)
    except UsageInvalid:
        return
    if address is not None:
        assert smtplib.quoteaddr(address) == f"<{text}>"
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' ,;:<>()[]\\"\r\n')


@pytest.mark.parametrize("value", [0, 1.5, True, "@channel", "12", 2**52 + 1, -(2**52) - 1])
def test_what_is_no_chat_number_is_refused(value: Any) -> None:
    assert "a chat's number" in refused("telegram_chat_id", value)


@pytest.mark.parametrize("typed", ["@channel", "1_000", "١٢", "12a", "1.5", "9" * 30])
def test_words_that_are_no_chat_number_are_refused(typed: str) -> None:
    about, _ = subscriber_words.sorted_out({"telegram": typed})
    assert "a chat's number" in refused("telegram_chat_id", about["telegram_chat_id"])


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("http://example.org", "SIGNALHUB_WEBHOOK_ALLOW_PRIVATE"),
        ("ftp://example.org", "does not begin with https://"),
        ("example.net/ann", "is no URL"),
        ("https:///ann", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://example.org:99999/", "is no URL"),
        ("https://example.org/a b", "is no URL"),
        ("https://example.org/\n", "is no URL"),
        ("https://exämple.org/", "is no URL"),
        (5, "is no URL"),
        ("https://example.org/" + "x" * 2000, "longer than 2000"),
        ("https://ann:sesame@example.org/", "a user name or password"),
        ("https://localhost/hook", "private network"),
        ("https://hooks.internal/", "private network"),
        ("https://10.0.0.1/", "private network"),
        ("https://127.0.0.1:8443/", "private network"),
        ("https://[fe80::1]/", "private network"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_and_not_repeated(value: Any, part: str) -> None:
    message = refused("webhook_url", value)
    assert part in message
    assert str(value) not in message
    assert "sesame" not in message


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://hooks.internal/", "https://10.0.0.1/"])
def test_private_webhooks_are_let_in_where_the_operator_allows_them(url: str) -> None:
    assert read("webhook_url", url, LENIENT) == url


@pytest.mark.parametrize("url", ["ftp://example.org", "http://ann:sesame@10.0.0.1/", "gopher"])
def test_other_webhooks_are_refused_there_too(url: str) -> None:
    refused("webhook_url", url, LENIENT)


@pytest.mark.parametrize(
    "zone", ["Mars/Phobos", "europe/berlin", "localtime", "../etc/passwd", "/etc/localtime", "", 1]
)
def test_what_is_no_time_zone_is_refused(zone: Any) -> None:
    assert "such as Europe/Berlin" in refused("time_zone", zone)


def test_null_clears_an_address_and_brings_back_utc_but_says_nothing_about_active() -> None:
    assert read("email", None) is read("telegram_chat_id", None) is read("webhook_url", None) is None
    assert read("time_zone", None) == "UTC"
    assert "yes or no" in refused("is_active", None)
