"""SMTP to one server over pooled connections that stay open.

Opened by aiosmtplib (TLS, STARTTLS, AUTH), then used by `smtp_session`. A message is handed over
once; only when a connection turns out to have been closed while it was idle, another one tries.
"""

import asyncio
import re
import ssl
from collections import deque

import aiosmtplib

from dripline.clients.smtp_errors import failure
from dripline.clients.smtp_session import Reply, SmtpLost, SmtpSession, opened_session
from dripline.errors import ChannelDown, ChannelRefused, PermanentFailure, RetryLater
from dripline.mail_settings import SmtpServer

_IDLE_S = 20.0  # after that a server may have gone without our having read it
_MOST_PER_CONNECTION = 500  # many servers want a new connection now and then
_CONNECT_S = 10.0
_ODD = re.compile(r"[\s\x00-\x20\x7f<>]")


class SmtpClient:
    """A pool of at most `server.connections`; who finds all of them busy waits in line."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._name = server.host
        self._idle: list[SmtpSession] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._used = 0
        self._closed = False
        self._tls = _context(server)

    def __repr__(self) -> str:
        """Return the server and how busy we are."""
        return f"SmtpClient({self._name!r}, {self._used} in use)"

    async def send(self, sender: str, recipient: str, message: bytes) -> str:
        """Hand over one message to one recipient; return the server's answer.

        Raises a SendFailure: see `clients.smtp_errors` for which. A recipient that could end its
        own command is a PermanentFailure.
        """
        _checked(recipient)
        await self._turn()
        try:
            reply = await self._deliver(sender, recipient, message)
        finally:
            self._leave()
        if not reply.ok:
            raise failure(self._name, reply)
        return str(reply)

    async def check(self) -> None:
        """Connect and log in once, to see that it works. Raises a SendFailure."""
        self._keep(await self._open())

    async def close(self) -> None:
        """Say goodbye on all connections."""
        self._closed = True
        for session in self._idle:
            session.end()
        self._idle.clear()
        while self._waiting:
            self._next()
        await asyncio.sleep(0)

    async def _deliver(self, sender: str, recipient: str, message: bytes) -> Reply:
        session = self._idle_session()
        if session is not None:
            reply = await self._through(session, sender, recipient, message, again=True)
            if reply is not None:
                return reply
        # Either none was open, or it was closed, or it had had enough of us: a new one decides.
        session = await self._open()
        reply = await self._through(session, sender, recipient, message, again=False)
        assert reply is not None  # noqa: S101 - without `again` there is an answer or a failure
        return reply

    async def _through(
        self, session: SmtpSession, sender: str, recipient: str, message: bytes, *, again: bool
    ) -> Reply | None:
        """Return the answer, or None when another connection should be tried (`again`)."""
        if not session.knows_utf8 and not recipient.isascii():
            self._keep(session)
            raise PermanentFailure(
                f"{self._name} takes no addresses beyond ASCII: {recipient}", "address"
            )
        try:
            reply = await session.deliver(sender, recipient, message)
        except SmtpLost as lost:
            session.abort()
            if again and lost.untouched:
                return None
            reason = f"{self._name} {lost.reason}"
            if lost.maybe_taken:
                raise RetryLater(f"{reason}; it may have taken the message") from None
            raise ChannelDown(reason) from None
        if reply.code == 421:
            session.abort()
            return None if again else reply
        self._keep(session)
        return reply

    def _idle_session(self) -> SmtpSession | None:
        oldest = asyncio.get_running_loop().time() - _IDLE_S
        while self._idle:
            session = self._idle.pop()
            if session.usable and session.idle_since >= oldest:
                return session
            session.abort()
        return None

    def _keep(self, session: SmtpSession) -> None:
        if self._closed or not session.usable or session.sent >= _MOST_PER_CONNECTION:
            session.end()
            return
        session.idle_since = asyncio.get_running_loop().time()
        self._idle.append(session)

    async def _open(self) -> SmtpSession:
        smtp = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.tls,
            start_tls=False,
            tls_context=self._tls,
            timeout=min(self._server.timeout, _CONNECT_S),
        )
        step = "connect"
        try:
            await smtp.connect()
            await self._secure(smtp)
            step = "auth"
            if self._server.user is not None:
                await smtp.login(self._server.user, self._server.password or "")
            return self._session(smtp)
        except aiosmtplib.SMTPResponseException as error:
            smtp.close()
            raise failure(self._name, Reply(error.code, error.message, step)) from None
        except ssl.SSLCertVerificationError as error:
            smtp.close()
            raise self._untrusted(error) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise self._cannot_connect(error) from None
        except asyncio.CancelledError:
            smtp.close()
            raise

    async def _secure(self, smtp: aiosmtplib.SMTP) -> None:
        """Turn on encryption where it is wanted; a server that will not is refused."""
        await smtp.ehlo()
        wanted = self._server.starttls
        if self._server.tls or wanted == "never":
            return
        if smtp.supports_extension("starttls"):
            await smtp.starttls(tls_context=self._tls)
            await smtp.ehlo()
        elif wanted == "always":
            raise ChannelRefused(
                f"{self._name} offers no STARTTLS, and SMTP_URL asks for it. Use smtps://, or add "
                "?starttls=never if the network between is yours."
            )

    def _session(self, smtp: aiosmtplib.SMTP) -> SmtpSession:
        transport = smtp.protocol.transport if smtp.protocol else None
        if transport is None or transport.is_closing():
            raise ChannelDown(f"{self._name} closed the connection")
        return opened_session(transport, list(smtp.esmtp_extensions), self._server.timeout)

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> ChannelRefused:
        return ChannelRefused(
            f"the certificate of {self._name} cannot be verified ({error.verify_message}). "
            "For a certificate of your own add ?verify=no to SMTP_URL."
        )

    def _cannot_connect(self, error: Exception) -> ChannelDown | ChannelRefused:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._untrusted(cause)
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return ChannelRefused(f"{self._name} does not let us log in: {error.message}")
        why = getattr(error, "message", None) or str(error) or type(error).__name__
        return ChannelDown(f"cannot reach {self._name}: {why}")

    # Who may use a connection: a semaphore that a stop can empty.

    async def _turn(self) -> None:
        if self._closed:
            raise ChannelDown(f"{self._name} is no longer called: we stop")
        if self._used < self._server.connections:
            self._used += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        if self._closed:
            self._leave()
            raise ChannelDown(f"{self._name} is no longer called: we stop")

    def _leave(self) -> None:
        if not self._next():
            self._used -= 1

    def _next(self) -> bool:
        """Pass a turn on to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False


def _context(server: SmtpServer) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _checked(recipient: str) -> None:
    local, at, domain = recipient.rpartition("@")
    odd = _ODD.search(recipient) is not None
    if odd or not at or not local or not domain or len(recipient) > 320:
        raise PermanentFailure("this is no email address", "address")
