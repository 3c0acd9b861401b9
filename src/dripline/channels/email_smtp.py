"""Emails by way of a mail server: MIME, signed if there is a key, one recipient at a time."""

import asyncio

import structlog

from dripline.channels.email import Letter, ReadMedia, files_of, one_click
from dripline.clients.dkim import Signer
from dripline.clients.smtp import SmtpClient
from dripline.clients.smtp_errors import PolicyRefused
from dripline.content.email.mime import Envelope, Mailbox, mime, wire_address
from dripline.errors import Invalid, PermanentFailure, RetryLater, SendFailure
from dripline.mail_settings import Sender

log = structlog.get_logger()
_REFUSALS_IN_A_ROW = 3
_LATER_S = 300.0
VERP_MARK = "+"


class SmtpTransport:
    """Hands letters to a server; what comes back goes to `bounces`, an address for each letter."""

    def __init__(
        self,
        client: SmtpClient,
        media: ReadMedia,
        bounces: Sender | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._client = client
        self._media = media
        self._bounces = bounces
        self._signer = signer
        self._refusals = _REFUSALS_IN_A_ROW - 1  # until something was taken, the first one counts

    async def send(self, letter: Letter) -> str | None:
        """Hand a letter over; return its Message-ID. Raises a SendFailure."""
        files = await files_of(letter.parts, self._media) if letter.parts.attached else None
        envelope = _envelope(letter)
        try:
            recipient, message = wire_address(letter.recipient), mime(letter.parts, envelope, files)
        except Invalid as odd:
            raise PermanentFailure(odd.message, "address") from None
        except UnicodeError as odd:
            raise PermanentFailure(f"the text cannot be encoded: {odd}", "template") from None
        if self._signer is not None:
            message = self._signer.signed(message)
        try:
            await self._client.send(self._return_path(letter), recipient, message)
        except PolicyRefused as refused:
            raise self._whose(refused) from None
        self._refusals = 0
        return envelope.message_id

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._client.close()
        await asyncio.sleep(0)

    def _return_path(self, letter: Letter) -> str:
        if self._bounces is None:
            return wire_address(letter.sender.address)
        local, _, domain = self._bounces.address.partition("@")
        return f"{local}{VERP_MARK}{letter.delivery_id.hex}@{domain}"

    def _whose(self, refused: PolicyRefused) -> SendFailure:
        """Return whose problem a refusal is: this recipient's, or ours if it happens in a row.

        If it is ours, the channel rests and nobody loses a message; if only one server does not
        want us, its messages are tried again and then fail, and nobody is suppressed for it.
        """
        self._refusals += 1
        if self._refusals >= _REFUSALS_IN_A_ROW:
            return refused
        log.warning("email.policy_refused", reason=refused.reason)
        return RetryLater(refused.reason, _LATER_S)


def _envelope(letter: Letter) -> Envelope:
    # RFC 8058 wants https; where that is not (a trial on one's own machine) we say it all the same.
    headers = {} if letter.unsubscribe.startswith("https://") else one_click(letter.unsubscribe)
    headers.pop("List-Unsubscribe", None)
    return Envelope(
        sender=Mailbox(letter.sender.address, letter.sender.name),
        to=Mailbox(letter.recipient),
        delivery_id=letter.delivery_id,
        date=letter.date,
        unsubscribe=letter.unsubscribe or None,
        headers=headers,
    )
