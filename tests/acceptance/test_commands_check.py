"""`signalhub check`: one line for everything that is set up, and what is wrong with it; against doubles on loopback."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from tests.acceptance.commands import Answer, Here, environment, signalhub
from tests.acceptance.places import empty_home
from tests.doubles import bot_api, exchange, http, smtp
from tests.integration.test_api_server import served

WORDS = ("database", "indicators", "venue", "email", "telegram", "webhook", "api")
LINE = re.compile(r"(ok|off|FAILED) +(\w+): (\S.*)")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def env(database_url: str, tmp_path: Path) -> dict[str, str]:
    """A migrated database, the simulator, a free port, and nothing else."""
    port = str(free_port())
    return environment(tmp_path / "home", database_url, SIGNALHUB_FEED="simulator", SIGNALHUB_API_PORT=port)


def lines(answer: Answer) -> dict[str, tuple[str, str]]:
    """What → status and detail, in the order of the lines."""
    assert answer.err == ""
    found = [LINE.fullmatch(line) for line in answer.out.splitlines()]
    return {line[2]: (line[1], line[3]) for line in found if line is not None}


def failed(answer: Answer, what: str) -> str:
    """The detail of the one line that failed."""
    assert answer.code == 1, answer
    found = lines(answer)
    assert tuple(found) == WORDS, answer
    assert [name for name, (status, _) in found.items() if status == "FAILED"] == [what], answer
    return found[what][1]


def test_what_is_not_set_up_is_off_and_fails_nothing(here: Here, env: dict[str, str], edition: str) -> None:
    answer = here(env, "check")
    found = lines(answer)
    assert answer.code == 0, answer
    assert {what: status for what, (status, _) in found.items()} == dict(
        zip(WORDS, ("ok", "off", "ok", "off", "off", "ok", "ok"), strict=True)
    )
    assert f"edition {edition}" in found["database"][1]
    assert "SIGNALHUB_SMTP_HOST" in found["email"][1]
    assert "SIGNALHUB_TELEGRAM_TOKEN" in found["telegram"][1]
    assert found["api"][1].endswith(f"port {env['SIGNALHUB_API_PORT']} of 127.0.0.1 is free")


def test_for_programs_the_same_is_json(here: Here, env: dict[str, str]) -> None:
    told = json.loads(here(env, "check", "--json").out)
    assert [set(item) for item in told] == [{"what", "status", "detail"}] * len(WORDS)
    assert {item["what"]: (item["status"], item["detail"]) for item in told} == lines(here(env, "check"))


def test_the_embedded_database_is_started_and_left_in_order() -> None:
    with empty_home() as home:
        env = environment(home, SIGNALHUB_FEED="simulator", SIGNALHUB_API_PORT=str(free_port()))
        done = signalhub(env, "check", "--timeout", 120)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("ok      database: the embedded server, PostgreSQL ")
        state = signalhub(environment(home), "db", "status").stdout
        assert "not running" in state


def test_a_database_that_is_away_or_not_migrated_fails(
    here: Here, env: dict[str, str], empty_database_url: str
) -> None:
    away = env | {"SIGNALHUB_DATABASE_URL": f"postgresql://somebody:hush-hush@127.0.0.1:{free_port()}/gone"}
    detail = failed(here(away, "check"), "database")
    assert "127.0.0.1" in detail
    assert "hush-hush" not in detail
    empty = env | {"SIGNALHUB_DATABASE_URL": empty_database_url}
    assert "signalhub migrate" in failed(here(empty, "check"), "database")


# --- the venue


def test_the_venue_is_asked_for_the_symbols_that_are_set(here: Here, env: dict[str, str]) -> None:
    with exchange.serving() as venue:
        followed = env | {"SIGNALHUB_FEED": "ccxt_rest", "SIGNALHUB_VENUE_URL": venue.url}
        most_traded = lines(here(followed, "check"))["venue"]
        chosen = lines(here(followed | {"SIGNALHUB_SYMBOLS": "ETH/USDT,BTC/USDT"}, "check"))["venue"]
        none = here(followed | {"SIGNALHUB_SYMBOLS": "BTC/USDT,BTX/USDT"}, "check")
    assert most_traded[0] == "ok"
    assert "ETH/USDT" in most_traded[1]
    assert chosen == ("ok", "binance lists ETH/USDT, BTC/USDT")
    assert "BTX/USDT" in failed(none, "venue")
    assert not venue.kline_queries


def test_a_venue_that_refuses_or_a_feed_that_is_none_fails(here: Here, env: dict[str, str]) -> None:
    with exchange.serving() as venue:
        venue.always(exchange.INFO, exchange.refusal(451))
        followed = env | {"SIGNALHUB_FEED": "ccxt_rest", "SIGNALHUB_VENUE_URL": venue.url}
        assert "binance" in failed(here(followed, "check"), "venue")
    assert "'nowhere'" in failed(here(env | {"SIGNALHUB_FEED": "nowhere"}, "check"), "venue")


def test_a_check_that_hangs_ends_at_its_time_limit_and_the_others_are_told(here: Here, env: dict[str, str]) -> None:
    with exchange.serving() as venue:
        venue.always(exchange.INFO, exchange.HANG)
        followed = env | {"SIGNALHUB_FEED": "ccxt_rest", "SIGNALHUB_VENUE_URL": venue.url}
        # As long as the quick checks may need on a busy machine; nothing here waits for anything but the venue.
        assert failed(here(followed, "check", "--timeout", "6"), "venue") == "no answer within 6 s"


# --- channels


def test_the_login_at_the_mail_server_is_tried_and_no_mail_sent(here: Here, env: dict[str, str]) -> None:
    with smtp.serving(wants_login=True) as server:
        mail = env | {
            "SIGNALHUB_SMTP_HOST": "127.0.0.1",
            "SIGNALHUB_SMTP_PORT": str(server.port),
            "SIGNALHUB_SMTP_TLS": "none",
            "SIGNALHUB_SMTP_USER": "ops",
        }
        good = lines(here(mail | {"SIGNALHUB_SMTP_PASSWORD": smtp.PASSWORD}, "check"))["email"]
        detail = failed(here(mail | {"SIGNALHUB_SMTP_PASSWORD": "wrong-horse"}, "check"), "email")
    assert good[0] == "ok"
    assert f"127.0.0.1:{server.port}" in good[1]
    assert "refuses the login of ops" in detail
    assert "wrong-horse" not in detail
    assert set(server.logins) == {"ops"}
    assert server.mails == []


def test_a_sender_that_is_no_address_fails_the_mail_alone(here: Here, env: dict[str, str]) -> None:
    mail = env | {"SIGNALHUB_SMTP_HOST": "127.0.0.1", "SIGNALHUB_MAIL_FROM": "nobody"}
    assert "SIGNALHUB_MAIL_FROM" in failed(here(mail, "check"), "email")


def test_the_bot_is_asked_who_it_is_and_its_token_is_never_shown(here: Here, env: dict[str, str]) -> None:
    with bot_api.serving_bot() as server:
        bot = env | {"SIGNALHUB_TELEGRAM_URL": server.url, "SIGNALHUB_TELEGRAM_TOKEN": bot_api.TOKEN}
        good = here(bot, "check")
        wrong = here(bot | {"SIGNALHUB_TELEGRAM_TOKEN": "123456:another-token-that-is-wrong"}, "check")
    away = here(bot, "check")
    assert lines(good)["telegram"] == ("ok", "the bot @signalhub_bot answers")
    assert "SIGNALHUB_TELEGRAM_TOKEN" in failed(wrong, "telegram")
    assert "SIGNALHUB_TELEGRAM_TOKEN" in failed(away, "telegram")
    assert [request.path.rpartition("/")[2] for request in server.requests] == ["getMe", "getMe"]
    for answer in (good, wrong, away):
        assert bot_api.TOKEN not in answer.out
        assert "another-token" not in answer.out


# --- the API's port


def test_a_port_at_which_signalhub_answers_is_ours(
    here: Here, env: dict[str, str], database_url: str, edition: str
) -> None:
    with served(database_url, edition) as (_, url):
        port = url.rpartition(":")[2]
        found = lines(here(env | {"SIGNALHUB_API_PORT": port}, "check"))["api"]
    assert found == ("ok", f"port {port} of 127.0.0.1 is ours: Signalhub answers there")


def test_a_port_that_others_have_fails(here: Here, env: dict[str, str]) -> None:
    with http.serving() as other:
        taken = here(env | {"SIGNALHUB_API_PORT": str(other.port)}, "check")
    assert "SIGNALHUB_API_PORT" in failed(taken, "api")
