"""Keys: shown once, kept as a hash, and good for as long as they and their subscriber are."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest

from signalhub.db.connection import Connection
from signalhub.errors import NotFound, UsageInvalid
from signalhub.settings import Settings
from signalhub.subscribers import keys, people
from signalhub.subscribers.keys import ROLES, Principal

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ann(connection: Connection) -> int:
    return people.add(connection, "ann", {}, Settings(), NOW).subscriber_id


def test_a_token_holds_256_bits_of_which_the_hash_alone_is_kept(connection: Connection, ann: int) -> None:
    token, key = keys.issue(connection, ann, NOW)
    assert re.fullmatch(r"shk_[A-Za-z0-9_-]{43}", token)
    assert len(base64.urlsafe_b64decode(token.removeprefix("shk_") + "=")) == 32
    (row,) = connection.execute("SELECT k::text, k.key_sha256 FROM account.keys AS k").fetchall()
    assert row[1] == hashlib.sha256(token.encode()).hexdigest()
    assert token[12:] not in row[0]
    assert token.startswith(key.hint)
    assert len(key.hint) == 10


def test_no_two_keys_are_the_same(connection: Connection, ann: int) -> None:
    tokens = {keys.issue(connection, ann, NOW)[0] for _ in range(20)}
    assert len(tokens) == len({token[4:10] for token in tokens}) == 20


@pytest.mark.parametrize("role", ROLES)
def test_a_token_says_who_asks_and_in_which_role(connection: Connection, ann: int, role: str) -> None:
    token, key = keys.issue(connection, ann, NOW, role)
    assert keys.resolve(connection, token, NOW) == Principal(ann, "ann", role, key.key_id, None)


def test_a_key_opens_until_it_expires(connection: Connection, ann: int) -> None:
    token, key = keys.issue(connection, ann, NOW, expires_at=NOW + HOUR)
    principal = keys.resolve(connection, token, NOW + HOUR - timedelta(microseconds=1))
    assert principal is not None
    assert principal.expires_at == NOW + HOUR
    assert keys.resolve(connection, token, NOW + HOUR) is None
    assert [key.status(at) for at in (NOW, NOW + HOUR)] == ["valid", "expired"]


def test_a_revoked_key_opens_nothing_and_stays_on_record(connection: Connection, ann: int) -> None:
    token, key = keys.issue(connection, ann, NOW)
    other, _ = keys.issue(connection, ann, NOW)
    assert keys.revoke(connection, key.hint, NOW + HOUR).revoked_at == NOW + HOUR
    assert keys.resolve(connection, token, NOW) is None
    assert keys.resolve(connection, other, NOW) is not None
    assert keys.revoke(connection, key.hint, NOW + 2 * HOUR).revoked_at == NOW + HOUR, "what is revoked stays as it is"
    assert [one.status(NOW) for one in keys.every(connection, ann)] == ["revoked", "valid"]


def test_the_keys_of_whoever_is_not_active_open_nothing_until_they_are_again(connection: Connection, ann: int) -> None:
    token, _ = keys.issue(connection, ann, NOW, "operator")
    people.change(connection, ann, {"is_active": False}, Settings())
    assert keys.resolve(connection, token, NOW) is None
    people.change(connection, ann, {"is_active": True}, Settings())
    assert keys.resolve(connection, token, NOW) is not None


def test_what_is_no_token_of_ours_opens_nothing(connection: Connection, ann: int) -> None:
    token, key = keys.issue(connection, ann, NOW)
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    hashed = hashlib.sha256(token.encode()).hexdigest()
    for wrong in (
        "",
        "shk_",
        key.hint,
        flipped,
        token.upper(),
        f"{token}\n",
        f" {token}",
        f"{token}\0",
        hashed,
        "\ud800",
    ):
        assert keys.resolve(connection, wrong, NOW) is None


def test_a_key_is_named_by_hint_id_or_token(connection: Connection, ann: int) -> None:
    for name in ("hint", "id", "token"):
        token, key = keys.issue(connection, ann, NOW)
        words = {"hint": key.hint, "id": str(key.key_id), "token": token}[name]
        assert keys.revoke(connection, words, NOW).key_id == key.key_id


def test_a_hint_of_several_keys_asks_for_an_id(connection: Connection, ann: int) -> None:
    _, first = keys.issue(connection, ann, NOW)
    _, second = keys.issue(connection, ann, NOW)
    connection.execute("UPDATE account.keys SET hint = 'shk_AAAAAA'")
    with pytest.raises(UsageInvalid, match=f"one of {first.key_id}, {second.key_id}"):
        keys.revoke(connection, "shk_AAAAAA", NOW)
    assert keys.revoke(connection, str(second.key_id), NOW).revoked_at == NOW


@pytest.mark.parametrize("words", ["shk_nobody", "0", "9" * 9, "9" * 30, "", "\0", "%", "-1"])
def test_a_key_that_is_not_there_is_told(connection: Connection, ann: int, words: str) -> None:
    keys.issue(connection, ann, NOW)
    with pytest.raises(NotFound, match="No key has this"):
        keys.revoke(connection, words, NOW)


def test_a_token_that_is_not_there_is_not_repeated(connection: Connection, ann: int) -> None:
    token, _ = keys.issue(connection, ann, NOW)
    connection.execute("DELETE FROM account.keys")
    with pytest.raises(NotFound) as told:
        keys.revoke(connection, token, NOW)
    assert token[4:] not in str(told.value)


def test_an_unknown_role_and_an_end_that_has_passed_are_refused(connection: Connection, ann: int) -> None:
    with pytest.raises(UsageInvalid, match=r"'king' is no role\. Use one of subscriber, analyst, operator"):
        keys.issue(connection, ann, NOW, "king")
    with pytest.raises(UsageInvalid, match="has passed"):
        keys.issue(connection, ann, NOW, expires_at=NOW)
    with pytest.raises(UsageInvalid, match="out of reach"):
        keys.issue(connection, ann, NOW, expires_at=datetime.max.replace(tzinfo=UTC))
    assert keys.every(connection, ann) == []
