"""Webhooks beyond the contract: the signature, and what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.channels.webhook import signed, verdict
from signalhub.outbox.verdicts import RetryAt, Sent, Undeliverable, Verdict
from tests.channels.hooks import sent
from tests.contracts.channel_stages import SECRET
from tests.doubles import http

NOW = datetime(2026, 1, 2, 13, tzinfo=UTC)
# --- the signature


def test_the_signature_is_that_of_the_example_in_the_specification() -> None:
    now = datetime.fromtimestamp(1614265330, UTC)
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", SECRET, b'{"test": 2432232314}', now)
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_arrives_is_json_that_its_signature_vouches_for(sink: http.HttpDouble) -> None:
    assert sent(f"{sink.url}/hook?for=ann") == Sent("answered 200")
    [request] = sink.taken
    assert (request.method, request.path) == ("POST", "/hook?for=ann")
    assert json.loads(request.body) == {"text": "a signal"}
    assert request.headers["Content-Type"] == "application/json"
    told = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    mac = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), told, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_not base64!", "whsec_Zm9"])
def test_without_a_secret_nothing_is_sent(sink: http.HttpDouble, secret: str | None) -> None:
    found = sent(sink.url, secret=secret)
    assert isinstance(found, Undeliverable)
    assert "secret" in found.detail
    assert sink.requests == []


# --- what answers mean


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Sent),
        (202, Sent),
        (204, Sent),
        (301, Undeliverable),
        (307, Undeliverable),
        (400, Undeliverable),
        (401, Undeliverable),
        (404, Undeliverable),
        (410, Undeliverable),
        (429, RetryAt),
        (500, RetryAt),
        (503, RetryAt),
    ],
)
def test_every_status_has_its_meaning(status: int, expected: type[Verdict]) -> None:
    assert isinstance(verdict(status, None, NOW), expected)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("120", timedelta(seconds=120)),
        ("Fri, 02 Jan 2026 13:05:00 GMT", timedelta(minutes=5)),
        ("Fri, 02 Jan 2026 12:00:00 GMT", timedelta(0)),
        ("99999999999999999999", None),
        ("999999999", timedelta(days=1)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_honoured_in_both_its_forms(text: str, after: timedelta | None) -> None:
    assert verdict(503, text, NOW) == RetryAt("answered 503", after)


@settings(deadline=None)
@given(st.text())
def test_no_retry_after_can_hurt(text: str) -> None:
    found = verdict(429, text, NOW)
    assert isinstance(found, RetryAt)
    assert found.after is None or timedelta(0) <= found.after <= timedelta(days=1)


def test_redirects_are_not_followed(sink: http.HttpDouble) -> None:
    sink.script.append(http.Answer(302, headers={"Location": f"{sink.url}/elsewhere"}))
    assert isinstance(sent(sink.url), Undeliverable)
    assert [request.path for request in sink.requests] == ["/"]
