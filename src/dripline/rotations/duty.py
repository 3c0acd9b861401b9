"""Duties: post the slots that are due; count the members of chats that were posted into."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.engagement import posts
from dripline.errors import PermanentFailure, SendFailure
from dripline.rotations import queries
from dripline.rotations.document import Rotation
from dripline.rotations.models import RotationState
from dripline.rotations.post import post_due
from dripline.rotations.protocols import MemberCounts, Sources
from dripline.rotations.schedule import next_after

log = structlog.get_logger()
_COUNTED_AT_ONCE: Final = 20


class PostSlots:
    """Posts what is due; two workers never post one slot twice, for a slot is a row."""

    def __init__(self, database: Database, store: ContentStore, sources: Sources) -> None:
        self._database = database
        self._store = store
        self._sources = sources
        self._known: object = None

    async def run_once(self, now: datetime) -> int:
        """Post what is due; return how many slots were posted."""
        is_known = await self._store.version() == self._known
        if is_known and not await queries.any_due(self._database, now):
            return 0
        async with self._database.reading() as session:
            library = await self._store.current(session)
            rotations = self._sources.of(library)
            due = await queries.due(session, now)
        if library.version != self._known:
            await self._follow_content(rotations, now)
            self._known = library.version
        posted = 0
        for rotation_id in due:
            async with self._database.transaction() as session:
                state = await queries.lock(session, rotation_id)
                rotation = rotations.get(rotation_id)
                if state is None:
                    continue
                if rotation is None or not rotation.is_active:
                    state.next_at = None
                    continue
                posted += await post_due(session, rotation, state, now)
        return posted

    async def _follow_content(self, rotations: Mapping[str, Rotation], now: datetime) -> None:
        """Know new rotations, plan those anew whose schedule was edited, forget those gone."""
        async with self._database.transaction() as session:
            known = await queries.states(session)
            for rotation in rotations.values():
                if rotation.id not in known:
                    await begin(session, rotation, now)
                else:
                    state = await queries.lock(session, rotation.id)
                    if state is not None:
                        plan_anew(state, rotation, now)
            await queries.forget(session, [key for key in known if key not in rotations])


async def begin(session: AsyncSession, rotation: Rotation, now: datetime) -> None:
    """Let a rotation be known; its first slot is the first after now."""
    values = {
        "id": rotation.id,
        "running": True,
        "anchor_at": now,
        "next_at": next_after(rotation.schedule, now, now) if rotation.is_active else None,
        "last_message_id": None,
        "plan": rotation.schedule.plan[:200],
        "changed_at": now,
    }
    await queries.insert_state(session, values)


def plan_anew(state: RotationState, rotation: Rotation, now: datetime) -> None:
    """Plan the next slot where the schedule was edited, or the rotation switched on or off."""
    plan = rotation.schedule.plan[:200]
    if state.plan != plan:
        state.plan, state.anchor_at, state.next_at = plan, now, None
    if not state.running or not rotation.is_active:
        state.next_at = None
    elif state.next_at is None:
        state.next_at = next_after(rotation.schedule, state.anchor_at, now)


class CountMembers:
    """Asks how many members a chat had when it was posted into: its reach, as far as one knows."""

    def __init__(self, database: Database, counts: MemberCounts) -> None:
        self._database = database
        self._counts = counts

    async def run_once(self, now: datetime) -> int:
        """Count for some posts; return how many."""
        if not await queries.any_uncounted(self._database):
            return 0
        async with self._database.reading() as session:
            places = await queries.uncounted(session, _COUNTED_AT_ONCE)
        done = 0
        for post, chat in places:
            try:
                number = await self._counts.members(chat.bot, chat.moved_to or chat.value)
            except SendFailure as failure:
                if not _is_final(failure):
                    log.info("rotation.not_counted", chat=chat.value, reason=failure.reason)
                    break  # the bot is held, or Telegram is away: later
                number = None
            async with self._database.transaction() as session:
                await queries.end_post(
                    session, post.id, {"member_count": number, "counted_at": now}
                )
                if number is not None and post.ended_at is not None:
                    await posts.posted(session, post.post_id, post.ended_at, number)
            done += 1
        return done


def _is_final(failure: SendFailure) -> bool:

    return isinstance(failure, PermanentFailure)
