"""Every statement on broadcasts, their audience, and their rows in the queue."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from dripline.broadcasts.models import (
    CANCELLED,
    PAUSED,
    RUNNING,
    SCHEDULED,
    Broadcast,
    Missed,
    ParkedRow,
    Tally,
)
from dripline.contacts import segments
from dripline.contacts.models import REACHABLE, Address, Contact, Preferences
from dripline.contacts.segment_tree import All, AnyOf, Asked, Not
from dripline.contacts.segment_values import Unsought
from dripline.contacts.segment_words import always, among
from dripline.contacts.segments import Condition
from dripline.database import Database, bulk, insert_new
from dripline.deliveries.models import LOW, DeliveryKey, Pace, QueueRow
from dripline.deliveries.protocols import AddressRef
from dripline.ids import new_id

ORIGIN = "broadcast"
TELEGRAM, EMAIL = "telegram", "email"
RUN = 1

_WITH_WORK = bulk.same(
    f"""
    SELECT id FROM broadcasts
    WHERE status = '{RUNNING}' OR (status = '{SCHEDULED}' AND starts_at <= ?)
       OR (status IN ('{PAUSED}', '{CANCELLED}') AND moved = 0)
    ORDER BY id
    """
)


async def by_key(session: AsyncSession, key: str, *, lock: bool = False) -> Broadcast | None:
    """Return a broadcast by its key, or None; with `lock`, ours until the transaction ends."""
    statement = select(Broadcast).where(Broadcast.key == key)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found: Broadcast | None = await session.scalar(statement)
    return found


async def by_id(session: AsyncSession, broadcast_id: uuid.UUID) -> Broadcast | None:
    """Return a broadcast by its id, or None."""
    return await session.get(Broadcast, broadcast_id)


async def by_numbers(session: AsyncSession, numbers: Iterable[int]) -> dict[int, Broadcast]:
    """Return broadcasts by the numbers that stand on their queue rows, as they are just now."""
    statement = select(Broadcast).where(Broadcast.number.in_(list(numbers)))
    rows = await session.scalars(statement.execution_options(populate_existing=True))
    return {row.number: row for row in rows}


async def every(session: AsyncSession) -> Sequence[Broadcast]:
    """Return all broadcasts, oldest first."""
    return (await session.scalars(select(Broadcast).order_by(Broadcast.id))).all()


async def with_work(database: Database, now: datetime) -> list[uuid.UUID]:
    """Return the broadcasts for which the launch has something to do."""
    return [bulk.as_uuid(row[0]) for row in await database.glance(_WITH_WORK, now)]


async def locked(session: AsyncSession, broadcast_id: uuid.UUID) -> Broadcast | None:
    """Return a broadcast that is ours until the transaction ends; None if another has it."""
    statement = select(Broadcast).where(Broadcast.id == broadcast_id)
    found: Broadcast | None = await session.scalar(
        statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    )
    return found


async def count_up(
    session: AsyncSession, number: int, *, sent: int = 0, failed: int = 0, skipped: int = 0
) -> None:
    """Note what a batch adds to the counters of a broadcast."""
    if sent or failed or skipped:
        values = {"number": number, "id": new_id()}
        counts = {"sent": sent, "failed": failed, "skipped": skipped}
        await session.execute(insert_new(session, Tally).values(**values, **counts))


async def tallies(session: AsyncSession, number: int) -> Sequence[Tally]:
    """Return what is not folded into a broadcast's counters yet."""
    return (await session.scalars(select(Tally).where(Tally.number == number))).all()


async def fold(session: AsyncSession, broadcast: Broadcast) -> None:
    """Add what batches have noted to the counters of a broadcast that is locked by us."""
    rows = await tallies(session, broadcast.number)
    if not rows:
        return
    broadcast.sent += sum(row.sent for row in rows)
    broadcast.failed += sum(row.failed for row in rows)
    broadcast.skipped += sum(row.skipped for row in rows)
    for at in range(0, len(rows), 500):
        ids = [row.id for row in rows[at : at + 500]]
        await session.execute(
            delete(Tally).where(Tally.number == broadcast.number, Tally.id.in_(ids))
        )


def _reaches(bot: str, *, email: bool) -> ColumnElement[bool]:
    """Whether an address may be that of a contact whom a broadcast of this bot goes to.

    By email go those who have left the bot, and those who are at none; not another bot's people.
    """
    chat = and_(Address.channel == TELEGRAM, Address.bot == bot)
    if email:
        theirs = aliased(Address)
        of_contact = (theirs.contact_id == Contact.id, theirs.channel == TELEGRAM)
        here = exists().where(*of_contact, theirs.bot == bot)
        chat = or_(chat, and_(Address.channel == EMAIL, or_(here, ~exists().where(*of_contact))))
    # Contacts first, by their ids: SQLite would begin with all addresses and sort them, each page.
    theirs_own = Address.contact_id == Unsought(Contact.id)
    return and_(theirs_own, Address.reachability == REACHABLE, chat)


def _reached(bot: str, *, email: bool) -> Condition:
    """Return the same of contacts: who has an address that it reaches."""
    channel, here = Unsought(Address.channel), Address.bot == bot
    chats = channel == TELEGRAM
    reachable = Address.reachability == REACHABLE
    chat = among(Address.contact_id, chats, here, reachable)
    if not email:
        return chat
    by_email = among(Address.contact_id, channel == EMAIL, reachable)
    theirs = AnyOf((among(Address.contact_id, chats, here), Not(among(Address.contact_id, chats))))
    return AnyOf((chat, All((by_email, theirs))))


_WANTS_NEWS = Not(among(Preferences.contact_id, Preferences.announcements.is_(False)))


def _audience(bot: str, segment: Condition, asked: Asked, *, email: bool) -> ColumnElement[bool]:
    return and_(_reaches(bot, email=email), segment(asked), _WANTS_NEWS(asked))


async def by_email_too(session: AsyncSession) -> bool:
    """Return whether email is set up: some worker has made its pace known."""
    return await session.scalar(select(Pace.key).where(Pace.key == EMAIL)) is not None


def _got(broadcast_id: uuid.UUID) -> ColumnElement[bool]:
    return exists().where(
        DeliveryKey.contact_id == Contact.id,
        DeliveryKey.origin_id == broadcast_id,
        DeliveryKey.run == RUN,
        DeliveryKey.resend == 0,
    )


async def audience_page(
    session: AsyncSession, broadcast: Broadcast, segment: Condition, now: datetime, limit: int
) -> list[tuple[uuid.UUID, uuid.UUID, str]]:
    """Return the next contacts of the audience behind the cursor, each with an address.

    Of one contact's addresses, chats stand first.
    """
    email = await by_email_too(session)
    statement = select(Contact.id, Address.id, Address.channel).where(
        _audience(broadcast.bot, segment, Asked(now), email=email)
    )
    if broadcast.cursor is not None:
        # Of both sides: PostgreSQL does not conclude the one from the other, and would read all
        # addresses up to here again for each page.
        after = broadcast.cursor
        statement = statement.where(Contact.id > after, Address.contact_id > after)
    if broadcast.launches > 1:
        statement = statement.where(~_got(broadcast.id))
    order = [Contact.id, Address.channel.desc(), Address.id] if email else [Contact.id, Address.id]
    rows = await session.execute(statement.order_by(*order).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


async def audience_count(
    session: AsyncSession, bot: str, segment: Condition, now: datetime, got: uuid.UUID | None
) -> int:
    """Return how many would get a broadcast: in the segment, reachable, and not served before."""
    reached = _reached(bot, email=await by_email_too(session))
    parts: list[Condition] = [segment, reached, _WANTS_NEWS]
    if got is not None:
        parts.append(always(~_got(got)))
    return await segments.count(session, All(tuple(parts)), now)


async def sample(
    session: AsyncSession,
    bot: str,
    segment: Condition,
    now: datetime,
    limit: int,
    got: uuid.UUID | None = None,
) -> Sequence[tuple[Contact, Address]]:
    """Return some of the audience, each once: the latest known, without whom `got` served."""
    email = await by_email_too(session)
    statement = (
        select(Contact, Address)
        .where(_audience(bot, segment, Asked(now), email=email))
        .order_by(Contact.id.desc(), Address.id)
        .limit(2 * limit)  # whoever is reached by email as well has two addresses
    )
    if got is not None:
        statement = statement.where(~_got(got))
    shown: dict[uuid.UUID, tuple[Contact, Address]] = {}
    for contact, address in await session.execute(statement):
        shown.setdefault(contact.id, (contact, address))
    return list(shown.values())[:limit]


async def pace_interval_us(session: AsyncSession, key: str) -> float | None:
    """Return the interval of a pace key; None while no worker has made it known."""
    return await session.scalar(select(Pace.interval_us).where(Pace.key == key))


async def people(
    session: AsyncSession, address_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[Contact, AddressRef, str]]:
    """Return contact, address and reachability by the address's id."""
    statement = (
        select(Contact, Address)
        .join(Address, Address.contact_id == Contact.id)
        .where(Address.id.in_(list(address_ids)))
        .execution_options(populate_existing=True)
    )
    found = {}
    for contact, a in await session.execute(statement):
        reference = AddressRef(a.id, a.contact_id, a.channel, a.bot, a.value, a.next_send_at)
        found[a.id] = (contact, reference, a.reachability)
    return found


async def served(
    session: AsyncSession, broadcast_id: uuid.UUID, contact_ids: Iterable[uuid.UUID]
) -> set[uuid.UUID]:
    """Return which of these contacts have got the broadcast already."""
    statement = select(DeliveryKey.contact_id).where(
        DeliveryKey.contact_id.in_(list(contact_ids)),
        DeliveryKey.origin_id == broadcast_id,
        DeliveryKey.run == RUN,
        DeliveryKey.resend == 0,
    )
    return set((await session.scalars(statement)).all())


async def queued_rows(
    session: AsyncSession, broadcast: Broadcast, pace_key: str, limit: int
) -> Sequence[QueueRow]:
    """Return rows of a broadcast that wait in the queue, earliest first; locked."""
    statement = (
        select(QueueRow)
        .where(
            QueueRow.pace_key == pace_key,
            QueueRow.priority == LOW,
            QueueRow.due_at >= broadcast.queued_from_us,
            QueueRow.due_at <= broadcast.queued_to_us,
            QueueRow.origin == ORIGIN,
            QueueRow.turn == broadcast.number,
        )
        .order_by(QueueRow.due_at, QueueRow.id)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return (await session.scalars(statement)).all()


async def park(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows aside until the broadcast goes on."""
    if rows:
        await session.execute(insert_new(session, ParkedRow).on_conflict_do_nothing(), list(rows))


async def parked(session: AsyncSession, broadcast_id: uuid.UUID, limit: int) -> Sequence[ParkedRow]:
    """Return rows that were put aside, in their order."""
    statement = (
        select(ParkedRow)
        .where(ParkedRow.broadcast_id == broadcast_id)
        .order_by(ParkedRow.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def unpark(session: AsyncSession, broadcast_id: uuid.UUID, last: uuid.UUID) -> int:
    """Delete rows put aside, up to this one; return how many."""
    statement = delete(ParkedRow).where(
        ParkedRow.broadcast_id == broadcast_id, ParkedRow.id <= last
    )
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def forget_parked(session: AsyncSession, broadcast_id: uuid.UUID) -> int:
    """Delete everything that was put aside; return how many rows that were."""
    statement = delete(ParkedRow).where(ParkedRow.broadcast_id == broadcast_id)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def note_missed(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Note who did not get a broadcast, and why."""
    if rows:
        await session.execute(insert_new(session, Missed).on_conflict_do_nothing(), list(rows))


async def missed(session: AsyncSession, broadcast_id: uuid.UUID) -> dict[str, int]:
    """Return how many did not get a broadcast, by the code of the reason."""
    statement = (
        select(Missed.code, func.count())
        .where(Missed.broadcast_id == broadcast_id)
        .group_by(Missed.code)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}
