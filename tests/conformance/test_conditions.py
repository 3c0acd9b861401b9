"""Messages with conditions on each database: sent to whom they are meant for, asked in batches."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts import queries as contacts
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Database
from dripline.database.drivers import file_of
from dripline.deliveries import queries as deliveries
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.dispatch import Dispatcher
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.enroll import enroll
from dripline.scenarios.render import Renderer
from dripline.wiring import import_models

import_models()
VIP = {"tag": "vip"}


class Hurried(RealTime):
    """Real time in which no pace makes anyone wait."""

    def __init__(self) -> None:
        super().__init__()
        self._at = super().now_us()

    def now_us(self) -> int:
        self._at += 1_500_000
        return self._at


class Fixed:
    """Content as a test sets it."""

    def __init__(self, messages: dict[str, dict[str, Any]]) -> None:
        scenario = compile_scenario(
            {
                "config": {"id": "course", "name": "Course"},
                "order": list(messages),
                "messages": {key: {"texts": {"": key}, **m} for key, m in messages.items()},
            },
            revision=1,
            button_sets={},
            variables={},
            paused=False,
        )
        self.library = Library(1, "course", {"course": scenario})

    async def current(self, _session: Any) -> Library:
        return self.library


class Course:
    """A scenario with people 0, 1, 2, … in it; the even ones are VIPs."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock
        self.known: list[Any] = []

    async def people(self, number: int) -> None:
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            for n in range(number):
                who = TelegramPerson(n, f"{n}", language="en")
                self.known.append(await by_telegram(session, "main", who, self.clock.now()))
                if n % 2 == 0:
                    await contacts.add_tag(
                        session, self.known[n].contact_id, "vip", self.clock.now()
                    )

    async def play(self, messages: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
        """Enroll everybody and let time pass to the end; return what each person got."""
        store: Any = Fixed(messages)
        channel = Recorder(self.clock)
        origin = EnrollmentOrigin(store, Renderer("en"))
        dispatcher = Dispatcher(
            self.database, self.clock, Hurried(), {"enrollment": origin}, {"telegram": channel}, "w"
        )
        async with self.database.transaction() as session:
            for known in self.known:
                await enroll(
                    session,
                    store.library.scenarios["course"],
                    known.contact_id,
                    known.address_id,
                    self.clock.now(),
                    reason="test",
                )
        for _ in range(50):
            due = await next_due_us(self.database)
            if due is None:
                break
            self.clock.jump_to(from_us(due))
            await dispatcher.run_once(self.clock.now())
        got: dict[str, list[str]] = {}
        for sent in channel.sent:
            got.setdefault(sent.address.value, []).append(sent.message.text)
        return got


@pytest.fixture
async def course(database: Database, clock: VirtualClock) -> Course:
    made = Course(database, clock)
    await made.people(4)
    return made


async def test_a_message_goes_to_those_whose_condition_holds(course: Course) -> None:
    got = await course.play(
        {
            "hello": {},
            "vips": {"timing": {"hours": 1}, "condition": VIP},
            "others": {"condition": {"not": VIP}},
            "end": {"timing": {"minutes": 5}},
        }
    )
    assert got["0"] == got["2"] == ["hello", "vips", "end"]
    assert got["1"] == got["3"] == ["hello", "others", "end"]


async def test_a_flow_may_begin_and_end_with_conditions(course: Course) -> None:
    got = await course.play({"a": {"condition": [VIP]}, "b": {"condition": [VIP, "has_paid"]}})
    assert got == {"0": ["a"], "2": ["a"]}


async def test_a_condition_that_cannot_be_read_is_met_by_nobody(course: Course) -> None:
    got = await course.play({"a": {"condition": "no_such_word"}, "b": {}})
    assert list(got.values()) == [["b"]] * 4


@asynccontextmanager
async def statements(database: Database) -> AsyncIterator[list[str]]:
    """Collect what is asked of the database meanwhile, on SQLite past SQLAlchemy as well."""
    asked: list[str] = []

    def keep(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    if not database.is_sqlite:
        event.listen(Engine, "before_cursor_execute", keep)  # whichever connections it goes by
        try:
            yield asked
        finally:
            event.remove(Engine, "before_cursor_execute", keep)
        return
    async with database.transaction() as session:
        file = file_of(await (await session.connection()).run_sync(lambda inner: inner))
    file.set_trace_callback(asked.append)  # the one connection that writes, and so claims
    try:
        yield asked
    finally:
        file.set_trace_callback(None)


async def test_a_batch_costs_one_statement_a_distinct_condition(
    course: Course, database: Database
) -> None:
    async with statements(database) as asked:
        await course.play({"a": {"condition": VIP}, "b": {"condition": VIP}, "c": {}})
    # All four ask for a; then the VIPs ask for b.
    assert len([statement for statement in asked if "contact_tags" in statement]) == 2


async def test_a_message_without_condition_costs_no_statement(
    course: Course, database: Database
) -> None:
    async with statements(database) as asked:
        await course.play({"a": {}, "b": {}})
    assert asked
    assert not [statement for statement in asked if "contact_tags" in statement]
