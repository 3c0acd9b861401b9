"""What every handler knows: the bot, the update's number, the content; and how it speaks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import identify, reachability
from dripline.contacts.identify import Known, TelegramPerson
from dripline.contacts.models import REACHABLE
from dripline.contacts.pages import Pages
from dripline.content.store import Library
from dripline.content.telegram_html import escape
from dripline.deliveries import system
from dripline.deliveries.protocols import AddressRef
from dripline.engagement.codes import Codes
from dripline.events import NewEvent, append
from dripline.rotations.control import Rotations

# A system text stands before the message it introduces; both are due now, and the queue sorts by
# due time.
_BEFORE = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Mail:
    """What contacts can do beyond the chat: pages of their own, email if it is set up."""

    pages: Pages | None = None
    has_email: bool = False

    @property
    def is_set_up(self) -> bool:
        """Whether an address can be given: without pages nobody could confirm it."""
        return self.has_email and self.pages is not None


NO_MAIL = Mail()


@dataclass(frozen=True, slots=True)
class Scene:
    """One update of one bot."""

    bot: str
    update_id: str
    library: Library
    mail: Mail = NO_MAIL
    codes: Codes | None = None
    rotations: Rotations | None = None
    currency: str = "RUB"  # of payments recorded by hand that name none


async def meet(session: AsyncSession, scene: Scene, person: TelegramPerson, now: datetime) -> Known:
    """Return the contact; whoever writes to the bot can be reached by it."""
    known = await identify.by_telegram(session, scene.bot, person, now)
    if not known.created:
        await reachability.change(session, known.address_id, REACHABLE, "wrote_to_the_bot", now)
    return known


async def happened(
    session: AsyncSession,
    scene: Scene,
    known: Known,
    name: str,
    data: dict[str, Any],
    now: datetime,
) -> bool:
    """Append the update's event; return False when it is there: the update came before."""
    source = f"telegram:{scene.bot}"
    event = NewEvent(name, known.contact_id, source, scene.update_id, now, data)
    return await append(session, event)


async def say(
    session: AsyncSession,
    scene: Scene,
    known: Known,
    person: TelegramPerson,
    text: str,
    now: datetime,
) -> None:
    """Queue a plain text of our own to the person."""
    address = AddressRef(
        known.address_id, known.contact_id, identify.TELEGRAM, scene.bot, str(person.id)
    )
    await system.say(session, address, escape(text), now - _BEFORE)
