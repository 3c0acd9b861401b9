"""Every statement that brings people in, and that reads them for a file."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.models import Address, Attribute, Contact, Tag
from dripline.database import bulk, insert_new
from dripline.deliveries.models import DeliveryKey
from dripline.payments.models import Payment
from dripline.scenarios.models import ACTIVE, Enrollment, ScenarioAccess

TELEGRAM = "telegram"

_KNOWN = bulk.Statement(
    sqlite="""
        SELECT a.value, a.bot, a.id, a.contact_id, c.timezone
        FROM addresses a JOIN contacts c ON c.id = a.contact_id
        WHERE a.value IN ({keys}) AND a.bot = ? AND a.channel = 'telegram'
    """,
    postgresql="""
        SELECT a.value, a.bot, a.id, a.contact_id, c.timezone
        FROM addresses a JOIN contacts c ON c.id = a.contact_id
        WHERE a.value = ANY($1::text[]) AND a.bot = $2 AND a.channel = 'telegram'
    """,
)


class Known(NamedTuple):
    """A contact and their address at a bot; None where they are known at another bot only."""

    contact_id: uuid.UUID
    address_id: uuid.UUID | None
    timezone: str | None


async def known_people(
    session: AsyncSession, bot: str, telegram_ids: Sequence[str]
) -> dict[str, Known]:
    """Return who of these is a contact already, by Telegram id."""
    bots = await contacts.telegram_bots(session)
    rows = [row for at in bots for row in await bulk.read(session, _KNOWN, telegram_ids, at)]
    rows.sort(key=lambda row: row[2])
    found: dict[str, Known] = {}
    for value, at, address_id, owner, timezone in rows:
        contact_id = bulk.as_uuid(owner)
        if at == bot:
            found[value] = Known(contact_id, bulk.as_uuid(address_id), timezone)
        else:
            found.setdefault(value, Known(contact_id, None, timezone))
    return found


async def enrollments_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> tuple[set[tuple[uuid.UUID, str]], set[tuple[uuid.UUID, str]]]:
    """Return which scenarios these contacts have been in, and in which lanes they are active."""
    rows = await session.execute(
        select(
            Enrollment.contact_id, Enrollment.scenario_id, Enrollment.lane, Enrollment.status
        ).where(Enrollment.contact_id.in_(contact_ids))
    )
    known: set[tuple[uuid.UUID, str]] = set()
    lanes: set[tuple[uuid.UUID, str]] = set()
    for contact_id, scenario_id, lane, status in rows:
        known.add((contact_id, scenario_id))
        if status == ACTIVE:
            lanes.add((contact_id, lane))
    return known, lanes


async def insert_contacts(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert contacts."""
    if rows:
        await session.execute(insert(Contact), rows)


async def insert_addresses(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert addresses."""
    if rows:
        await session.execute(insert(Address), rows)


async def insert_enrollments(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert enrollments."""
    if rows:
        await session.execute(insert(Enrollment), rows)


async def insert_delivery_keys(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Note that messages were sent before we kept deliveries: they are not sent again."""
    if rows:
        await session.execute(insert(DeliveryKey), rows)


async def insert_payments(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert payments; one that is known from before stays as it is."""
    if rows:
        await session.execute(insert_new(session, Payment).on_conflict_do_nothing(), rows)


async def insert_attributes(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert attributes; one that is set already stays as it is."""
    if rows:
        await session.execute(insert_new(session, Attribute).on_conflict_do_nothing(), rows)


async def fill_access(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Note what contacts have of scenarios' products; what is known already stays."""
    if not rows:
        return
    statement = insert_new(session, ScenarioAccess)
    filled = {
        name: func.coalesce(getattr(ScenarioAccess, name), statement.excluded[name])
        for name in ("paid_at", "payment_link", "invite_link", "joined_at")
    }
    await session.execute(
        statement.on_conflict_do_update(index_elements=["contact_id", "scenario_id"], set_=filled),
        rows,
    )


async def count_people(session: AsyncSession, bot: str, telegram_ids: Sequence[str]) -> int:
    """Return how many of these Telegram ids the bot knows."""
    return int(
        await session.scalar(
            select(func.count())
            .select_from(Address)
            .where(
                Address.channel == TELEGRAM,
                Address.bot == bot,
                Address.value.in_(telegram_ids),
            )
        )
        or 0
    )


async def scenarios_of(
    session: AsyncSession, bot: str, telegram_ids: Sequence[str]
) -> set[tuple[str, str]]:
    """Return which scenarios these Telegram ids have been in."""
    rows = await session.execute(
        select(Address.value, Enrollment.scenario_id)
        .join(Enrollment, Enrollment.contact_id == Address.contact_id)
        .where(Address.channel == TELEGRAM, Address.bot == bot, Address.value.in_(telegram_ids))
    )
    return {(value, scenario_id) for value, scenario_id in rows}


async def people_page(
    session: AsyncSession, bot: str, after: uuid.UUID | None, limit: int
) -> Sequence[tuple[Address, Contact]]:
    """Return people a bot knows with their address, a page by contact id."""
    statement = (
        select(Address, Contact)
        .join(Contact, Contact.id == Address.contact_id)
        .where(Address.channel == TELEGRAM, Address.bot == bot)
    )
    if after is not None:
        statement = statement.where(Contact.id > after)
    rows = await session.execute(statement.order_by(Contact.id).limit(limit))
    return [(address, contact) for address, contact in rows]


async def latest_runs(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, Sequence[Enrollment]]:
    """Return the latest run of each scenario of these contacts."""
    rows = await session.scalars(
        select(Enrollment)
        .where(Enrollment.contact_id.in_(contact_ids))
        .order_by(Enrollment.contact_id, Enrollment.id)
    )
    found: dict[uuid.UUID, dict[str, Enrollment]] = {}
    for row in rows:
        runs = found.setdefault(row.contact_id, {})
        before = runs.get(row.scenario_id)
        if before is None or before.run < row.run:
            runs[row.scenario_id] = row
    return {contact_id: list(runs.values()) for contact_id, runs in found.items()}


async def access_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> dict[tuple[uuid.UUID, str], ScenarioAccess]:
    """Return what these contacts have of scenarios' products."""
    rows = await session.scalars(
        select(ScenarioAccess).where(ScenarioAccess.contact_id.in_(contact_ids))
    )
    return {(row.contact_id, row.scenario_id): row for row in rows}


async def contacts_page(
    session: AsyncSession, after: uuid.UUID | None, limit: int
) -> Sequence[Contact]:
    """Return contacts, a page by id."""
    statement = select(Contact).order_by(Contact.id).limit(limit)
    if after is not None:
        statement = statement.where(Contact.id > after)
    return (await session.scalars(statement)).all()


async def addresses_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> Sequence[Address]:
    """Return the addresses of these contacts, oldest first."""
    statement = select(Address).where(Address.contact_id.in_(contact_ids)).order_by(Address.id)
    return (await session.scalars(statement)).all()


async def tags_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[str]]:
    """Return the tags of these contacts, in order of their names."""
    rows = await session.execute(
        select(Tag.contact_id, Tag.tag).where(Tag.contact_id.in_(contact_ids)).order_by(Tag.tag)
    )
    found: dict[uuid.UUID, list[str]] = {}
    for contact_id, tag in rows:
        found.setdefault(contact_id, []).append(tag)
    return found
