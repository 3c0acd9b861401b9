"""Where an admin's conversation happens: who, in which bot and language, and how to answer."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.identify import TELEGRAM
from dripline.content.rendered import Button, Rendered
from dripline.content.store import Library
from dripline.content.telegram_html import escape
from dripline.deliveries import queue, system
from dripline.deliveries.protocols import AddressRef

# What is said in one breath is due a millisecond apart, so that it arrives in order; all of it a
# moment ago, so that it leaves at once.
_APART = timedelta(milliseconds=1)
_BACK = timedelta(seconds=1)
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")

Row = tuple[tuple[str, str], ...]  # buttons of one row: text and callback data


class Refusal(Exception):
    """What an admin sent cannot be taken; the text (Telegram's HTML) says why and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(slots=True)
class Desk:
    """One admin at one bot, at one moment."""

    session: AsyncSession
    bot: str
    telegram_id: int
    address: AddressRef
    language: str | None
    name: str
    now: datetime
    library: Library = field(default_factory=Library)
    timezone: str | None = None
    _said: int = field(default=0)

    @property
    def author(self) -> str:
        """Who stands in revisions, such as `Olga (1042)`."""
        return f"{self.name[:90]} ({self.telegram_id})"

    async def say(self, text: str, *rows: Row, after: timedelta | None = None) -> queue.Key:
        """Queue a text (Telegram's HTML) with rows of buttons."""
        keyboard = tuple(
            tuple(Button("callback", label[:100], data) for label, data in row)
            for row in rows
            if row
        )
        return await self.show(Rendered(text, (), keyboard), after=after)

    async def show(self, message: Rendered, *, after: timedelta | None = None) -> queue.Key:
        """Queue a whole message."""
        due = self.now - _BACK + self._said * _APART if after is None else self.now + after
        self._said += 1
        return await system.show(self.session, self.address, message, due)


async def desk_of(session: AsyncSession, bot: str, telegram_id: int, now: datetime) -> Desk | None:
    """Return the desk of an admin who has written to the bot before, or None."""
    address = await contacts.address_of_value(session, TELEGRAM, bot, str(telegram_id))
    if address is None:
        return None
    contact = await contacts.contact(session, address.contact_id)
    ref = AddressRef(address.id, address.contact_id, TELEGRAM, bot, address.value)
    language = contact.language if contact else None
    name = (contact.first_name if contact else None) or str(telegram_id)
    timezone = contact.timezone if contact else None
    return Desk(session, bot, telegram_id, ref, language, name, now, timezone=timezone)


def shown(name: str, most: int = 60) -> str:
    """Return a name as HTML, in one line; marks that turn text around end with it."""
    plain = " ".join(name.split())
    cut = plain if len(plain) <= most else plain[: most - 1] + "…"
    if any(mark in _BIDI for mark in cut) or any("\u0590" <= one <= "\u08ff" for one in cut):
        return f"\u2068{escape(cut)}\u2069"
    return escape(cut)
