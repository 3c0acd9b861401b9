"""Email: a message's email form with the addresses of its delivery, handed to a transport.

A transport is Resend (`email_resend.py`) or a mail server (`email_smtp.py`). Neither is told of an
address that is suppressed: whoever brings it, and however late that became known.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dripline.clock import Clock
from dripline.contacts.suppression import UNSUBSCRIBED
from dripline.content.rendered import Email, EmailParts, EmailUrls, Rendered
from dripline.deliveries.protocols import Outgoing, Sent
from dripline.errors import NotFound, PermanentFailure, SendFailure, Unreachable
from dripline.mail_settings import Sender


@dataclass(frozen=True, slots=True)
class Letter:
    """An email on its way: `unsubscribe` is the address of one click, empty where there is none."""

    delivery_id: uuid.UUID
    sender: Sender
    recipient: str
    parts: EmailParts
    unsubscribe: str
    date: datetime


class EmailTransport(Protocol):
    """Hands letters over to whoever delivers them."""

    async def send(self, letter: Letter) -> str | None:
        """Hand one over; return the provider's id of it, None if it does not say.

        Raises a SendFailure.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class Suppressed(Protocol):
    """Knows the addresses that nothing is sent to."""

    async def reason(self, value: str) -> str | None:
        """Return why nothing is sent to a normalised address, or None."""
        ...


class DeliveryUrls(Protocol):
    """Makes the addresses of one delivery; `bot` is the public address of our bot."""

    bot: str | None

    def of(self, outgoing: Outgoing) -> EmailUrls:
        """Return them."""
        ...

    async def keep(self) -> None:
        """Store what tracked links need; awaited before the email goes."""
        ...


class ReadMedia(Protocol):
    """Reads files of the content."""

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes. Raises NotFound when it is gone."""
        ...


class EmailChannel:
    """Sends the email form of messages; `urls` fills in the addresses of one delivery."""

    name = "email"

    def __init__(
        self,
        transport: EmailTransport,
        sender: Sender,
        urls: DeliveryUrls,
        suppressed: Suppressed,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._sender = sender
        self._urls = urls
        self._suppressed = suppressed
        self._clock = clock

    def know_bot(self, username: str) -> None:
        """Let buttons that only a chat has lead to a bot."""
        self._urls.bot = f"https://t.me/{username}"

    async def send(self, outgoing: Outgoing) -> Sent:
        """Send one message.

        Raises a SendFailure: Unreachable for an address that is suppressed, PermanentFailure for a
        message without an email form, and what the transport says.
        """
        email, value = outgoing.message.email, outgoing.address.value
        if email is None:
            raise PermanentFailure("this message has no email form", "no_email")
        reason = await self._suppressed.reason(value)
        if reason == UNSUBSCRIBED and outgoing.message.asked_for:
            reason = None
        if reason is not None:
            raise Unreachable(reason, f"nothing is sent to this address: {reason}")
        urls = self._urls.of(outgoing)
        parts = _assembled(email, urls)
        await self._urls.keep()
        letter = Letter(
            outgoing.delivery_id,
            self._sender,
            value,
            parts,
            urls.unsubscribe,
            self._clock.now(),
        )
        provider_id = await self._transport.send(letter)
        return Sent((provider_id,) if provider_id else ())

    def requests_for(self, message: Rendered) -> int:
        """Return how many requests a message takes: one."""
        return 1

    async def close(self) -> None:
        """Give back connections."""
        await self._transport.close()


async def files_of(parts: EmailParts, media: ReadMedia) -> dict[str, bytes]:
    """Return the bytes of what goes along with an email, by their SHA-256.

    Raises PermanentFailure when a file is gone.
    """
    try:
        return {one.sha256: await media.read(one.sha256) for one in parts.attached}
    except NotFound as gone:
        raise PermanentFailure(gone.message, "media") from None


def one_click(unsubscribe: str) -> dict[str, str]:
    """Return the headers by which mail programs offer to unsubscribe (RFC 2369, RFC 8058)."""
    if not unsubscribe:
        return {}
    return {
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _assembled(email: Email, urls: EmailUrls) -> EmailParts:
    try:
        return email.assemble(urls)
    except SendFailure:
        raise
    except Exception as error:
        raise PermanentFailure(f"the template failed: {error!r}", "template") from error
