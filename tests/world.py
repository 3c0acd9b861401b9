"""An engine in a test's hands: content as values, one contact, a channel that records."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts.identify import Known, TelegramPerson, by_telegram
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import QueueRow
from dripline.deliveries.protocols import Channel, Origin, Outgoing
from dripline.deliveries.routing import Routing
from dripline.errors import SendFailure, Unreachable
from dripline.events import NewEvent, append
from dripline.events.react import React
from dripline.ids import new_id
from dripline.scenarios import switch
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.direct import DirectOrigin
from dripline.scenarios.models import Enrollment
from dripline.scenarios.reactions import ScenarioReactions
from dripline.scenarios.render import Renderer
from dripline.scenarios.switch import Outcome

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


class HurriedTime(RealTime):
    """Real time in which no pace makes anyone wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        self._now_us += 2_000_000
        return self._now_us


class FixedStore:
    """Content as a test sets it, without a folder."""

    def __init__(self, library: Library) -> None:
        self.library = library

    async def current(self, session: AsyncSession) -> Library:
        return self.library


def body(scenario_id: str, messages: dict[str, dict[str, Any]], **config: Any) -> dict[str, Any]:
    """Return a scenario's document; a message's text is its id unless it says otherwise."""
    return {
        "config": {"id": scenario_id, "name": scenario_id.title(), **config},
        "order": list(messages),
        "messages": {
            key: {"texts": {"": f"{scenario_id}/{key}"}, **spec} for key, spec in messages.items()
        },
        "summary": {"texts": {"": f"{scenario_id}/summary"}},
        "retired": {},
    }


COURSE = body(
    "course",
    {
        "one": {},
        "two": {"timing": {"hours": 1}},
        "three": {
            "timing": {"days": 1},
            "wait_for": "callback:DONE",
            "timeout": {"days": 2},
        },
        "four": {"timing": {"minutes": 5}},
    },
)
OTHER = body("other", {"one": {}, "two": {"timing": {"hours": 2}}})


def library(*bodies: dict[str, Any], revision: int = 1, paused: bool = False) -> Library:
    scenarios = {
        each["config"]["id"]: compile_scenario(
            each, revision=revision, button_sets={}, variables={}, paused=paused
        )
        for each in bodies
    }
    return Library(revision, next(iter(scenarios)), scenarios)


class World:
    """An engine with content, a contact, and a channel that records."""

    def __init__(
        self, database: Database, clock: VirtualClock, contact: Known, routing: Routing
    ) -> None:
        self.database = database
        self.clock = clock
        self.contact = contact
        self.blocked = False
        self.refusals: dict[str, SendFailure] = {}
        self.store: Any = FixedStore(library(COURSE, OTHER))
        self.channel = Recorder(clock, refuse=self._refuse)
        self.email = Recorder(clock, "email", self._refuse)
        self.routing = routing
        renderer = Renderer("en")
        self.origins: dict[str, Origin] = {
            "enrollment": EnrollmentOrigin(self.store, renderer, routing),
            "direct": DirectOrigin(self.store, renderer, routing),
        }
        self.dispatcher = self.dispatching({"telegram": self.channel, "email": self.email})
        self._react = React(database, {"scenarios": ScenarioReactions(self.store)})

    def dispatching(self, channels: dict[str, Channel]) -> Dispatcher:
        """Return a dispatcher over these channels."""
        return Dispatcher(self.database, self.clock, HurriedTime(), self.origins, channels, "w")

    def _refuse(self, outgoing: Outgoing) -> None:
        channel = outgoing.address.channel
        if self.blocked and channel == "telegram":
            raise Unreachable("blocked", "bot was blocked by the user")
        if channel in self.refusals:
            raise self.refusals[channel]

    async def ask(self, scenario_id: str | None = None) -> Outcome:
        async with self.database.transaction() as session:
            ids = (self.contact.contact_id, self.contact.address_id)
            now = self.clock.now()
            if scenario_id is None:
                return await switch.start(session, self.store.library, *ids, now)
            return await switch.request(session, self.store.library, *ids, scenario_id, now)

    async def press(self, data: str) -> None:
        async with self.database.transaction() as session:
            event = NewEvent(
                "callback.pressed",
                self.contact.contact_id,
                "test",
                new_id().hex,
                self.clock.now(),
                {"data": data},
            )
            await append(session, event)
        await self.react()

    async def react(self) -> None:
        while await self._react.run_once(self.clock.now()):
            pass

    async def run(self, after: timedelta = timedelta()) -> list[str]:
        """Let time pass, stopping at each due moment; return what was sent."""
        before, until = len(self.channel.sent), self.clock.now() + after
        while True:
            while await self.dispatcher.run_once(self.clock.now()):
                await self.react()
            due = await next_due_us(self.database)
            if due is None or from_us(due) > until:
                break
            self.clock.jump_to(from_us(due))
        self.clock.jump_to(until)
        return [sent.message.text for sent in self.channel.sent[before:]]

    async def enrollments(self) -> dict[str, Enrollment]:
        async with self.database.reading() as session:
            rows = (await session.scalars(select(Enrollment).order_by(Enrollment.run))).all()
            return {row.scenario_id: row for row in rows}

    async def queued(self) -> int:
        async with self.database.reading() as session:
            return len((await session.scalars(select(QueueRow))).all())


async def new_world(
    database: Database, clock: VirtualClock, routing: Routing | None = None
) -> World:
    """Return a world with a contact, Anna, whom everything reaches."""
    async with database.transaction() as session:
        await deliveries.ensure_pace(session, "telegram:main", 1.0)
        await deliveries.ensure_pace(session, "email", 1.0)
        person = TelegramPerson(1, "Anna", language="en")
        contact = await by_telegram(session, "main", person, clock.now())
    return World(database, clock, contact, routing or Routing())


async def edit(world: World) -> None:
    """Tell that content has changed, as a push does, and let everybody follow."""
    await told_of_edit(world)
    await world.react()


async def told_of_edit(world: World) -> None:
    """Tell that content has changed, as a push does."""
    async with world.database.transaction() as session:
        event = NewEvent(
            "content.changed",
            None,
            "content",
            new_id().hex,
            world.clock.now(),
            {"scenario_ids": ["course"]},
        )
        await append(session, event)
