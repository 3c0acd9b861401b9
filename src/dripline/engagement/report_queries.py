"""Every statement of the report on posts: grouped by the database, joined by the group's key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement.models import Click, Goal, Post, Touch

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "post": ("post", "rotation", "slot", "chat", "promo"),
    "slot": ("rotation", "slot"),
    "chat": ("chat",),
    "promo": ("promo",),
    "rotation": ("rotation",),
}
_COLUMNS: Final[dict[str, Any]] = {
    "post": Post.id,
    "rotation": Post.rotation,
    "slot": Post.slot,
    "chat": Post.chat,
    "promo": Post.promo,
}
_BY_POST = "post"  # Touch.kind of a start


def _group(by: str) -> list[Any]:
    return [_COLUMNS[name].label(name) for name in NAMES[by]]


def _key(by: str, row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in NAMES[by])


def _in_span(since: datetime, until: datetime) -> ColumnElement[bool]:
    return Post.posted_at.between(since, until)


async def posts(
    session: AsyncSession, by: str, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return how many posts there were and how many people they reached."""
    group = _group(by)
    statement = (
        select(*group, func.count().label("posts"), func.sum(Post.reach).label("reach"))
        .where(_in_span(since, until))
        .group_by(*[_COLUMNS[name] for name in NAMES[by]])
        .order_by(func.max(Post.slot).desc(), *[_COLUMNS[name] for name in NAMES[by]])
    )
    return await _rows(session, by, statement)


async def clicks(
    session: AsyncSession, by: str, since: datetime, until: datetime
) -> dict[Any, dict[str, Any]]:
    """Return clicks of people and machines, people, and pairs of a person and a link."""
    group = _group(by)
    grouped = [_COLUMNS[name] for name in NAMES[by]]
    per_pair = (
        select(
            *group,
            Click.person,
            Click.target,
            func.count().filter(Click.human.is_(True)).label("human"),
            func.count().filter(Click.human.is_(False)).label("machines"),
        )
        .join(Post, Post.id == Click.post_id)
        .where(_in_span(since, until))
        .group_by(*grouped, Click.person, Click.target)
        .subquery()
    )
    outer = [per_pair.c[name] for name in NAMES[by]]
    was_human = per_pair.c.human > 0
    statement = select(
        *outer,
        func.sum(per_pair.c.human).label("human"),
        func.sum(per_pair.c.machines).label("machines"),
        func.count().filter(was_human).label("pairs"),
        func.count(distinct(per_pair.c.person)).filter(was_human).label("people"),
    ).group_by(*outer)
    return {row["key"]: row for row in await _rows(session, by, statement)}


async def starts(
    session: AsyncSession, by: str, since: datetime, until: datetime
) -> dict[Any, int]:
    """Return how many people started the bot by these posts."""
    statement = (
        select(*_group(by), func.count(distinct(Touch.contact_id)).label("number"))
        .join(Post, Post.id == Touch.post_id)
        .where(_in_span(since, until), Touch.kind == _BY_POST)
        .group_by(*[_COLUMNS[name] for name in NAMES[by]])
    )
    return {row["key"]: row["number"] for row in await _rows(session, by, statement)}


async def goals(
    session: AsyncSession, by: str, touching: str, since: datetime, until: datetime
) -> Sequence[Mapping[str, Any]]:
    """Return goals credited to the first or the last touch, by kind and currency."""
    post_id = Goal.first_post_id if touching == "first" else Goal.last_post_id
    statement = (
        select(
            *_group(by),
            Goal.kind.label("kind"),
            Goal.currency.label("currency"),
            func.count().label("number"),
            func.sum(Goal.amount).label("amount"),
        )
        .join(Post, Post.id == post_id)
        .where(_in_span(since, until))
        .group_by(*[_COLUMNS[name] for name in NAMES[by]], Goal.kind, Goal.currency)
    )
    return await _rows(session, by, statement)


async def _rows(session: AsyncSession, by: str, statement: Select[Any]) -> list[dict[str, Any]]:
    found = (await session.execute(statement)).mappings()
    return [{**row, "key": _key(by, row)} for row in found]
