"""Programs on each database: refusal and force, a day ahead, completion, cancelling, status."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.contacts.models import Contact
from dripline.database import Database
from dripline.errors import Conflict, NotFound
from dripline.ids import new_id
from dripline.scenarios import programs
from world import COURSE, DAY, World, body, library, new_world

NURTURE = body(
    "nurture",
    {"d1": {}, "d2": {"timing": {"days": 1}}, "d3": {"timing": {"days": 1}}},
    lane="program",
)
ONBOARDING = body(
    "onboarding", {"d1": {}, "d2": {"timing": {"days": 1}}}, lane="program", priority=10
)


@pytest.fixture
async def world(database: Database, clock: VirtualClock) -> World:
    world = await new_world(database, clock)
    world.store.library = library(COURSE, NURTURE, ONBOARDING)
    return world


async def enroll(world: World, program_id: str, **options: Any) -> bool:
    async with world.database.transaction() as session:
        return await programs.enroll(
            session,
            world.store.library,
            world.contact.contact_id,
            program_id,
            world.clock.now(),
            **options,
        )


async def status(world: World) -> programs.Status:
    async with world.database.reading() as session:
        return await programs.status(session, world.store.library, world.contact.contact_id)


async def test_days_are_counted_when_their_message_is_sent(world: World) -> None:
    assert await status(world) == programs.Status(enrolled=False)
    assert await enroll(world, "nurture")
    assert (await status(world)).day == 0
    await world.run()
    now = await status(world)
    assert (now.program_id, now.day, now.of, now.progress) == ("nurture", 1, 3, 33)
    await world.run(DAY)
    assert (await status(world)).progress == 67
    await world.run(DAY)
    assert not (await status(world)).enrolled
    assert (await world.enrollments())["nurture"].status == "completed"


async def test_a_second_program_is_refused(world: World) -> None:
    await enroll(world, "nurture")
    assert not await enroll(world, "onboarding")
    assert await world.run(3 * DAY) == ["nurture/d1", "nurture/d2", "nurture/d3"]


async def test_force_cancels_the_present_one_with_its_pending_message(world: World) -> None:
    await enroll(world, "nurture")
    await world.run()
    assert await enroll(world, "onboarding", force=True)
    assert await world.queued() == 1
    assert await world.run(3 * DAY) == ["onboarding/d1", "onboarding/d2"]
    row = (await world.enrollments())["nurture"]
    assert (row.status, row.reason) == ("stopped", "overridden_by:onboarding")


async def test_nurture_overrides_nothing_even_by_force(world: World) -> None:
    await enroll(world, "onboarding")
    assert not await enroll(world, "nurture", force=True)
    assert (await status(world)).program_id == "onboarding"


async def test_programs_run_beside_a_scenario(world: World) -> None:
    await world.ask()
    await enroll(world, "nurture")
    assert sorted(await world.run()) == ["course/one", "nurture/d1"]


async def test_a_day_can_be_brought_forward(world: World) -> None:
    await enroll(world, "nurture")
    await world.run()
    async with world.database.transaction() as session:
        await programs.advance(
            session, world.store.library, world.contact.contact_id, world.clock.now()
        )
    assert await world.run() == ["nurture/d2"]
    assert await world.run(DAY - timedelta(seconds=1)) == []
    assert await world.run(timedelta(seconds=1)) == ["nurture/d3"]


async def test_completing_by_hand_changes_no_state(world: World) -> None:
    await enroll(world, "nurture")
    await world.run()
    async with world.database.transaction() as session:
        await programs.complete(session, world.contact.contact_id, world.clock.now())
    assert await world.run(3 * DAY) == []
    async with world.database.reading() as session:
        assert (await session.scalars(select(Contact.state))).one() == "VISITOR"


async def test_cancelling_takes_the_pending_message_with_it(world: World) -> None:
    await enroll(world, "nurture")
    await world.run()
    async with world.database.transaction() as session:
        assert await programs.cancel(session, world.contact.contact_id, world.clock.now())
        assert not await programs.cancel(session, world.contact.contact_id, world.clock.now())
    assert await world.queued() == 0
    assert await world.run(3 * DAY) == []


async def test_a_completed_program_may_be_entered_again(world: World) -> None:
    await enroll(world, "onboarding")
    await world.run(DAY)
    assert await enroll(world, "onboarding")
    assert await world.run(DAY) == ["onboarding/d1", "onboarding/d2"]
    assert (await world.enrollments())["onboarding"].run == 2


async def test_what_cannot_be_done_is_said(world: World) -> None:
    with pytest.raises(NotFound) as unknown:
        await enroll(world, "nonsense")
    assert unknown.value.code == "SCENARIO_NOT_FOUND"
    with pytest.raises(Conflict) as scenario:
        await enroll(world, "course")
    assert scenario.value.code == "INVALID_SCENARIO_STATE"
    async with world.database.transaction() as session:
        with pytest.raises(Conflict):
            await programs.advance(
                session, world.store.library, world.contact.contact_id, world.clock.now()
            )
        with pytest.raises(NotFound) as nobody:
            await programs.enroll(
                session, world.store.library, new_id(), "nurture", world.clock.now()
            )
    assert nobody.value.code == "USER_NOT_FOUND"
