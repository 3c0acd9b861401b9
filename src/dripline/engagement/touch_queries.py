"""Every statement on touches and goals."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import insert_new
from dripline.engagement.models import Goal, Touch


async def insert_touch(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a touch, unless it is there."""
    await session.execute(insert_new(session, Touch).values(**values).on_conflict_do_nothing())


async def insert_goal(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Insert a goal, unless it is there."""
    await session.execute(insert_new(session, Goal).values(**values).on_conflict_do_nothing())


async def touched_since(
    session: AsyncSession,
    contact_id: uuid.UUID,
    kind: str,
    ref: str,
    post_id: int | None,
    since: datetime,
) -> bool:
    """Whether the contact's latest touch is this same one, no longer ago than `since`."""
    last = await _end(session, contact_id, since, None, latest=True)
    return last is not None and (last.kind, last.ref, last.post_id) == (kind, ref, post_id)


async def ends(
    session: AsyncSession, contact_id: uuid.UUID, since: datetime, until: datetime
) -> tuple[Touch | None, Touch | None]:
    """Return a contact's first and last touch in a span of time."""
    first = await _end(session, contact_id, since, until, latest=False)
    if first is None:
        return None, None
    return first, await _end(session, contact_id, since, until, latest=True)


async def _end(
    session: AsyncSession,
    contact_id: uuid.UUID,
    since: datetime,
    until: datetime | None,
    *,
    latest: bool,
) -> Touch | None:
    order = (Touch.touched_at.desc(), Touch.id.desc()) if latest else (Touch.touched_at, Touch.id)
    statement = (
        select(Touch)
        .where(Touch.contact_id == contact_id, Touch.touched_at >= since)
        .order_by(*order)
        .limit(1)
    )
    if until is not None:
        statement = statement.where(Touch.touched_at <= until)
    return await session.scalar(statement)
