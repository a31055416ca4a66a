"""Where webhooks may go: what is refused, and that the address that was looked at is the one that is spoken to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalhub.channels import webhook
from signalhub.channels.base import Address, Channel
from signalhub.channels.webhook import Webhook, is_public
from signalhub.outbox.verdicts import RetryAt, Sent, Undeliverable, Verdict
from signalhub.settings import Settings
from tests.channels.hooks import PRIVATE_ALLOWED, answering, sent
from tests.contracts.channel_stages import NOBODY, SECRET, outgoing
from tests.doubles import http
from tests.doubles.certificates import certificate

# --- what is refused


@pytest.mark.parametrize("url", [None, "", "hook", "ftp://example.org/", "file:///etc/passwd", "https://", "//x"])
def test_what_is_no_url_of_the_web_is_undeliverable(url: str | None) -> None:
    found = sent(url)
    assert isinstance(found, Undeliverable)
    assert len(found.detail.splitlines()) == 1


@pytest.mark.parametrize("url", ["http://example.org/s3cret", "ftp://example.org/s3cret", "https://exa mple:x/s3cret"])
def test_what_is_refused_is_not_repeated_for_its_path_may_be_a_secret(url: str) -> None:
    found = sent(url, Settings())
    assert isinstance(found, Undeliverable)
    assert "s3cret" not in found.detail


def test_http_is_refused_unless_private_targets_are_allowed(sink: http.HttpDouble) -> None:
    found = sent(sink.url, Settings())
    assert isinstance(found, Undeliverable)
    assert found.detail.endswith("does not begin with https://.")
    assert sink.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_private_addresses_are_refused_whatever_they_are_wrapped_in(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_public(address)
    # One good address among them does not help: which one is asked must not be a matter of luck.
    monkeypatch.setattr(webhook, "resolved", answering(["93.184.216.34", address])[1])
    found = sent("https://hooks.example.org/", Settings())
    assert isinstance(found, Undeliverable)
    assert found.detail == f"hooks.example.org is at {address}, which is not a public address."


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_not(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_loopback_is_refused_however_it_is_written(host: str, sink: http.HttpDouble) -> None:
    found = sent(f"https://{host}:{sink.port}/", Settings())
    assert isinstance(found, Undeliverable | RetryAt)
    assert sink.connections == 0


def test_a_name_without_an_address_is_tried_again() -> None:
    assert isinstance(sent("https://nowhere.invalid/", Settings()), RetryAt)


# --- the address that was looked at is the one that is spoken to


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[http.HttpDouble]:
    """A sink that hooks.example.org vouches for."""
    context, trusted = certificate(tmp_path, "hooks.example.org")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with http.serving(tls=context) as double:
        yield double


def test_the_name_is_resolved_once_and_its_host_and_certificate_stay_the_names(
    hooks: http.HttpDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, resolve = answering(["127.0.0.1"], ["127.0.0.2"])
    monkeypatch.setattr(webhook, "resolved", resolve)
    assert sent(f"https://hooks.example.org:{hooks.port}/hook") == Sent("answered 200")
    assert asked == ["hooks.example.org"]
    assert hooks.taken[0].headers["Host"] == f"hooks.example.org:{hooks.port}"


def test_a_certificate_of_another_name_is_not_taken(hooks: http.HttpDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "resolved", answering(["127.0.0.1"])[1])
    found = sent(f"https://other.example.org:{hooks.port}/hook")
    assert isinstance(found, RetryAt)
    assert "certificate" in found.detail
    assert hooks.requests == []


def test_a_name_gets_no_connection_that_another_name_has_opened(
    hooks: http.HttpDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "resolved", answering(["127.0.0.1"])[1])

    async def one_after_the_other() -> list[Verdict]:
        channel: Channel = Webhook(PRIVATE_ALLOWED)
        names = ("hooks.example.org", "other.example.org", "hooks.example.org")
        urls = [f"https://{name}:{hooks.port}/" for name in names]
        found = [await channel.send(outgoing(Address("ann", webhook_url=url, webhook_secret=SECRET))) for url in urls]
        await channel.close()
        return found

    assert [type(found) for found in asyncio.run(one_after_the_other())] == [Sent, RetryAt, Sent]


def test_where_one_address_does_not_listen_the_next_is_asked(
    sink: http.HttpDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "resolved", answering(["::1", "127.0.0.1"])[1])
    assert isinstance(sent(f"http://hooks.example.org:{sink.port}/"), Sent)
    assert len(sink.requests) == 1


def test_proxies_of_the_environment_are_not_asked(sink: http.HttpDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{NOBODY}")
    assert isinstance(sent(sink.url), Sent)
