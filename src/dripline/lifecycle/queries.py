"""Every statement on standings and states; those on referrals are in `referral_queries.py`."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Address, Contact
from dripline.database import Database, bulk, insert_new
from dripline.events.models import Event
from dripline.lifecycle.models import BotName, ReferralCode, Standing, Sweep

CHANGED = "lifecycle.changed"

_ANY_DUE = bulk.same("SELECT 1 FROM lifecycle_standings WHERE check_at <= ? LIMIT 1")


class Present(NamedTuple):
    """Where a contact stands, as one statement answers it."""

    contact_id: uuid.UUID
    state: str
    language: str | None
    registered_at: datetime | None
    last_active_at: datetime
    referral_count: int
    given_state: str | None
    decay_warned_at: datetime | None
    decay_hidden_at: datetime | None


_PRESENT = (
    Contact.id,
    Contact.state,
    Contact.language,
    Contact.registered_at,
    func.coalesce(Contact.last_seen_at, Contact.created_at).label("last_active_at"),
    func.coalesce(Standing.referral_count, 0),
    Standing.given_state,
    Standing.decay_warned_at,
    Standing.decay_hidden_at,
)


async def present(session: AsyncSession, contact_id: uuid.UUID) -> Present | None:
    """Return where a contact stands, or None for nobody."""
    row = (
        await session.execute(
            select(*_PRESENT)
            .outerjoin(Standing, Standing.contact_id == Contact.id)
            .where(Contact.id == contact_id)
        )
    ).one_or_none()
    return None if row is None else Present(*row)


async def lock(session: AsyncSession, contact_id: uuid.UUID) -> Present | None:
    """Return where a contact stands, and keep others from changing it until the end."""
    if await session.scalar(select(Contact.id).where(Contact.id == contact_id)) is None:
        return None
    await enlist(session, [contact_id])
    await session.execute(
        select(Standing.contact_id).where(Standing.contact_id == contact_id).with_for_update()
    )
    return await present(session, contact_id)


async def enlist(session: AsyncSession, contact_ids: Sequence[uuid.UUID]) -> None:
    """Give contacts a standing, unless they have one."""
    if contact_ids:
        rows = [{"contact_id": contact_id} for contact_id in contact_ids]
        await session.execute(insert_new(session, Standing).on_conflict_do_nothing(), rows)


async def set_state(session: AsyncSession, contact_id: uuid.UUID, state: str) -> None:
    """Put a contact into a state."""
    await session.execute(
        update(Contact)
        .where(Contact.id == contact_id)
        .values(state=state)
        .execution_options(synchronize_session="evaluate")
    )


async def set_registered(session: AsyncSession, contact_id: uuid.UUID, at: datetime) -> bool:
    """Note when a contact registered; False when they had already, or are gone."""
    statement = (
        update(Contact)
        .where(Contact.id == contact_id, Contact.registered_at.is_(None))
        .values(registered_at=at)
        .execution_options(synchronize_session="evaluate")
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def set_seen(session: AsyncSession, contact_id: uuid.UUID, at: datetime) -> None:
    """Note a sign of life that came by another way than the bot."""
    await session.execute(
        update(Contact)
        .where(
            Contact.id == contact_id,
            or_(Contact.last_seen_at.is_(None), Contact.last_seen_at < at),
        )
        .values(last_seen_at=at)
        .execution_options(synchronize_session=False)
    )


async def save(session: AsyncSession, contact_id: uuid.UUID, **values: Any) -> None:
    """Set columns of a standing."""
    await session.execute(
        update(Standing)
        .where(Standing.contact_id == contact_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def add_to_count(session: AsyncSession, contact_id: uuid.UUID, by: int) -> None:
    """Count one referral more, or less."""
    await enlist(session, [contact_id])
    await save(session, contact_id, referral_count=Standing.referral_count + by)


async def any_due_for_a_look(database: Database, now: datetime) -> bool:
    """Return whether anybody's inactivity is to be looked at."""
    return bool(await database.glance(_ANY_DUE, now))


async def due_for_a_look(session: AsyncSession, now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Return contacts whose inactivity is to be looked at, locked against other workers."""
    statement = (
        select(Standing.contact_id)
        .where(Standing.check_at <= now)
        .order_by(Standing.check_at)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return (await session.scalars(statement)).all()


async def present_after(
    session: AsyncSession, after: uuid.UUID | None, limit: int
) -> list[Present]:
    """Return where everybody stands, a page by id."""
    statement = (
        select(*_PRESENT)
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .order_by(Contact.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Contact.id > after)
    return [Present(*row) for row in await session.execute(statement)]


async def sweep(session: AsyncSession) -> Sweep | None:
    """Return how far everybody was looked at, read anew; None before the first time."""
    found: Sweep | None = await session.scalar(
        select(Sweep).where(Sweep.id == 1).execution_options(populate_existing=True)
    )
    return found


async def save_sweep(
    session: AsyncSession, rules: str, after: uuid.UUID | None, done_at: datetime | None
) -> None:
    """Remember how far everybody was looked at."""
    values = {"rules": rules, "after": after, "done_at": done_at}
    statement = insert_new(session, Sweep).values(id=1, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def changes_of(
    session: AsyncSession, contact_id: uuid.UUID, limit: int = 100
) -> Sequence[Event]:
    """Return a contact's changes of state, newest first."""
    statement = (
        select(Event)
        .where(Event.contact_id == contact_id, Event.source != "delivery", Event.name == CHANGED)
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def top(
    session: AsyncSession, limit: int
) -> list[tuple[uuid.UUID, str | None, str | None, int]]:
    """Return who brought most people and is not hidden: contact, first name, user name, count."""
    statement = (
        select(Contact.id, Contact.first_name, Contact.username, Standing.referral_count)
        .join(Contact, Contact.id == Standing.contact_id)
        .where(Standing.referral_count > 0, Standing.decay_hidden_at.is_(None))
        .order_by(Standing.referral_count.desc(), Standing.contact_id.desc())
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(statement)]


async def ahead_of(session: AsyncSession, contact_id: uuid.UUID, count: int, most: int) -> int:
    """Return how many stand above so many referrals on the leaderboard; at most `most`."""
    above = or_(
        Standing.referral_count > count,
        and_(Standing.referral_count == count, Standing.contact_id > contact_id),
    )
    inner = (
        select(Standing.contact_id)
        .where(Standing.referral_count > 0, Standing.decay_hidden_at.is_(None), above)
        .limit(most)
        .subquery()
    )
    return int(await session.scalar(select(func.count()).select_from(inner)) or 0)


async def counts_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, int]]:
    """Return state and number of referrals of contacts."""
    rows = await session.execute(
        select(Contact.id, Contact.state, func.coalesce(Standing.referral_count, 0))
        .outerjoin(Standing, Standing.contact_id == Contact.id)
        .where(Contact.id.in_(list(contact_ids)))
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def codes_of(session: AsyncSession, contact_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the codes of contacts who have one."""
    rows = await session.execute(
        select(ReferralCode.contact_id, ReferralCode.code).where(
            ReferralCode.contact_id.in_(list(contact_ids))
        )
    )
    return {row[0]: row[1] for row in rows}


async def insert_codes(session: AsyncSession, codes: Mapping[uuid.UUID, str]) -> None:
    """Give contacts codes, unless they have one, or the code is taken."""
    if codes:
        rows = [{"contact_id": key, "code": code} for key, code in codes.items()]
        await session.execute(insert_new(session, ReferralCode).on_conflict_do_nothing(), rows)


async def owner_of(session: AsyncSession, code: str) -> uuid.UUID | None:
    """Return whose code this is, or None."""
    found: uuid.UUID | None = await session.scalar(
        select(ReferralCode.contact_id).where(ReferralCode.code == code)
    )
    return found


async def remember_bot(session: AsyncSession, bot: str, username: str) -> None:
    """Keep what a bot is called on Telegram."""
    statement = insert_new(session, BotName).values(bot=bot, username=username)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["bot"], set_={"username": username})
    )


async def bot_names(session: AsyncSession) -> dict[str, str]:
    """Return what bots are called on Telegram, by our names for them."""
    rows = await session.execute(select(BotName.bot, BotName.username).order_by(BotName.bot))
    return {row[0]: row[1] for row in rows}


async def addresses(
    session: AsyncSession, address_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[Address, Contact]]:
    """Return addresses with their contacts, by address."""
    rows = await session.execute(
        select(Address, Contact)
        .join(Contact, Contact.id == Address.contact_id)
        .where(Address.id.in_(list(address_ids)))
        .execution_options(populate_existing=True)
    )
    return {row[0].id: (row[0], row[1]) for row in rows}
