"""Webhooks, signed as Standard Webhooks says: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`.

has_keys: the header webhook-id is the message's key, the same on every try; receivers drop what they have seen.

A subscriber names the URL, so it is not trusted: https only, no redirects, and of the answer only the status is read.
Its host is resolved once, private addresses are refused, and the connection goes to the very address that was looked
at, while the Host header, SNI and the certificate stay those of the name.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import socket
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import ClassVar

import httpx

from signalhub import clock
from signalhub.channels.base import Channel, Outgoing
from signalhub.channels.words import one_line
from signalhub.domain.wire import to_json
from signalhub.outbox.verdicts import RetryAt, Sent, Undeliverable, Verdict
from signalhub.settings import Settings

_PORTS = {"https": 443, "http": 80}
_NAT64 = IPv6Network("64:ff9b::/96")
_ADDRESSES_TRIED = 3
_BUSY = 429
_LONGEST_WAIT = timedelta(days=1)


class _RefusedError(Exception):
    """The target is one that we do not send to."""


class Webhook(Channel):
    """POST requests to the URL of each subscriber."""

    name: ClassVar[str] = "webhook"
    has_keys: ClassVar[bool] = True
    at_once: ClassVar[int] = 20

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._client = httpx.AsyncClient(
            # A connection made for one name must not serve another name at the same address: none is kept.
            limits=httpx.Limits(max_keepalive_connections=0),
            verify=httpx.create_ssl_context(),
            timeout=self.patience,
            follow_redirects=False,
            # A proxy would resolve the name itself.
            trust_env=False,
        )

    @classmethod
    def is_configured(cls, settings: Settings) -> bool:
        """Always: all it takes is a subscriber with a URL."""
        del settings
        return True

    async def send(self, message: Outgoing) -> Verdict:
        """Tries once. Whatever is not an answer is tried again: see has_keys."""
        try:
            url = self._allowed_url(message.address.webhook_url)
            body = to_json(message.content.data).encode()
            headers = signed(message.key, message.address.webhook_secret, body, clock.now())
            async with asyncio.timeout(2 * self.patience):
                return await self._posted(url, headers, body)
        except _RefusedError as error:
            return Undeliverable(str(error))
        except (OSError, httpx.HTTPError) as error:
            return RetryAt(_said(error))

    async def check(self) -> str:
        """Says what is allowed: there is nothing of ours to log in to."""
        targets = "any address over http or https" if self.settings.webhook_allow_private else "public https addresses"
        return f"webhook: ready, to {targets}; every subscriber's URL answers for itself"

    async def close(self) -> None:
        """Lets go of the client."""
        await self._client.aclose()

    def _allowed_url(self, text: str | None) -> httpx.URL:
        # No detail repeats the URL, since its path may be a secret.
        try:
            url = httpx.URL(text or "")
        except httpx.InvalidURL as error:
            raise _RefusedError(f"The webhook's URL is none: {one_line(str(error))}.") from None
        schemes = ("https", "http") if self.settings.webhook_allow_private else ("https",)
        if url.scheme not in schemes or not url.host:
            allowed = " or ".join(f"{scheme}://" for scheme in schemes)
            raise _RefusedError(f"The webhook's URL does not begin with {allowed}.")
        return url

    async def _posted(self, url: httpx.URL, headers: dict[str, str], body: bytes) -> Verdict:
        found = await self._addresses(url)
        for address in found[:-1]:
            try:
                return await self._asked(address, url, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing has left yet: the name's next address may be reachable.
                continue
        return await self._asked(found[-1], url, headers, body)

    async def _addresses(self, url: httpx.URL) -> list[str]:
        found = await resolved(url.host, url.port or _PORTS[url.scheme])
        private = [address for address in found if not is_public(address)]
        if private and not self.settings.webhook_allow_private:
            raise _RefusedError(f"{url.host} is at {private[0]}, which is not a public address.")
        return found[:_ADDRESSES_TRIED]

    async def _asked(self, address: str, url: httpx.URL, headers: dict[str, str], body: bytes) -> Verdict:
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            content=body,
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return verdict(response.status_code, response.headers.get("Retry-After"), clock.now())


def signed(key: str, secret: str | None, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks for a body, with a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`."""
    timestamp = str(int(now.timestamp()))
    content = f"{key}.{timestamp}.".encode() + body
    mac = hmac.new(_secret_bytes(secret), content, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Signalhub",
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def verdict(status: int, retry_after: str | None, now: datetime) -> Verdict:
    """What an answer means."""
    if 200 <= status < 300:
        return Sent(f"answered {status}")
    if status == _BUSY or status >= 500:
        return RetryAt(f"answered {status}", _waiting_time(retry_after, now))
    if 300 <= status < 400:
        return Undeliverable(f"answered {status}: redirects are not followed, set the URL it leads to.")
    return Undeliverable(f"answered {status}")


def is_public(text: str) -> bool:
    """Whether an address is one of the open internet, whatever it is wrapped in."""
    address = ip_address(text.partition("%")[0])
    inner = _wrapped(address)
    if inner is not None:
        return is_public(str(inner))
    # Python counts the private networks that IPv6 began with as global.
    is_of_a_site = isinstance(address, IPv6Address) and address.is_site_local
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or is_of_a_site
    return address.is_global and not is_special


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, best first. Raises: OSError where there is none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise OSError(f"{host} is no host name") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _wrapped(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this IPv6 address ends up at, where there is one."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def _secret_bytes(secret: str | None) -> bytes:
    try:
        key = base64.b64decode((secret or "").removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise _RefusedError("The subscriber's webhook secret is not whsec_ and base64: set a new one.")
    return key


def _waiting_time(text: str | None, now: datetime) -> timedelta | None:
    """What Retry-After says, in seconds or as a date; None where it says nothing that we understand."""
    if text is None:
        return None
    try:
        after = timedelta(seconds=int(text)) if text.strip().isdecimal() else parsedate_to_datetime(text) - now
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(after, timedelta(0)), _LONGEST_WAIT)


def _said(error: Exception) -> str:
    text = one_line(str(error))
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


CHANNEL = Webhook
