"""One connection to a mail server, greeted and logged in, over which one message goes at a time.

    MAIL FROM, RCPT TO, DATA ─▶          in one write where the server knows PIPELINING
                             ◀─ 250, 250, 354
    the message ─▶
                ◀─ 250

aiosmtplib opens the connection (TLS, STARTTLS, EHLO, AUTH) and hands over its transport. From then
on this protocol reads the answers: aiosmtplib's own takes one at a time, and drops the others.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from dripline.content.email.mime import WireMessage

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
_LONGEST_ANSWER = 32 * 1024
_UNREADABLE = 500


class Reply(NamedTuple):
    """What a mail server answered.

    `step` says to what: connect, auth, mail, rcpt, data, message.
    """

    code: int
    text: str
    step: str = ""

    @property
    def ok(self) -> bool:
        """Whether the server agreed."""
        return 200 <= self.code < 400

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code, such as `5.1.1` (RFC 3463)."""
        found = _ENHANCED.match(self.text)
        return found[0] if found else None

    def __str__(self) -> str:
        """Return it on one line, as logs and reasons show it."""
        return f"{self.code} {' '.join(self.text.split())}"[:500]


class SmtpLost(Exception):
    """The connection went, or no answer came in time.

    `maybe_taken` says whether the server can have taken the message all the same; `untouched` that
    it never read a word of this message, so that another connection may try at once.
    """

    def __init__(self, reason: str, *, maybe_taken: bool = False, untouched: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_taken = maybe_taken
        self.untouched = untouched


class SmtpSession(asyncio.Protocol):
    """Takes over a transport; `timeout` is in seconds, for each answer."""

    def __init__(
        self, transport: asyncio.Transport, extensions: Sequence[str], timeout: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._timeout = timeout
        self._pipelining = "pipelining" in extensions
        self.knows_utf8 = "smtputf8" in extensions
        self._buffer = b""
        self._replies: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._lost: str | None = None
        self.sent = 0
        self.idle_since = self._loop.time()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether the connection stands, with nothing unread on it."""
        return self._lost is None and not self._buffer and not self._replies

    async def deliver(self, sender: str, recipient: str, message: bytes) -> Reply:
        """Hand over one message; return the answer that ended it, good or bad.

        Raises SmtpLost when the connection went or an answer did not come in time.
        """
        utf8 = b" SMTPUTF8" if not (sender + recipient).isascii() else b""
        mail = b"MAIL FROM:<%s>%s\r\n" % (sender.encode(), utf8)
        rcpt = b"RCPT TO:<%s>\r\n" % recipient.encode()
        begun = await self._envelope(mail, rcpt)
        if not begun.ok:
            return begun
        self._write(stuffed(message))
        try:
            reply = await self._reply("message", 2 * self._timeout)
        except SmtpLost as lost:
            raise SmtpLost(lost.reason, maybe_taken=True) from None
        self.sent += 1
        return reply

    def end(self) -> None:
        """Say goodbye, without waiting for the answer."""
        if self._lost is None:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._lost = self._lost or "was let go"
        self._transport.abort()

    async def _envelope(self, mail: bytes, rcpt: bytes) -> Reply:
        if self._pipelining:
            return await self._envelope_at_once(mail + rcpt + b"DATA\r\n")
        for step, command in (("mail", mail), ("rcpt", rcpt), ("data", b"DATA\r\n")):
            self._write(command)
            reply = await self._first_reply() if step == "mail" else await self._reply(step)
            if not reply.ok:
                await self._reset()
                return reply
        return reply

    async def _envelope_at_once(self, commands: bytes) -> Reply:
        self._write(commands)
        mail = await self._first_reply()
        if mail.code == 421:
            return mail  # it hangs up: there is nothing more to read
        rcpt, data = await self._reply("rcpt"), await self._reply("data")
        if mail.ok and rcpt.ok and data.ok:
            return data
        if data.ok:
            # The server waits for a message that nobody is to get: an empty one ends it.
            self._write(b".\r\n")
            await self._reply("message")
        await self._reset()
        return next(reply for reply in (mail, rcpt, data) if not reply.ok)

    async def _first_reply(self) -> Reply:
        try:
            return await self._reply("mail")
        except SmtpLost as lost:
            # A server that closes an idle connection has done so before it read this.
            raise SmtpLost(lost.reason, untouched=self._lost is not None) from None

    async def _reset(self) -> None:
        self._write(b"RSET\r\n")
        await self._reply("reset")

    def _write(self, data: bytes) -> None:
        if self._lost is not None:
            raise SmtpLost(self._lost, untouched=True)
        self._transport.write(data)

    async def _reply(self, step: str, timeout: float | None = None) -> Reply:
        if not self._replies:
            await self._wait(timeout or self._timeout)
        return Reply(*_read(self._replies.popleft()), step)

    async def _wait(self, timeout: float) -> None:
        if self._lost is not None:
            raise SmtpLost(self._lost)
        self._waiter = self._loop.create_future()
        self._until(self._loop.time() + timeout)
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._waiter = None
        if not self._replies:
            raise SmtpLost(self._lost or "closed the connection")

    def _until(self, deadline: float) -> None:
        """Wait no longer than this. One timer serves many answers: it looks again when it rings."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._rings)

    def _rings(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._deadline:
            self._until(self._deadline)
            return
        self._lost = self._lost or "did not answer in time"
        self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Read answers; what comes unasked ends the connection, for it would be out of step."""
        buffer = self._buffer + data if self._buffer else data
        answer = line = 0
        while end := buffer.find(b"\n", line) + 1:
            if buffer[line + 3 : line + 4] != b"-":
                self._replies.append(buffer[answer:end])
                answer = end
            line = end
        self._buffer = buffer[answer:]
        if len(self._buffer) > _LONGEST_ANSWER or len(self._replies) > 4:
            self._lost = "sent something that is not SMTP"
            self._transport.abort()
        if self._replies or self._lost:
            self._wake()

    def eof_received(self) -> None:
        """Take the end of the stream for the end of the connection."""
        self._lost = self._lost or "closed the connection"
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        self._lost = self._lost or "closed the connection"
        if self._timer is not None:
            self._timer.cancel()
        self._wake()


def stuffed(message: bytes) -> bytes:
    """Return a message as DATA takes it: lines end with CRLF, none is a lone dot, one dot ends it.

    A bare line feed would let a text pretend to end the message and begin another (smuggling).
    """
    if isinstance(message, WireMessage):
        return message + b".\r\n"
    if message.count(b"\n") != (pairs := message.count(b"\r\n")) or message.count(b"\r") != pairs:
        message = _LINE_ENDS.sub(b"\r\n", message)
    if b"\n." in message:
        message = message.replace(b"\n.", b"\n..")
    if message.startswith(b"."):
        message = b"." + message
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")


@lru_cache(maxsize=256)
def _read(raw: bytes) -> tuple[int, str]:
    """Return an answer's code and words; a server says the same again and again."""
    lines = raw.decode("utf-8", "replace").splitlines()
    code = lines[-1][:3]
    if not (code.isascii() and code.isdigit()):
        return _UNREADABLE, f"unreadable answer: {lines[-1][:200]}"
    return int(code), "\n".join(line[4:] for line in lines)


def opened_session(transport: object, extensions: Sequence[str], timeout: float) -> SmtpSession:
    """Return a session over a transport that something else has opened."""
    return SmtpSession(cast("asyncio.Transport", transport), extensions, timeout)
