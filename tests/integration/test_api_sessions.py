"""The page's login: a session in a cookie, what it may, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from signalhub import clock
from signalhub.api.app import create_app
from signalhub.db.engine import Database
from signalhub.settings import Settings
from signalhub.subscribers import keys, people
from tests.integration.api_client import assert_problem
from tests.integration.api_people import CLOSED, Town, settled

COOKIE = "signalhub_session"
FEEDBACK = {"rating": "useful", "comment": "as it was said"}


@pytest.fixture
def town(database: Database) -> Town:
    return settled(database)


@pytest.fixture
def browser(database: Database, town: Town) -> Iterator[TestClient[Litestar]]:
    """Logged in as `entitled`; `town` is named so that it is there first."""
    with TestClient(create_app(database, CLOSED)) as client:
        assert log_in(client, town.tokens["entitled"]).status_code == 303
        yield client


def log_in(client: TestClient[Litestar], key: str, **headers: str) -> Any:
    return client.post("/login", data={"key": key}, headers=headers, follow_redirects=False)


def csrf(client: TestClient[Litestar]) -> str:
    token: str = client.get("/api/v1/session").json()["csrf_token"]
    return token


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_cannot_use(database: Database, town: Town) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        answer = log_in(client, town.tokens["entitled"])
        cookie = answer.headers["set-cookie"].lower()
        assert answer.headers["location"] == "/"
        assert cookie.startswith(f"{COOKIE}=")
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        assert "secure" not in cookie
        assert client.get("/api/v1/session").json()["name"] == "entitled"


def test_where_people_come_by_https_the_cookie_stays_there(database: Database, town: Town) -> None:
    by_https = CLOSED.replace(public_url="https://signals.example")
    with TestClient(create_app(database, by_https)) as client:
        assert "secure" in log_in(client, town.tokens["entitled"]).headers["set-cookie"].lower()


def test_the_database_holds_no_secret_of_a_session(database: Database, browser: TestClient[Litestar]) -> None:
    with database.transaction() as connection:
        ((stored,),) = connection.execute("SELECT session_sha256 FROM account.sessions").fetchall()
    assert browser.cookies[COOKIE] != stored
    with TestClient(create_app(database, CLOSED), cookies={COOKIE: stored}) as thief:
        assert_problem(thief.get("/api/v1/signals"), 401)


def test_a_write_of_a_session_needs_its_csrf_token(browser: TestClient[Litestar], town: Town) -> None:
    path = f"/api/v1/signals/{town.momentum}/feedback"
    assert_problem(browser.post(path, json=FEEDBACK), 403, "CSRF")
    assert_problem(browser.post(path, json=FEEDBACK, headers={"X-CSRF-Token": "0" * 64}), 403, "CSRF")
    good = {"X-CSRF-Token": csrf(browser)}
    assert_problem(browser.post(path, json=FEEDBACK, headers=good | {"Origin": "https://evil.example"}), 403, "evil")
    assert browser.post(path, json=FEEDBACK, headers=good).json() == FEEDBACK


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "", "no url"])
def test_nobody_logs_in_or_writes_from_another_origin(browser: TestClient[Litestar], town: Town, origin: str) -> None:
    assert_problem(log_in(browser, town.tokens["entitled"], Origin=origin), 403, "Pages of")
    answer = browser.put("/api/v1/preferences", json={}, headers={"X-CSRF-Token": csrf(browser), "Origin": origin})
    assert_problem(answer, 403, "Pages of")


def test_the_csrf_token_of_another_session_is_none(browser: TestClient[Litestar], town: Town) -> None:
    before = csrf(browser)
    log_in(browser, town.tokens["entitled"])
    assert csrf(browser) != before
    assert_problem(browser.put("/api/v1/preferences", json={}, headers={"X-CSRF-Token": before}), 403, "CSRF")


@pytest.mark.parametrize(
    ("body", "word"), [(b"", "data is missing."), (b"[" * 100_000, "nested too deeply"), (b"[1]", "object")]
)
def test_a_body_that_says_nothing_is_a_problem_that_says_why(
    database: Database, town: Town, body: bytes, word: str
) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        answer = client.put("/api/v1/preferences", content=body, headers=town.headers("entitled"))
        assert_problem(answer, 400, word)


def test_a_key_needs_no_csrf_token(database: Database, town: Town) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        path = f"/api/v1/signals/{town.momentum}/feedback"
        assert client.post(path, json=FEEDBACK, headers=town.headers("entitled")).status_code == 200


def test_logging_out_ends_the_session_for_whoever_copied_its_cookie(browser: TestClient[Litestar]) -> None:
    copied = browser.cookies[COOKIE]
    assert_problem(browser.post("/logout", follow_redirects=False), 403, "CSRF")
    answer = browser.post("/logout", data={"csrf_token": csrf(browser)}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    browser.cookies.clear()
    assert_problem(browser.get("/api/v1/signals", headers={"Cookie": f"{COOKIE}={copied}"}), 401)


def test_sessions_outlive_a_restart_of_the_api(database: Database, browser: TestClient[Litestar]) -> None:
    with TestClient(create_app(database, CLOSED), cookies=dict(browser.cookies)) as restarted:
        assert restarted.get("/api/v1/session").json()["name"] == "entitled"


@pytest.mark.parametrize("how", ["revoked", "inactive"])
def test_a_session_dies_with_its_key(database: Database, browser: TestClient[Litestar], town: Town, how: str) -> None:
    assert browser.get("/api/v1/signals").status_code == 200
    with database.transaction() as connection:
        if how == "revoked":
            keys.revoke(connection, town.tokens["entitled"], clock.now())
        else:
            people.change(connection, town.ids["entitled"], {"is_active": False}, CLOSED)
    with TestClient(create_app(database, CLOSED), cookies=dict(browser.cookies)) as anew:
        assert_problem(anew.get("/api/v1/signals"), 401)


def test_a_wrong_key_leads_a_browser_back_and_tells_a_program(database: Database, town: Town) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        led_back = log_in(client, "shk_wrong", Accept="text/html")
        assert (led_back.status_code, led_back.headers["location"]) == (303, "/login?failed=1&next=/")
        assert_problem(log_in(client, town.tokens["revoked"]), 401)


def test_after_many_wrong_keys_an_address_has_to_wait_even_with_a_good_one(database: Database, town: Town) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        for _ in range(10):
            assert log_in(client, "shk_wrong").status_code == 401
        refused = log_in(client, town.tokens["entitled"])
        assert_problem(refused, 429, "wrong keys")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert log_in(client, "shk_wrong", Accept="text/html").headers["location"].startswith("/login?wait=")


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/signals/7?tab=open", "/signals/7?tab=open"),
        ("//evil.example/", "/"),
        ("//[", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
    ],
)
def test_a_login_leads_to_pages_of_ours_only(database: Database, town: Town, wanted: str, led_to: str) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        form = {"key": town.tokens["entitled"], "next": wanted}
        assert client.post("/login", data=form, follow_redirects=False).headers["location"] == led_to


def test_a_login_sent_by_another_site_is_refused(database: Database, town: Town) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        assert_problem(log_in(client, town.tokens["entitled"], Origin="https://evil.example"), 403, "evil.example")


def test_each_key_has_its_own_rate(database: Database, town: Town) -> None:
    with TestClient(create_app(database, Settings(rate_limit=3))) as client:
        answers = [client.get("/api/v1/instruments", headers=town.headers("analyst")) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
        assert_problem(answers[-1], 429, "3 requests a minute")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert client.get("/api/v1/instruments", headers=town.headers("operator")).status_code == 200


@pytest.mark.parametrize("header", ["X-API-Key", "x-api-key"])
def test_a_key_may_come_in_a_header_of_its_own(database: Database, town: Town, header: str) -> None:
    with TestClient(create_app(database, CLOSED)) as client:
        assert client.get("/api/v1/signals", headers={header: town.tokens["entitled"]}).status_code == 200
        assert_problem(client.get("/api/v1/signals", headers={"Authorization": "Basic YTpi"}), 401, "Bearer")
        assert "Bearer" in client.get("/api/v1/signals").headers["www-authenticate"]
