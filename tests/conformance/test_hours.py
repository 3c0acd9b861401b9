"""Hours and caps: when a message goes out, and what it says of the wait."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dripline.clock import VirtualClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Contact, Preferences
from dripline.database import Database
from dripline.deliveries.cap import Cap
from dripline.deliveries.models import CountedMessage, Decision, Delivery
from dripline.deliveries.rescue import take_over_all
from dripline.deliveries.routing import Routing
from dripline.errors import PermanentFailure
from world import DAY, HOUR, World, body, library, new_world

# The clock stands at Monday, 2 March 2026, 12:00 UTC.
DAILY = body(
    "course", {"one": {}, "two": {"timing": {"days": 1}}, "three": {"timing": {"days": 1}}}
)


async def prefer(world: World, **wishes: Any) -> None:
    async with world.database.transaction() as session:
        contact_id = world.contact.contact_id
        session.add(Preferences(contact_id=contact_id, updated_at=world.clock.now(), **wishes))


async def live_in(world: World, timezone: str) -> None:
    async with world.database.transaction() as session:
        await session.execute(update(Contact).values(timezone=timezone))


async def waits(world: World) -> list[tuple[str, str]]:
    """Return the reasons of waits, each with its end."""
    async with world.database.reading() as session:
        found = await session.scalars(
            select(Decision).where(Decision.kind == "wait").order_by(Decision.id)
        )
        return [(row.reason, f"{row.until:%a %H:%M}") for row in found.all()]


async def sent(world: World) -> list[str]:
    """Return when messages went out."""
    return [f"{one.at:%a %H:%M}" for one in world.channel.sent]


async def a_world(database: Database, clock: VirtualClock, content: Any, **given: Any) -> World:
    world = await new_world(database, clock, Routing(look_every_s=0, **given))
    world.store.library = library(content)
    return world


async def test_a_message_waits_for_the_end_of_quiet_hours(
    database: Database, clock: VirtualClock
) -> None:
    content = body("course", {"one": {}, "two": {"timing": {"hours": 12}}, "three": {}})
    world = await a_world(database, clock, content)
    await prefer(world, quiet_from=22 * 60, quiet_to=8 * 60)
    await world.ask()
    await world.run(2 * DAY)
    assert await sent(world) == ["Mon 12:00", "Tue 08:00", "Tue 08:00"]
    assert await waits(world) == [("quiet_hours", "Tue 08:00")]
    assert (await world.enrollments())["course"].status == "completed"


async def test_the_usual_quiet_hours_hold_where_the_contact_is(
    database: Database, clock: VirtualClock
) -> None:
    content = body("course", {"one": {}, "two": {"timing": {"hours": 8}}})
    world = await a_world(database, clock, content, quiet=(22 * 60, 8 * 60))
    await live_in(world, "Europe/Moscow")
    await world.ask()
    await world.run(DAY)
    assert await sent(world) == ["Mon 12:00", "Tue 05:00"]  # 23:00 there; then 08:00


async def test_whoever_asks_at_night_is_answered_at_night(
    database: Database, clock: VirtualClock
) -> None:
    clock.jump_to(datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
    content = body("course", {"one": {}, "two": {}, "three": {"timing": {"minutes": 5}}})
    world = await a_world(database, clock, content, quiet=(22 * 60, 8 * 60))
    await world.ask()
    await world.run(DAY)
    assert await sent(world) == ["Mon 23:30", "Mon 23:30", "Tue 08:00"]


async def test_what_is_urgent_does_not_wait(database: Database, clock: VirtualClock) -> None:
    content = body("course", {"one": {}, "two": {"timing": {"hours": 12}, "priority": "urgent"}})
    world = await a_world(database, clock, content, quiet=(22 * 60, 8 * 60))
    await world.ask()
    await world.run(DAY)
    assert await sent(world) == ["Mon 12:00", "Tue 00:00"]


async def test_days_apart_is_at_the_preferred_time(database: Database, clock: VirtualClock) -> None:
    world = await a_world(database, clock, DAILY)
    await prefer(world, preferred_time="morning", best_hour=9)
    await live_in(world, "Europe/Berlin")
    await world.ask()
    await world.run(3 * DAY)
    assert await sent(world) == ["Mon 12:00", "Tue 08:00", "Wed 08:00"]
    assert await waits(world) == []  # planned so


async def test_a_preference_that_comes_later_counts_as_well(
    database: Database, clock: VirtualClock
) -> None:
    world = await a_world(database, clock, DAILY)
    await world.ask()
    await world.run()
    await prefer(world, preferred_time="evening")
    await world.run(3 * DAY)
    assert await sent(world) == ["Mon 12:00", "Tue 17:00", "Wed 17:00"]
    assert await waits(world) == [("not_due_yet", "Tue 17:00")]


async def test_weekdays_of_the_scenario_and_of_the_contact(
    database: Database, clock: VirtualClock
) -> None:
    world = await a_world(
        database, clock, {**DAILY, "config": DAILY["config"] | {"weekdays": [1, 3, 4]}}
    )
    await prefer(world, weekdays="1,4,5")
    await world.ask()
    await world.run(10 * DAY)
    assert await sent(world) == ["Mon 12:00", "Thu 12:00", "Mon 12:00"]
    assert [reason for reason, _ in await waits(world)] == ["weekday", "weekday"]


async def test_nobody_gets_more_than_the_cap(database: Database, clock: VirtualClock) -> None:
    hourly = {name: {"timing": {"hours": 1}} for name in "abcde"}
    world = await a_world(database, clock, body("course", hourly), cap=Cap(2, 3))
    await world.ask()
    await world.run(8 * DAY)
    assert await sent(world) == ["Mon 13:00", "Mon 14:00", "Tue 15:00", "Mon 16:00", "Mon 17:00"]
    assert await waits(world) == [("capped", "Tue 15:00"), ("capped", "Mon 16:00")]


async def test_a_cap_is_across_scenarios_and_answers_are_free(
    database: Database, clock: VirtualClock
) -> None:
    beside = body("beside", {"x": {"timing": {"hours": 1}, "priority": "high"}}, lane="beside")
    course = body("course", {"a": {}, "b": {"timing": {"hours": 1}}})
    world = await a_world(database, clock, course, cap=Cap(1))
    world.store.library = library(course, beside)
    await world.ask("course")
    await world.ask("beside")
    await world.run(2 * DAY)
    told = [(one.message.text, f"{one.at:%a %H:%M}") for one in world.channel.sent]
    assert told == [
        ("course/a", "Mon 12:00"),
        ("beside/x", "Mon 13:00"),
        ("course/b", "Tue 13:00"),
    ]


async def test_what_did_not_arrive_does_not_count(database: Database, clock: VirtualClock) -> None:
    content = body("course", {"a": {"timing": {"hours": 1}}, "b": {"timing": {"hours": 1}}})
    world = await a_world(database, clock, content, cap=Cap(1))
    world.refusals["telegram"] = PermanentFailure("too long")
    await world.ask()
    await world.run(HOUR)
    world.refusals.clear()
    await world.run(HOUR)
    assert await sent(world) == ["Mon 14:00"]


async def test_without_a_cap_nothing_is_counted(database: Database, clock: VirtualClock) -> None:
    world = await a_world(database, clock, DAILY)
    await world.ask()
    await world.run(3 * DAY)
    async with database.reading() as session:
        assert (await session.scalars(select(CountedMessage))).all() == []
        assert len((await session.scalars(select(Delivery))).all()) == 3


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_message_claimed_twice_counts_once(
    database: Database, clock: VirtualClock, dies: str
) -> None:
    """A worker that dies with a message in its hands neither loses nor doubles its count."""
    content = body("course", {"a": {"timing": {"hours": 1}}, "b": {"timing": {"hours": 1}}})
    world = await a_world(database, clock, content, cap=Cap(2))
    await world.ask()
    clock.advance(HOUR)
    claim = await world.dispatcher.claim(clock.now(), 10)
    if dies == "after":
        await world.dispatcher.send(claim.flights[0])
    await take_over_all(database)
    await world.run(timedelta(hours=2))
    async with database.reading() as session:
        counted = (await session.scalars(select(CountedMessage.message_id))).all()
    assert sorted(counted) == ["a", "b"]


async def test_whose_language_has_one_zone_is_there_until_they_say_otherwise(
    database: Database, clock: VirtualClock
) -> None:
    content = body("course", {"one": {}, "two": {"timing": {"hours": 10}}})
    world = await a_world(database, clock, content, quiet=(23 * 60, 8 * 60))
    async with database.transaction() as session:
        jana = TelegramPerson(7, "Jana", language="de")
        world.contact = await by_telegram(session, "main", jana, clock.now())
    await world.ask()
    await world.run(DAY)
    async with database.reading() as session:
        known = await session.get_one(Contact, world.contact.contact_id)
    assert (known.timezone, known.timezone_source) == ("Europe/Berlin", "guessed")
    assert await sent(world) == ["Mon 12:00", "Tue 07:00"]


async def test_the_cap_is_exact_over_workers(database: Database, clock: VirtualClock) -> None:
    """Two workers claim at the same moment, each a scenario of the same contact."""
    lanes = [body(f"s{n}", {"x": {"timing": {"hours": 1}}}, lane=f"l{n}") for n in range(8)]
    world = await a_world(database, clock, lanes[0], cap=Cap(3))
    world.store.library = library(*lanes)
    for n in range(8):
        await world.ask(f"s{n}")
    clock.advance(HOUR)
    claims = await asyncio.gather(*(world.dispatcher.claim(clock.now(), 1) for _ in range(8)))
    flights = [flight for claim in claims for flight in claim.flights]
    assert len(flights) <= 3
    await world.dispatcher.settle(
        [await world.dispatcher.send(flight) for flight in flights], clock.now()
    )
    await world.run(timedelta(hours=2))
    assert len(world.channel.sent) == 3
    await world.run(DAY)
    assert len(world.channel.sent) == 6
