"""Every statement on posts."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import insert_new
from dripline.engagement.models import Post

if TYPE_CHECKING:
    from dripline.engagement.posts import PostRef


async def insert_post(
    session: AsyncSession,
    ref: "PostRef",
    scenario_id: str | None,
    labels: list[str],
    now: datetime,
) -> None:
    """Insert a post, unless it is there."""
    values = {**ref._asdict(), "scenario_id": scenario_id, "created_at": now, "labels": labels}
    await session.execute(insert_new(session, Post).values(**values).on_conflict_do_nothing())


async def number_of(session: AsyncSession, ref: "PostRef") -> int:
    """Return the number of a post that is there."""
    statement = select(Post.id).where(
        Post.rotation == ref.rotation, Post.slot == ref.slot, Post.chat == ref.chat
    )
    return (await session.scalars(statement)).one()


async def post(session: AsyncSession, number: int) -> Post | None:
    """Return a post by its number."""
    return await session.get(Post, number)


async def set_posted(session: AsyncSession, number: int, at: datetime, reach: int | None) -> None:
    """Note when a post went out, and the chat's member count."""
    await session.execute(update(Post).where(Post.id == number).values(posted_at=at, reach=reach))
