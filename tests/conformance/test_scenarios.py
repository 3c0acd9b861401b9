"""Scenarios on each database: entry, switching, waits, live edits, pause, block and return."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dripline.clock import VirtualClock
from dripline.contacts import reachability
from dripline.database import Database
from dripline.errors import Conflict, NotFound
from dripline.scenarios.enroll import enroll
from dripline.scenarios.switch import Outcome
from world import COURSE, DAY, HOUR, MINUTE, OTHER, World, body, edit, library, new_world


@pytest.fixture
async def world(database: Database, clock: VirtualClock) -> World:
    return await new_world(database, clock)


async def test_a_scenario_runs_to_its_end_by_its_timing(world: World) -> None:
    assert await world.ask() is Outcome.STARTED
    start = world.clock.now()
    assert await world.run() == ["course/one"]
    assert await world.run(HOUR - timedelta(seconds=1)) == []
    assert await world.run(timedelta(seconds=1)) == ["course/two"]
    assert await world.run(DAY) == ["course/three"]
    assert await world.run(DAY) == []

    await world.press("DONE")
    assert await world.run(5 * MINUTE) == ["course/four"]

    row = (await world.enrollments())["course"]
    assert (row.status, row.last_message_id, row.position) == ("completed", "four", 4)
    assert row.started_at == start
    assert await world.queued() == 0


async def test_only_the_next_message_is_ever_queued(world: World) -> None:
    await world.ask()
    for _ in range(3):
        assert await world.queued() <= 1
        await world.run(DAY)


async def test_a_wait_times_out(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR)
    assert await world.run(2 * DAY) == []
    assert await world.run(5 * MINUTE) == ["course/four"]


async def test_pressing_another_button_moves_nobody(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR)
    await world.press("OTHER")
    assert await world.run(HOUR) == []


async def test_pressing_twice_counts_once(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR)
    await world.press("DONE")
    await world.press("DONE")
    assert await world.run(HOUR) == ["course/four"]


async def test_a_press_before_the_message_settles_is_not_lost(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR - MINUTE)
    world.clock.advance(MINUTE)
    claimed = await world.dispatcher.claim(world.clock.now(), 10)
    outcome = await world.dispatcher.send(claimed.flights[0])
    await world.press("DONE")
    await world.dispatcher.settle([outcome], world.clock.now())

    assert await world.run(5 * MINUTE) == ["course/four"]


async def test_asking_for_another_scenario_parks_the_current_one(world: World) -> None:
    await world.ask()
    await world.run(MINUTE)
    assert await world.ask("other") is Outcome.STARTED
    assert await world.run() == ["other/one"]
    rows = await world.enrollments()
    assert (rows["course"].status, rows["other"].status) == ("stopped", "active")
    assert rows["course"].reason == "switched_to:other"

    assert await world.ask("course") is Outcome.RESUMED
    assert await world.run() == []
    assert await world.run(HOUR) == ["course/two"]
    rows = await world.enrollments()
    assert (rows["course"].status, rows["other"].status) == ("active", "stopped")


async def test_resuming_after_its_delay_sends_the_next_message_at_once(world: World) -> None:
    await world.ask()
    await world.run(MINUTE)
    await world.ask("other")
    await world.run(HOUR)
    await world.ask("course")
    assert await world.run() == ["course/two"]


async def test_asking_for_the_current_scenario_repeats_its_last_message(world: World) -> None:
    await world.ask()
    await world.run()
    assert await world.ask("course") is Outcome.SENT_AGAIN
    assert await world.run() == ["course/one"]
    assert await world.ask() is Outcome.SENT_AGAIN
    assert await world.run() == ["course/one"]
    assert await world.run(HOUR) == ["course/two"]


async def test_asking_before_the_first_message_left_adds_none(world: World) -> None:
    await world.ask()
    assert await world.ask() is Outcome.ON_ITS_WAY
    assert await world.run() == ["course/one"]


async def test_a_completed_scenario_sends_its_summary_only(world: World) -> None:
    await world.ask("other")
    await world.run(2 * HOUR)
    assert await world.ask("other") is Outcome.SUMMARY
    assert await world.run(DAY) == ["other/summary"]


async def test_a_completed_scenarios_summary_leaves_the_active_one_alone(world: World) -> None:
    await world.ask("other")
    await world.run(2 * HOUR)
    await world.ask("course")
    await world.run()
    assert await world.ask("other") is Outcome.SUMMARY
    assert await world.run() == ["other/summary"]
    assert await world.run(HOUR) == ["course/two"]


async def test_a_bare_start_prefers_a_default_never_started(world: World) -> None:
    await world.ask("other")
    await world.run()
    assert await world.ask() is Outcome.STARTED
    assert await world.run() == ["course/one"]
    assert (await world.enrollments())["other"].status == "stopped"


async def test_a_bare_start_repeats_what_is_active(world: World) -> None:
    await world.ask()
    await world.run()
    await world.ask("other")
    await world.run()
    assert await world.ask() is Outcome.SENT_AGAIN
    assert await world.run() == ["other/one"]


async def test_unknown_and_switched_off_scenarios_are_not_found(world: World) -> None:
    with pytest.raises(NotFound) as unknown:
        await world.ask("nonsense")
    assert unknown.value.code == "SCENARIO_NOT_FOUND"


async def test_a_lane_takes_one_active_scenario_only(world: World) -> None:
    await world.ask()
    async with world.database.transaction() as session:
        with pytest.raises(Conflict) as refused:
            await enroll(
                session,
                world.store.library.scenario("other"),
                world.contact.contact_id,
                world.contact.address_id,
                world.clock.now(),
                reason="api",
            )
    assert refused.value.code == "SCENARIO_ALREADY_ACTIVE"
    assert set(await world.enrollments()) == {"course"}


async def test_lanes_run_beside_each_other(world: World) -> None:
    welcome = body("welcome", {"one": {}, "two": {"timing": {"hours": 1}}}, lane="welcome")
    world.store.library = library(COURSE, welcome)
    await world.ask()
    await world.ask("welcome")
    assert sorted(await world.run(HOUR)) == [
        "course/one",
        "course/two",
        "welcome/one",
        "welcome/two",
    ]


async def test_a_blocked_contact_waits_and_goes_on_when_back(world: World) -> None:
    await world.ask()
    await world.run()
    world.blocked = True
    assert await world.run(3 * HOUR) == []
    row = (await world.enrollments())["course"]
    assert (row.status, row.hold) == ("active", "unreachable")

    world.blocked = False
    async with world.database.transaction() as session:
        await reachability.change(
            session, world.contact.address_id, "reachable", None, world.clock.now()
        )
    await world.react()
    assert await world.run() == ["course/two"]


async def come_back(world: World) -> None:
    world.blocked = False
    async with world.database.transaction() as session:
        await reachability.change(
            session, world.contact.address_id, "reachable", "wrote_to_the_bot", world.clock.now()
        )


@pytest.mark.parametrize("first", ["start", "return"])
async def test_restart_after_a_block_brings_what_was_due_and_no_repeat(
    world: World, first: str
) -> None:
    await world.ask()
    await world.run()
    world.blocked = True
    await world.run(3 * HOUR)
    await come_back(world)
    if first == "return":  # its event, or even the message, may come before the /start
        await world.react()
        assert await world.run() == ["course/two"]
    assert await world.ask() is Outcome.ON_ITS_WAY
    await world.react()
    assert await world.run() == ([] if first == "return" else ["course/two"])
    await world.run(2 * MINUTE)
    assert await world.ask() is Outcome.SENT_AGAIN


async def test_restart_after_a_block_in_which_nothing_was_due_repeats(world: World) -> None:
    await world.ask()
    await world.run()
    world.blocked = True
    async with world.database.transaction() as session:
        await reachability.change(
            session, world.contact.address_id, "blocked", "x", world.clock.now()
        )
    await world.run(20 * MINUTE)
    await come_back(world)
    await world.react()
    assert await world.ask() is Outcome.SENT_AGAIN
    assert await world.run() == ["course/one"]
    assert await world.run(HOUR) == ["course/two"]


async def test_a_new_message_ahead_reaches_people_and_one_behind_does_not(world: World) -> None:
    await world.ask()
    await world.run(HOUR)
    edited = body(
        "course",
        {
            "zero": {},
            "one": {},
            "one_and_a_half": {},
            "two": {"timing": {"hours": 1}},
            "two_and_a_half": {"timing": {"hours": 3}},
            "four": {"timing": {"minutes": 5}},
        },
    )
    edited["retired"] = {"three": "two_and_a_half"}
    world.store.library = library(edited, OTHER, revision=2)
    await edit(world)

    assert await world.run(10 * DAY) == ["course/two_and_a_half", "course/four"]


async def test_nobody_gets_a_message_twice_when_it_moves(world: World) -> None:
    await world.ask()
    await world.run(HOUR)
    moved = body("course", {"two": {}, "four": {"timing": {"minutes": 5}}, "one": {}})
    world.store.library = library(moved, revision=2)
    await edit(world)

    assert await world.run(DAY) == ["course/four"]
    assert (await world.enrollments())["course"].status == "completed"


async def test_a_position_on_a_deleted_message_goes_on_behind_it(world: World) -> None:
    await world.ask()
    await world.run(HOUR)
    edited = body("course", {"one": {}, "four": {"timing": {"minutes": 5}}})
    edited["retired"] = {"two": "one", "three": "two"}
    world.store.library = library(edited, revision=2)
    await edit(world)

    assert await world.run(DAY) == ["course/four"]


async def test_a_shorter_delay_counts_for_those_who_wait(world: World) -> None:
    await world.ask()
    await world.run(HOUR)
    hasty = body("course", {"one": {}, "two": {}, "three": {"timing": {"hours": 1}}})
    world.store.library = library(hasty, revision=2)
    await edit(world)
    assert await world.run(HOUR) == ["course/three"]


async def test_a_longer_delay_counts_too(world: World) -> None:
    await world.ask()
    await world.run()
    slow = body("course", {"one": {}, "two": {"timing": {"hours": 9}}})
    world.store.library = library(slow, revision=2)
    assert await world.run(8 * HOUR) == []
    assert await world.run(HOUR) == ["course/two"]


async def test_a_paused_scenario_waits_and_resumes_without_a_burst(world: World) -> None:
    await world.ask()
    await world.run()
    world.store.library = library(COURSE, OTHER, paused=True)
    assert await world.run(2 * DAY) == []
    assert (await world.enrollments())["course"].hold == "paused"
    assert await world.queued() == 0

    world.store.library = library(COURSE, OTHER)
    await edit(world)
    assert await world.run() == ["course/two"]
    assert await world.run(DAY) == ["course/three"]


async def test_a_wait_that_times_out_in_a_pause_goes_on_after_it(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR)
    world.store.library = library(COURSE, OTHER, paused=True)
    assert await world.run(3 * DAY) == []
    assert (await world.enrollments())["course"].hold == "paused"

    world.store.library = library(COURSE, OTHER)
    await edit(world)
    assert await world.run(5 * MINUTE) == ["course/four"]


async def test_a_message_that_fails_for_good_is_passed_over(world: World) -> None:
    broken = body(
        "course", {"one": {}, "two": {"texts": {"": "{{ 1 | divided_by: 0 }}"}}, "three": {}}
    )
    world.store.library = library(broken)
    await world.ask()
    assert await world.run(DAY) == ["course/one", "course/three"]
    assert (await world.enrollments())["course"].status == "completed"


async def test_switching_away_while_a_message_flies_counts_it_as_sent(world: World) -> None:
    await world.ask()
    await world.run()
    world.clock.advance(HOUR)
    claimed = await world.dispatcher.claim(world.clock.now(), 10)
    outcome = await world.dispatcher.send(claimed.flights[0])
    await world.ask("other")
    await world.dispatcher.settle([outcome], world.clock.now())
    await world.run()
    await world.ask("course")

    assert await world.run(23 * HOUR) == []
    assert await world.run(HOUR) == ["course/three"]


async def test_a_settle_that_the_database_broke_off_is_done_again(world: World) -> None:
    await world.ask()
    claimed = await world.dispatcher.claim(world.clock.now(), 10)
    outcome = await world.dispatcher.send(claimed.flights[0])
    async with world.database.transaction() as session:
        await session.execute(text("ALTER TABLE queue RENAME TO away"))
    with pytest.raises(DBAPIError):  # the enrollment has gone on by then, but in this attempt only
        await world.dispatcher._settle([outcome], world.clock.now())
    async with world.database.transaction() as session:
        await session.execute(text("ALTER TABLE away RENAME TO queue"))
    await world.dispatcher.settle([outcome], world.clock.now())

    assert (await world.enrollments())["course"].last_message_id == "one"
    assert await world.run(HOUR) == ["course/two"]


async def test_there_and_back_while_a_message_flies_sends_it_once(world: World) -> None:
    await world.ask()
    await world.run()
    world.clock.advance(HOUR)
    claimed = await world.dispatcher.claim(world.clock.now(), 10)
    await world.ask("other")
    await world.ask("course")
    await world.dispatcher.run_once(world.clock.now())
    outcome = await world.dispatcher.send(claimed.flights[0])
    await world.dispatcher.settle([outcome], world.clock.now())
    await world.run(23 * HOUR)

    texts = [sent.message.text for sent in world.channel.sent]
    assert texts.count("course/two") == 1


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ({"days": 1, "at": "09:00"}, "2026-03-03T09:00"),
        ({"at": "13:00"}, "2026-03-02T13:00"),
        ({"at": "11:00"}, "2026-03-03T11:00"),
        ({"weekdays": [6]}, "2026-03-07T12:00"),
        ({"at": "09:00", "weekdays": [1]}, "2026-03-09T09:00"),
        ({"hours": 2, "from": "start"}, "2026-03-02T14:00"),
    ],
)
async def test_times_of_day_and_weekdays(
    world: World, timing: dict[str, Any], expected: str
) -> None:
    world.store.library = library(body("course", {"one": {}, "two": {"timing": timing}}))
    await world.ask()
    await world.run(30 * DAY)
    assert world.channel.sent[-1].at.isoformat().startswith(expected)
