"""Operators hear of what holds emails up, once, in their language."""

from typing import Any

import pytest
from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database
from dripline.deliveries import troubles
from dripline.deliveries.models import QueueRow
from dripline.errors import ChannelDown, ChannelRefused, RateLimited
from dripline.events.models import Event
from dripline.events.react import React
from dripline.scenarios.enroll import enroll
from world import body, library, new_world


@pytest.mark.parametrize(
    ("key", "failure", "told"),
    [
        ("email", ChannelRefused("535 <wrong> password"), True),
        ("email", RateLimited("daily quota", 3600), True),
        ("email", RateLimited("slow down", 5), False),
        ("email", RateLimited("this mailbox", 3600, whole_key=False), False),
        ("email", ChannelDown("no answer"), False),
        ("telegram:main", ChannelRefused("401"), False),  # it could not say so
    ],
)
async def test_what_is_told(
    database: Database, clock: VirtualClock, key: str, failure: Any, told: bool
) -> None:
    async with database.transaction() as session:
        await by_telegram(session, "main", TelegramPerson(7, "Op", language="ru"), clock.now())
        for _ in range(3):
            await troubles.tell(session, key, failure, clock.now())
    react = React(database, {troubles.CONSUMER: troubles.TroubleReactions([7, 8], "en")})
    while await react.run_once(clock.now()):
        pass
    async with database.reading() as session:
        rows = (await session.scalars(select(QueueRow))).all()
    assert len(rows) == int(told)
    if told:
        assert "Письма сейчас не уходят" in (rows[0].detail or "")
        assert "<wrong>" not in (rows[0].detail or "")


async def test_a_template_that_fails_is_told_once(database: Database, clock: VirtualClock) -> None:
    """One contact's value breaks it; the operator hears which message, and of whom."""
    world = await new_world(database, clock)
    broken = {"texts": {"": "{{ 10 | divided_by: context.n }}"}}
    world.store.library = library(body("course", {"one": broken, "two": {}, "three": broken}))
    async with database.transaction() as session:
        await by_telegram(session, "main", TelegramPerson(7, "Op", language="ru"), clock.now())
        ids = (world.contact.contact_id, world.contact.address_id)
        course = world.store.library.scenarios["course"]
        await enroll(session, course, *ids, clock.now(), reason="test", context={"n": 0})
    assert await world.run() == ["course/two"]
    react = React(database, {troubles.CONSUMER: troubles.TroubleReactions([7], "en")})
    while await react.run_once(clock.now()):
        pass
    async with database.reading() as session:
        events = (await session.scalars(select(Event).where(Event.name == troubles.BROKEN))).all()
        rows = (await session.scalars(select(QueueRow))).all()
    assert {one.data["message"] for one in events} == {"course/one", "course/three"}
    assert {one.data["contact_id"] for one in events} == {world.contact.contact_id.hex}
    told = [row.detail or "" for row in rows]
    assert len(told) == 2
    assert all("divided_by" in one and "не удалось" in one for one in told)
