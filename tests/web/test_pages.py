"""The pages as they are sent: what stands in them, who gets them, and what they may load."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub.db.engine import Database
from signalhub.subscribers import keys
from signalhub.web import table
from tests import outbox_stage, records
from tests.records import CLOSE, closed
from tests.web.conftest import Record, sooner_or_later

HTML = "text/html; charset=utf-8"
Client = TestClient[Litestar]


def texts(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def ids(page: str) -> list[int]:
    """The signals of a page, from top to bottom."""
    return [int(found) for found in re.findall(r'data-id="(\d+)"', page)]


def page_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, HTML), answer.text
    return answer.text


@pytest.fixture
def signals(record: Record) -> dict[str, int]:
    """One signal of each status, the last one newest."""
    ends = {
        "open": None,
        "target_hit": closed("target_hit", 2.0),
        "stop_hit": closed("stop_hit", -1.0, is_ambiguous=True),
        "expired": {"status": "expired"},
        "cancelled": {"status": "cancelled", "fill_at": CLOSE, "fill_price": 98.0},
    }
    return {name: record.add(hours=hours, outcome=end) for hours, (name, end) in enumerate(ends.items())}


def test_the_table_shows_signals_newest_first(client: Client, signals: dict[str, int]) -> None:
    page = page_of(client, "/")
    assert ids(page) == sorted(signals.values(), reverse=True)
    said = texts(page)
    assert "2026-01-02 04:00 BTC/USDT live momentum 1h LONG 71 100.00 99 102 Target hit +2.00" in said
    assert "Stop hit ambiguous −1.00" in said


@pytest.mark.parametrize(
    ("tab", "names"),
    [
        ("all", {"open", "target_hit", "stop_hit", "expired", "cancelled"}),
        ("open", {"open"}),
        ("closed", {"target_hit", "stop_hit", "expired", "cancelled"}),
        ("target_hit", {"target_hit"}),
        ("stop_hit", {"stop_hit"}),
        ("expired", {"expired"}),
    ],
)
def test_a_tab_is_a_link_to_its_part_of_the_signals(
    client: Client, signals: dict[str, int], tab: str, names: set[str]
) -> None:
    link = next(known.link for known in table.TABS if known.name == tab)
    page = page_of(client, link)
    assert set(ids(page)) == {signals[name] for name in names}
    assert f'<a href="{link}" aria-current="page">' in page


def test_pages_walked_to_the_end_hold_each_signal_once(client: Client, record: Record) -> None:
    added = [record.add(hours=hours) for hours in range(2 * table.PAGE_SIZE + 3)]
    path, seen, lengths = "/?tab=open", [], []
    while path:
        page = page_of(client, path)
        seen += ids(page)
        lengths.append(len(ids(page)))
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(older[1]) if older else ""
        assert ('rel="first"' in page) == (len(lengths) > 1)
    assert seen == added[::-1]
    assert lengths == [table.PAGE_SIZE, table.PAGE_SIZE, 3]


def test_what_is_simulated_and_what_is_replayed_is_marked(client: Client, record: Record) -> None:
    with record.database.transaction() as connection:
        simulated = records.add_instrument(connection, "SIM:ETH/USDT", is_simulated=True)
        records.add_signal(connection, simulated, record.strategies["momentum"])
    said = texts(page_of(client, "/"))
    assert "SIM:ETH/USDT SIMULATED replay" in said
    assert "These prices are invented" in said
    record.add()
    sooner_or_later(lambda: "These prices are invented" not in texts(page_of(client, "/")))


def test_the_table_changes_as_soon_as_the_database_does(client: Client, record: Record) -> None:
    assert "No signals yet" in texts(page_of(client, "/"))
    signal_id = record.add()
    # The database's notice takes a moment.
    sooner_or_later(lambda: ids(page_of(client, "/")) == [signal_id])
    record.close(signal_id)
    sooner_or_later(lambda: "Target hit +2.00" in texts(page_of(client, "/")))


def test_an_empty_page_says_what_to_do(client: Client) -> None:
    assert "signalhub demo" in texts(page_of(client, "/"))
    assert "No signal is in “Expired”" in texts(page_of(client, "/?tab=expired"))


def test_a_signal_has_its_chart_its_levels_and_its_reasons(client: Client, signals: dict[str, int]) -> None:
    page = page_of(client, f"/signals/{signals['target_hit']}")
    assert page.count("<svg viewBox") >= 3
    assert page.count('class="chart chart-') == 3
    said = texts(page)
    for words in (
        "Entry 100.00 Stop 99 −1.00 % Target 102 +2.00 %",
        "R:R 2.0 Score 71 Result +2.00 R",
        "Up × 2 − made up",
        "trend 0.80 volume 0.55 score 71.25",
        "Filled at 100.00 on 2026-01-02 03:00 UTC; the target was reached at 102.00 on 2026-01-02 05:00 UTC, 1 h after",
        "Valid until 2026-01-02 16:00",
    ):
        assert words in said
    assert re.search(r"Inputs, sha256 [0-9a-f]{64}", said)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("open", "Waiting for the first bar after the signal; valid until 2026-01-02 15:00 UTC."),
        ("stop_hit", "it counts as stopped"),
        ("expired", "No bar came before 2026-01-02 18:00 UTC, so there was no trade."),
        ("cancelled", "The market opened at or beyond stop or target, so there was no trade."),
    ],
)
def test_what_became_of_a_signal_is_said_in_words(
    client: Client, signals: dict[str, int], name: str, words: str
) -> None:
    assert words in texts(page_of(client, f"/signals/{signals[name]}"))


def test_a_signal_whose_bars_are_gone_has_a_page_without_a_chart(client: Client, record: Record) -> None:
    with record.database.transaction() as connection:
        ether = records.add_instrument(connection, "ETH/USDT")
        signal_id = records.add_signal(connection, ether, record.strategies["momentum"])
    assert "no longer kept" in texts(page_of(client, f"/signals/{signal_id}"))


def test_what_is_in_the_database_stays_text(client: Client, record: Record) -> None:
    hostile = "<script>alert(1)</script>"
    signal_id = record.add(reason=hostile)
    with record.database.transaction() as connection:
        connection.execute("UPDATE market.instruments SET public_symbol = %s", (hostile,))
    for path in ("/", f"/signals/{signal_id}"):
        page = page_of(client, path)
        assert hostile not in page
        assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/signals/4711", 404, "There is no signal 4711"),
        ("/?tab=nonsense", 400, "'nonsense' is no tab. Use one of all, open, closed"),
        ("/?cursor=x", 400, "is no cursor of ours"),
        ("/?page=2", 400, "'page' is no query parameter here"),
    ],
)
def test_what_goes_wrong_is_a_page_too(client: Client, path: str, status: int, words: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, HTML)
    assert words in texts(answer.text)


def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_of_its_own(client: Client, record: Record) -> None:
    paths = ("/", f"/signals/{record.add()}", "/login", "/?tab=expired", "/signals/4711")
    for answer in map(client.get, paths):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert not re.search(r"\sstyle=|<style|<script(?! src=\"/static/)|\son\w+=|javascript:", answer.text)
        assert set(re.findall(r'(?:src|href)="(https?:|//)', answer.text)) == set()
        for found in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert client.get(unescape(found)).headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/static/page.css", 200, "text/css; charset=utf-8"),
        ("/static/live.js", 200, "text/javascript; charset=utf-8"),
        ("/static/icon.svg", 200, "image/svg+xml"),
        ("/static/..%2fapp.py", 404, "application/problem+json"),
        ("/static/app.py", 404, "application/problem+json"),
    ],
)
def test_files_are_those_of_the_page_alone(client: Client, path: str, status: int, kind: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)


def key_of(database: Database, name: str, strategy: str | None) -> str:
    """A new subscriber's key."""
    with database.transaction() as connection:
        subscriber_id = outbox_stage.insert(
            connection, "account.subscribers", {"name": name, "created_at": CLOSE}, "subscriber_id"
        )
        if strategy:
            outbox_stage.grant(connection, subscriber_id, strategy, valid_from=CLOSE - timedelta(days=1))
        return keys.issue(connection, subscriber_id, CLOSE)[0]


def log_in(client: Client, key: str, to: str = "/") -> Any:
    return client.post("/login", data={"key": key, "next": to}, headers={"accept": "text/html"})


def test_without_a_session_every_page_leads_to_the_login(closed_client: Client, record: Record) -> None:
    for path in ("/", f"/signals/{record.add()}"):
        answer = closed_client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    page = page_of(closed_client, "/login?next=/signals/7")
    assert '<input type="hidden" name="next" value="/signals/7">' in page
    assert "BTC/USDT" not in page


def test_a_key_opens_the_page_until_logging_out(closed_client: Client, record: Record) -> None:
    mine, other = record.add("momentum"), record.add("breakout", hours=1)
    answer = log_in(closed_client, key_of(record.database, "ann", "momentum"), f"/signals/{mine}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/signals/{mine}")
    page = page_of(closed_client, "/")
    assert ids(page) == [mine]
    assert "ann" in texts(page)
    assert closed_client.get(f"/signals/{other}").status_code == 404
    assert closed_client.get("/login").headers["location"] == "/"
    token = re.search(r'name="csrf_token" value="(\w+)"', page_of(closed_client, "/logout"))
    assert token
    assert closed_client.post("/logout", data={"csrf_token": "wrong"}).status_code == 403
    assert closed_client.post("/logout", data={"csrf_token": token[1]}).headers["location"] == "/login"
    assert closed_client.get("/").status_code == 303
    assert closed_client.get("/logout").headers["location"] == "/login"


def test_somebody_without_a_strategy_is_told_so(closed_client: Client, record: Record) -> None:
    record.add()
    log_in(closed_client, key_of(record.database, "bob", None))
    assert "No strategy is yours yet" in texts(page_of(closed_client, "/"))


def test_a_wrong_key_is_said_at_the_login(closed_client: Client, record: Record) -> None:  # noqa: ARG001
    answer = log_in(closed_client, "nonsense")
    assert answer.status_code == 303
    assert "This key opens nothing" in texts(page_of(closed_client, answer.headers["location"]))
    assert "Try again in 30 s" in texts(page_of(closed_client, "/login?wait=30"))
