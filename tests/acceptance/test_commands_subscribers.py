"""`signalhub subscribers`: from `add` to a key and a test message, and one line about what cannot be."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from signalhub.strategies.declared import declared
from tests.acceptance.commands import Answer, Here, assert_refused, signalhub
from tests.acceptance.places import migrated

PAGE = Path(__file__).parents[2] / "docs/how-to/manage-subscribers.md"
STRATEGIES = [strategy.name for strategy in declared()]


@pytest.fixture(scope="module")
def env(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return migrated(url, tmp_path_factory.mktemp("home"))


class Subscribers:
    """Runs commands about one subscriber, whose name is the test's own."""

    def __init__(self, here: Here, env: dict[str, str], name: str) -> None:
        self.here, self.env, self.name = here, env, name

    def __call__(self, command: str, *words: str) -> Answer:
        return self.here(self.env, "subscribers", command, self.name, *words)

    def done(self, command: str, *words: str) -> str:
        answer = self(command, *words)
        assert answer.code == 0, answer
        return answer.out

    def shown(self) -> dict[str, Any]:
        found = json.loads(self.done("show", "--json"))
        assert isinstance(found, dict)
        return found


@pytest.fixture
def ann(here: Here, env: dict[str, str], request: pytest.FixtureRequest) -> Subscribers:
    return Subscribers(here, env, request.node.name.removeprefix("test_").partition("[")[0][:60])


def test_the_commands_of_the_how_to_work_as_they_stand(env: dict[str, str], here: Here) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    commands = [shlex.split(line) for line in "".join(blocks).splitlines()]
    assert len(commands) > 12
    answers = [here(env, *words[1:]) for words in commands]
    for words, answer in zip(commands, answers, strict=True):
        assert answer.code == 0, (words, answer)
    assert re.search(r"^ann +yes +ann@example.org +123456789 +Europe/Berlin +momentum *$", answers[2].out, re.MULTILINE)


def test_add_says_what_it_made_and_show_what_there_is(ann: Subscribers) -> None:
    told = ann.done("add", "--email", "ann@example.org", "--time-zone", "Europe/Berlin", "--strategy", "momentum")
    assert told == f"Added {ann.name}: reached by email; entitled to momentum.\n"
    shown = ann.shown()
    assert (shown["name"], shown["email"], shown["telegram_chat_id"]) == (ann.name, "ann@example.org", None)
    assert (shown["time_zone"], shown["is_active"], shown["strategies"]) == ("Europe/Berlin", True, ["momentum"])
    assert "webhook_secret" not in shown
    assert shown["entitlements"][0]["valid_until"] is None
    assert shown["keys"] == []
    assert shown["preferences"] == {
        "symbols": None,
        "asset_classes": None,
        "timeframes": None,
        "directions": None,
        "min_score": 0,
        "channels": None,
        "quiet_hours": None,
        "daily_cap": None,
        "digest_at": None,
        "weekly": False,
    }
    for part in ("ann@example.org", "Europe/Berlin", "momentum", "without end", "owned"):
        assert part in ann.done("show")


def test_list_is_an_array_for_programs(ann: Subscribers) -> None:
    ann.done("add", "--all-strategies")
    rows = json.loads(ann.here(ann.env, "subscribers", "list", "--json").out)
    mine = next(row for row in rows if row["name"] == ann.name)
    assert mine["strategies"] == STRATEGIES
    assert mine["is_active"] is True
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)


def test_a_webhook_secret_is_told_when_it_is_made_and_not_shown_later(ann: Subscribers) -> None:
    def secret(text: str) -> str | None:
        found = re.search(r"whsec_\S+", text)
        return found and found[0]

    first = secret(ann.done("add", "--webhook", "https://example.org/hook"))
    assert first is not None
    assert secret(ann.done("set", "webhook=https://example.org/hook")) is None
    assert secret(ann.done("set", "webhook=https://example.net/hook")) not in (None, first)
    assert secret(ann.done("show") + ann.done("show", "--json")) is None


def test_set_changes_addresses_and_preferences_and_an_empty_value_clears(ann: Subscribers) -> None:
    ann.done("add", "--telegram", "5")
    changed = ann.done(
        "set", "email=ann@example.org", "telegram=-100", "min-score=62.5", "weekly=yes", "digest-at=8:00"
    )
    assert [line.split() for line in changed.splitlines()] == [
        ["Key", "Value"],
        ["email", "ann@example.org"],
        ["telegram", "-100"],
        ["min-score", "62.5"],
        ["weekly", "yes"],
        ["digest-at", "08:00"],
    ]
    shown = ann.shown()
    assert (shown["telegram_chat_id"], shown["preferences"]["min_score"]) == (-100, 62.5)
    ann.done("set", "email=", "min-score=", "digest-at=", "active=no")
    shown = ann.shown()
    assert (shown["email"], shown["is_active"]) == (None, False)
    assert (shown["preferences"]["min_score"], shown["preferences"]["digest_at"]) == (0, None)
    assert shown["preferences"]["weekly"] is True


def test_set_warns_of_a_channel_without_an_address(ann: Subscribers) -> None:
    ann.done("add", "--telegram", "5")
    answer = ann("set", "channels=email,telegram")
    assert answer.code == 0
    assert answer.err == f"{ann.name} has no address for email: nothing is sent there.\n"


def test_nothing_is_set_when_one_of_the_values_cannot_be(ann: Subscribers) -> None:
    ann.done("add", "--email", "ann@example.org")
    before = ann.shown()
    assert_refused(ann("set", "email=", "min-score=5", "timeframes=1w"), "timeframes names '1w'", code=2)
    assert ann.shown() == before


def test_nobody_is_added_when_one_of_the_words_cannot_be(ann: Subscribers) -> None:
    assert_refused(ann("add", "--email", "ann"), "email is 'ann'", "ann@example.org", code=2)
    assert_refused(ann("add", "--telegram", "@ann"), "telegram is '@ann'", "123456789", code=2)
    assert_refused(ann("add", "--webhook", "http://example.org"), "webhook does not begin with https://", code=2)
    assert_refused(ann("add", "--time-zone", "Mars/Phobos"), "time-zone is 'Mars/Phobos'", "Europe/Berlin", code=2)
    assert_refused(ann("add", "--strategy", "nope"), "'nope'", f"There are: {', '.join(STRATEGIES)}.")
    assert_refused(ann("show"), f"No subscriber is called '{ann.name}'")
    ann.done("add")
    assert_refused(ann("add"), "already")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("min-score",), "is not KEY=VALUE"),
        (("score=5",), "'score' cannot be set. Known: email, telegram, webhook, time-zone, active, symbols"),
        (("weekly=yes", "weekly=no"), "weekly is given twice"),
        (("symbols=BTC/USDT",), "symbols names 'BTC/USDT', which no instrument has"),
        (("quiet-hours=22:00",), "quiet-hours is '22:00': expected two local times such as 22:00-07:00"),
        (("daily-cap=many",), "daily-cap is 'many': expected a whole number"),
        (("active=",), "active is nothing: expected yes or no"),
    ],
)
def test_what_cannot_be_set_is_one_line(ann: Subscribers, words: tuple[str, ...], part: str) -> None:
    ann("add")
    assert_refused(ann("set", *words), part, code=2)


def test_grants_and_revocations_say_what_they_did(ann: Subscribers) -> None:
    ann.done("add")
    granted = ann.done("grant", "momentum", "breakout", "--from", "2097-01-01", "--until", "2098-01-01")
    assert granted.splitlines() == [
        f"{ann.name}: {strategy} from 2097-01-01 00:00 UTC until 2098-01-01 00:00 UTC"
        for strategy in ("breakout", "momentum")
    ]
    assert "nothing changed" in ann.done("grant", "momentum", "--from", "2097-02-01", "--until", "2097-03-01")
    longer = ann.done("grant", "momentum", "--from", "2097-02-01", "--until", "2098-02-01")
    assert longer == f"{ann.name}: momentum from 2098-01-01 00:00 UTC until 2098-02-01 00:00 UTC\n"
    assert ann.done("revoke", "momentum") == f"{ann.name}: ended momentum.\n"
    assert "nothing changed" in ann.done("revoke", "momentum")
    standings = [
        line.rpartition("  ")[2].strip() for line in ann.done("show").splitlines() if line.startswith("momentum")
    ]
    assert standings == ["revoked before it began"] * 2
    assert_refused(ann("grant", "nope"), "'nope'", f"There are: {', '.join(STRATEGIES)}.")
    assert_refused(ann("grant", "all", "--until", "2001-01-01"), "is not after from", code=2)


def test_a_key_is_alone_on_stdout_once_and_only_its_hash_is_kept(ann: Subscribers, url: str) -> None:
    ann.done("add")
    answer = ann("key", "--role", "analyst", "--expires", "2099-01-01")
    assert re.fullmatch(r"shk_[A-Za-z0-9_-]{43}\n", answer.out)
    assert "role analyst, expires 2099-01-01 00:00. It is not shown again" in answer.err
    token = answer.out.strip()
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT k::text FROM account.keys AS k").fetchall()
    (key,) = json.loads(ann.done("keys", "--json"))
    assert token not in f"{kept}{key}{ann.done('show')}{ann.done('keys')}"
    assert token.startswith(key["hint"])
    assert datetime.fromisoformat(key["expires_at"]).year == 2099
    assert f"Key {key['key_id']} " in ann.here(ann.env, "subscribers", "revoke-key", key["hint"]).out
    assert "revoked" in ann.done("keys")


def test_keys_that_cannot_be_made_or_ended_are_told(ann: Subscribers) -> None:
    ann.done("add")
    assert "has no keys" in ann.done("keys")
    assert_refused(ann("key", "--expires", "2001-01-01"), "has passed", code=2)
    assert ann("key", "--role", "king").code == 2
    assert_refused(ann.here(ann.env, "subscribers", "revoke-key", "shk_nobody"), "No key has this", "keys NAME")


def test_a_test_message_is_queued_where_there_is_an_address(ann: Subscribers, url: str) -> None:
    ann.done("add", "--email", "ann@example.org", "--telegram", "5")
    assert ann.done("test") == f"Queued a test message to {ann.name} by email, telegram.\n"
    assert_refused(ann("test", "--channel", "webhook"), "has no address for webhook", code=2)
    with psycopg.connect(url) as connection:
        queued = connection.execute(
            "SELECT m.kind, m.channel, m.status FROM outbox.messages AS m INNER JOIN account.subscribers AS a "
            "ON m.subscriber_id = a.subscriber_id WHERE a.name = %s ORDER BY 2",
            (ann.name,),
        ).fetchall()
    assert queued == [("test", "email", "pending"), ("test", "telegram", "pending")]


def test_a_person_runs_it_as_a_process(ann: Subscribers) -> None:
    added = signalhub(ann.env, "subscribers", "add", ann.name, "--telegram", "-5")
    assert (added.returncode, added.stderr) == (0, "")
    refused = signalhub(ann.env, "subscribers", "add", ann.name)
    assert_refused(Answer(refused.returncode, refused.stdout, refused.stderr), "already")
