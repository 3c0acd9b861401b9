"""The letter that asks whether an address is the contact's: an origin of its own, `consent`.

It is the one message that goes to an address which is not verified yet. Its link is neither tracked
nor counted: it is nobody's but the owner's of the mailbox.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import consent_queries, suppression
from dripline.contacts import queries as contacts
from dripline.contacts.email import Given
from dripline.contacts.pages import Pages
from dripline.content.email.layout import Layouts
from dripline.content.email.letter import as_letter
from dripline.content.rendered import Button, Rendered
from dripline.content.store import ContentStore
from dripline.content.telegram_html import escape
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source
from dripline.ids import new_id
from dripline.texts import gettext as _

ORIGIN: Final = "consent"
MESSAGE: Final = "verify_email"
PACE_KEY: Final = queue.pace_key("email", "")
_LAYOUT: Final = "welcome_email"


async def send_verification(session: AsyncSession, given: Given, now: datetime) -> bool:
    """Queue the letter that a given address waits for; False when it waits for none."""
    if given.verification is None:
        return False
    key = queue.Key(PACE_KEY, PROMPTED, to_us(now), new_id())
    await queue.push(session, [queue.Entry(key, ORIGIN, given.verification.id)], now_us=to_us(now))
    return True


class ConsentOrigin:
    """Sends the letters that were queued, as long as they are still worth anything."""

    def __init__(
        self, store: ContentStore, pages: Pages | None, default_language: str, sender: str
    ) -> None:
        self._store = store
        self._pages = pages
        self._default_language = default_language
        self._sender = sender

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return the letters that may still be answered."""
        layouts = (await self._store.current(session)).layouts
        found = [await self._ready(session, row, layouts, now) for row in claimed]
        return [one for one in found if one is not None]

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Nothing follows: the answer comes through the link."""

    async def _ready(
        self, session: AsyncSession, row: Claimed, layouts: Layouts, now: datetime
    ) -> Ready | None:
        asked = await consent_queries.verification(session, row.ref)
        if self._pages is None or asked is None or asked.used_at or asked.expires_at <= now:
            return None
        contact = await contacts.contact(session, asked.contact_id)
        mine = await consent_queries.emails_of(session, asked.contact_id)
        address = next((one for one in mine if one.value == asked.value), None)
        blocked = (await suppression.of(session, [asked.value])).get(asked.value)
        if contact is None or address is None:
            return None
        if blocked is not None and blocked.reason != suppression.UNSUBSCRIBED:
            return None
        render = partial(
            verification_letter,
            self._pages.verify(asked.id, asked.asked_at),
            contact.language or self._default_language,
            contact.first_name or "",
            self._sender,
            layouts,
        )
        ref = AddressRef(
            address.id, contact.id, address.channel, "", address.value, address.next_send_at
        )
        source = Source(row.id, 1, None, MESSAGE)
        return Ready(row, contact.id, ref, render, source, {"reason": ORIGIN})


def verification_letter(
    url: str, language: str, name: str, sender: str, layouts: Layouts
) -> Rendered:
    """Return the letter in a language; `sender` is who asks.

    The log of deliveries keeps its text, so the link, which is a key, is in the button only.
    """
    asks = _(
        "You gave this address to {sender}. Tap the button to confirm that it is yours.",
        language,
        sender=escape(sender),
    )
    works = _(
        "The button works once, for 48 hours. If it was not you, do nothing: nobody will write to "
        "you.",
        language,
    )
    button = Button("url", _("Yes, this is my address", language), url)
    message = Rendered(f"{asks}\n\n{works}", (), ((button,),), track=False, asked_for=True)
    subject = _("Confirm your email address", language)
    return as_letter(
        message, language, subject=subject, layouts=layouts, layout=_LAYOUT, user_name=name
    )
