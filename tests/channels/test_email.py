"""E-mail beyond the contract: what a mail is made of, connections, encryption, and who is to blame for a refusal."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalhub.channels import email as channel
from signalhub.channels.base import Address, Content, Outgoing
from signalhub.channels.email import Email
from signalhub.errors import ChannelUnavailable, SettingsInvalid
from signalhub.outbox.verdicts import RetryAt, Sent, Undeliverable, Verdict
from signalhub.settings import Settings
from tests.doubles import smtp
from tests.doubles.certificates import certificate

ANN = Address("ann", "ann@example.org")
CONTENT = Content("🟢 LONG BTC/USDT", "Entry 1\n.\nfrom here\n", "<p>Entry 1</p>")


def told(double: smtp.SmtpDouble, **changes: object) -> Settings:
    given = {"smtp_host": "127.0.0.1", "smtp_port": double.port, "smtp_tls": "none"}
    return Settings(mail_from="Signalhub <signals@example.org>").replace(**{**given, **changes})


def sent(chosen: Settings, messages: Sequence[Outgoing]) -> list[Verdict]:
    async def all_of_it() -> list[Verdict]:
        mailer = Email(chosen)
        try:
            return [await mailer.send(message) for message in messages]
        finally:
            await mailer.close()

    return asyncio.run(all_of_it())


def mail(number: int = 7, address: Address = ANN, content: Content = CONTENT) -> Outgoing:
    return Outgoing(f"{number}-1767358800", "alert", address, content)


def built(message: Outgoing) -> EmailMessage:
    """The mail as a program that receives it reads it."""
    sender, receiver = channel._sender("Signalhub <s@example.org>"), channel._mailbox(message.address.name, "a@b.org")
    raw = channel._built(message, sender, receiver)
    return email.message_from_bytes(raw, policy=email.policy.default)


# --- what a mail is made of


def test_a_mail_has_text_and_html_and_headers_that_tell_what_it_is() -> None:
    with smtp.serving() as double:
        assert isinstance(sent(told(double), [mail()])[0], Sent)
    [message] = double.mails
    assert message["From"] == "Signalhub <signals@example.org>"
    assert message["To"] == "ann <ann@example.org>"
    assert message["Subject"] == "🟢 LONG BTC/USDT"
    assert message["Message-ID"] == "<7-1767358800@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.utcoffset() is not None
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.get_body(("plain",)).get_content().splitlines() == ["Entry 1", ".", "from here"]  # type: ignore[union-attr] # there is one
    assert double.envelopes == [("signals@example.org", ["ann@example.org"])]


@settings(deadline=None)
@given(name=st.text(), subject=st.text(), key=st.text(min_size=1))
def test_no_text_can_begin_a_header_or_a_body_of_its_own(name: str, subject: str, key: str) -> None:
    evil = "\r\nBcc: eve@example.org\r\n\r\nhello"
    address = Address(name + evil, "ann@example.org")
    message = built(Outgoing(key + evil, "alert", address, Content(subject + evil, "text", "<p>html</p>")))
    expected = {"from", "to", "date", "message-id", "auto-submitted", "subject", "mime-version", "content-type"}
    assert sorted(name.lower() for name in message.keys()) == sorted(expected)  # noqa: SIM118 # as often as they stand there
    assert [mailbox.addr_spec for mailbox in message["To"].addresses] == ["a@b.org"]
    assert [part.get_content().strip() for part in message.iter_parts()] == ["text", "<p>html</p>"]


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_text_comes_out_as_it_went_in(text: str) -> None:
    body = built(mail(content=Content("Signal", f"[{text}]", "<p>x</p>"))).get_body(("plain",))
    assert body is not None
    assert body.get_content().rstrip("\r\n") == f"[{text}]"


@pytest.mark.parametrize(
    "wrong",
    [
        "ann",
        "ann@",
        "@example.org",
        "ann@example.org, eve@example.org",
        "a nn@example.org",
        "ann@exa mple.org",
        "ann@example.org\r\nRCPT TO:<eve@example.org>",
        "Ann <ann@example.org>",
        "ann@example..org",
        "ann\0@example.org",
    ],
)
def test_what_is_no_single_address_is_undeliverable(wrong: str) -> None:
    with smtp.serving() as double:
        [verdict] = sent(told(double), [mail(address=Address("ann", wrong))])
    assert isinstance(verdict, Undeliverable)
    assert len(verdict.detail.splitlines()) == 1
    assert double.envelopes == []


@pytest.mark.parametrize(
    ("address", "envelope"),
    [("ann@bücher.example", "ann@xn--bcher-kva.example"), ("jürgen@example.org", "jürgen@example.org")],
)
def test_addresses_of_the_whole_world_are_written_to(address: str, envelope: str) -> None:
    with smtp.serving() as double:
        assert isinstance(sent(told(double), [mail(address=Address("ann", address))])[0], Sent)
    assert double.envelopes[0][1] == [envelope]


def test_a_sender_that_is_none_is_named_with_its_key() -> None:
    with pytest.raises(SettingsInvalid, match=r"SIGNALHUB_MAIL_FROM is 'nobody': expected a sender such as"):
        Email(Settings(smtp_host="127.0.0.1", mail_from="nobody"))


# --- connections


def test_several_mails_go_over_one_connection_and_a_new_one_in_good_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_MAILS_PER_CONNECTION", 5)
    with smtp.serving() as double:
        found = sent(told(double), [mail(number) for number in range(12)])
    assert {type(verdict) for verdict in found} == {Sent}
    assert len(double.mails) == 12
    assert double.connections == 3


def test_a_connection_that_has_rested_too_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_IDLE_SECONDS", 0.0)
    with smtp.serving() as double:
        sent(told(double), [mail(1), mail(2)])
    assert double.connections == 2


def test_a_refusal_leaves_the_connection_and_a_server_that_says_goodbye_does_not() -> None:
    with smtp.serving() as double:
        double.at_recipient.append("550 no such mailbox")
        sent(told(double), [mail(1), mail(2)])
        assert double.connections == 1
        double.at_recipient.append("421 too many mails")
        found = sent(told(double), [mail(3), mail(4)])
        assert double.connections == 3
    assert [type(verdict) for verdict in found] == [RetryAt, Sent]


# --- who is to blame


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("at_recipient", "450 4.2.1 busy", RetryAt),
        ("at_recipient", "452 4.2.2 mailbox full", RetryAt),
        ("at_recipient", "550 5.1.1 unknown", Undeliverable),
        ("at_data", "451 4.3.0 try later", RetryAt),
        ("at_data", "554 5.7.1 spam", Undeliverable),
        # These are about us: they are mended by the operator, and the mail is still good then.
        ("at_mail", "451 4.7.1 greylisted", RetryAt),
        ("at_mail", "550 5.7.1 sender not allowed", RetryAt),
    ],
)
def test_a_refusal_is_final_only_where_it_is_about_the_receiver_or_the_mail(
    step: str, answer: str, expected: type[Verdict]
) -> None:
    with smtp.serving() as double:
        getattr(double, step).append(answer)
        [verdict] = sent(told(double), [mail()])
    assert isinstance(verdict, expected)
    assert answer.split(maxsplit=1)[1] in str(verdict.detail)


# --- encryption


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_mails_are_encrypted_by_starttls_and_from_the_first_byte(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp.serving(tls=context, is_tls_at_once=way == "tls", wants_login=True) as double:
        login = {"smtp_user": "ann", "smtp_password": smtp.PASSWORD}
        chosen = told(double, smtp_host="localhost", smtp_tls=way, **login)
        assert [type(verdict) for verdict in sent(chosen, [mail()])] == [Sent]
        line = asyncio.run(Email(chosen).check())
    assert line == f"email: localhost:{double.port} answers ({way}) and takes the login of ann"
    assert double.logins == ["ann", "ann"]


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(way: str, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "localhost")
    with smtp.serving(tls=context, is_tls_at_once=way == "tls") as double:
        [verdict] = sent(told(double, smtp_host="localhost", smtp_tls=way), [mail()])
    assert isinstance(verdict, RetryAt)
    assert "certificate verify failed" in verdict.detail
    assert double.envelopes == []


def test_a_server_without_starttls_gets_neither_login_nor_mail() -> None:
    with smtp.serving(wants_login=True) as double:
        chosen = told(double, smtp_tls="starttls", smtp_user="ann", smtp_password=smtp.PASSWORD)
        [verdict] = sent(chosen, [mail()])
        with pytest.raises(ChannelUnavailable, match=r"(?i)starttls.*Check SIGNALHUB_SMTP_"):
            asyncio.run(Email(chosen).check())
    assert isinstance(verdict, RetryAt)
    assert double.logins == []
    assert double.envelopes == []


@given(
    words=st.lists(st.sampled_from(["🛑", "STOP", "HIT", "·", "🔴", "SHORT", "SIM:TSLA", "5m", "breakout"]), min_size=1)
)
def test_a_subject_arrives_as_it_was_written_however_often_it_is_folded(words: list[str]) -> None:
    subject = " ".join(words)
    mail = email.message_from_bytes(channel._shared(subject, "text", ""), policy=email.policy.default)
    assert mail["Subject"] == subject
