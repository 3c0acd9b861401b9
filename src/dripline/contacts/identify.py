"""Know a person by their address, and remember them at first sight."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.contacts.timezones import guess_for
from dripline.events import NewEvent, append
from dripline.ids import new_id

TELEGRAM = "telegram"
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class TelegramPerson:
    """A user as Telegram describes them."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A contact and the address we know them by; `created` at first sight."""

    contact_id: uuid.UUID
    address_id: uuid.UUID
    created: bool
    language: str | None


async def by_telegram(
    session: AsyncSession,
    bot: str,
    person: TelegramPerson,
    now: datetime,
    *,
    reachability: str = REACHABLE,
) -> Known:
    """Return the contact who writes to `bot`, making one at first sight; names are kept current.

    The same person at a second bot is the same contact with a second address. `reachability` is
    what a new address has.
    """
    owned = await queries.owner_of(session, TELEGRAM, bot, str(person.id))
    if owned is None:
        return await _first_sight(session, bot, person, now, reachability)
    address_id, contact_id = owned
    contact = await session.get_one(Contact, contact_id)
    _describe(contact, person)
    contact.last_seen_at = now
    return Known(contact.id, address_id, created=False, language=contact.language)


async def _first_sight(
    session: AsyncSession,
    bot: str,
    person: TelegramPerson,
    now: datetime,
    reachability: str,
) -> Known:
    known = await _known_elsewhere(session, person)
    contact = known or Contact(id=new_id(), created_at=now, last_seen_at=now, state="VISITOR")
    _describe(contact, person)
    address = Address(
        id=new_id(),
        contact_id=contact.id,
        channel=TELEGRAM,
        bot=bot,
        value=str(person.id),
        reachability=reachability,
        reachability_since=now,
        created_at=now,
        next_send_at=0,
    )
    if known is not None:
        await queries.insert_address_of(session, address)
    else:
        await queries.insert_person(session, contact, address)
        await append(
            session,
            NewEvent("contact.created", contact.id, "contact", contact.id.hex, now, {"bot": bot}),
        )
    return Known(contact.id, address.id, created=known is None, language=contact.language)


async def _known_elsewhere(session: AsyncSession, person: TelegramPerson) -> Contact | None:
    contact_id = await queries.telegram_user(session, str(person.id))
    return await session.get(Contact, contact_id) if contact_id else None


def _describe(contact: Contact, person: TelegramPerson) -> None:
    contact.first_name = person.first_name[:_LONGEST_NAME]
    contact.last_name = person.last_name[:_LONGEST_NAME] if person.last_name else None
    contact.username = person.username[:200] if person.username else None
    contact.language = contact.language or (person.language or "")[:35] or None
    if contact.timezone is None:
        guess_for(contact)
