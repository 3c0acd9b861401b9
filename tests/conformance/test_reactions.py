"""Reactions: each event once a consumer, in order; what fails holds up nobody."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.events import Happened, NewEvent, append, subscribe
from dripline.events.queries import MOST_ATTEMPTS
from dripline.events.react import React
from dripline.ids import new_id

NOTES = "notes"


@pytest.fixture(autouse=True)
def _subscribed() -> Iterator[None]:
    subscribe(NOTES, {"test.*"})
    yield
    subscribe(NOTES, ())


class Notes:
    """Writes each event into a table of its own; refuses those that say so."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, session: AsyncSession, event: Happened, now: object) -> None:
        self.heard.append(event.name)
        await session.execute(text("INSERT INTO noted VALUES (:name)"), {"name": event.name})
        if event.data.get("poison"):
            raise ValueError(event.name)


async def _prepare(database: Database, clock: VirtualClock, *names: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE noted (name TEXT)"))
    async with database.transaction() as session:
        for name in names:
            data = {"poison": True} if "poison" in name else {}
            event = NewEvent(name, new_id(), "test", uuid.uuid4().hex, clock.now(), data)
            assert await append(session, event)


async def _all(react: React, clock: VirtualClock) -> int:
    """React until nothing is left; return how many events that were, tries counted."""
    handled = 0
    while found := await react.run_once(clock.now()):
        handled += found
    return handled


async def _noted(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(text("SELECT name FROM noted")))


async def _left(database: Database) -> list[tuple[int, str | None]]:
    async with database.reading() as session:
        rows = await session.execute(
            text("SELECT attempts, error FROM outbox WHERE consumer = 'notes'")
        )
        return [(row[0], row[1]) for row in rows]


async def test_each_event_is_handled_once_in_order(database: Database, clock: VirtualClock) -> None:
    await _prepare(database, clock, "test.one", "test.two", "test.three")
    notes = Notes()
    react = React(database, {NOTES: notes})
    assert await _all(react, clock) == 3
    assert await _noted(database) == ["test.one", "test.two", "test.three"]
    assert await _left(database) == []


async def test_what_fails_is_left_with_its_error_and_holds_up_nobody(
    database: Database, clock: VirtualClock
) -> None:
    await _prepare(database, clock, "test.one", "test.poison", "test.two")
    react = React(database, {NOTES: Notes()})
    assert await _all(react, clock) == 2 + MOST_ATTEMPTS
    assert await _noted(database) == ["test.one", "test.two"]
    assert await _left(database) == [(MOST_ATTEMPTS, "ValueError('test.poison')")]


async def test_nobody_else_is_asked_when_only_one_consumer_has_work(
    database: Database, clock: VirtualClock
) -> None:
    await _prepare(database, clock, "test.one")
    mine, others = Notes(), Notes()
    await React(database, {"nobody": others, NOTES: mine}).run_once(clock.now())
    assert (mine.heard, others.heard) == (["test.one"], [])
