"""Experiments on each database: variants that stick, a holdout, goals once, a winner."""

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock
from dripline.contacts.identify import Known, TelegramPerson, by_telegram
from dripline.content.compile import Making, compile_scenario, scopes
from dripline.content.store import Library
from dripline.content.variables import fallbacks
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import Delivery
from dripline.events import NewEvent, append
from dripline.events.react import React
from dripline.experiments import document, queries
from dripline.experiments.document import experiments_of
from dripline.experiments.duty import DecideExperiments
from dripline.experiments.goals import ExperimentReactions
from dripline.experiments.models import Assignment
from dripline.experiments.results import results
from dripline.ids import new_id
from dripline.scenarios import programs, switch
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.direct import DirectOrigin
from dripline.scenarios.models import Enrollment
from dripline.scenarios.render import Renderer
from dripline.scenarios.switch import Outcome
from dripline.wiring import import_models
from world import HurriedTime, body

import_models()
HALVES = [{"id": "plain"}, {"id": "warm", "message": "warm"}]


def experiment(**given: Any) -> dict[str, Any]:
    """Return an experiment about the course's first message."""
    return {"id": "hello", "scenario": "course", "message": "one", "variants": HALVES, **given}


def course(scenario_id: str = "course", **config: Any) -> dict[str, Any]:
    return body(
        scenario_id,
        {
            "one": {
                "inline_keyboard": {
                    "rows": [
                        {"buttons": [{"type": "callback", "text": "Yes", "callback_data": "YES"}]}
                    ]
                }
            },
            "two": {"timing": {"hours": 1}},
        },
        prodamus={"product_name": "Jars"},
        **config,
    )


class Fixed:
    """Content as a test sets it."""

    def __init__(self, *specs: dict[str, Any], bodies: list[dict[str, Any]] | None = None) -> None:
        making = Making({}, scopes({"id": "", "name": ""}, {}), fallbacks(None))
        file = {
            "file": {"experiments": list(specs)},
            "messages": {"warm": {"texts": {"": "Warm {{ scenario.product_name }}"}}},
        }
        scenarios = {
            one["config"]["id"]: compile_scenario(
                one, revision=1, button_sets={}, variables={}, paused=False
            )
            for one in bodies or [course()]
        }
        rooms = {document.KIND: document.make(file, making)}
        self.library = Library(1, next(iter(scenarios)), scenarios, rooms=rooms)

    async def current(self, _session: Any) -> Library:
        return self.library


class Crowd:
    """An engine with many contacts."""

    def __init__(self, database: Database, clock: VirtualClock, store: Any) -> None:
        self.database, self.clock, self.store = database, clock, store
        self.channel = Recorder(clock)
        self.dispatcher = Dispatcher(
            database,
            clock,
            HurriedTime(),
            {
                "enrollment": EnrollmentOrigin(store, Renderer("en")),
                "direct": DirectOrigin(store, Renderer("en")),
            },
            {"telegram": self.channel},
            "w",
        )
        self.react = React(database, {"experiments": ExperimentReactions(store)})
        self.duty = DecideExperiments(database, store)
        self.known: list[Known] = []

    async def come(self, number: int) -> None:
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            for n in range(len(self.known), len(self.known) + number):
                who = TelegramPerson(n + 1, f"N{n}", language="en")
                self.known.append(await by_telegram(session, "main", who, self.clock.now()))

    async def ask(self, known: Known, scenario_id: str = "course") -> Outcome:
        async with self.database.transaction() as session:
            return await switch.request(
                session,
                self.store.library,
                known.contact_id,
                known.address_id,
                scenario_id,
                self.clock.now(),
            )

    async def ask_all(self) -> None:
        for known in self.known:
            await self.ask(known)
        await self.send()

    async def send(self) -> None:
        while await self.dispatcher.run_once(self.clock.now()):
            pass

    async def happen(self, name: str, contact_id: uuid.UUID, **data: Any) -> None:
        async with self.database.transaction() as session:
            now = self.clock.now()
            await append(session, NewEvent(name, contact_id, "test", new_id().hex, now, data))
        while await self.react.run_once(self.clock.now()):
            pass

    def texts(self) -> Counter[str]:
        return Counter(sent.message.text for sent in self.channel.sent)

    async def counts(self) -> dict[str, tuple[int, int]]:
        async with self.database.reading() as session:
            return await queries.counts(session, "hello")


async def crowd(
    database: Database, clock: VirtualClock, *specs: dict[str, Any], people: int = 60, **more: Any
) -> Crowd:
    found = Crowd(database, clock, Fixed(*specs, **more))
    await found.come(people)
    return found


async def test_each_contact_gets_one_variant_and_the_log_says_which(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment())
    await people.ask_all()
    assert set(people.texts()) == {"course/one", "Warm Jars"}
    assert sum(people.texts().values()) == 60
    async with database.reading() as session:
        logged = Counter(
            row.decision["variant"]
            for row in (await session.scalars(select(Delivery))).all()
            if row.decision and row.decision["experiment"] == "hello"
        )
    assert logged == {"plain": people.texts()["course/one"], "warm": people.texts()["Warm Jars"]}
    assert {key: value[0] for key, value in (await people.counts()).items()} == logged


async def test_a_repeat_and_a_later_start_show_the_same_variant_to_the_same_contact(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment())
    await people.ask_all()
    first = {one.address.id: one.message.text for one in people.channel.sent}
    async with database.transaction() as session:
        # As if the enrollment were a new run: assignments are of the contact.
        await session.execute(update(Enrollment).values(status="stopped", last_message_id=None))
        await session.execute(update(Enrollment).values(recheck=0, run=2))
    before = len(people.channel.sent)
    await people.ask_all()
    again = {one.address.id: one.message.text for one in people.channel.sent[before:]}
    assert again == first


async def test_a_message_asked_for_again_is_the_one_that_was_shown(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment())
    await people.ask_all()
    first = {one.address.id: one.message.text for one in people.channel.sent}
    before = len(people.channel.sent)
    await people.ask_all()  # each is in the scenario: its last message once more
    again = {one.address.id: one.message.text for one in people.channel.sent[before:]}
    assert again == first
    assert len(set(again.values())) == 2
    async with database.reading() as session:
        rows = (await session.scalars(select(Delivery).where(Delivery.origin == "direct"))).all()
    assert {row.decision["variant"] for row in rows if row.decision} == {"plain", "warm"}


async def test_the_holdout_passes_the_message_over_and_goes_on(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment(holdout=50))
    await people.ask_all()
    left_out = 60 - sum(people.texts().values())
    assert 15 < left_out < 45
    assert (await people.counts())["holdout"][0] == left_out
    clock.jump_to(clock.now() + timedelta(hours=1))
    await people.send()
    assert people.texts()["course/two"] == 60


async def test_a_goal_counts_once_within_its_time_and_only_for_people(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment(within={"hours": 2}), people=4)
    await people.ask_all()
    one, two, three, four = (known.contact_id for known in people.known)
    await people.happen("callback.pressed", one, data="YES")
    await people.happen("callback.pressed", one, data="YES")
    await people.happen("callback.pressed", two, data="SOMETHING_ELSE")
    await people.happen("link.clicked", three, human=False)
    clock.jump_to(clock.now() + timedelta(hours=3))
    await people.happen("callback.pressed", four, data="YES")
    assert sum(reached for _people, reached in (await people.counts()).values()) == 1


@pytest.mark.parametrize(
    ("goal", "name", "data", "reached"),
    [
        ("click", "link.clicked", {"url": "https://example.com"}, 1),
        ("click", "message.received", {"text": "hi"}, 0),
        ("reply", "message.received", {"text": "hi"}, 1),
        ("completion", "scenario.completed", {"scenario_id": "course"}, 1),
        ("completion", "scenario.completed", {"scenario_id": "other"}, 0),
        ("payment", "payment.succeeded", {"scenario_id": "course"}, 1),
        ("payment", "payment.succeeded", {"scenario_id": None}, 1),
        ("payment", "payment.succeeded", {"scenario_id": "other"}, 0),
    ],
)
async def test_each_goal_is_reached_by_what_it_is_about(
    database: Database,
    clock: VirtualClock,
    goal: str,
    name: str,
    data: dict[str, Any],
    reached: int,
) -> None:
    people = await crowd(database, clock, experiment(goal=goal), people=1)
    await people.ask_all()
    await people.happen(name, people.known[0].contact_id, **data)
    assert sum(count for _people, count in (await people.counts()).values()) == reached


async def test_a_click_in_another_message_does_not_count(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment(), people=1)
    await people.ask_all()
    clock.jump_to(clock.now() + timedelta(hours=1))
    await people.send()
    async with database.reading() as session:
        ids = {row.message_id: row.id for row in (await session.scalars(select(Delivery))).all()}
    who = people.known[0].contact_id
    await people.happen("link.clicked", who, delivery_id=ids["two"].hex)
    assert sum(count for _people, count in (await people.counts()).values()) == 0
    await people.happen("link.clicked", who, delivery_id=ids["one"].hex)
    assert sum(count for _people, count in (await people.counts()).values()) == 1


async def test_an_automatic_winner_is_named_once_and_everybody_new_gets_it(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment(winner="automatic"), people=10)
    await people.ask_all()
    await people.duty.run_once(clock.now())
    async with database.reading() as session:
        assert await queries.verdict(session, "hello") is None
    async with database.transaction() as session:
        for n in range(2_000):
            variant = "warm" if n % 2 else "plain"
            reached = clock.now() if variant == "warm" and n % 8 == 1 else None
            session.add(Assignment(
                experiment_id="hello", contact_id=await stranger(session, clock, n),
                variant=variant, assigned_at=clock.now(), converted_at=reached,
            ))  # fmt: skip
    await people.duty.run_once(clock.now())
    await people.duty.run_once(clock.now())
    async with database.reading() as session:
        found = await results(session, experiments_of(people.store.library).all["hello"])
    assert found.verdict is not None
    assert (found.verdict.variant, found.verdict.decided_by) == ("warm", "automatic")
    people.channel.sent.clear()
    await people.come(20)
    for known in people.known[10:]:
        await people.ask(known)
    await people.send()
    assert people.texts() == {"Warm Jars": 20}


async def stranger(session: Any, clock: VirtualClock, number: int) -> uuid.UUID:
    who = TelegramPerson(100_000 + number, "S", language="en")
    return (await by_telegram(session, "main", who, clock.now())).contact_id


async def test_two_scenarios_are_compared_and_a_start_stays_with_the_one_it_began(
    database: Database, clock: VirtualClock
) -> None:
    spec = {
        "id": "hello",
        "scenario": "course",
        "goal": "completion",
        "holdout": 50,
        "variants": [{"id": "long"}, {"id": "short", "scenario": "short"}],
    }
    people = await crowd(database, clock, spec, bodies=[course(), course("short")], people=40)
    await people.ask_all()
    first = Counter(people.texts())
    assert set(first) == {"course/one", "short/one"}, "who asks is not held out"
    assert sum(first.values()) == 40
    assert {await people.ask(known) for known in people.known} == {Outcome.SENT_AGAIN}
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Enrollment)) == 40


async def test_a_rule_leaves_the_holdout_of_a_program_out(
    database: Database, clock: VirtualClock
) -> None:
    spec = {
        "id": "hello",
        "scenario": "nurture",
        "goal": "payment",
        "holdout": 50,
        "variants": [{"id": "a"}, {"id": "b", "scenario": "nurture_b"}],
    }
    bodies = [course("nurture", lane="program"), course("nurture_b", lane="program")]
    people = await crowd(database, clock, spec, bodies=bodies, people=40)
    entered = 0
    async with database.transaction() as session:
        for known in people.known:
            entered += await programs.enroll(
                session, people.store.library, known.contact_id, "nurture", clock.now()
            )
    counted = await people.counts()
    assert 8 < entered < 32
    assert counted["holdout"][0] == 40 - entered
    async with database.reading() as session:
        chosen = await session.scalars(select(Enrollment.scenario_id))
    assert set(chosen) == {"nurture", "nurture_b"}


async def test_a_bandit_sends_more_and_more_people_the_better_way(
    database: Database, clock: VirtualClock
) -> None:
    people = await crowd(database, clock, experiment(allocation="bandit"), people=1)
    for _round in range(12):
        people.channel.sent.clear()
        people.known.clear()
        await people_of(people, 25)
        for known in people.known:
            await people.ask(known)
        await people.send()
        for sent in people.channel.sent:
            if sent.message.text == "Warm Jars":
                await people.happen("callback.pressed", sent.address.contact_id, data="YES")
    counted = await people.counts()
    assert counted["warm"][0] > 3 * counted["plain"][0]


async def people_of(people: Crowd, number: int) -> None:
    async with people.database.transaction() as session:
        for _n in range(number):
            who = TelegramPerson(new_id().int % 2**50, "B", language="en")
            known = await by_telegram(session, "main", who, people.clock.now())
            people.known.append(known)
