"""Every statement of the store of clicks."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, distinct, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement.models import Click


async def page(
    session: AsyncSession,
    contact_id: uuid.UUID | None,
    promo: str | None,
    behind: uuid.UUID | None,
    limit: int,
) -> Sequence[Click]:
    """Return clicks of people, newest first, behind one of them."""
    statement = select(Click).where(Click.human.is_(True)).order_by(Click.id.desc()).limit(limit)
    if contact_id is not None:
        statement = statement.where(Click.contact_id == contact_id)
    if promo is not None:
        statement = statement.where(Click.promo == promo)
    if behind is not None:
        statement = statement.where(Click.id < behind)
    return (await session.scalars(statement)).all()


async def counts(session: AsyncSession, promo: str | None) -> tuple[int, int, int, int, int]:
    """Return clicks of people, pairs of a person and a link, people, converted pairs, machines."""
    per_pair = select(
        Click.person,
        Click.target,
        func.count().filter(Click.human.is_(True)).label("human"),
        func.count().filter(Click.human.is_(False)).label("machines"),
        func.count(Click.converted_at).filter(Click.human.is_(True)).label("converted"),
    ).group_by(Click.person, Click.target)
    if promo is not None:
        per_pair = per_pair.where(Click.promo == promo)
    pairs = per_pair.subquery()
    statement = select(
        func.coalesce(func.sum(pairs.c.human), 0),
        func.count().filter(pairs.c.human > 0),
        func.count(distinct(pairs.c.person)).filter(pairs.c.human > 0),
        func.count().filter(pairs.c.converted > 0),
        func.coalesce(func.sum(pairs.c.machines), 0),
    )
    human, unique, people, converted, machines = (await session.execute(statement)).one()
    return int(human), unique, people, converted, int(machines)


async def convert(session: AsyncSession, click_id: uuid.UUID, at: datetime) -> bool:
    """Set when a click was converted; False when it was set before."""
    statement = (
        update(Click)
        .where(Click.id == click_id, Click.converted_at.is_(None))
        .values(converted_at=at)
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)
