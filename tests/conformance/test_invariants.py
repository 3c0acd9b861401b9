"""Whatever people, operators and crashes do, in any order, the invariants hold (DESIGN, 5).

A state machine drives the production engine in process: one contact, three scenarios of which two
share a lane, messages with delays, a wait, edits, pauses, blocks, outages, workers that die with
messages in their hands and others whose results come late.
"""

import asyncio
import sqlite3
import uuid
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts import reachability
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Address, Preferences
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Base, Database
from dripline.database.engine import file_of
from dripline.deliveries import queries as deliveries
from dripline.deliveries.claim import Claim, next_due_us
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import Delivery, InflightRow, QueueRow
from dripline.deliveries.protocols import Outgoing
from dripline.deliveries.rescue import take_over_all
from dripline.deliveries.routing import Routing
from dripline.deliveries.settle import Outcome
from dripline.deliveries.status import advance
from dripline.errors import ChannelDown, PermanentFailure, RateLimited, Unreachable
from dripline.events import NewEvent, append
from dripline.events.models import Event, OutboxRow
from dripline.events.react import React
from dripline.ids import new_id
from dripline.scenarios import switch
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.direct import DirectOrigin
from dripline.scenarios.models import Enrollment
from dripline.scenarios.reactions import CONSUMER, ScenarioReactions
from dripline.scenarios.render import Renderer

T = TypeVar("T")
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SPARE = ("x1", "x2", "x3", "x4")
SCENARIOS = ("course", "other", "beside")
MINUTE = timedelta(minutes=1)


class HurriedTime(RealTime):
    """Real time in which no pace makes anyone wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        self._now_us += 2_000_000
        return self._now_us


class Content:
    """Scenarios that are edited while people are in them; deleted messages leave a pointer."""

    def __init__(self) -> None:
        self.orders = {
            "course": ["a", "task", "b", "c"],
            "other": ["d", "e"],
            "beside": ["f", "g", "h"],
        }
        self.retired: dict[str, dict[str, str | None]] = {name: {} for name in SCENARIOS}
        self.paused: set[str] = set()
        self.revision = 0
        self.library = Library()
        self.save()

    async def current(self, session: object) -> Library:
        """Return the present content, as the store does."""
        return self.library

    def save(self) -> None:
        """Make a revision of what is edited."""
        self.revision += 1
        scenarios = {
            name: compile_scenario(
                self._body(name),
                revision=self.revision,
                button_sets={},
                variables={},
                paused=name in self.paused,
            )
            for name in SCENARIOS
        }
        self.library = Library(self.revision, "course", scenarios)

    def _body(self, name: str) -> dict[str, Any]:
        lane = {"lane": "beside"} if name == "beside" else {}
        return {
            "config": {"id": name, "name": name, **lane},
            "order": self.orders[name],
            "messages": {key: self._message(name, key) for key in self.orders[name]},
            "summary": {"texts": {"": f"{name}/summary"}},
            "retired": self.retired[name],
        }

    @staticmethod
    def _message(name: str, key: str) -> dict[str, Any]:
        message: dict[str, Any] = {"texts": {"": f"{name}/{key}"}}
        if key in {"b", "e", "g"}:
            message["timing"] = {"minutes": 5}
        if key == "h":
            message["channel"] = "both"
        if key == "task":
            message |= {"wait_for": "callback:DONE", "timeout": {"minutes": 30}}
        return message

    def insert(self, name: str, key: str, place: int) -> None:
        """Put a message somewhere into a scenario."""
        order = self.orders[name]
        order.insert(place % (len(order) + 1), key)
        self.retired[name].pop(key, None)
        self.save()

    def delete(self, name: str, place: int) -> None:
        """Take a message out; who stands on it stands behind its predecessor."""
        order = self.orders[name]
        at = place % len(order)
        self.retired[name][order[at]] = order[at - 1] if at else None
        del order[at]
        self.save()


class Engine:
    """The production engine over one database, with a channel that can be told to fail."""

    def __init__(self, database: Database, channels: Sequence[str] = ("telegram",)) -> None:
        self.database = database
        self.clock = VirtualClock(START)
        self.content = Content()
        self.blocked = self.bouncing = False
        self.failure: Exception | None = None
        self.email_id = new_id()
        routing = Routing(channels, look_every_s=0)
        self.recorders = {
            name: Recorder(self.clock, name, refuse=self._refuse) for name in channels
        }
        renderer = Renderer("en")
        store: Any = self.content
        self.dispatcher = Dispatcher(
            database,
            self.clock,
            HurriedTime(),
            {
                "enrollment": EnrollmentOrigin(store, renderer, routing),
                "direct": DirectOrigin(store, renderer, routing),
            },
            self.recorders,
            "one",
        )
        self.reactions = React(database, {CONSUMER: ScenarioReactions(store)})

    def _refuse(self, outgoing: Outgoing) -> None:
        is_email = outgoing.address.channel == "email"
        if self.blocked and not is_email:
            raise Unreachable("blocked", "bot was blocked by the user")
        if self.bouncing and is_email:
            raise Unreachable("bounced", "550 no such user")
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure

    async def begin(self) -> None:
        """Meet the contact."""
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            person = TelegramPerson(1, "Anna", language="en")
            self.contact = await by_telegram(session, "main", person, self.clock.now())
            if "email" in self.recorders:
                await deliveries.ensure_pace(session, "email", 1.0)
                await self._give_email(session)

    async def _give_email(self, session: AsyncSession) -> None:
        now = self.clock.now()
        session.add(
            Address(
                id=self.email_id, contact_id=self.contact.contact_id, channel="email", bot="",
                value="anna@example.com", reachability="reachable", reachability_since=now,
                created_at=now, next_send_at=0,
            )
        )  # fmt: skip

    async def prefer(self, channel: str | None) -> None:
        """Let the contact prefer a channel."""
        async with self.database.transaction() as session:
            contact_id, now = self.contact.contact_id, self.clock.now()
            row = Preferences(contact_id=contact_id, preferred_channel=channel, updated_at=now)
            await session.merge(row)

    async def bounce_late(self, lost: Delivery) -> None:
        """Tell that an email that went out has come back."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            await advance(session, lost.id, "bounced", now)
            data = {"delivery_id": lost.id.hex}
            event = NewEvent("email.bounced", lost.contact_id, "t", lost.id.hex, now, data)
            await append(session, event)
        await self.react()

    async def happen(self, name: str, data: dict[str, Any], *, of_contact: bool = True) -> None:
        """Append an event and let everybody react."""
        contact_id = self.contact.contact_id if of_contact else None
        now = self.clock.now()
        async with self.database.transaction() as session:
            await append(session, NewEvent(name, contact_id, "test", new_id().hex, now, data))
        await self.react()

    async def react(self) -> None:
        """Let the reactions run dry."""
        while await self.reactions.run_once(self.clock.now()):
            pass

    async def ask(self, scenario_id: str | None) -> None:
        """Ask for a scenario, or press a bare Start."""
        ids = (self.contact.contact_id, self.contact.address_id)
        async with self.database.transaction() as session:
            now, library = self.clock.now(), self.content.library
            if scenario_id is None:
                await switch.start(session, library, *ids, now)
            else:
                await switch.request(session, library, *ids, scenario_id, now)
        await self.react()

    async def run(self, until: datetime) -> None:
        """Let time pass, stopping at each due moment."""
        for _ in range(400):
            while await self.dispatcher.run_once(self.clock.now()):
                await self.react()
            due = await next_due_us(self.database)
            if due is None or from_us(due) > until:
                break
            self.clock.jump_to(from_us(due))
        else:
            raise AssertionError("it goes round in circles")
        self.clock.jump_to(until)

    async def reach(self, state: str, channel: str = "telegram") -> None:
        """Tell that the contact blocked the bot, or is back; likewise of the email address."""
        address_id = self.contact.address_id if channel == "telegram" else self.email_id
        async with self.database.transaction() as session:
            await reachability.change(session, address_id, state, "told", self.clock.now())
        await self.react()


class Life(RuleBasedStateMachine):
    """What may happen, in any order."""

    channels: tuple[str, ...] = ("telegram",)
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.database = self.open_database()
        self.do(self.empty_tables())
        self.engine = Engine(self.database, self.channels)
        self.do(self.engine.begin())
        self.held: list[Claim] = []
        self.late: list[Outcome] = []
        self.unsettled = 0

    def open_database(self) -> Database:
        """Open a fresh database."""
        return Database.from_url("sqlite://")

    async def empty_tables(self) -> None:
        """Have all tables, without rows."""
        async with self.database.writer.connect() as connection:
            await connection.run_sync(self._copy_template)

    def _copy_template(self, connection: Connection) -> None:
        with closing(sqlite3.connect(self.template)) as template:
            template.backup(file_of(connection))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """See that everything comes to a good end; then close."""
        try:
            self.do(self.come_to_rest())
            self.do(self.nothing_is_forgotten())
            self.nothing_twice()
            self.only_the_unsettled_went_out_twice()
            self.do(self.each_counted_message_is_told_once())
        finally:
            self.do(self.database.close())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    @rule(scenario=st.sampled_from([None, *SCENARIOS]))
    def ask(self, scenario: str | None) -> None:
        """The contact asks for a scenario."""
        self.do(self.engine.ask(scenario))

    @rule(data=st.sampled_from(["DONE", "OTHER"]))
    def press(self, data: str) -> None:
        """The contact presses a button."""
        self.do(self.engine.happen("callback.pressed", {"data": data}))

    @rule(minutes=st.sampled_from([0, 1, 5, 40]))
    def time_passes(self, minutes: int) -> None:
        """Time passes, with the engine at work."""
        self.do(self.engine.run(self.engine.clock.now() + minutes * MINUTE))

    @rule(minutes=st.sampled_from([1, 60]))
    def nobody_works(self, minutes: int) -> None:
        """Time passes while nothing runs."""
        self.engine.clock.advance(minutes * MINUTE)

    @rule(back=st.booleans(), told=st.booleans())
    def block_or_unblock(self, back: bool, told: bool) -> None:
        """The contact blocks the bot or lets it in; of a block we may only hear by a refusal."""
        self.engine.blocked = not back
        if back or told:
            self.do(self.engine.reach("reachable" if back else "blocked"))

    @rule(which=st.sampled_from([ChannelDown("500"), RateLimited("429", 1.0)]))
    def the_api_fails_once(self, which: Exception) -> None:
        """The next request fails for now."""
        self.engine.failure = which

    @rule(scenario=st.sampled_from(SCENARIOS))
    def pause_or_resume(self, scenario: str) -> None:
        """The operator pauses a scenario, or lets it go on."""
        self.engine.content.paused ^= {scenario}
        self.edited(scenario)

    @rule(scenario=st.sampled_from(SCENARIOS), key=st.sampled_from(SPARE), place=st.integers(0, 6))
    def insert_a_message(self, scenario: str, key: str, place: int) -> None:
        """The operator puts a message in."""
        if key not in self.engine.content.orders[scenario]:
            self.engine.content.insert(scenario, key, place)
            self.edited(scenario)

    @rule(scenario=st.sampled_from(SCENARIOS), place=st.integers(0, 6))
    def delete_a_message(self, scenario: str, place: int) -> None:
        """The operator takes a message out."""
        if len(self.engine.content.orders[scenario]) > 1:
            self.engine.content.delete(scenario, place)
            self.edited(scenario)

    def edited(self, scenario: str) -> None:
        """Save, and tell."""
        self.engine.content.save()
        told = {"scenario_ids": [scenario]}
        self.do(self.engine.happen("content.changed", told, of_contact=False))

    @rule()
    def a_worker_claims(self) -> None:
        """A worker takes what is due into its hands, and gets no further yet."""
        claim = self.do(self.engine.dispatcher.claim(self.engine.clock.now(), 10))
        if claim.flights:
            self.held.append(claim)

    @precondition(lambda self: self.held)
    @rule()
    def it_sends_and_dies_before_it_settles(self) -> None:
        """Its messages have gone out; nobody knows."""
        for flight in self.held.pop(0).flights:
            self.late.append(self.do(self.engine.dispatcher.send(flight)))
            self.unsettled += 1

    @precondition(lambda self: self.held)
    @rule()
    def it_dies_before_it_sends(self) -> None:
        """Nothing has gone out."""
        self.held.pop(0)

    @precondition(lambda self: self.late)
    @rule()
    def late_results_come(self) -> None:
        """It was not dead, only slow."""
        self.do(self.engine.dispatcher.settle(self.late, self.engine.clock.now()))
        self.late.clear()
        self.do(self.engine.react())

    @rule()
    def a_restart_takes_over(self) -> None:
        """What was in the hands of the dead is queued again."""
        self.do(take_over_all(self.database))

    @invariant()
    def one_active_enrollment_a_lane(self) -> None:
        """Invariant 1, first half, and: whoever is active has a plan or a reason to have none."""
        active = [row for row in self.do(self.enrollments()) if row.status == "active"]
        assert max(Counter(row.lane for row in active).values(), default=0) <= 1

    @invariant()
    def nothing_twice(self) -> None:
        """Invariant 1, second half: no message is counted twice."""
        rows = self.do(self.sent_rows())
        assert max(Counter(rows).values(), default=0) <= 1, rows
        counted = [row[:3] + row[4:] for row in self.do(self.sent_rows(counted=True))]
        assert max(Counter(counted).values(), default=0) <= 1, counted

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Whoever is active is queued, in flight, or held for a reason."""
        self.do(self.nothing_is_forgotten())

    async def nothing_is_forgotten(self) -> None:
        """See that each active enrollment will go on."""
        async with self.database.reading() as session:
            queued = await planned(session, QueueRow)
            flying = await planned(session, InflightRow)
        for row in await self.enrollments():
            if row.status == "active" and row.hold is None:
                assert (row.id, row.turn) in queued | flying, f"{row.scenario_id} is forgotten"

    def only_the_unsettled_went_out_twice(self) -> None:
        """No more requests were answered than messages counted, but for those of the dead."""
        out = sum(len(recorder.sent) for recorder in self.engine.recorders.values())
        assert out - len(self.do(self.sent_rows(arrived=False))) <= self.unsettled

    async def each_counted_message_is_told_once(self) -> None:
        """As many `message.sent` as messages that count, whichever channels they took."""
        async with self.database.reading() as session:
            told = select(func.count()).where(Event.name == "message.sent")
            number = await session.scalar(told)
        assert number == len(await self.sent_rows(counted=True, arrived=False))

    async def come_to_rest(self) -> None:
        """Let everything that may go on go on: everybody ends or waits for the contact."""
        engine = self.engine
        await take_over_all(self.database)
        engine.blocked, engine.bouncing, engine.failure = False, False, None
        await engine.reach("reachable")
        engine.content.paused.clear()
        engine.content.save()
        told = {"scenario_ids": list(SCENARIOS)}
        await engine.happen("content.changed", told, of_contact=False)
        await engine.run(engine.clock.now() + timedelta(days=2))
        async with self.database.reading() as session:
            assert await session.scalar(select(func.count()).select_from(InflightRow)) == 0
            assert await session.scalar(select(func.count()).select_from(QueueRow)) == 0
            ours = select(func.count()).where(OutboxRow.consumer == CONSUMER)
            assert await session.scalar(ours) == 0
        rows = await self.enrollments()
        stuck = [(row.scenario_id, row.hold) for row in rows if row.status == "active"]
        assert stuck == [], stuck

    async def enrollments(self) -> list[Enrollment]:
        """Return all enrollments."""
        async with self.database.reading() as session:
            return list((await session.scalars(select(Enrollment))).all())

    async def sent_rows(self, *, counted: bool = False, arrived: bool = True) -> list[Any]:
        """Return what makes each sent message the only one of its kind.

        With `counted`, second copies are left out; without `arrived`, what came back is in.
        """
        statuses = ["sent"] if arrived else ["sent", "bounced"]
        async with self.database.reading() as session:
            rows = (await session.scalars(select(Delivery))).all()
        return [
            (row.origin_id, row.run, row.message_id, row.channel, row.resend)
            for row in rows
            if row.status in statuses and not (counted and "beside" in (row.decision or {}))
        ]


async def planned(session: AsyncSession, table: Any) -> set[tuple[uuid.UUID, int]]:
    """Return which enrollments have a row, of which turn."""
    found = await session.execute(select(table.ref, table.turn).where(table.origin == "enrollment"))
    return {(row[0], row[1]) for row in found}


class LifeOnTwoChannels(Life):
    """The same, with email beside Telegram: choice, fallback, both, and bounces at any time."""

    channels = ("telegram", "email")

    @rule(works=st.booleans(), told=st.booleans())
    def email_works_or_bounces(self, works: bool, told: bool) -> None:
        """The address is confirmed, or bounces; of a bounce we may only hear by a refusal."""
        self.engine.bouncing = not works
        if works or told:
            self.do(self.engine.reach("reachable" if works else "bounced", "email"))

    @rule(channel=st.sampled_from([None, "telegram", "email"]))
    def prefer(self, channel: str | None) -> None:
        """The contact prefers a channel, or none."""
        self.do(self.engine.prefer(channel))

    @rule(scenario=st.sampled_from(SCENARIOS))
    def the_channel_refuses_a_message(self, scenario: str) -> None:
        """What is asked for is not to its channel's liking."""
        self.engine.failure = PermanentFailure("too long")
        self.do(self.engine.ask(scenario))
        self.do(self.engine.run(self.engine.clock.now() + MINUTE))

    @rule(scenario=st.sampled_from(SCENARIOS))
    def the_bot_is_blocked_unheard(self, scenario: str) -> None:
        """A scenario runs on, and only the channel knows."""
        self.engine.blocked = True
        self.do(self.engine.ask(scenario))
        self.do(self.engine.run(self.engine.clock.now() + 6 * MINUTE))

    @rule(place=st.integers(0, 30))
    def an_email_comes_back_late(self, place: int) -> None:
        """An email that went out some time ago bounces."""
        rows = self.do(self.emails_out())
        if rows:
            self.do(self.engine.bounce_late(rows[place % len(rows)]))

    @rule(scenario=st.sampled_from(SCENARIOS))
    def an_email_comes_back_at_once(self, scenario: str) -> None:
        """An email bounces before anything else has arrived."""
        self.do(self.engine.prefer("email"))
        self.do(self.engine.ask(scenario))
        self.do(self.engine.run(self.engine.clock.now()))
        self.an_email_comes_back_late(-1)
        self.do(self.engine.run(self.engine.clock.now()))

    async def emails_out(self) -> list[Delivery]:
        """Return emails that have not come back."""
        async with self.database.reading() as session:
            found = select(Delivery).where(Delivery.channel == "email", Delivery.status == "sent")
            return list((await session.scalars(found.order_by(Delivery.id))).all())


def much(examples: int, steps: int) -> settings:
    """Return how much is tried; the clock of the machine it runs on decides nothing."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow
def test_the_invariants_hold_on_sqlite(sqlite_template: Path) -> None:
    class LifeOnSqlite(Life):
        template = sqlite_template

    run_state_machine_as_test(LifeOnSqlite, settings=much(20, 25))


@pytest.mark.slow
def test_the_invariants_hold_on_two_channels(sqlite_template: Path) -> None:
    class LifeOnSqlite(LifeOnTwoChannels):
        template = sqlite_template

    run_state_machine_as_test(LifeOnSqlite, settings=much(20, 30))


@pytest.mark.slow
@pytest.mark.postgres
def test_the_invariants_hold_on_postgresql(postgres_url: str) -> None:
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)

    class LifeOnPostgres(LifeOnTwoChannels):
        def open_database(self) -> Database:
            return Database.from_url(postgres_url)

        async def empty_tables(self) -> None:
            async with self.database.writer.begin() as connection:
                await connection.execute(text(f"TRUNCATE {tables}"))

    run_state_machine_as_test(LifeOnPostgres, settings=much(16, 20))
