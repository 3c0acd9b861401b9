"""Every statement on outbound webhooks."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, insert_new
from dripline.events.models import Event
from dripline.webhooks.models import DELIVERED, FAILED, PENDING, Endpoint, WebhookDelivery

_ANY_DUE = bulk.same(
    f"""
    SELECT 1 FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
    WHERE d.status = '{PENDING}' AND d.due_at <= ? AND e.is_on LIMIT 1
    """
)


async def endpoints(session: AsyncSession) -> Sequence[Endpoint]:
    """Return all endpoints, oldest first."""
    return (await session.scalars(select(Endpoint).order_by(Endpoint.id))).all()


async def endpoints_on(session: AsyncSession) -> Sequence[Endpoint]:
    """Return the endpoints that are switched on."""
    return (await session.scalars(select(Endpoint).where(Endpoint.is_on))).all()


async def any_catching_up(session: AsyncSession, before: uuid.UUID) -> bool:
    """Return whether what an endpoint has missed since before an id is still to be found."""
    statement = select(Endpoint.id).where(Endpoint.is_on, Endpoint.heard_from < before)
    return await session.scalar(statement.limit(1)) is not None


async def endpoints_catching_up(session: AsyncSession, before: uuid.UUID) -> Sequence[Endpoint]:
    """Return the endpoints of which `any_catching_up` speaks; locked against other workers."""
    statement = select(Endpoint).where(Endpoint.is_on, Endpoint.heard_from < before)
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return (await session.scalars(statement)).all()


async def endpoint(session: AsyncSession, endpoint_id: uuid.UUID) -> Endpoint | None:
    """Return an endpoint, or None."""
    return await session.get(Endpoint, endpoint_id, populate_existing=True)


async def delete_endpoint(session: AsyncSession, endpoint_id: uuid.UUID) -> None:
    """Delete an endpoint, and what was to go there."""
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id))
    await session.execute(delete(Endpoint).where(Endpoint.id == endpoint_id))


async def insert_deliveries(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Queue events for endpoints; what is queued or was sent already is left as it is."""
    if rows:
        await session.execute(
            insert_new(session, WebhookDelivery).on_conflict_do_nothing(), list(rows)
        )


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[WebhookDelivery]:
    """Return what is to go out now, oldest first; locked against other workers."""
    statement = (
        select(WebhookDelivery)
        .join(Endpoint, Endpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.status == PENDING, WebhookDelivery.due_at <= now, Endpoint.is_on)
        .order_by(WebhookDelivery.due_at)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True, of=WebhookDelivery)
    return (await session.scalars(statement)).all()


async def any_due(database: Database, now: datetime) -> bool:
    """Return whether something is to go out, or may be."""
    return bool(await database.glance(_ANY_DUE, now))


async def put_off(session: AsyncSession, ids: Iterable[uuid.UUID], until: datetime) -> None:
    """Look at these no sooner than then."""
    await session.execute(
        update(WebhookDelivery).where(WebhookDelivery.id.in_(list(ids))).values(due_at=until)
    )


async def change_delivery(
    session: AsyncSession, delivery_id: uuid.UUID, values: dict[str, Any]
) -> None:
    """Note how an attempt went."""
    await session.execute(
        update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(values)
    )


async def change_endpoint(
    session: AsyncSession, endpoint_id: uuid.UUID, values: dict[str, Any]
) -> None:
    """Change an endpoint."""
    await session.execute(update(Endpoint).where(Endpoint.id == endpoint_id).values(values))


async def events(session: AsyncSession, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Event]:
    """Return events by their ids; those that were erased are missing."""
    rows = await session.scalars(select(Event).where(Event.id.in_(list(ids))))
    return {row.id: row for row in rows}


async def log_of(
    session: AsyncSession, endpoint_id: uuid.UUID, limit: int, before: uuid.UUID | None = None
) -> Sequence[WebhookDelivery]:
    """Return what went, or is to go, to an endpoint, newest first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if before is not None:
        statement = statement.where(WebhookDelivery.id < before)
    return (await session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(limit))).all()


async def events_since(
    session: AsyncSession, since: datetime, after: uuid.UUID | None, limit: int
) -> Sequence[tuple[uuid.UUID, str]]:
    """Return the ids and names of events since a moment, a page at a time."""
    statement = select(Event.id, Event.name).where(Event.occurred_at >= since)
    if after is not None:
        statement = statement.where(Event.id > after)
    rows = await session.execute(statement.order_by(Event.id).limit(limit))
    return [(row.id, row.name) for row in rows]


async def events_between(
    session: AsyncSession, after: uuid.UUID, until: uuid.UUID, limit: int
) -> Sequence[tuple[uuid.UUID, str]]:
    """Return the ids and names of events between two ids, oldest first."""
    statement = select(Event.id, Event.name).where(Event.id > after, Event.id <= until)
    rows = await session.execute(statement.order_by(Event.id).limit(limit))
    return [(row.id, row.name) for row in rows]


async def send_again(
    session: AsyncSession,
    endpoint_id: uuid.UUID,
    event_ids: Sequence[uuid.UUID] | None,
    since: datetime,
    now: datetime,
) -> int:
    """Let what has ended go out once more: these events, or all that failed since a moment."""
    statement = update(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if event_ids is None:
        statement = statement.where(
            WebhookDelivery.status == FAILED, WebhookDelivery.created_at >= since
        )
    else:
        statement = statement.where(
            WebhookDelivery.event_id.in_(list(event_ids)), WebhookDelivery.status != PENDING
        )
    again = statement.values(status=PENDING, attempts=0, due_at=now, ended_at=None)
    return cast("CursorResult[Any]", await session.execute(again)).rowcount


async def prune(session: AsyncSession, before: datetime) -> None:
    """Forget what ended long ago."""
    await session.execute(
        delete(WebhookDelivery).where(
            WebhookDelivery.status.in_((DELIVERED, FAILED)), WebhookDelivery.ended_at < before
        )
    )
