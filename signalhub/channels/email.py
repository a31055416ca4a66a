"""E-mail by SMTP: HTML and text in one mail, several mails over one connection.

has_keys: the Message-ID is made of the message's key, so a mail sent twice is the same mail to servers and programs
that fold by Message-ID (Gmail, Exchange, Dovecot and most programs do). SMTP itself promises nothing: where nobody
folds, a connection that breaks between the mail and its receipt may show one mail twice. That is preferred to none.
"""

from __future__ import annotations

import re
import ssl
from collections import deque
from email.header import Header
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import ClassVar
from urllib.parse import quote

import aiosmtplib
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from signalhub import clock
from signalhub.channels.base import Channel, Outgoing
from signalhub.channels.words import one_line
from signalhub.errors import ChannelUnavailable, SettingsInvalid
from signalhub.outbox.verdicts import RetryAt, Sent, Undeliverable, Verdict
from signalhub.settings import Settings

_MAILS_PER_CONNECTION = 50
"""Servers hang up after some hundred mails: we are done before."""
_IDLE_SECONDS = 30.0
"""Servers forget a silent connection after a minute or more."""
_ADDRESS = re.compile(r"""([^\s<>()\[\],;:"\\@]+)@([^\s<>()\[\],;:"\\@]+)""")
_CRLF = "\r\n"
_ABOUT_US = (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPHeloError, aiosmtplib.SMTPSenderRefused)


class _Connection:
    """One connection, and whether it may take one more mail."""

    def __init__(self, smtp: SMTP) -> None:
        self.smtp = smtp
        self.mails = 0
        self.rested_at = clock.stopwatch()

    @property
    def is_usable(self) -> bool:
        is_fresh = clock.stopwatch() - self.rested_at < _IDLE_SECONDS
        return self.smtp.is_connected and self.mails < _MAILS_PER_CONNECTION and is_fresh


class Email(Channel):
    """Mails through the server of SIGNALHUB_SMTP_HOST."""

    name: ClassVar[str] = "email"
    has_keys: ClassVar[bool] = True
    at_once: ClassVar[int] = 4
    patience: ClassVar[float] = 15.0
    """Servers look for spam and viruses before they say that they have taken a mail."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._sender = _sender(settings.mail_from)
        self._resting: deque[_Connection] = deque()

    @classmethod
    def is_configured(cls, settings: Settings) -> bool:
        """Whether there is a mail server."""
        return settings.smtp_host is not None

    async def send(self, message: Outgoing) -> Verdict:
        """Tries once. What is refused for good and concerns the receiver or the mail is Undeliverable; all else is
        tried again, also after a silence: see has_keys.
        """
        try:
            receiver = _mailbox(message.address.name, message.address.email)
            mail = _built(message, self._sender, receiver)
        except ValueError as error:
            return Undeliverable(f"No mail can be sent to {message.address.email!r}: {one_line(str(error))}.")
        try:
            return await self._sent(receiver, mail)
        except (SMTPException, OSError, ValueError) as error:
            return self._verdict(error)

    async def check(self) -> str:
        """Says hello, encrypts and logs in, as a mail would."""
        try:
            connection = await self._connected()
        except (SMTPException, OSError, ValueError) as error:
            raise ChannelUnavailable(f"{self._explained(error)} Check SIGNALHUB_SMTP_*.") from None
        await self._ended(connection)
        login = f"takes the login of {self.settings.smtp_user}" if self.settings.smtp_user else "asks for no login"
        return f"email: {self._server} answers ({self.settings.smtp_tls}) and {login}"

    async def close(self) -> None:
        """Says goodbye on every connection."""
        while self._resting:
            await self._ended(self._resting.popleft())

    @property
    def _server(self) -> str:
        return f"{self.settings.smtp_host}:{self.settings.smtp_port}"

    async def _sent(self, receiver: MailAddress, mail: bytes) -> Verdict:
        connection = await self._ready()
        is_intact = False
        try:
            options = [] if receiver.addr_spec.isascii() else ["SMTPUTF8"]
            _, answer = await connection.smtp.sendmail(
                self._sender.addr_spec, [receiver.addr_spec], mail, mail_options=options
            )
            is_intact = True
        except SMTPException as error:
            # A refused mail leaves the connection as it was (sendmail sends RSET); a broken or full one does not.
            is_intact = connection.smtp.is_connected and _code(error) != 421
            raise
        finally:
            self._rest(connection, is_intact)
        return Sent(_detail(answer))

    async def _ready(self) -> _Connection:
        while self._resting:
            connection = self._resting.pop()
            if connection.is_usable:
                return connection
            await self._ended(connection)
        return await self._connected()

    def _rest(self, connection: _Connection, is_intact: bool) -> None:
        if not is_intact:
            connection.smtp.close()
            return
        connection.mails += 1
        connection.rested_at = clock.stopwatch()
        self._resting.append(connection)

    async def _connected(self) -> _Connection:
        settings = self.settings
        smtp = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            timeout=self.patience,
        )
        try:
            await smtp.connect()
        except BaseException:
            smtp.close()
            raise
        return _Connection(smtp)

    async def _ended(self, connection: _Connection) -> None:
        try:
            await connection.smtp.quit(timeout=1.0)
        except (SMTPException, OSError):
            connection.smtp.close()

    def _verdict(self, error: Exception) -> Verdict:
        if isinstance(error, aiosmtplib.SMTPNotSupported) and "SMTPUTF8" in str(error):
            return Undeliverable(f"{self._server} takes no address with letters other than English ones.")
        is_final = 500 <= (_code(error) or 0) < 600
        is_about_us = isinstance(error, (*_ABOUT_US, aiosmtplib.SMTPAuthenticationError))
        return (
            Undeliverable(self._explained(error)) if is_final and not is_about_us else RetryAt(self._explained(error))
        )

    def _explained(self, error: Exception) -> str:
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return f"{self._server} refuses the login of {self.settings.smtp_user}: {_answer(error)}"
        if isinstance(error, aiosmtplib.SMTPSenderRefused):
            return f"{self._server} refuses mail from {self._sender.addr_spec}: {_answer(error)}"
        if isinstance(error, ssl.SSLError | ssl.CertificateError) or isinstance(error.__cause__, ssl.SSLError):
            return f"{self._server} cannot be trusted: {_answer(error.__cause__ or error)}"
        return f"{self._server}: {_answer(error)}"


def _sender(mail_from: str) -> MailAddress:
    name, address = parseaddr(mail_from)
    try:
        return _mailbox(name, address)
    except ValueError:
        raise SettingsInvalid(
            f"SIGNALHUB_MAIL_FROM is {mail_from!r}: expected a sender such as Signalhub <signals@example.org>."
        ) from None


def _mailbox(name: str, address: str | None) -> MailAddress:
    """Raises: ValueError for what is no single address.

    The standard library reads addresses too, but takes comments and quotes, and none with letters like ü.
    """
    found = _ADDRESS.fullmatch(address or "")
    if not found or not found[0].isprintable():
        raise ValueError("it is no address" if address else "there is no address")
    # Names of domains travel in ASCII; what stands before the @ travels as it is, if the server can.
    return MailAddress(one_line(name), found[1], found[2].encode("idna").decode("ascii"))


def _built(message: Outgoing, sender: MailAddress, receiver: MailAddress) -> bytes:
    """The mail's bytes: headers of its own before what all receivers of the content share."""
    own = {
        "Date": format_datetime(clock.now()),
        "Message-ID": f"<{quote(message.key, safe='')}@{sender.domain}>",
        "Auto-Submitted": "auto-generated",
    }
    content = message.content
    return (
        _mailbox_line("From", sender.display_name, sender.addr_spec)
        + _mailbox_line("To", receiver.display_name, receiver.addr_spec)
        + "".join(f"{name}: {value}\r\n" for name, value in own.items()).encode("ascii")
        + _shared(content.subject, content.text, content.html)
    )


@lru_cache(maxsize=20_000)
def _mailbox_line(field: str, name: str, address: str) -> bytes:
    """A header with a name that people chose, as the standard library writes it: it refuses whatever would end it.

    Kept, for it takes most of the time of a mail, and the same people are written to again and again.
    """
    username, _, domain = address.rpartition("@")
    line = EmailMessage(SMTP_POLICY.clone(utf8=not address.isascii()))
    line[field] = MailAddress(name, username, domain)
    return line.as_bytes().removesuffix(b"\r\n")


@lru_cache(maxsize=64)
def _shared(subject: str, text: str, html: str) -> bytes:
    """Subject and body. Building them costs more than sending the mail does, so they are kept."""
    mail = EmailMessage(SMTP_POLICY.clone(cte_type="7bit"))
    mail.set_content(text, cte="quoted-printable")
    if html:
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return _subject_line(subject) + mail.as_bytes()


def _subject_line(subject: str) -> bytes:
    """The older of the standard library's two ways: the newer one loses blanks where it folds encoded words."""
    text = one_line(subject)
    header = Header(text, "us-ascii" if text.isascii() else "utf-8", header_name="Subject")
    return f"Subject: {header.encode(linesep=_CRLF)}{_CRLF}".encode("ascii")


def _code(error: BaseException | None) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return error.recipients[0].code
    return error.code if isinstance(error, SMTPResponseException) else None


def _answer(error: BaseException) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        return _detail(f"{error.code} {error.message}")
    return _detail(str(error) or type(error).__name__)


def _detail(text: str) -> str:
    return one_line(text)[:300]


CHANNEL = Email
