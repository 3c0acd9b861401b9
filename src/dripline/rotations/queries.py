"""Every statement on rotations."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, insert_new
from dripline.ids import new_id
from dripline.rotations.models import (
    SENT,
    RotationChat,
    RotationPost,
    RotationSlot,
    RotationState,
)

_ANY_DUE = bulk.same("SELECT 1 FROM rotations WHERE next_at <= ? LIMIT 1")
_ANY_UNCOUNTED = bulk.same(
    f"SELECT 1 FROM rotation_posts WHERE status = '{SENT}' AND counted_at IS NULL LIMIT 1"
)


class Place(NamedTuple):
    """A post and the chat it goes to."""

    post: RotationPost
    chat: RotationChat


async def states(session: AsyncSession) -> dict[str, RotationState]:
    """Return where every rotation stands."""
    rows = (await session.scalars(select(RotationState))).all()
    return {row.id: row for row in rows}


async def due(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return the rotations whose next slot has come."""
    found = await session.scalars(
        select(RotationState.id).where(RotationState.next_at <= now).order_by(RotationState.next_at)
    )
    return found.all()


async def any_due(database: Database, now: datetime) -> bool:
    """Return whether a slot has come."""
    return bool(await database.glance(_ANY_DUE, now))


async def lock(session: AsyncSession, rotation_id: str) -> RotationState | None:
    """Return where a rotation stands, and keep others from moving it until the end."""
    found: RotationState | None = await session.scalar(
        select(RotationState).where(RotationState.id == rotation_id).with_for_update()
    )
    return found


async def insert_state(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Let a rotation be known; one that is known already stays as it is."""
    await session.execute(
        insert_new(session, RotationState).values(**values).on_conflict_do_nothing()
    )


async def forget(session: AsyncSession, rotation_ids: Collection[str]) -> None:
    """Stop knowing rotations that the content has no more; what they posted stays."""
    if rotation_ids:
        await session.execute(delete(RotationState).where(RotationState.id.in_(rotation_ids)))


async def take_slot(
    session: AsyncSession,
    rotation_id: str,
    slot_at: datetime,
    message_id: str,
    by: str,
    now: datetime,
) -> bool:
    """Take a slot; False when somebody has."""
    found = await session.execute(
        insert_new(session, RotationSlot)
        .values(
            rotation_id=rotation_id, slot_at=slot_at, message_id=message_id, made_at=now, made_by=by
        )
        .on_conflict_do_nothing()
        .returning(RotationSlot.rotation_id)
    )
    return found.scalar_one_or_none() is not None


async def chat(session: AsyncSession, bot: str, value: str, topic: int) -> RotationChat:
    """Return a chat's row, making it when it is new."""
    await session.execute(
        insert_new(session, RotationChat)
        .values(id=new_id(), bot=bot, value=value, topic=topic)
        .on_conflict_do_nothing()
    )
    found = await session.scalars(
        select(RotationChat).where(
            RotationChat.bot == bot, RotationChat.value == value, RotationChat.topic == topic
        )
    )
    return found.one()


async def places(session: AsyncSession, post_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Place]:
    """Return posts with their chats."""
    rows = await session.execute(
        select(RotationPost, RotationChat)
        .join(RotationChat, RotationChat.id == RotationPost.chat_id)
        .where(RotationPost.id.in_(list(post_ids)))
    )
    return {row[0].id: Place(row[0], row[1]) for row in rows}


async def place_of_message(
    session: AsyncSession, bot: str, chat_value: str, telegram_id: int
) -> Place | None:
    """Return the latest post that is this Telegram message, or None."""
    rows = await session.execute(
        select(RotationPost, RotationChat)
        .join(RotationChat, RotationChat.id == RotationPost.chat_id)
        .where(
            RotationChat.bot == bot,
            RotationChat.value == chat_value,
            RotationPost.status == SENT,
            ("," + func.coalesce(RotationPost.telegram_ids, "") + ",").contains(f",{telegram_id},"),
        )
        .order_by(RotationPost.slot_at.desc())
        .limit(1)
    )
    row = rows.first()
    return None if row is None else Place(row[0], row[1])


async def end_post(session: AsyncSession, post_id: uuid.UUID, values: Mapping[str, Any]) -> None:
    """Note how a post ended."""
    await session.execute(update(RotationPost).where(RotationPost.id == post_id).values(**values))


async def set_trouble(
    session: AsyncSession, chat_id: uuid.UUID, trouble: str | None, now: datetime
) -> bool:
    """Note why nothing can be posted in a chat, or that it can be; return whether that is news."""
    was_fine = RotationChat.trouble.is_(None)
    changed = await session.execute(
        update(RotationChat)
        .where(RotationChat.id == chat_id, was_fine if trouble else ~was_fine)
        .values(trouble=trouble, trouble_since=now if trouble else None)
        .returning(RotationChat.id)
    )
    return changed.scalar_one_or_none() is not None


async def note_moved(session: AsyncSession, chat_id: uuid.UUID, value: str) -> None:
    """A group has become a supergroup and has another id now; content may keep the old one."""
    await session.execute(
        update(RotationChat).where(RotationChat.id == chat_id).values(moved_to=value)
    )


async def any_uncounted(database: Database) -> bool:
    """Return whether members of a chat are still to be counted."""
    return bool(await database.glance(_ANY_UNCOUNTED))


async def uncounted(session: AsyncSession, limit: int) -> Sequence[Place]:
    """Return posts whose chat's members are still to be counted, oldest first."""
    rows = await session.execute(
        select(RotationPost, RotationChat)
        .join(RotationChat, RotationChat.id == RotationPost.chat_id)
        .where(RotationPost.status == SENT, RotationPost.counted_at.is_(None))
        .order_by(RotationPost.ended_at)
        .limit(limit)
    )
    return [Place(row[0], row[1]) for row in rows]


async def posts(session: AsyncSession, rotation_id: str, limit: int) -> list[Place]:
    """Return a rotation's latest posts, newest first."""
    return await posts_behind(session, rotation_id, limit, None)


async def posts_behind(
    session: AsyncSession, rotation_id: str, limit: int, behind: tuple[datetime, uuid.UUID] | None
) -> list[Place]:
    """Return a rotation's posts, newest first: those behind a slot and a post of it."""
    statement = (
        select(RotationPost, RotationChat)
        .join(RotationChat, RotationChat.id == RotationPost.chat_id)
        .where(RotationPost.rotation_id == rotation_id)
        .order_by(RotationPost.slot_at.desc(), RotationPost.id.desc())
        .limit(limit)
    )
    if behind is not None:
        slot, post_id = behind
        statement = statement.where(
            or_(
                RotationPost.slot_at < slot,
                and_(RotationPost.slot_at == slot, RotationPost.id < post_id),
            )
        )
    return [Place(row[0], row[1]) for row in await session.execute(statement)]


async def outcomes(session: AsyncSession) -> dict[str, dict[str, int]]:
    """Return how many posts of each rotation ended how."""
    rows = await session.execute(
        select(RotationPost.rotation_id, RotationPost.status, func.count()).group_by(
            RotationPost.rotation_id, RotationPost.status
        )
    )
    found: dict[str, dict[str, int]] = {}
    for rotation_id, status, number in rows:
        found.setdefault(rotation_id, {})[status] = number
    return found


async def troubled(session: AsyncSession) -> Sequence[RotationChat]:
    """Return the chats in which nothing can be posted now."""
    found = await session.scalars(
        select(RotationChat)
        .where(RotationChat.trouble.is_not(None))
        .order_by(RotationChat.trouble_since)
    )
    return found.all()


async def chats_of(
    session: AsyncSession, bot: str, keys: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], RotationChat]:
    """Return the rows of chats that are known, by value and topic."""
    rows = await session.scalars(
        select(RotationChat).where(
            RotationChat.bot == bot,
            tuple_(RotationChat.value, RotationChat.topic).in_(list(keys)),
        )
    )
    return {(row.value, row.topic): row for row in rows}
