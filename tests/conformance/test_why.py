"""Why: a contact's story in order, with reasons, in words."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from dripline.analytics.why import Line, find_contact, timeline
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.deliveries import status
from dripline.deliveries.models import Delivery
from dripline.errors import Conflict, NotFound, RetryLater
from dripline.events import NewEvent, append
from world import COURSE, DAY, HOUR, OTHER, World, body, library, new_world


@pytest.fixture
async def world(database: Database, clock: VirtualClock) -> World:
    return await new_world(database, clock)


async def story(world: World, language: str = "en", message_id: str | None = None) -> list[Line]:
    async with world.database.reading() as session:
        return await timeline(
            session,
            world.contact.contact_id,
            library=world.store.library,
            language=language,
            message_id=message_id,
        )


async def test_the_story_of_a_contact(world: World) -> None:
    await world.ask()
    await world.run(DAY + HOUR + timedelta(minutes=1))
    await world.press("DONE")
    await world.run()
    await world.ask("other")
    await world.run()
    world.blocked = True
    await world.run(2 * HOUR)

    told = [(line.kind, line.title, line.scenario, line.message_id) for line in await story(world)]
    assert told == [
        ("event", "First seen", "", ""),
        ("entered", "Entered the scenario", "Course", ""),
        ("sent", "Sent by Telegram", "Course", "one"),
        ("sent", "Sent by Telegram", "Course", "two"),
        ("sent", "Sent by Telegram", "Course", "three"),
        ("event", "Pressed a button", "", ""),
        ("resumed", "Goes on", "Course", "three"),
        ("stopped", "Stopped", "Course", "three"),
        ("entered", "Entered the scenario", "Other", ""),
        ("sent", "Sent by Telegram", "Other", "one"),
        ("event", "Cannot be reached any more", "", ""),
        ("failed", "Could not be sent by Telegram", "Other", "two"),
        ("parked", "Stands still", "Other", "two"),
        ("parked", "Waits until the contact can be reached", "Other", "two"),
    ]
    assert (await story(world))[-1].detail == "the contact has blocked the bot"


async def test_what_is_still_to_come_has_its_time(world: World) -> None:
    await world.ask()
    await world.run()
    last = (await story(world))[-1]
    assert (last.kind, last.message_id) == ("waiting", "two")
    assert last.due == world.clock.now() + HOUR


async def test_what_failed_for_now_tells_when_it_is_tried_again(world: World) -> None:
    world.refusals["telegram"] = RetryLater("451 greylisted", 300.0)
    await world.ask()
    await world.run()
    (line,) = [one for one in await story(world) if one.due is not None]
    assert (line.title, line.detail) == (
        "Failed for now; waits for another try",
        "attempts so far: 1 of 3",
    )
    assert line.due is not None
    assert line.due > world.clock.now()
    assert line.message_id == "one"
    del world.refusals["telegram"]
    await world.run(HOUR)
    assert not [one for one in await story(world) if one.title.startswith("Failed for now")]


async def test_nobody_pressed_so_it_goes_on(world: World) -> None:
    daily = {"wait_for": "callback:DONE", "timeout": {"hours": 2}}
    content = body("course", {"one": daily, "two": {"timing": {"days": 1}}})
    world.store.library = library(content)
    await world.ask()
    await world.run(2 * HOUR)
    over, last = (await story(world))[-2:]
    assert (over.kind, over.title, over.detail) == (
        "resumed",
        "Goes on",
        "the action did not come in time",
    )
    assert (last.title, last.message_id) == ("Waits for its time", "two")


async def test_a_paused_scenario_is_the_reason(world: World) -> None:
    await world.ask()
    await world.run()
    world.store.library = library(COURSE, OTHER, paused=True)
    await world.run(2 * HOUR)
    before, last = (await story(world))[-2:]
    assert last.title == "Waits: the scenario is paused"
    assert last.at >= before.at  # oldest first, also where something lasts


async def test_a_scenario_that_is_off_or_gone_is_no_paused_one(world: World) -> None:
    await world.ask()
    await world.run()
    off = {**COURSE, "entry": {**COURSE["config"], "is_active": False}}
    world.store.library = library(off, OTHER)
    await world.run(2 * HOUR)
    assert (await story(world))[-1].title == "Waits: the scenario is switched off"
    world.store.library = library(OTHER)
    assert (await story(world))[-1].title == "Waits: there is no such scenario any more"


async def test_only_one_message(world: World) -> None:
    await world.ask()
    await world.run(HOUR)
    assert [line.kind for line in await story(world, message_id="two")] == ["sent"]


async def test_in_russian(world: World) -> None:
    await world.ask()
    await world.run(timedelta(seconds=1))
    assert all(not line.title.isascii() for line in await story(world, "ru"))


@pytest.mark.parametrize("words", ["1", "Anna", "anna"])
async def test_a_contact_is_found(world: World, words: str) -> None:
    async with world.database.reading() as session:
        assert (await find_contact(session, words)).id == world.contact.contact_id


@pytest.mark.parametrize("words", ["nobody", "%", "_", "\\", "'; DROP TABLE contacts; --"])
async def test_nobody_is_found_by_a_pattern(world: World, words: str) -> None:
    async with world.database.reading() as session:
        with pytest.raises(NotFound):
            await find_contact(session, words)


async def test_two_of_a_name_are_not_guessed(world: World) -> None:
    from dripline.contacts.identify import TelegramPerson, by_telegram

    async with world.database.transaction() as session:
        await by_telegram(session, "main", TelegramPerson(2, "Anna"), world.clock.now())
    async with world.database.reading() as session:
        with pytest.raises(Conflict):
            await find_contact(session, "Anna")


async def test_codes_are_told_in_words(world: World) -> None:
    """What a contact did stands there as people say it, not as the program stores it."""
    changes = {"sequences": {"old": "yes", "new": "no"}, "email": {"old": None, "new": "a@b.de"}}
    code = {"kind": "post", "value": "AAAA", "promo": "week", "chat": "@news"}
    said = [
        ("bot.started", {"payload": "p_AAAA", "code": code}, "by the post “week” in @news"),
        ("bot.started", {"payload": "r_1", "code": {"kind": "referral"}},
         "by somebody's referral link"),
        ("bot.started", {"payload": "other", "scenario_id": "other"}, "Other"),
        ("bot.started", {"payload": "old", "scenario_id": "old"}, "old"),
        ("bot.started", {"payload": "p_AA", "code": {"kind": "post", "post_id": 1}}, "p_AA"),
        ("bot.started", {"payload": "p_AAAB"}, "by a link that leads nowhere: p_AAAB"),
        ("callback.pressed", {"data": "p_AAAA", "promo": "week", "chat": "@news"},
         "under the post “week” in @news"),
        ("consent.changed", {"changes": changes}, "Courses and series: yes → no; Email: a@b.de"),
        ("address.unreachable", {"state": "blocked"}, "the contact has blocked the bot"),
        ("address.reachable", {"state": "reachable", "reason": "verified"},
         "the email address is confirmed"),
        ("address.reachable", {"state": "reachable", "reason": None}, ""),
        ("admin.acted", {"what": "/stats"}, "/stats"),
    ]  # fmt: skip
    bounced = {"source": "bounce", "changes": {"email": {"new": "a@b.de (bounced)"}}}
    said.append(("consent.changed", bounced, "Email: a@b.de, emails come back"))
    now = world.clock.now()
    async with world.database.transaction() as session:
        for number, (name, data, _words) in enumerate(said):
            contact_id = world.contact.contact_id
            await append(session, NewEvent(name, contact_id, "test", str(number), now, data))
    told = [line for line in await story(world) if line.kind == "event"][-len(said) :]
    assert [line.detail for line in told] == [words for _name, _data, words in said]
    assert all("." not in line.title for line in told)
    assert told[-1].title == "News of their email address"


async def test_that_a_message_arrived_and_was_opened_is_told(world: World) -> None:
    await world.ask()
    await world.run()
    now = world.clock.now()
    async with world.database.transaction() as session:
        sent = (await session.scalars(select(Delivery.id))).one()
        await status.advance(session, sent, "delivered", now + timedelta(minutes=1))
        await status.advance(session, sent, "opened", now + timedelta(minutes=2))
    told = [line.title for line in await story(world, message_id="one")]
    assert told == ["Sent by Telegram", "Delivered by Telegram", "Opened the message"]
