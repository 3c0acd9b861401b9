"""Duty: learn from answers at which hour, and on which channel, a contact answers most.

It walks behind the events, a page at a time, and looks anew at whoever has answered. An event that
was committed late may be passed by: it is seen with the contact's next answer.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database
from dripline.engagement import habit_queries as queries
from dripline.engagement.habits import KEPT, best_hour, engaged_channel

_PAGE: Final = 5000
_PAGES: Final = 20
_AT_A_TIME: Final = 200


class LearnHabits:
    """Keeps what is learned of contacts current.

    Looking takes no write lock, and two workers that look at the same time write the same.
    """

    def __init__(self, database: Database, page: int = _PAGE) -> None:
        self._database = database
        self._page = page

    async def run_once(self, now: datetime) -> int:
        """Learn from what has happened; return for how many contacts something has changed."""
        changed = 0
        for _ in range(_PAGES):
            async with self._database.reading() as session:
                answered, reached = await queries.answered_since(session, self._page)
            if reached is None:
                break
            for group in batched(sorted(answered), _AT_A_TIME):
                changed += await self._learn(group, now)
            async with self._database.transaction() as session:
                await queries.reach(session, reached)
        return changed

    async def _learn(self, contact_ids: Collection[uuid.UUID], now: datetime) -> int:
        async with self._database.reading() as session:
            learned = await _learned(session, contact_ids, now)
        if learned:
            async with self._database.transaction() as session:
                await queries.learn(session, learned, now)
        return len(learned)


def batched(ids: Sequence[uuid.UUID], size: int) -> Iterator[Sequence[uuid.UUID]]:
    """Yield ids in groups."""
    return (ids[at : at + size] for at in range(0, len(ids), size))


async def _learned(
    session: AsyncSession, contact_ids: Collection[uuid.UUID], now: datetime
) -> dict[uuid.UUID, tuple[int | None, str | None]]:
    """Return what is known now of those of whom it is not what was known before."""
    answers = await queries.answers_of(session, contact_ids, now - KEPT)
    points = await queries.points_of(session, contact_ids, now)
    known = await queries.known_of(session, contact_ids)
    learned: dict[uuid.UUID, tuple[int | None, str | None]] = {}
    for contact_id, (timezone, hour, channel) in known.items():
        theirs = points.get(contact_id, {})
        found = (
            best_hour(answers.get(contact_id, ()), now, timezone, hour),
            engaged_channel(theirs.get("telegram", 0.0), theirs.get("email", 0.0), channel),
        )
        if found != (hour, channel):
            learned[contact_id] = found
    return learned
