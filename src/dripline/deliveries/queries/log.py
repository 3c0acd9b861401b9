"""Every statement on the log of deliveries, their keys and other decisions."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CursorResult, and_, case, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import from_us
from dripline.database import bulk, dump_json
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.models import (
    MAX_ATTEMPTS,
    Decision,
    Delivery,
    DeliveryKey,
)

if TYPE_CHECKING:
    from dripline.deliveries.protocols import Result


_INSERT_KEYS = Statement(
    sqlite="INSERT INTO delivery_keys VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    postgresql="""
        INSERT INTO delivery_keys
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::text[],
                             $6::bigint[], $7::uuid[])
        ON CONFLICT DO NOTHING
    """,
)

_DECISIONS = bulk.Table("decisions", tuple(column.name for column in Decision.__table__.columns))

_DELIVERIES = bulk.Table(
    "message_deliveries",
    (
        "id",
        "contact_id",
        "origin",
        "origin_id",
        "scenario_id",
        "message_id",
        "run",
        "resend",
        "channel",
        "bot",
        "address_id",
        "recipient",
        "status",
        "content",
        "scheduled_at",
        "sent_at",
        "failed_at",
        "failure_reason",
        "failure_code",
        "provider_ids",
        "attempt_count",
        "max_attempts",
        "decision",
    ),
)

_AT_ONCE = 500
_TALLY = (
    "id, day, channel, origin, scenario_id, message_id,"
    " sent, failed, fell_back, delivered, opened, clicked, bounced"
)
_INSERT_TALLIES = Statement(
    sqlite=f"INSERT INTO delivery_tallies ({_TALLY}) VALUES ({', '.join('?' * 13)})",
    postgresql=f"""
        INSERT INTO delivery_tallies ({_TALLY})
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
                             $6::text[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[],
                             $12::int[], $13::int[])
    """,
)

_SENT_MESSAGES = Statement(
    sqlite="SELECT origin_id, run, message_id FROM delivery_keys"
    " WHERE contact_id IN ({keys}) AND resend = 0",
    postgresql="SELECT origin_id, run, message_id FROM delivery_keys"
    " WHERE contact_id = ANY($1::uuid[]) AND resend = 0",
)


async def insert_deliveries(session: AsyncSession, results: Sequence["Result"]) -> None:
    """Write the wide rows of messages that have ended."""
    rows = []
    for r in results:
        source, address, claimed = r.ready.source, r.ready.address, r.ready.claimed
        sent = r.status == "sent"
        rows.append(
            (
                r.delivery_id,
                r.ready.contact_id,
                claimed.origin,
                source.origin_id,
                source.scenario_id,
                source.message_id,
                source.run,
                source.resend,
                address.channel,
                address.bot,
                address.id,
                address.value,
                r.status,
                r.content,
                from_us(claimed.due_us),
                r.at if sent else None,
                None if sent else r.at,
                r.failure,
                r.failure_code,
                ",".join(r.provider_ids) or None,
                claimed.attempt + 1,
                MAX_ATTEMPTS,
                dump_json(r.ready.decision),
            )
        )
    await bulk.append(session, _DELIVERIES, rows)


async def insert_delivery_keys(session: AsyncSession, results: Sequence["Result"]) -> None:
    """Write the rows that keep a message from going out twice, and lead from contacts to messages.

    A message that will be tried again (on another channel, or when the contact is back) keeps its
    key free: its failure is found under a number of its own, below zero.
    """
    await bulk.write(
        session,
        _INSERT_KEYS,
        [
            (
                r.ready.contact_id,
                r.ready.source.origin_id,
                r.ready.source.run,
                r.ready.source.message_id,
                r.ready.address.channel,
                _aside(r.delivery_id) if _comes_again(r) else r.ready.source.resend,
                r.delivery_id,
            )
            for r in results
        ],
    )


def _comes_again(result: "Result") -> bool:
    return result.falls_back is not None or result.waits_for_contact


def _aside(delivery_id: uuid.UUID) -> int:
    return -1 - (delivery_id.int & 0x3FFFFFFFFFFFFFFF)


async def insert_tallies(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write what is to be added to the counts of days."""
    await bulk.write(session, _INSERT_TALLIES, rows)


async def delivery_steps(session: AsyncSession, delivery_ids: Iterable[uuid.UUID]) -> list[Any]:
    """Return what deliveries are counted under, and their times; locked, in the order of ids."""
    columns = (
        Delivery.id,
        Delivery.channel,
        Delivery.origin,
        Delivery.scenario_id,
        Delivery.message_id,
        Delivery.scheduled_at,
        Delivery.sent_at,
        Delivery.failed_at,
        Delivery.delivered_at,
        Delivery.opened_at,
        Delivery.clicked_at,
    )
    wanted = sorted(delivery_ids, key=lambda one: one.bytes)
    found: list[Any] = []
    for at in range(0, len(wanted), _AT_ONCE):
        page = Delivery.id.in_(wanted[at : at + _AT_ONCE])
        statement = select(*columns).where(page).order_by(Delivery.id).with_for_update()
        found += (await session.execute(statement)).all()
    return found


async def sent_messages(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> set[tuple[uuid.UUID, int, str]]:
    """Return what these contacts were sent, as (origin id, run, message id); repeats left out."""
    rows = await bulk.read(session, _SENT_MESSAGES, contact_ids)
    return {(as_uuid(row[0]), row[1], row[2]) for row in rows}


async def reached_since(session: AsyncSession, lost: Delivery) -> bool:
    """Return whether the contact was sent anything after a delivery, or the same elsewhere."""
    later = Delivery.sent_at > lost.sent_at
    same = and_(
        Delivery.origin_id == lost.origin_id,
        Delivery.run == lost.run,
        Delivery.message_id == lost.message_id,
    )
    found = await session.scalar(
        select(DeliveryKey.delivery_id)
        .join(Delivery, Delivery.id == DeliveryKey.delivery_id)
        .where(
            DeliveryKey.contact_id == lost.contact_id,
            Delivery.id != lost.id,
            Delivery.status.not_in(("failed", "bounced")),
            or_(later, same),
        )
        .limit(1)
    )
    return found is not None


async def insert_decisions(session: AsyncSession, decisions: Sequence[Decision]) -> None:
    """Write decisions other than to send."""
    rows = [
        (
            *(getattr(one, name) for name in _DECISIONS.columns[:-1]),
            None if one.detail is None else dump_json(one.detail),
        )
        for one in decisions
    ]
    await bulk.append(session, _DECISIONS, rows)


async def decisions_of(
    session: AsyncSession, contact_id: uuid.UUID, limit: int
) -> Sequence[Decision]:
    """Return a contact's latest decisions, newest first."""
    statement = (
        select(Decision)
        .where(Decision.contact_id == contact_id)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def deliveries_of(
    session: AsyncSession, contact_id: uuid.UUID, limit: int
) -> Sequence[Delivery]:
    """Return a contact's latest deliveries, newest first."""
    statement = (
        select(Delivery)
        .join(DeliveryKey, DeliveryKey.delivery_id == Delivery.id)
        .where(DeliveryKey.contact_id == contact_id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def move_delivery(
    session: AsyncSession,
    delivery_id: uuid.UUID,
    status: str,
    only_from: Sequence[str],
    time: str,
    at: datetime,
    reason: str | None,
) -> bool:
    """Set a delivery's status if its present one is among `only_from`; return whether it was.

    `time` is the column that keeps the earliest moment it was told of.
    """
    values: dict[str, Any] = {"status": status, time: _earliest(time, at)}
    if reason is not None:
        values |= {"failure_reason": reason, "failure_code": status}
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.status.in_(only_from))
        .values(values)
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def move_deliveries(
    session: AsyncSession,
    status: str,
    only_from: Sequence[str],
    time: str,
    rows: Sequence[tuple[datetime, uuid.UUID]],
) -> None:
    """Do for many, as (moment, delivery), what `move_delivery` and `note_delivery_time` do for one.

    `status`, `only_from` and `time` are constants of ours; no delivery may come twice.
    """
    before = ", ".join(f"'{one}'" for one in only_from)
    moved = f"status = CASE WHEN status IN ({before}) THEN '{status}' ELSE status END"
    statement = Statement(
        sqlite=f"UPDATE message_deliveries SET {moved},"
        f" {time} = CASE WHEN {time} < ?1 THEN {time} ELSE ?1 END WHERE id = ?2",
        postgresql=f"UPDATE message_deliveries d SET {moved}, {time} = least(d.{time}, told.at)"
        " FROM unnest($1::timestamptz[], $2::uuid[]) AS told(at, id) WHERE d.id = told.id",
    )
    await bulk.write(session, statement, rows)


async def note_delivery_time(
    session: AsyncSession, delivery_id: uuid.UUID, time: str, at: datetime
) -> None:
    """Keep the earliest moment of a step that the delivery has left behind."""
    column = getattr(Delivery, time)
    statement = update(Delivery).where(
        Delivery.id == delivery_id, or_(column.is_(None), column > at)
    )
    await session.execute(statement.values({time: at}))


def _earliest(time: str, at: datetime) -> Any:
    column = getattr(Delivery, time)
    return case((column < at, column), else_=literal(at, column.type))
