"""Events become scores: in batches, each once, humans' only; they fade and can be asked for."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics.rollup_queries import scores_by_level
from dripline.clock import VirtualClock
from dripline.contacts import segments
from dripline.contacts.erase import erase
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.store import Library
from dripline.database import Database
from dripline.engagement.fold import CONSUMER, FoldScores
from dripline.engagement.models import EngagementScore
from dripline.engagement.rules import ScoreRules, make
from dripline.engagement.score import left, score_of
from dripline.engagement.scores import FillScores, Score, level, scores_of
from dripline.events import NewEvent, append, append_many
from dripline.events.models import OutboxRow
from dripline.ids import new_id
from dripline.wiring import import_models
from lifecycle_world import World as LifecycleWorld
from world import FixedStore

import_models()
DAY = timedelta(days=1)
HALF = 14 * 86_400


class People:
    """Contacts, what happens to them, and their scores."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock
        self.store = FixedStore(Library())
        self.fold = FoldScores(database, self.store, most=500)  # type: ignore[arg-type]

    async def new(self, number: int = 1) -> uuid.UUID:
        async with self.database.transaction() as session:
            person = TelegramPerson(number, f"P{number}")
            return (await by_telegram(session, "main", person, self.clock.now())).contact_id

    async def happens(
        self, contact: uuid.UUID | None, name: str, ago: timedelta = timedelta(), **data: Any
    ) -> None:
        at = self.clock.now() - ago
        async with self.database.transaction() as session:
            await append(session, NewEvent(name, contact, "test", new_id().hex, at, data))

    async def folded(self) -> int:
        return await self.fold.run_once(self.clock.now())

    async def scores(self, contact: uuid.UUID) -> Mapping[str, Score]:
        async with self.database.reading() as session:
            found = await scores_of(session, [contact], self.clock.now())
        return found.get(contact, {})

    async def filled(self, session: AsyncSession, *contacts: uuid.UUID) -> Any:
        return await FillScores(self.clock, self.store)(session, contacts)  # type: ignore[arg-type]

    async def members(self, segment: Any) -> set[uuid.UUID]:
        names = segments.Names(rooms=self.store.library.rooms)
        async with self.database.reading() as session:
            page = await segments.page(
                session, segments.parse(segment, names), self.clock.now(), None, 100
            )
            whole = await segments.count(session, segments.parse(segment, names), self.clock.now())
        assert whole == len(page)
        return set(page)


@pytest.fixture
def people(database: Database, clock: VirtualClock) -> People:
    return People(database, clock)


async def test_what_people_do_makes_their_scores(people: People, clock: VirtualClock) -> None:
    anna = await people.new()
    await people.happens(anna, "callback.pressed", data="GO")
    await people.happens(anna, "link.clicked", channel="email", human=True)
    await people.happens(anna, "link.clicked", channel="telegram", human=True)
    await people.happens(anna, "attendance.webinar")
    await people.folded()
    found = await people.scores(anna)
    assert {kind: round(one.score, 1) for kind, one in found.items()} == {
        "telegram": round(score_of(20), 1),
        "email": round(score_of(12), 1),
        "attendance": round(score_of(30), 1),
        "overall": round(score_of(10 + 12 + 10 + 30), 1),
    }
    overall = found["overall"]
    assert {name: (one.points, one.times) for name, one in overall.factors.items()} == {
        "callback.pressed": (10, 1), "link.clicked": (22, 2), "attendance.webinar": (30, 1),
    }  # fmt: skip
    assert overall.computed_at == clock.now()
    assert overall.valid_until is not None
    assert overall.valid_until > clock.now()
    assert level(found, ScoreRules()) == "highly_engaged"


async def test_machines_strangers_and_unknown_events_count_nothing(people: People) -> None:
    anna = await people.new()
    await people.happens(anna, "link.clicked", channel="email", human=False)
    await people.happens(anna, "message.opened", channel="email", human=False)
    await people.happens(anna, "weather.changed")
    await people.happens(None, "link.clicked", human=True)
    await people.happens(new_id(), "link.clicked", human=True)
    assert await people.folded() >= 5
    assert await people.scores(anna) == {}
    async with people.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(EngagementScore)) == 0
        left = select(func.count()).where(OutboxRow.consumer == CONSUMER)
        assert await session.scalar(left) == 0
    assert await people.folded() == 0


async def test_order_and_batches_change_nothing(people: People, clock: VirtualClock) -> None:
    anna, boris = await people.new(1), await people.new(2)
    days = (9, 0, 30, 4, 4, 1)
    for ago in days:
        await people.happens(anna, "callback.pressed", ago * DAY)
    await people.folded()
    for ago in sorted(days, reverse=True):
        await people.happens(boris, "callback.pressed", ago * DAY)
        await people.folded()
    points = sum(10 * left(ago * 86_400, HALF) for ago in days)
    for contact in (anna, boris):
        found = (await people.scores(contact))["telegram"]
        assert found.score == pytest.approx(score_of(points), abs=1e-3)


async def test_scores_fade_without_being_computed(people: People, clock: VirtualClock) -> None:
    anna = await people.new()
    for _ in range(8):
        await people.happens(anna, "callback.pressed")
    await people.folded()
    for days in (0, 14, 42, 200):
        clock.jump_to(clock.now() + days * DAY)
        since = clock.now() - (await people.scores(anna))["overall"].computed_at
        points = 80 * left(since.total_seconds(), HALF)
        found = (await people.scores(anna))["overall"]
        assert found.score == pytest.approx(score_of(points), rel=1e-5)
        assert found.factors["callback.pressed"].points == pytest.approx(points)


async def test_segments_ask_for_the_score_of_this_moment(
    people: People, clock: VirtualClock
) -> None:
    anna, boris, carl = [await people.new(number) for number in (1, 2, 3)]
    for _ in range(8):
        await people.happens(anna, "callback.pressed")
    await people.happens(boris, "message.opened", channel="email", human=True)
    await people.folded()
    assert await people.members({"engagement_level": "highly_engaged"}) == {anna}
    assert await people.members({"engagement_level": "at_risk"}) == {boris}
    assert await people.members({"engagement_level": ["dormant", "at_risk"]}) == {boris, carl}
    assert await people.members({"engagement_score": {"at_least": 60}}) == {anna}
    assert await people.members({"engagement_score": {"below": 60}}) == {boris, carl}
    assert await people.members({"engagement_score": {"type": "email", "above": 0}}) == {boris}
    assert await people.members({"engagement_score": {"at_most": 0}}) == {carl}
    assert await people.members({"engagement_score": {"at_least": 0}}) == {anna, boris, carl}
    assert await people.members({"not": {"engagement_level": "dormant"}}) == {anna, boris}
    clock.advance(14 * DAY)
    assert await people.members({"engagement_level": "engaged"}) == {anna}
    clock.advance(90 * DAY)
    assert await people.members({"engagement_level": "dormant"}) == {anna, boris, carl}


@pytest.mark.parametrize(
    "segment",
    [
        {"engagement_score": 50},
        {"engagement_score": {}},
        {"engagement_score": {"type": "email"}},
        {"engagement_score": {"type": "fame", "at_least": 1}},
        {"engagement_score": {"at_least": 101}},
        {"engagement_score": {"at_least": "many"}},
        {"engagement_level": "asleep"},
        {"engagement_level": []},
        "engagement_level",
    ],
)
def test_what_is_no_score_is_refused(segment: Any) -> None:
    with pytest.raises(segments.SegmentError):
        segments.parse(segment)


async def test_weights_of_the_content_go_before_those_that_ship(people: People) -> None:
    document = {
        "file": {
            "weights": {"callback.pressed": {"telegram": 50, "overall": 1}, "bot.started": None,
                        "quiz.*": {"commitment": 25}},
            "half_lives": {"commitment": {"hours": 1}},
        },
        "order": [], "messages": {},
    }  # fmt: skip
    rules = make(document, None)  # type: ignore[arg-type]
    people.store.library = Library(rooms={"engagement": rules})
    anna = await people.new()
    for name in ("callback.pressed", "bot.started", "quiz.passed.first"):
        await people.happens(anna, name)
    await people.folded()
    found = await people.scores(anna)
    assert {kind: round(one.score) for kind, one in found.items()} == {
        "telegram": 50, "commitment": round(score_of(25)), "overall": round(score_of(26)),
    }  # fmt: skip
    people.clock.advance(timedelta(hours=1))
    assert round((await people.scores(anna))["commitment"].score) == round(score_of(12.5))


async def test_another_half_life_begins_with_the_next_event(people: People) -> None:
    anna = await people.new()
    await people.happens(anna, "callback.pressed")
    await people.folded()
    people.store.library = Library(
        rooms={"engagement": ScoreRules(half_lives=dict.fromkeys(ScoreRules().half_lives, 3600))}
    )
    people.clock.advance(14 * DAY)
    await people.happens(anna, "callback.pressed")
    await people.folded()
    assert (await people.scores(anna))["telegram"].score == pytest.approx(score_of(15), abs=1e-3)
    people.clock.advance(timedelta(hours=1))
    assert (await people.scores(anna))["telegram"].score == pytest.approx(score_of(7.5), abs=1e-3)


async def test_many_events_are_folded_in_once(people: People, clock: VirtualClock) -> None:
    anna, boris = await people.new(1), await people.new(2)
    await people.folded()
    names = ("callback.pressed", "message.received")
    async with people.database.transaction() as session:
        await append_many(
            session,
            [
                NewEvent(names[n % 2], (anna, boris)[n % 3 == 0], "test", new_id().hex, clock.now())
                for n in range(1800)
            ],
        )
    assert await people.folded() == 1800
    assert await people.folded() == 0
    found = await people.scores(anna)
    assert sum(one.times for one in found["telegram"].factors.values()) == 1200
    assert round(found["telegram"].score) == 100


async def test_two_who_fold_at_once_count_each_event_once(people: People) -> None:
    anna, boris = await people.new(1), await people.new(2)
    for contact in (anna, boris, None, anna):
        await people.happens(contact, "callback.pressed")
    await asyncio.gather(*(people.folded() for _ in range(4)))
    await people.folded()
    assert (await people.scores(anna))["telegram"].factors["callback.pressed"].times == 2
    assert (await people.scores(boris))["telegram"].factors["callback.pressed"].times == 1


async def test_more_than_fits_into_one_statement_is_folded_in(people: People) -> None:
    everybody = [await people.new(number) for number in range(1, 13)]
    await people.folded()
    async with people.database.transaction() as session:
        await append_many(
            session,
            [
                NewEvent(
                    "callback.pressed" if number % 3 else "nobody.weighs.this",
                    everybody[number % 12], "test", new_id().hex, people.clock.now(),
                )
                for number in range(5_000)
            ],
        )  # fmt: skip
    fold = FoldScores(people.database, people.store)  # type: ignore[arg-type]
    assert await fold.run_once(people.clock.now()) == 5_000
    times = 0
    for contact in everybody:
        found = (await people.scores(contact)).get("telegram")
        times += found.factors["callback.pressed"].times if found else 0
    assert times == 5_000 * 2 // 3


async def test_templates_speak_to_a_level(people: People) -> None:
    anna, boris = await people.new(1), await people.new(2)
    for _ in range(8):
        await people.happens(anna, "callback.pressed")
    await people.folded()
    async with people.database.reading() as session:
        filled = await people.filled(session, anna, boris)
    assert filled[anna] == {"engagement_score": 67, "engagement_level": "highly_engaged"}
    assert filled[boris] == {"engagement_score": 0, "engagement_level": "dormant"}


async def test_content_says_where_levels_begin(people: People) -> None:
    anna, boris = await people.new(1), await people.new(2)
    for _ in range(8):
        await people.happens(anna, "callback.pressed")
    await people.happens(boris, "callback.pressed")
    await people.folded()
    assert await people.members({"engagement_level": "highly_engaged"}) == {anna}
    assert await people.members({"engagement_level": "at_risk"}) == {boris}
    own: Any = {"levels": {"highly_engaged": 80, "engaged": 60, "at_risk": 20}}
    rules = make({"file": own}, None)  # type: ignore[arg-type]
    people.store.library = Library(rooms={"engagement": rules})
    assert await people.members({"engagement_level": "highly_engaged"}) == set()
    assert await people.members({"engagement_level": "engaged"}) == {anna}
    assert await people.members({"engagement_level": "dormant"}) == {boris}
    async with people.database.reading() as session:
        filled = await people.filled(session, anna, boris)
        counted = await scores_by_level(session, people.clock.now(), rules.levels)
    assert [filled[one]["engagement_level"] for one in (anna, boris)] == ["engaged", "dormant"]
    assert {key: n for key, n in counted.items() if n and key.startswith("overall")} == {
        "overall:engaged": 1,
        "overall:dormant": 1,
    }


async def test_an_erased_contact_has_no_score(people: People) -> None:
    anna = await people.new()
    await people.happens(anna, "callback.pressed")
    await people.folded()
    await people.happens(anna, "callback.pressed")
    async with people.database.transaction() as session:
        await erase(session, anna, people.clock.now())
    await people.folded()
    assert await people.scores(anna) == {}


class ErasedMeanwhile(FixedStore):
    """Erases a contact while events are being folded in, after they were read."""

    def __init__(self, people: People, contact: uuid.UUID) -> None:
        super().__init__(Library())
        self.people, self.contact = people, contact
        self.erasing: asyncio.Task[None] | None = None
        self.waits = False

    async def current(self, session: AsyncSession) -> Library:
        if self.erasing is None:
            self.erasing = asyncio.create_task(self._erase())
            patience = None if self.people.database.is_sqlite else 0.3
            await asyncio.wait([self.erasing], timeout=patience)
            self.waits = not self.erasing.done()
        return self.library

    async def _erase(self) -> None:
        async with self.people.database.transaction() as session:
            await erase(session, self.contact, self.people.clock.now())


async def test_who_is_erased_meanwhile_leaves_no_score(people: People) -> None:
    anna, boris = await people.new(1), await people.new(2)
    for contact in (anna, boris, anna):
        await people.happens(contact, "callback.pressed")
    store = ErasedMeanwhile(people, anna)
    fold = FoldScores(people.database, store)  # type: ignore[arg-type]
    await fold.run_once(people.clock.now())
    assert store.erasing is not None
    # On PostgreSQL it cannot come between what was read and what is written.
    assert store.waits is not people.database.is_sqlite
    await store.erasing
    await people.folded()
    async with people.database.reading() as session:
        left_behind = await session.scalars(select(EngagementScore.contact_id))
        assert set(left_behind) == {boris}
        assert (
            await session.scalar(select(OutboxRow.event_id).where(OutboxRow.consumer == CONSUMER))
            is None
        )
    assert (await people.scores(boris))["telegram"].factors["callback.pressed"].times == 1


async def test_a_message_differs_by_level(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    world = LifecycleWorld(database, clock, tmp_path)
    fold = FoldScores(database, world.store)
    text = "{% if user.engagement_level == 'dormant' %}Still there?{% else %}Hi!{% endif %}"
    base = "scenarios/course"
    await world.prepare(
        None,
        **{
            f"{base}/messages.json": {
                "messages_list": ["one", "two", "three"],
                "messages": {
                    "one": {"template_file": "one.md"},
                    "two": {"template_file": "two.md", "timing": {"days": 1},
                            "condition": [{"engagement_level": "dormant"}]},
                    "three": {"template_file": "one.md", "timing": {"days": 1}},
                },
            },
            f"{base}/messages/one.md": text,
            f"{base}/messages/two.md": "We miss you",
        },
    )  # fmt: skip
    await world.start(1)
    assert world.channel.sent[-1].message.text == "Still there?"
    await fold.run_once(clock.now())
    await world.wait(timedelta(days=3))
    texts = [one.message.text for one in world.channel.sent]
    assert texts == ["Still there?", "Hi!"]  # whoever answers is not missed
