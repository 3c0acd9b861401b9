"""Learning hour and channel from events, on each database."""

from datetime import timedelta
from typing import Any

from dripline.clock import VirtualClock, to_us
from dripline.contacts.models import Address, Preferences
from dripline.database import Database
from dripline.engagement.learn import LearnHabits
from dripline.engagement.models import EngagementScore
from dripline.events import NewEvent, append
from dripline.ids import new_id
from world import DAY, World, new_world


async def press(world: World, name: str = "callback.pressed", **data: Any) -> None:
    async with world.database.transaction() as session:
        now = world.clock.now()
        event = NewEvent(name, world.contact.contact_id, "test", new_id().hex, now, data)
        await append(session, event)


async def known(world: World) -> Preferences | None:
    async with world.database.reading() as session:
        return await session.get(Preferences, world.contact.contact_id)


async def test_a_habit_is_learned_from_events(database: Database, clock: VirtualClock) -> None:
    world = await new_world(database, clock)
    learn = LearnHabits(database, page=3)
    await press(world)
    assert await learn.run_once(clock.now()) == 0
    for _ in range(9):
        clock.advance(DAY)
        await press(world, "link.clicked", channel="telegram")
        await press(world, "link.clicked", channel="email", human=False)
    clock.advance(timedelta(hours=8))
    for _ in range(9):  # machines, at another hour
        await press(world, "message.opened", channel="email", human=False)
    assert await learn.run_once(clock.now()) == 1
    learned = await known(world)
    assert learned is not None
    assert (learned.best_hour, learned.engaged_channel) == (12, None)
    assert learned.sequences
    assert await learn.run_once(clock.now()) == 0


async def test_what_the_contact_has_set_stays(database: Database, clock: VirtualClock) -> None:
    world = await new_world(database, clock)
    learn = LearnHabits(database)
    await learn.run_once(clock.now())
    contact_id, now = world.contact.contact_id, clock.now()
    async with database.transaction() as session:
        session.add(
            Preferences(
                contact_id=contact_id, preferred_time="morning", sequences=False, updated_at=now
            )
        )
        session.add(
            Address(
                id=new_id(),
                contact_id=contact_id,
                channel="email",
                bot="",
                value="a@example.com",
                reachability="reachable",
                reachability_since=now,
                created_at=now,
                next_send_at=0,
            )
        )
        session.add(
            EngagementScore(
                contact_id=contact_id, type="email", score=50, fades_at=to_us(now + 60 * DAY),
                half_life=14 * 86_400, factors={}, computed_at=now,
            )
        )  # fmt: skip
    await press(world, "link.clicked", channel="email")
    assert await learn.run_once(clock.now()) == 1
    learned = await known(world)
    assert learned is not None
    assert (learned.engaged_channel, learned.best_hour) == ("email", None)
    assert (learned.preferred_time, learned.sequences) == ("morning", False)
