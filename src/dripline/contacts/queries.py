"""Every statement on contacts."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import REACHABLE, Address, Attribute, Contact, Preferences, Tag
from dripline.database import bulk, insert_new

_OWNER_OF = bulk.same(
    "SELECT id, contact_id FROM addresses WHERE channel = ? AND bot = ? AND value = ?"
)
# The index begins with the bot. So we step from bot to bot, of which there are few, instead of
# through everybody's addresses.
_EACH_BOT = """
    WITH RECURSIVE bots (bot) AS (
        SELECT min(bot) FROM addresses WHERE channel = 'telegram'
        UNION ALL
        SELECT (SELECT min(a.bot) FROM addresses a WHERE a.channel = 'telegram' AND a.bot > b.bot)
        FROM bots b WHERE b.bot IS NOT NULL
    )
"""
_BOTS = bulk.same(f"{_EACH_BOT} SELECT bot FROM bots WHERE bot IS NOT NULL")
# SQLite would join by a Bloom filter of all addresses where somebody has made statistics of them.
_AT_EACH_BOT = "a.channel = 'telegram' AND a.bot IN (SELECT bot FROM bots)"
_TELEGRAM_USER = bulk.Statement(
    sqlite=f"""
        {_EACH_BOT}
        SELECT a.id, a.contact_id FROM addresses a WHERE {_AT_EACH_BOT} AND a.value = ?
    """,
    postgresql=f"""
        {_EACH_BOT}
        SELECT a.id, a.contact_id FROM bots b
        JOIN addresses a ON a.channel = 'telegram' AND a.bot = b.bot AND a.value = $1
    """,
)
_ADDRESSED = bulk.Statement(
    sqlite=f"""
        {_EACH_BOT}
        SELECT a.contact_id FROM addresses a WHERE {_AT_EACH_BOT} AND a.value = ?
        UNION
        SELECT a.contact_id FROM addresses a
        WHERE a.channel = 'email' AND a.bot = '' AND a.value = ?
    """,
    postgresql=f"""
        {_EACH_BOT}
        SELECT a.contact_id FROM bots b
        JOIN addresses a ON a.channel = 'telegram' AND a.bot = b.bot AND a.value = $1
        UNION
        SELECT a.contact_id FROM addresses a
        WHERE a.channel = 'email' AND a.bot = '' AND a.value = $2
    """,
)
_CONTACTS = bulk.Table("contacts", tuple(column.name for column in Contact.__table__.columns))
_ADDRESSES = bulk.Table("addresses", tuple(column.name for column in Address.__table__.columns))


async def contact(session: AsyncSession, contact_id: uuid.UUID) -> Contact | None:
    """Return a contact, or None."""
    return await session.get(Contact, contact_id)


async def address(session: AsyncSession, address_id: uuid.UUID) -> Address | None:
    """Return an address, or None."""
    return await session.get(Address, address_id)


async def address_of_value(
    session: AsyncSession, channel: str, bot: str, value: str
) -> Address | None:
    """Return the address with this value on this channel (and bot), or None."""
    return cast(
        "Address | None",
        await session.scalar(
            select(Address).where(
                Address.channel == channel, Address.bot == bot, Address.value == value
            )
        ),
    )


async def owner_of(
    session: AsyncSession, channel: str, bot: str, value: str
) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the address with this value, and whose it is, by their ids; None: nobody's."""
    return _pair(await bulk.run(session, _OWNER_OF, channel, bot, value))


async def telegram_user(session: AsyncSession, value: str) -> uuid.UUID | None:
    """Return the contact who is this Telegram user at whichever bot, or None."""
    found = await _oldest_telegram(session, value)
    return found[1] if found else None


async def _oldest_telegram(session: AsyncSession, value: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    rows = await bulk.run(session, _TELEGRAM_USER, value)
    return _pair(sorted(rows, key=lambda row: row[0]))


async def telegram_bots(session: AsyncSession) -> list[str]:
    """Return the bots that anybody is known to."""
    return [row[0] for row in await bulk.run(session, _BOTS)]


def _pair(rows: Sequence[Any]) -> tuple[uuid.UUID, uuid.UUID] | None:
    return (bulk.as_uuid(rows[0][0]), bulk.as_uuid(rows[0][1])) if rows else None


async def insert_person(session: AsyncSession, contact: Contact, address: Address) -> None:
    """Insert somebody who was not known, with the address they are known by."""
    await bulk.append(session, _CONTACTS, [_values(contact, _CONTACTS)])
    await insert_address_of(session, address)


async def insert_address_of(session: AsyncSession, address: Address) -> None:
    """Insert one more address of somebody."""
    await bulk.append(session, _ADDRESSES, [_values(address, _ADDRESSES)])


def _values(row: Contact | Address, table: bulk.Table) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in table.columns)


async def contacts_named(session: AsyncSession, words: str, limit: int) -> Sequence[Contact]:
    """Return contacts whose Telegram id or email is `words`, or else whose names begin so.

    Who is meant by an address is certain, whatever others call themselves.
    """
    plain = words.strip().removeprefix("@")
    statement = select(Contact).order_by(Contact.id.desc()).limit(limit)
    if plain:
        owners = await owners_of(session, plain)
        called = Contact.id.in_(owners) if owners else or_(*_called(plain))
        statement = statement.where(called)
    return (await session.scalars(statement)).all()


async def owners_of(session: AsyncSession, words: str) -> list[uuid.UUID]:
    """Return who has this Telegram id at whichever bot, or this email address."""
    rows = await bulk.run(session, _ADDRESSED, words, words.lower())
    return [bulk.as_uuid(row[0]) for row in rows]


def _called(words: str) -> list[ColumnElement[bool]]:
    """Return the conditions for a name that begins so, in small or capital letters."""
    pattern = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    # SQLite knows small letters of Latin only: others are looked for as they are usually written.
    written = {pattern, pattern.lower(), pattern.upper(), pattern.capitalize()}
    return [
        found
        for column in (Contact.username, Contact.first_name)
        for found in (
            func.lower(column).like(pattern.lower(), escape="\\"),
            *(column.like(one, escape="\\") for one in sorted(written)),
        )
    ]


async def addresses_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Address]:
    """Return a contact's addresses, oldest first."""
    statement = select(Address).where(Address.contact_id == contact_id).order_by(Address.id)
    return (await session.scalars(statement)).all()


async def telegram_ids_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return contacts' Telegram ids; those who have none are left out."""
    rows = await session.execute(
        select(Address.contact_id, Address.value).where(
            Address.contact_id.in_(contact_ids), Address.channel == "telegram"
        )
    )
    return {row[0]: row[1] for row in rows}


async def insert_address(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Insert an address; return False if its value is taken."""
    statement = insert_new(session, Address).values(values).on_conflict_do_nothing()
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def change_reachability(
    session: AsyncSession, address_id: uuid.UUID, state: str, reason: str | None, now: datetime
) -> bool:
    """Set an address's reachability; return False when it was so already."""
    statement = (
        update(Address)
        .where(Address.id == address_id, Address.reachability != state)
        .values(reachability=state, reachability_reason=reason, reachability_since=now)
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def reachable_since(
    session: AsyncSession, address_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, datetime]:
    """Return since when addresses are reachable, for those that are."""
    found = await session.execute(
        select(Address.id, Address.reachability_since).where(
            Address.id.in_(address_ids), Address.reachability == REACHABLE
        )
    )
    return {row.id: row.reachability_since for row in found}


async def change_value(session: AsyncSession, address_id: uuid.UUID, value: str) -> None:
    """The address goes by another value now (a group that was upgraded)."""
    await session.execute(update(Address).where(Address.id == address_id).values(value=value))


async def attributes_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[str, Any]]:
    """Return the attributes of contacts, by contact and name."""
    found: dict[uuid.UUID, dict[str, Any]] = {}
    statement = select(Attribute).where(Attribute.contact_id.in_(list(contact_ids)))
    for row in await session.scalars(statement):
        found.setdefault(row.contact_id, {})[row.name] = row.value
    return found


async def set_attribute(
    session: AsyncSession, contact_id: uuid.UUID, name: str, value: Any, now: datetime
) -> None:
    """Set one attribute of a contact."""
    statement = insert_new(session, Attribute).values(
        contact_id=contact_id, name=name, value=value, changed_at=now
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["contact_id", "name"],
            set_={"value": statement.excluded.value, "changed_at": statement.excluded.changed_at},
        )
    )


async def remove_attribute(session: AsyncSession, contact_id: uuid.UUID, name: str) -> None:
    """Forget one attribute of a contact; nothing happens when it is not there."""
    await session.execute(
        delete(Attribute).where(Attribute.contact_id == contact_id, Attribute.name == name)
    )


async def add_tag(session: AsyncSession, contact_id: uuid.UUID, tag: str, now: datetime) -> None:
    """Put a tag on a contact; nothing happens when it is there."""
    await session.execute(
        insert_new(session, Tag)
        .values(contact_id=contact_id, tag=tag, added_at=now)
        .on_conflict_do_nothing()
    )


async def remove_tag(session: AsyncSession, contact_id: uuid.UUID, tag: str) -> None:
    """Take a tag off a contact; nothing happens when it is not there."""
    await session.execute(delete(Tag).where(Tag.contact_id == contact_id, Tag.tag == tag))


async def set_timezone(session: AsyncSession, contact_id: uuid.UUID, timezone: str) -> None:
    """Set where a contact's clock is, by a name of the database of timezones."""
    await session.execute(
        update(Contact)
        .where(Contact.id == contact_id)
        .values(timezone=timezone, timezone_source="asked")
    )


async def tags_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[str]:
    """Return a contact's tags, in order of their names."""
    statement = select(Tag.tag).where(Tag.contact_id == contact_id).order_by(Tag.tag)
    return (await session.scalars(statement)).all()


async def known_tags(session: AsyncSession, limit: int) -> list[str]:
    """Return tags that contacts have, by name: a step in the index for each, however many rows."""
    found: list[str] = []
    while len(found) < limit:
        statement = select(func.min(Tag.tag))
        if found:
            statement = statement.where(Tag.tag > found[-1])
        following = await session.scalar(statement)
        if following is None:
            break
        found.append(following)
    return found


async def count(session: AsyncSession) -> int:
    """Return how many contacts there are."""
    return int(await session.scalar(select(func.count()).select_from(Contact)) or 0)


async def any_telegram_address(session: AsyncSession, value: str) -> Address | None:
    """Return an address of this Telegram user at whichever bot, or None."""
    found = await _oldest_telegram(session, value)
    return await session.get(Address, found[0]) if found else None


async def preferences_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Preferences]:
    """Return what contacts said of their wishes, by contact; who said nothing is missing."""
    statement = select(Preferences).where(Preferences.contact_id.in_(list(contact_ids)))
    return {row.contact_id: row for row in await session.scalars(statement)}


async def set_preferences(
    session: AsyncSession, contact_id: uuid.UUID, now: datetime, **values: Any
) -> None:
    """Set these columns of a contact's preferences, making the row when there is none."""
    given = {**values, "updated_at": now}
    statement = insert_new(session, Preferences).values(contact_id=contact_id, **given)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["contact_id"], set_=given)
    )
