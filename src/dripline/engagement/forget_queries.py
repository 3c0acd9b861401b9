"""Every statement that forgets where clicks and opens came from."""

import uuid
from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, func, literal, or_, select, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement.models import Click
from dripline.events.models import Event

_TRACES: Final = ("ip", "user_agent", "device")


async def page(
    session: AsyncSession, model: type[Any], behind: uuid.UUID, limit: int
) -> Sequence[Any]:
    """Return rows in the order of their ids, as (id, at, traced): whether they tell from where."""
    at = Click.clicked_at if model is Click else model.opened_at
    traced = or_(*(column.is_not(None) for column in _columns(model).values()))
    statement = select(model.id, at.label("at"), traced.label("traced"))
    statement = statement.where(model.id > behind).order_by(model.id).limit(limit)
    return (await session.execute(statement)).all()


async def forget(session: AsyncSession, model: type[Any], ids: Sequence[uuid.UUID]) -> None:
    """Take address, browser and device out of rows."""
    values = dict.fromkeys(_columns(model))
    await session.execute(update(model).where(model.id.in_(ids)).values(values))


async def forget_in_events(session: AsyncSession, source: str, source_ids: Sequence[str]) -> None:
    """Take address, browser and device out of the events of clicks."""
    await session.execute(
        update(Event)
        .where(Event.source == source, Event.source_id.in_(source_ids))
        .values(data=_without(session, Event.data))
    )


def _columns(model: type[Any]) -> dict[str, Any]:
    return {name: getattr(model, name) for name in _TRACES if hasattr(model, name)}


def _without(session: AsyncSession, data: Any) -> ColumnElement[Any]:
    """Return an event's data without those keys, which each database has its own way for."""
    if session.get_bind().dialect.name == "postgresql":
        left: Any = type_coerce(data, JSONB)
        for name in _TRACES:
            left = left.op("-")(literal(name))
        return cast("ColumnElement[Any]", left)
    return cast("ColumnElement[Any]", func.json_remove(data, *(f"$.{name}" for name in _TRACES)))
