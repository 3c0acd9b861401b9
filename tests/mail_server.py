"""A real mail server on loopback (aiosmtpd), which refuses, hangs and closes as a test asks.

async with MailServer() as server:
    server.answers["nobody@example.com"] = "550 5.1.1 no such user"
"""

import asyncio
import ssl
import subprocess
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG = "hang"
CLOSE = "close"


@dataclass(frozen=True)
class Mail:
    """One message that was taken."""

    sender: str
    recipient: str
    raw: bytes
    connection: int

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """`answers` by recipient replace the usual one; `after_data` what a whole message is answered.

    Either may be HANG or CLOSE. `most_mails` a connection may bring before it is answered 421.
    """

    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    pipelining: bool = True
    most_mails: int = 1_000_000
    greeting: str | None = None
    answers: dict[str, str] = field(default_factory=dict)
    after_data: list[str] = field(default_factory=list)
    at_mail: list[str] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    encrypted: set[int] = field(default_factory=set)
    port: int = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._protocols: list[_Smtp] = []
        self._server = await loop.create_server(self._made, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop_all()
        await asyncio.sleep(0)

    def drop_all(self) -> None:
        """Close every connection, as a server that restarts does."""
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.close()
            if protocol._handler_coroutine is not None:
                protocol._handler_coroutine.cancel()

    def _made(self) -> "_Smtp":
        self.connections += 1
        protocol = _Smtp(self, self.connections)
        self._protocols.append(protocol)
        return protocol

    # aiosmtpd's hooks

    async def handle_EHLO(  # noqa: N802
        self, server: "_Smtp", session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.pipelining:
            lines.insert(1, "250-PIPELINING")
        return lines

    async def handle_MAIL(  # noqa: N802
        self, server: "_Smtp", session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if server.taken >= self.most_mails:
            return await server.answer("421 4.7.0 enough for now") or "421 enough"
        if self.at_mail:
            return await server.answer(self.at_mail.pop(0))
        envelope.mail_from = address
        return "250 2.1.0 sender ok"

    async def handle_RCPT(  # noqa: N802
        self, server: "_Smtp", session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.answers:
            return await server.answer(self.answers[address])
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(  # noqa: N802
        self, server: "_Smtp", session: Session, envelope: Envelope
    ) -> str:
        if self.after_data:
            return await server.answer(self.after_data.pop(0))
        raw = envelope.original_content or b""
        if session.ssl is not None or self.tls is not None:
            self.encrypted.add(server.number)
        for recipient in envelope.rcpt_tos:
            self.mails.append(Mail(envelope.mail_from or "", recipient, raw, server.number))
        server.taken += 1
        return f"250 2.0.0 queued as {len(self.mails)}"


class _Smtp(SMTP):
    def __init__(self, mail_server: MailServer, number: int) -> None:
        self.mail_server = mail_server
        self.number = number
        self.taken = 0
        super().__init__(
            mail_server,
            tls_context=mail_server.starttls,
            auth_required=mail_server.login is not None,
            auth_require_tls=mail_server.starttls is not None,
            authenticator=self._authenticated if mail_server.login else None,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        if mail_server.greeting:
            self.__ident__ = mail_server.greeting

    async def answer(self, text: str) -> str:
        """Return an answer, or never."""
        if text == CLOSE:
            assert self.transport is not None
            self.transport.close()
        if text in {HANG, CLOSE}:
            await asyncio.Event().wait()
        return text

    def _authenticated(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.mail_server.login, handled=False)


def certificate(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate of its own making, for localhost."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
