"""A real SMTP server on loopback (aiosmtpd) that refuses, hangs up or falls silent, as its script says."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import struct
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "correct horse"
RESET_BEFORE = "reset at the sender's name"
RESET_AFTER = "reset after the mail was read"
SILENCE = "silence after the mail was read"


@dataclass
class SmtpDouble:
    """What the double was sent, and what it shall do next: a step for the next MAIL, RCPT or DATA, used up one by one.

    A step is an answer such as `450 busy`, or one of the ways to give none.
    """

    port: int = 0
    at_mail: deque[str] = field(default_factory=deque)
    at_recipient: deque[str] = field(default_factory=deque)
    at_data: deque[str] = field(default_factory=deque)
    mails: list[EmailMessage] = field(default_factory=list)
    """Those that were taken, and those whose receipt was never said: the server cannot tell."""
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    connections: int = 0
    wants_login: bool = False

    async def handle_MAIL(  # noqa: N802 # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._step(server, self.at_mail)
        if answer is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802 # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._step(server, self.at_recipient)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802 # aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        is_refused = bool(self.at_data) and self.at_data[0][:1].isdigit()
        if not is_refused:
            content = cast(bytes, envelope.original_content)
            mail = email.message_from_bytes(content, policy=email.policy.default)
            self.mails.append(mail)
            self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        return await self._step(server, self.at_data) or "250 taken"

    async def _step(self, server: SMTP, script: deque[str]) -> str | None:
        step = script.popleft() if script else None
        if step in (RESET_BEFORE, RESET_AFTER):
            transport = cast(asyncio.Transport, server.transport)
            # Not a polite end, but the RST of a system whose server has crashed.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        if step == SILENCE:
            await asyncio.sleep(3600)
        return step

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Lets everybody in who knows the password."""
        login = cast(LoginPassword, data)
        self.logins.append(login.login.decode())
        return AuthResult(success=login.password.decode() == PASSWORD, handled=False)


class _Controller(Controller):
    def __init__(self, double: SmtpDouble, tls: ssl.SSLContext | None, is_tls_at_once: bool) -> None:
        self.double = double
        self.starttls = None if is_tls_at_once else tls
        super().__init__(double, hostname="127.0.0.1", port=0, ssl_context=tls if is_tls_at_once else None)

    def factory(self) -> SMTP:
        self.double.connections += 1
        with warnings.catch_warnings():
            # It warns of logins without TLS, which is what we want on loopback.
            warnings.simplefilter("ignore")
            return SMTP(
                self.double,
                hostname="double.example.org",
                enable_SMTPUTF8=True,
                tls_context=self.starttls,
                require_starttls=self.starttls is not None,
                authenticator=self.double.authenticate if self.double.wants_login else None,
                auth_required=self.double.wants_login,
                auth_require_tls=False,
                loop=self.loop,
            )

    def _trigger_server(self) -> None:
        # The port was chosen by the system.
        assert self.server is not None
        self.port = self.double.port = cast(asyncio.Server, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd has no types


@contextmanager
def serving(
    *, wants_login: bool = False, tls: ssl.SSLContext | None = None, is_tls_at_once: bool = False
) -> Iterator[SmtpDouble]:
    """A mail server on a free loopback port."""
    double = SmtpDouble(wants_login=wants_login)
    controller = _Controller(double, tls, is_tls_at_once)
    controller.start()
    double.connections = 0
    try:
        yield double
    finally:
        controller.stop()
