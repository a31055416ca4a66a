"""What is said to whom: rendered once, escaped per channel, and only what a subscriber may see."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.channels import facts, render, words
from signalhub.channels.render import Renderer
from signalhub.db.connection import Connection
from signalhub.settings import Settings
from tests import records
from tests.channels import scenes
from tests.channels.scenes import CLOSE, HIT, bitcoin, digest, message, rendered
from tests.outbox_stage import add_subscriber, grant
from tests.records import ROUNDS

CHANNELS = ("email", "telegram", "webhook")
TELEGRAM_LIMIT = 4096
"""Characters that a Telegram message may have, mark-up not counted."""


class Tags(HTMLParser):
    """The tags, attributes and words of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the facts that were read."""
    read: list[str] = []
    original = facts._SQL.rows

    def rows(opened: Connection, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        read.append(name)
        return original(opened, name, **parameters)

    monkeypatch.setattr(facts._SQL, "rows", rows)
    return read


# --- when there is nothing to say


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_alert_of_a_signal_that_has_ended_says_nothing_any_more(
    connection: psycopg.Connection, channel: str
) -> None:
    ended = message("alert", signal_id=bitcoin(connection, HIT))
    assert Renderer(Settings()).render(connection, channel, ended) is None


@pytest.mark.parametrize("kind", ["alert", "close"])
def test_a_signal_that_is_gone_says_nothing(connection: psycopg.Connection, kind: str) -> None:
    assert Renderer(Settings()).render(connection, "email", message(kind, signal_id=2**40)) is None


def test_nothing_closes_that_is_open(connection: psycopg.Connection) -> None:
    still_open = message("close", signal_id=bitcoin(connection))
    assert Renderer(Settings()).render(connection, "email", still_open) is None


# --- once per distinct content


def test_an_alert_is_read_and_rendered_once_for_all_receivers(
    connection: psycopg.Connection, counting: list[str]
) -> None:
    renderer, signal_id = Renderer(Settings()), bitcoin(connection)
    said = [renderer.render(connection, "email", message("alert", signal_id=signal_id, name=name)) for name in "abc"]
    assert said[0] is said[1] is said[2]
    assert counting == ["signal"]


def test_a_digest_is_rendered_once_for_all_who_may_see_the_same_in_the_same_zone(
    connection: psycopg.Connection, counting: list[str]
) -> None:
    ann = scenes.lively_day(connection)
    same = add_subscriber(connection, "bob")
    grant(connection, same, "breakout", valid_from=CLOSE - timedelta(days=400))
    fewer = add_subscriber(connection, "cleo")
    renderer = Renderer(Settings())
    said = [renderer.render(connection, "email", digest("daily_digest", who)) for who in (ann, same, fewer)]
    assert said[0] is said[1]
    assert said[1] is not said[2]
    assert counting.count("visible") == 3
    assert counting.count("new_signals") == 2


def test_what_is_kept_is_bounded(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "_KEPT", 2)
    renderer, signal_id = Renderer(Settings()), bitcoin(connection)
    for channel in CHANNELS:
        renderer.render(connection, channel, message("alert", signal_id=signal_id))
    assert len(renderer._kept) == 2


# --- what every message carries


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_alert_close_and_digest_carries_the_risk_note_in_one_line_and_the_link(
    connection: psycopg.Connection, channel: str
) -> None:
    settings = Settings(risk_note="You may\nlose <all>.", public_url="https://s.example.org")
    ann = scenes.lively_day(connection)
    open_signal = records.add_signal(
        connection, records.add_instrument(connection, "X/Y"), records.add_strategy(connection, "x"), origin="live"
    )
    ended = connection.execute("SELECT min(o.signal_id) FROM engine.outcomes AS o WHERE o.status = 'target_hit'")
    found = ended.fetchone()
    assert found is not None
    for what, link in (
        (message("alert", signal_id=open_signal), f"https://s.example.org/signals/{open_signal}"),
        (message("close", signal_id=found[0]), f"https://s.example.org/signals/{found[0]}"),
        (digest("daily_digest", ann), "https://s.example.org/"),
        (digest("weekly_performance", ann), "https://s.example.org/"),
    ):
        said = rendered(connection, channel, what, settings)
        if channel == "webhook":
            assert said.data["data"]["risk_note"] == "You may lose <all>."
            continue
        assert "You may lose &lt;all&gt;." in (said.html or said.text)
        assert link in said.text
        assert link in Tags(said.html or said.text).links
        if channel == "email":
            assert said.text.rstrip().splitlines()[-1] == "You may lose <all>."


def test_without_a_public_url_there_are_no_links(connection: psycopg.Connection) -> None:
    alert = message("alert", signal_id=bitcoin(connection))
    for channel in CHANNELS:
        said = rendered(connection, channel, alert, Settings())
        assert Tags(said.html + said.text).links == []
        assert said.data["data"]["url"] is None


def test_a_signal_of_simulated_prices_is_marked_wherever_it_is_seen(connection: psycopg.Connection) -> None:
    alert = message("alert", signal_id=scenes.simulated_short(connection))
    said = rendered(connection, "email", alert)
    assert "SIMULATED" in said.subject
    assert "SIMULATED" in said.text
    assert "SIMULATED" in said.html
    assert said.data["data"]["is_simulated"] is True
    assert "SIMULATED" in rendered(connection, "telegram", alert).text


# --- escaping


@ROUNDS
@given(data=st.data())
def test_no_text_can_be_mark_up_or_a_line_of_its_own(connection: psycopg.Connection, data: st.DataObject) -> None:
    hostile = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).map(
        lambda text: text + "</b><script>x</script>\r\nBcc: eve\u2028&amp;{{ 7 * 7 }}"
    )
    strategy, symbol, reason, note = (data.draw(hostile) for _ in range(4))
    connection.execute("SAVEPOINT round")
    instrument = records.add_instrument(connection, symbol)
    signal_id = records.add_signal(
        connection, instrument, records.add_strategy(connection, strategy), origin="live", reason=reason
    )
    renderer, alert = Renderer(Settings(risk_note=note)), message("alert", signal_id=signal_id)
    mail, chat, hook = (renderer.render(connection, channel, alert) for channel in CHANNELS)
    connection.execute("ROLLBACK TO SAVEPOINT round")
    assert mail is not None
    assert chat is not None
    assert hook is not None
    assert mail.subject.splitlines() == [mail.subject]
    assert len(mail.text.splitlines()) == 5
    assert words.one_line(reason) in mail.text
    assert set(Tags(chat.text).tags) == {"b", "i"}
    assert words.one_line(reason) in Tags(chat.text).words
    assert set(Tags(mail.html).tags) == _TAGS_OF_MAILS
    assert words.one_line(reason) in Tags(mail.html).words
    assert json.loads(json.dumps(hook.data))["data"]["reason"] == reason


_TAGS_OF_MAILS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "span", "b"}


@settings(deadline=None)
@given(st.text())
def test_one_line_is_one_line_and_stays_as_it_is(text: str) -> None:
    line = words.one_line(text)
    assert line.splitlines() in ([line], [])
    assert line.encode("utf-8").decode("utf-8") == line
    assert words.one_line(line) == line


def test_telegram_gets_no_more_than_it_takes(connection: psycopg.Connection) -> None:
    ann = add_subscriber(connection, created_at=CLOSE, time_zone="UTC")
    strategy = records.add_strategy(connection)
    for index in range(40):
        instrument = records.add_instrument(connection, f"A-RATHER-LONG-NAME-{index}/USDT")
        records.add_signal(connection, instrument, strategy, CLOSE, HIT, origin="live", reason="x" * 9000)
    said = rendered(connection, "telegram", digest("daily_digest", ann)).text
    assert len(Tags(said).words) <= TELEGRAM_LIMIT
    assert said.count("… and 25 earlier ones") == 2
    instrument = records.add_instrument(connection, "B/USDT")
    wordy = records.add_signal(connection, instrument, strategy, CLOSE, origin="live", reason="word " * 2000)
    settings = Settings(risk_note="note " * 2000)
    said = rendered(connection, "telegram", message("alert", signal_id=wordy), settings).text
    assert len(Tags(said).words) <= TELEGRAM_LIMIT
