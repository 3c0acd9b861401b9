"""Lists of what there is, a page at a time: every statement of the API's lists.

Pages go by id, newest first, behind the row a cursor names; ids rise with time, so what is added
meanwhile comes before the first page and moves nothing.

A filter that no index helps looks at `SCAN` rows a page at most. `Rows.further` then says behind
which row to go on, so that one rare status among ten million rows costs pages, not a minute.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Address, Contact, Tag
from dripline.contacts.queries import owners_of
from dripline.content.models import Revision
from dripline.deliveries.models import Delivery, DeliveryKey, InflightRow, QueueRow
from dripline.events.models import Event
from dripline.lifecycle.models import Referral
from dripline.payments.models import Payment
from dripline.scenarios.models import Enrollment

SCAN: Final = 20_000
FAILED: Final = ("failed", "bounced")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """Rows of a page and one more, if there is one; or where to go on when few were found."""

    rows: Sequence[T]
    further: uuid.UUID | None = None


async def contacts_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    query: str | None = None,
    state: str | None = None,
    tag: str | None = None,
) -> Sequence[Contact]:
    """Return contacts: by a whole address, else by the beginning of a name; by state, by tag."""
    statement = select(Contact)
    if query:
        words = query.strip().removeprefix("@")
        owners = await owners_of(session, words)
        statement = statement.where(Contact.id.in_(owners) if owners else _called(words))
    if state is not None:
        statement = statement.where(Contact.state == state)
    if tag is not None:
        tagged = exists().where(Tag.contact_id == Contact.id, Tag.tag == tag)
        statement = statement.where(tagged)
    return await _newest(session, statement, Contact.id, before, limit)


def _called(plain: str) -> ColumnElement[bool]:
    # Databases lower ASCII surely, other letters by their locale or not at all.
    spelled = {plain, plain.lower(), plain.capitalize()}
    return or_(
        *(
            part
            for column in (Contact.username, Contact.first_name, Contact.last_name)
            for part in (
                func.lower(column).like(_beginning(plain.lower()), escape="\\"),
                *(column.like(_beginning(one), escape="\\") for one in sorted(spelled)),
            )
        ),
    )


def _beginning(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


async def addresses_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[Address]]:
    """Return the addresses of contacts, oldest first."""
    found: dict[uuid.UUID, list[Address]] = {}
    statement = select(Address).where(Address.contact_id.in_(contact_ids)).order_by(Address.id)
    for row in await session.scalars(statement):
        found.setdefault(row.contact_id, []).append(row)
    return found


async def tags_of(
    session: AsyncSession, contact_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[str]]:
    """Return the tags of contacts, in order of their names."""
    found: dict[uuid.UUID, list[str]] = {}
    statement = select(Tag).where(Tag.contact_id.in_(contact_ids)).order_by(Tag.tag)
    for row in await session.scalars(statement):
        found.setdefault(row.contact_id, []).append(row.tag)
    return found


async def enrollments_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    contact_id: uuid.UUID | None = None,
    scenario_id: str | None = None,
    status: str | None = None,
) -> Rows[Enrollment]:
    """Return enrollments: of a contact, of a scenario, in a status."""
    filters = _filters(
        (Enrollment.contact_id, contact_id),
        (Enrollment.scenario_id, scenario_id),
        (Enrollment.status, status),
    )
    indexed = contact_id is not None or scenario_id is not None or not filters
    return await _page(session, Enrollment, filters, before, limit, scan=not indexed)


async def enrollment(session: AsyncSession, enrollment_id: uuid.UUID) -> Enrollment | None:
    """Return an enrollment, or None."""
    return await session.get(Enrollment, enrollment_id, populate_existing=True)


async def deliveries_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    contact_id: uuid.UUID | None = None,
    scenario_id: str | None = None,
    message_id: str | None = None,
    channel: str | None = None,
    status: str | None = None,
) -> Rows[Delivery]:
    """Return deliveries that have ended: of a contact, scenario, message, channel, status."""
    filters = _filters(
        (Delivery.scenario_id, scenario_id),
        (Delivery.message_id, message_id),
        (Delivery.channel, channel),
        (Delivery.status, status),
    )
    if contact_id is not None:
        own = select(DeliveryKey.delivery_id).where(DeliveryKey.contact_id == contact_id)
        filters.append(Delivery.id.in_(own))
        scan = False
    elif status in FAILED:
        filters.append(Delivery.status.in_(FAILED))  # as the index says it
        scan = False
    else:
        scan = bool(filters)
    return await _page(session, Delivery, filters, before, limit, scan=scan)


async def delivery(session: AsyncSession, delivery_id: uuid.UUID) -> Delivery | None:
    """Return a delivery, or None."""
    return await session.get(Delivery, delivery_id, populate_existing=True)


async def waiting_page(session: AsyncSession, limit: int, offset: int) -> Sequence[QueueRow]:
    """Return what waits in the queue, soonest first within each pace key and priority."""
    statement = select(QueueRow).order_by(
        QueueRow.pace_key, QueueRow.priority, QueueRow.due_at, QueueRow.id
    )
    return (await session.scalars(statement.limit(limit).offset(offset))).all()


async def count_waiting(session: AsyncSession, most: int) -> int:
    """Return how many rows wait in the queue, counted no further than `most`."""
    inner = select(QueueRow.id).limit(most).subquery()
    return int(await session.scalar(select(func.count()).select_from(inner)) or 0)


async def count_in_flight(session: AsyncSession) -> int:
    """Return how many messages are being sent just now."""
    return int(await session.scalar(select(func.count()).select_from(InflightRow)) or 0)


async def events_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    contact_id: uuid.UUID | None = None,
    name: str | None = None,
) -> Rows[Event]:
    """Return events: of a contact (those of messages left out), of a name."""
    filters = _filters((Event.contact_id, contact_id), (Event.name, name))
    if contact_id is not None:
        filters.append(Event.source != "delivery")  # as the index says it
    scan = name is not None and contact_id is None
    return await _page(session, Event, filters, before, limit, scan=scan)


async def payments_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    contact_id: uuid.UUID | None = None,
    outcome: str | None = None,
) -> Sequence[Payment]:
    """Return payments: of a contact, with an outcome."""
    statement = select(Payment).where(
        *_filters((Payment.contact_id, contact_id), (Payment.outcome, outcome))
    )
    return await _newest(session, statement, Payment.id, before, limit)


async def referrals_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    referrer_id: uuid.UUID | None = None,
    status: str | None = None,
    review: str | None = None,
) -> Sequence[Referral]:
    """Return referrals: by who brought them, in a status, under a review."""
    statement = select(Referral).where(
        *_filters(
            (Referral.referrer_id, referrer_id),
            (Referral.status, status),
            (Referral.review, review),
        )
    )
    return await _newest(session, statement, Referral.id, before, limit)


async def revisions_page(
    session: AsyncSession, scenario_id: str, before: uuid.UUID | None, limit: int
) -> Sequence[Revision]:
    """Return a scenario's revisions."""
    statement = select(Revision).where(Revision.kind == "scenario", Revision.key == scenario_id)
    return await _newest(session, statement, Revision.id, before, limit)


async def people_by_status(session: AsyncSession, scenario_id: str) -> dict[str, int]:
    """Return how many are in each status of a scenario."""
    rows = await session.execute(
        select(Enrollment.status, func.count())
        .where(Enrollment.scenario_id == scenario_id)
        .group_by(Enrollment.status)
    )
    return {row[0]: row[1] for row in rows}


async def active_page(
    session: AsyncSession, before: uuid.UUID | None, limit: int
) -> Sequence[tuple[Enrollment, Contact]]:
    """Return active enrollments with their contacts."""
    statement = (
        select(Enrollment, Contact)
        .join(Contact, Contact.id == Enrollment.contact_id)
        .where(Enrollment.status == "active")
        .order_by(Enrollment.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Enrollment.id < before)
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


def _filters(*pairs: tuple[Any, Any]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in pairs if value is not None]


async def _newest(
    session: AsyncSession,
    statement: Select[T],
    key: Any,
    before: uuid.UUID | None,
    limit: int,
) -> Sequence[T]:
    if before is not None:
        statement = statement.where(key < before)
    return (await session.scalars(statement.order_by(key.desc()).limit(limit))).all()


async def _page(
    session: AsyncSession,
    model: Any,
    filters: Sequence[ColumnElement[bool]],
    before: uuid.UUID | None,
    limit: int,
    *,
    scan: bool,
) -> Rows[Any]:
    floor = await _floor(session, model.id, before) if scan else None
    statement = select(model).where(*filters)
    if floor is not None:
        statement = statement.where(model.id >= floor)
    rows = await _newest(session, statement, model.id, before, limit)
    return Rows(rows, floor if len(rows) < limit else None)


async def _floor(session: AsyncSession, key: Any, before: uuid.UUID | None) -> uuid.UUID | None:
    """Return the row that one page looks no further than."""
    statement = select(key).order_by(key.desc()).offset(SCAN).limit(1)
    if before is not None:
        statement = statement.where(key < before)
    found: uuid.UUID | None = await session.scalar(statement)
    return found
