"""Who is erased while a message of theirs is on its way leaves nothing behind."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import VirtualClock
from dripline.contacts.erase import erase
from dripline.database import Base, Database
from dripline.deliveries.protocols import Claimed, Origin, Ready, Result
from dripline.scenarios.models import Enrollment
from dripline.wiring import import_models
from world import World, new_world

import_models()


class Erasing:
    """An origin whose contact is erased in the middle of its work: in a claim or in a settle."""

    def __init__(self, world: World, origin: Origin, moment: str) -> None:
        self._world, self._origin, self._moment = world, origin, moment
        self.erasing: asyncio.Task[None] | None = None

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        ready = await self._origin.prepare(session, claimed, now)
        await self._now("claim")
        return ready

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        await self._origin.settled(session, results, now)
        await self._now("settle")

    async def _now(self, moment: str) -> None:
        if moment == self._moment and self.erasing is None:
            self.erasing = asyncio.create_task(self._erase())
            await asyncio.wait([self.erasing], timeout=0.3)  # it waits for whoever has their rows

    async def _erase(self) -> None:
        async with self._world.database.transaction() as session:
            await erase(session, self._world.contact.contact_id, self._world.clock.now())


async def left_of(database: Database, ids: Sequence[Any]) -> set[str]:
    """Return the tables of which a cell holds one of these ids, or an event that is gone."""
    needles = {text for one in ids for text in (str(one), one.hex)}
    found, events, outbox = set(), set(), set()
    async with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in await session.execute(select(table)):
                if any(needle in str(cell) for cell in row for needle in needles):
                    found.add(table.name)
                if table.name == "events":
                    events.add(row.id)
                if table.name == "outbox":
                    outbox.add(row.event_id)
    return found | ({"outbox"} if outbox - events else set())


@pytest.mark.parametrize("moment", ["claim", "settle"])
async def test_nothing_is_left_of_who_is_erased_while_they_are_written_to(
    moment: str, database: Database, clock: VirtualClock
) -> None:
    world = await new_world(database, clock)
    erasing = Erasing(world, world.origins["enrollment"], moment)
    world.dispatcher = world.dispatching({"telegram": world.channel})
    world.dispatcher._origins = {**world.origins, "enrollment": erasing}
    await world.ask()
    async with database.reading() as session:
        enrollments = (await session.scalars(select(Enrollment.id))).all()
    await world.dispatcher.run_once(world.clock.now())
    assert erasing.erasing is not None
    await erasing.erasing
    ids = [world.contact.contact_id, world.contact.address_id, *enrollments]
    assert await left_of(database, ids) == set()
