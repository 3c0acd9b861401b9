"""The numbers say what the log says: after crashes, late news and in whatever order it came."""

import random
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from api_world import Api
from dripline.analytics import numbers
from dripline.analytics import rollup_queries as rollups
from dripline.analytics.duty import CountUp, Fold
from dripline.analytics.models import DeliveryDay
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.deliveries import status
from dripline.deliveries.models import Delivery, DeliveryTally
from dripline.errors import PermanentFailure
from dripline.events import NewEvent, append

COURSE: dict[str, Any] = {
    "config": {"name": "Course"},
    "order": ["one", "two"],
    "messages": {
        "one": {"texts": {"": "one"}},
        "two": {"texts": {"": "two"}, "timing": {"days": 1}},
    },
}


@pytest.fixture
async def api(database: Database, clock: VirtualClock) -> Api:
    made = Api(database, clock)
    async with made.client() as http:
        answer = await http.put("/api/v1/scenarios/course", json={"document": COURSE})
        assert answer.status_code == 200, answer.text
    return made


async def enter(http: httpx.AsyncClient, who: int) -> None:
    made = await http.post("/api/v1/enrollments", json={"contact": str(who), "scenario": "course"})
    assert made.status_code == 201, made.text


async def by_the_log(database: Database) -> Counter[tuple[str, str]]:
    """Count as the plain way would: a walk through the log."""
    found: Counter[tuple[str, str]] = Counter()
    async with database.reading() as session:
        for row in await session.scalars(select(Delivery)):
            for name in ("sent", "delivered", "opened", "clicked"):
                found[row.message_id, name] += getattr(row, f"{name}_at") is not None
            found[row.message_id, "failed"] += row.status == "failed"
            found[row.message_id, "bounced"] += row.status == "bounced"
    return +found


async def by_the_numbers(api: Api) -> Counter[tuple[str, str]]:
    async with api.database.reading() as session:
        found = await numbers.messages_of(session, "message_id", 30, api.clock.now())
    return +Counter(
        {
            (message, name): getattr(counts, name)
            for message, counts in found.items()
            for name in ("sent", "failed", "delivered", "opened", "clicked", "bounced")
        }
    )


async def test_sent_and_failed_are_counted_as_they_end(api: Api) -> None:
    def refuse(outgoing: Any) -> None:
        if outgoing.address.value == "2":
            raise PermanentFailure("no")

    api.channel._refuse = refuse
    async with api.client() as http:
        for who in (1, 2, 3):
            await api.person(who)
            await enter(http, who)
        await api.settle()
        api.clock.advance(timedelta(days=1))
        await api.settle()
        assert await by_the_numbers(api) == await by_the_log(api.database)
        await Fold(api.database).run_once()
        assert await by_the_numbers(api) == await by_the_log(api.database)
        seen = (await http.get("/api/v1/analytics/overview")).json()
        assert seen["messages"]["sent"] == 4
        assert seen["messages"]["failed"] == 2
        assert seen["messages"]["failure_rate"] == round(2 / 6, 4)
        assert {day: one["sent"] for day, one in seen["by_day"].items()} == {
            "2026-03-02": 2, "2026-03-03": 2,
        }  # fmt: skip
        today = (await http.get("/api/v1/analytics/overview", params={"days": 1})).json()
        assert today["messages"]["sent"] == 2
        funnel = (await http.get("/api/v1/analytics/funnels/course")).json()
        assert [(one["message_id"], one["messages"]["sent"]) for one in funnel["steps"]] == [
            ("one", 2), ("two", 2),
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
async def test_late_news_in_any_order_is_counted_once(api: Api, seed: int) -> None:
    dice = random.Random(seed)
    async with api.client() as http:
        for who in range(1, 7):
            await api.person(who)
            await enter(http, who)
    await api.settle()
    async with api.database.reading() as session:
        ids = list((await session.scalars(select(Delivery.id))).all())
    news = [
        (one, what)
        for one in ids
        for what in dice.choices(["delivered", "opened", "clicked", "bounced", "failed"], k=6)
    ]
    dice.shuffle(news)
    fold = Fold(api.database)
    for one, what in news:
        async with api.database.transaction() as session:
            if dice.random() < 0.3 and what not in ("bounced", "failed"):
                await status.advance_many(session, what, {one: api.clock.now()})
            else:
                await status.advance(session, one, what, api.clock.now())
        if dice.random() < 0.2:
            await fold.run_once()
    assert await by_the_numbers(api) == await by_the_log(api.database)
    await fold.run_once()
    assert await by_the_numbers(api) == await by_the_log(api.database)


async def test_news_of_an_unknown_delivery_counts_nothing(api: Api) -> None:
    async with api.database.transaction() as session:
        assert not await status.advance(session, uuid.uuid4(), "opened", api.clock.now())
    assert await by_the_numbers(api) == Counter()


async def test_a_fold_that_dies_half_way_counts_nothing_twice(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.person(1)
    async with api.client() as http:
        await enter(http, 1)
    await api.settle()

    async def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    fold = Fold(api.database)
    with monkeypatch.context() as patched:
        patched.setattr(rollups, "delete_tallies", dies)
        with pytest.raises(RuntimeError):
            await fold.run_once()
    assert await by_the_numbers(api) == await by_the_log(api.database)
    await fold.run_once()
    await fold.run_once()
    async with api.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(DeliveryTally)) == 0
        assert await session.scalar(select(func.sum(DeliveryDay.sent))) == 1


async def test_who_leaves_email_is_counted(api: Api) -> None:
    known = await api.person(1)
    for ago in (1, 40):
        at = api.clock.now() - timedelta(days=ago)
        async with api.database.transaction() as session:
            event = NewEvent("email.unsubscribed", known.contact_id, "test", str(ago), at)
            await append(session, event)
    async with api.client() as http:
        assert (await http.get("/api/v1/analytics/overview")).json()["unsubscribed"] == 1
        stats = (await http.get("/admin/api/email/stats")).json()
        assert (stats["unsubscribed"], stats["complained"]) == (1, 0)


async def test_few_people_are_counted_on_the_spot_and_many_before(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.person(1)
    async with api.client() as http:
        assert (await http.get("/api/v1/analytics/overview")).json()["contacts"] == 1
        await CountUp(api.database).run_once(api.clock.now())
        await api.person(2)
        assert (await http.get("/api/v1/analytics/overview")).json()["contacts"] == 2
        monkeypatch.setattr(numbers, "_FEW", 0)
        assert (await http.get("/api/v1/analytics/overview")).json()["contacts"] == 1


async def test_people_are_counted_by_state_status_and_week(api: Api) -> None:
    for who in (1, 2):
        await api.person(who)
    async with api.client() as http:
        await enter(http, 1)
        await http.post(
            "/api/v1/payments",
            json={"contact": "1", "amount": 5, "currency": "USD", "provider_event_id": "1"},
        )
        await api.settle()
        api.clock.jump_to(_now_of_ids(api))
        count = CountUp(api.database)
        await count.run_once(api.clock.now())
        await count.run_once(api.clock.now())  # rests
        seen = (await http.get("/api/v1/analytics/overview")).json()
        assert (seen["contacts"], seen["contacts_by_state"]) == (2, {"VISITOR": 2})
        assert seen["addresses"] == {"telegram:reachable": 2}
        assert seen["enrollments"] == {"active": 1}
        assert seen["as_of"] is not None
        weeks = (await http.get("/api/v1/analytics/cohorts")).json()
        assert len(weeks) == 12
        assert (weeks[-1]["contacts"], weeks[-1]["paid"]) == (2, 1)
        assert code_of(await http.get("/api/v1/analytics/funnels/none")) == "SCENARIO_NOT_FOUND"
        for by in ("day", "channel", "origin", "scenario_id", "message_id"):
            assert (
                await http.get("/api/v1/analytics/messages", params={"by": by, "days": 366})
            ).json()


def _now_of_ids(api: Api) -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)  # ids are made by the world's clock


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])
