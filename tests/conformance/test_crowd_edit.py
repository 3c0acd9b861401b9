"""A scenario is edited while 10,000 people are inside, and whoever follows is killed meanwhile."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dripline.clock import RealTime, VirtualClock, from_us, to_us
from dripline.contacts.models import Address, Contact
from dripline.database import Database
from dripline.deliveries import queue
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.windows import Habits
from dripline.events.react import React
from dripline.ids import new_id
from dripline.scenarios.decide import next_due
from dripline.scenarios.models import Enrollment
from dripline.scenarios.reactions import CONSUMER, ScenarioReactions
from dripline.scenarios.state import EnrollmentState
from world import HOUR, MINUTE, World, body, library, new_world, told_of_edit

PEOPLE = 10_000
PACE = "telegram:main"
BEFORE = body(
    "course", {"one": {}, "two": {"timing": {"hours": 1}}, "three": {"timing": {"days": 1}}}
)
AFTER = body(
    "course",
    {
        "one": {},
        "new": {"timing": {"minutes": 10}},
        "two": {"timing": {"hours": 1}},
        "four": {"timing": {"hours": 2}},
    },
)
AFTER["retired"] = {"three": "two"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Crowd:
    """Ten thousand people, put into the scenario where they would be by now."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 10

    async def come(self, had: Sequence[str], base: datetime) -> None:
        """Let half of the people come who have got these messages, the last one at `base`."""
        now = self.world.clock.now()
        scenario = self.world.store.library.scenario("course")
        rows: dict[Any, list[dict[str, Any]]] = {Contact: [], Address: [], Enrollment: []}
        entries = []
        for _ in range(PEOPLE // 2):
            self.number += 1
            contact_id, address_id = new_id(), new_id()
            rows[Contact].append({"id": contact_id, "created_at": now})
            rows[Address].append(
                {"id": address_id, "contact_id": contact_id, "channel": "telegram", "bot": "main",
                 "value": str(self.number), "reachability_since": now, "created_at": now}
            )  # fmt: skip
            state = EnrollmentState.begun(scenario, contact_id, address_id, PACE, base)
            state.last_message_id, state.position = had[-1], len(had)
            state.last_sent_at = base
            following = next_due(state, scenario, now, Habits())
            assert following is not None
            entries.append(state.plan(following[0], 3))
            rows[Enrollment].append(
                {column.key: getattr(state, column.key) for column in Enrollment.__table__.columns
                 if hasattr(state, column.key)}
            )  # fmt: skip
        async with self.world.database.transaction() as session:
            for model, values in rows.items():
                await session.execute(insert(model), values)
            await queue.push(session, entries, now_us=to_us(now))


async def follow_and_be_killed(world: World) -> int:
    """Follow the edit, with a new process after each page; return how many processes it took."""
    pages = 0
    while await React(world.database, {CONSUMER: ScenarioReactions(world.store)}).run_once(
        world.clock.now()
    ):
        pages += 1
        world.clock.advance(timedelta(seconds=20))
        await send(world, world.clock.now())
    return pages


async def send(world: World, until: datetime) -> None:
    """Send what comes due, two real seconds apart, so that no chat has to wait."""
    while True:
        while await world.dispatcher.run_once(world.clock.now(), 500):
            await world.dispatcher.free_chats()
        due = await next_due_us(world.database)
        if due is None or from_us(due) > until:
            break
        world.clock.jump_to(from_us(due))


async def test_nobody_gets_a_message_twice_and_nobody_is_skipped(
    database: Database, clock: VirtualClock
) -> None:
    world = await new_world(database, clock)
    world.dispatcher.real_time = RealTime()
    world.store.library = library(BEFORE)
    crowd = Crowd(world)
    now = clock.now()
    await crowd.come(["one", "two"], now - HOUR)
    await crowd.come(["one"], now - 5 * MINUTE)

    world.store.library = library(AFTER, revision=2)
    await told_of_edit(world)
    assert await follow_and_be_killed(world) >= PEOPLE // 500
    await send(world, clock.now() + 10 * HOUR)

    got: dict[str, list[str]] = {}
    for sent in world.channel.sent:
        got.setdefault(sent.address.value, []).append(sent.message.text.removeprefix("course/"))
    assert len(got) == PEOPLE
    ways = Counter(tuple(texts) for texts in got.values())
    assert ways == {
        ("four",): PEOPLE // 2,  # they have two messages, and the new one is behind them
        ("new", "two", "four"): PEOPLE // 2,
    }
    assert await world.queued() == 0
