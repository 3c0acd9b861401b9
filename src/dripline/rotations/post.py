"""Post a slot: whoever takes it queues its posts, one for each chat, in the same transaction."""

import uuid
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.deliveries import queue
from dripline.deliveries.models import NORMAL
from dripline.engagement import posts
from dripline.ids import new_id
from dripline.rotations import queries
from dripline.rotations.document import Chat, Rotation, labels_of, scenario_named
from dripline.rotations.models import PENDING, RotationPost, RotationState
from dripline.rotations.schedule import latest_until, next_after

log = structlog.get_logger()
ORIGIN: Final = "rotation"
TELEGRAM: Final = "telegram"
SCHEDULE: Final = "schedule"


async def post_due(
    session: AsyncSession, rotation: Rotation, state: RotationState, now: datetime
) -> bool:
    """Post the slot that is due, the latest if several were missed; the next one is planned."""
    if state.next_at is None or state.next_at > now:
        return False
    slot = latest_until(rotation.schedule, state.next_at, now)
    state.next_at = next_after(rotation.schedule, state.anchor_at, max(slot, now))
    return await post(session, rotation, state, slot, SCHEDULE, now)


async def post(
    session: AsyncSession,
    rotation: Rotation,
    state: RotationState,
    slot: datetime,
    by: str,
    now: datetime,
) -> bool:
    """Post the next message as this slot; False when the slot is taken, or nothing can go out."""
    if not rotation.messages or not rotation.chats:
        return False
    message = rotation.after(state.last_message_id)
    if not await queries.take_slot(session, rotation.id, slot, message.id, by, now):
        return False
    state.last_message_id = message.id
    entries = []
    for chat in rotation.chats:
        row = await _post(session, rotation, chat, slot, message.id, now)
        key = queue.Key(queue.pace_key(TELEGRAM, rotation.bot), NORMAL, to_us(now), row)
        entries.append(queue.Entry(key, ORIGIN, row))
    await queue.push(session, entries, now_us=to_us(now))
    log.info("rotation.slot", rotation=rotation.id, message=message.id, chats=len(entries), by=by)
    return True


async def _post(
    session: AsyncSession,
    rotation: Rotation,
    chat: Chat,
    slot: datetime,
    message_id: str,
    now: datetime,
) -> uuid.UUID:
    known = await queries.chat(session, rotation.bot, chat.value, chat.topic)
    message = next(one for one in rotation.messages if one.id == message_id)
    number = await posts.number(
        session,
        posts.PostRef(rotation.id, slot, chat.name, message_id),
        now,
        scenario_id=scenario_named(message),
        labels=labels_of(message, chat.language),
    )
    row = RotationPost(
        id=new_id(),
        post_id=number,
        rotation_id=rotation.id,
        slot_at=slot,
        chat_id=known.id,
        message_id=message_id,
        language=chat.language,
        status=PENDING,
        telegram_ids=None,
        member_count=None,
        counted_at=None,
        ended_at=None,
        failure=None,
    )
    session.add(row)
    await session.flush()
    return row.id
