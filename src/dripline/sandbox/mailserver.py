"""A mail server for the sandbox: what it takes lands in the inboxes of the sandbox's people.

It speaks as much SMTP as a sender needs (RFC 5321, PIPELINING, SMTPUTF8), on loopback, without
encryption. Whoever has no mailbox here is refused with 550 5.1.1, as an unknown address is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final, cast

import structlog

from dripline.sandbox.world.mail import PostOffice

log = structlog.get_logger(__name__)

_MOST: Final = 30 * 1024 * 1024
_LONGEST_COMMAND: Final = 4096
_PATH: Final = re.compile(r"(?i)(?:FROM|TO):\s*<([^<>]*)>")
_END: Final = b"\r\n.\r\n"
_ABILITIES: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", f"SIZE {_MOST}")


@asynccontextmanager
async def taking_mail(post: PostOffice, *, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Take mail until the block ends; yields the address, such as `smtp://127.0.0.1:2525`."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(post), host, 0)
    try:
        yield f"smtp://{host}:{server.sockets[0].getsockname()[1]}?starttls=never"
    finally:
        server.close()


class _Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, post: PostOffice) -> None:
        self._post = post
        self._buffer = b""
        self._recipients: list[str] = []
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._say("220 sandbox ESMTP")

    def data_received(self, data: bytes) -> None:
        """Go on as far as what has come allows."""
        self._buffer += data
        while self._take_message() if self._in_data else self._take_command():
            pass
        most = _MOST + 1024 if self._in_data else _LONGEST_COMMAND
        if len(self._buffer) > most:
            self._say("552 5.3.4 too big")
            self._transport.close()

    def _take_command(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found or self._transport.is_closing():
            return False
        self._buffer = rest
        text = line.decode("utf-8", "replace")
        word, _, argument = text.partition(" ")
        self._answer(word.upper(), argument)
        return True

    def _answer(self, word: str, argument: str) -> None:
        match word:
            case "EHLO":
                self._say("250-sandbox", *(f"250-{one}" for one in _ABILITIES[:-1]))
                self._say(f"250 {_ABILITIES[-1]}")
            case "HELO" | "NOOP":
                self._say("250 2.0.0 sandbox")
            case "MAIL" | "RSET":
                self._recipients = []
                self._say("250 2.1.0 fine")
            case "RCPT":
                self._recipient(argument)
            case "DATA" if self._recipients:
                self._in_data = True
                self._buffer = b"\r\n" + self._buffer  # so that an empty message ends, too
                self._say("354 go on")
            case "DATA":
                self._say("554 5.5.1 nobody to send it to")
            case "QUIT":
                self._say("221 2.0.0 goodbye")
                self._transport.close()
            case _:
                self._say("502 5.5.1 not known here")

    def _recipient(self, argument: str) -> None:
        match = _PATH.match(argument)
        if match is None or self._post.owner(match[1]) is None:
            self._say("550 5.1.1 nobody here has this address")
            return
        self._recipients.append(match[1])
        self._say("250 2.1.5 fine")

    def _take_message(self) -> bool:
        at = self._buffer.find(_END)
        if at < 0:
            return False
        message = self._buffer[2 : at + 2].replace(b"\r\n..", b"\r\n.")
        self._buffer, self._in_data = self._buffer[at + len(_END) :], False
        try:
            for recipient in self._recipients:
                deliver(self._post, recipient, message)
        except (ValueError, LookupError) as error:
            log.warning("sandbox.mail_unreadable", error=str(error))
            self._say("554 5.6.0 this is no message")
            return True
        self._recipients = []
        self._say("250 2.0.0 taken")
        return True

    def _say(self, *lines: str) -> None:
        self._transport.write("".join(f"{line}\r\n" for line in lines).encode())


def deliver(post: PostOffice, address: str, message: bytes) -> None:
    """Put a message into the mailbox of an address."""
    parsed = message_from_bytes(message, policy=policy.default)
    sender = parsed["From"].addresses[0] if parsed["From"] and parsed["From"].addresses else None
    post.deliver(
        address,
        sender=(sender.display_name or sender.addr_spec) if sender else "",
        subject=str(parsed["Subject"] or ""),
        html=_body(parsed, "html"),
        plain=_body(parsed, "plain"),
        unsubscribe=_unsubscribe(parsed),
        files={
            str(part["Content-ID"]).strip("<>"): (part.get_filename() or "", part.get_content())
            for part in parsed.walk()
            if part["Content-ID"] and not part.is_multipart()
        },
    )


def _body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _unsubscribe(parsed: EmailMessage) -> str:
    """Return the address of one click, if the message has one (RFC 8058)."""
    if not parsed["List-Unsubscribe-Post"]:
        return ""
    found = re.search(r"<(https?://[^<>\s]+)>", str(parsed["List-Unsubscribe"] or ""))
    return found[1] if found else ""
