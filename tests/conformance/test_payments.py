"""Payments on each database: stored once, claimed by the right scenario, told when nobody does."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock
from dripline.contacts import reachability
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.system import SystemOrigin
from dripline.errors import Conflict, Invalid, NotFound
from dripline.events.models import Event
from dripline.events.react import React
from dripline.ids import new_id
from dripline.payments.models import Payment
from dripline.payments.reactions import PaymentReactions
from dripline.payments.record import NewPayment, Recorded, record
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.direct import DirectOrigin
from dripline.scenarios.enroll import enroll
from dripline.scenarios.reactions import ScenarioReactions
from dripline.scenarios.render import Renderer

OPERATOR = 900


def scenario(key: str, paid: str = "", product: str = "") -> Any:
    body = {
        "config": {
            "id": key,
            "name": key,
            "prodamus": {"paid_content": paid, "product_name": product},
            "lane": key,
        },
        "order": ["one", "two"],
        "messages": {
            "one": {"texts": {"": f"{key}/one"}},
            "two": {
                "texts": {"": f"{key}/two paid [{{{{ user.payment_date }}}}]"},
                "timing": {"days": 1},
            },
        },
    }
    return compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)


class Shop:
    """A course that sells, a club that sells, and a free one; a contact and an operator."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock
        made = [
            scenario("course", "Thank you, {{ user.first_name }}!", "The course"),
            scenario("club", "Welcome to the club", "The club"),
            scenario("free"),
        ]
        self.library = Library(1, "course", {one.id: one for one in made})
        store: Any = self
        renderer = Renderer("en")
        self.channel = Recorder(clock)
        self.dispatcher = Dispatcher(
            database,
            clock,
            RealTime(),
            {
                "enrollment": EnrollmentOrigin(store, renderer),
                "direct": DirectOrigin(store, renderer),
                "system": SystemOrigin(),
            },
            {"telegram": self.channel},
            "w",
        )
        self._react = React(
            database,
            {
                "scenarios": ScenarioReactions(store),
                "payments": PaymentReactions([OPERATOR, 901], "en"),
            },
        )
        self.anna: Any = None

    async def current(self, _session: Any) -> Library:
        return self.library

    async def people(self) -> None:
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            now = self.clock.now()
            who = TelegramPerson(1, "Anna", username="a<b", language="en")
            self.anna = await by_telegram(session, "main", who, now)
            boss = TelegramPerson(OPERATOR, "Boss", language="ru")
            await by_telegram(session, "main", boss, now)

    async def enter(self, key: str) -> None:
        async with self.database.transaction() as session:
            await enroll(
                session,
                self.library.scenarios[key],
                self.anna.contact_id,
                self.anna.address_id,
                self.clock.now(),
                reason="test",
            )
        await self.sent()

    async def pay(self, **given: Any) -> Recorded:
        fields: dict[str, Any] = {
            "provider": "manual",
            "provider_event_id": new_id().hex,
            "contact_id": self.anna.contact_id,
            "amount": 150_000,
            "currency": "RUB",
            "paid_at": self.clock.now(),
        }
        async with self.database.transaction() as session:
            recorded = await record(session, NewPayment(**{**fields, **given}), self.clock.now())
        await self.react()
        return recorded

    async def react(self) -> None:
        for _ in range(20):
            if not await self._react.run_once(self.clock.now()):
                return

    async def sent(self, after: timedelta = timedelta()) -> list[str]:
        """Return what goes out now, to whomever."""
        self.clock.advance(after)
        before = len(self.channel.sent)
        for _ in range(5):
            await self.dispatcher.run_once(self.clock.now())
        return [one.message.text for one in self.channel.sent[before:]]

    async def outcomes(self) -> list[tuple[str | None, str | None]]:
        async with self.database.reading() as session:
            rows = await session.scalars(select(Payment).order_by(Payment.id))
            return [(row.outcome, row.scenario_id) for row in rows]

    async def events(self, name: str) -> int:
        async with self.database.reading() as session:
            return len((await session.scalars(select(Event).where(Event.name == name))).all())


@pytest.fixture
async def shop(database: Database, clock: VirtualClock) -> Shop:
    made = Shop(database, clock)
    await made.people()
    return made


async def test_a_payment_sends_the_paid_content_and_its_date_is_known(shop: Shop) -> None:
    await shop.enter("course")
    await shop.pay(scenario_id="course")
    assert await shop.sent() == ["Thank you, Anna!"]
    assert await shop.outcomes() == [("claimed", "course")]
    assert await shop.sent(timedelta(days=1)) == ["course/two paid [2026-03-02]"]


async def test_the_same_event_twice_is_one_payment(shop: Shop) -> None:
    await shop.enter("course")
    first = await shop.pay(provider_event_id="7", scenario_id="course")
    again = await shop.pay(provider_event_id="7", scenario_id="course")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.payment_id == first.payment_id
    assert await shop.sent() == ["Thank you, Anna!"]
    assert await shop.events("payment.succeeded") == 1
    with pytest.raises(Conflict):
        await shop.pay(provider_event_id="7", amount=1)


async def test_a_payment_without_a_scenario_goes_to_the_one_that_sells(shop: Shop) -> None:
    await shop.enter("free")
    await shop.enter("club")
    await shop.pay()
    assert await shop.sent() == ["Welcome to the club"]
    assert await shop.outcomes() == [("claimed", "club")]


async def test_a_product_s_name_tells_two_scenarios_apart(shop: Shop) -> None:
    await shop.enter("course")
    await shop.enter("club")
    await shop.pay(product="The course")
    assert await shop.sent() == ["Thank you, Anna!"]
    await shop.pay()  # for either: not for us to guess
    assert (await shop.outcomes())[1] == ("unmatched", None)


@pytest.mark.parametrize(
    "given", [{"scenario_id": "course"}, {"scenario_id": "gone"}, {"contact_id": None}, {}]
)
async def test_a_payment_that_nobody_claims_is_told_to_the_operator(
    shop: Shop, given: dict[str, Any]
) -> None:
    await shop.pay(**given)
    said = await shop.sent()
    assert len(said) == 1  # the second operator has never written to the bot
    assert "1,500.00 RUB" in said[0]
    assert "manual" in said[0]
    if "contact_id" not in given:
        assert "a&lt;b" in said[0]
    assert [outcome for outcome, _ in await shop.outcomes()] == ["unmatched"]


async def test_who_could_not_be_reached_gets_the_paid_content_when_back(shop: Shop) -> None:
    await shop.enter("course")

    async def become(state: str) -> None:
        async with shop.database.transaction() as session:
            now = shop.clock.now()
            await reachability.change(session, shop.anna.address_id, state, None, now)
        await shop.react()

    await become("blocked")
    await shop.pay(scenario_id="course")
    assert await shop.sent() == []
    await become("reachable")
    assert await shop.sent() == ["Thank you, Anna!"]
    await become("blocked")
    await become("reachable")
    assert await shop.sent() == []


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"amount": 0}, Invalid),
        ({"amount": -5}, Invalid),
        ({"amount": 2**60}, Invalid),
        ({"currency": "rubles"}, Invalid),
        ({"provider": ""}, Invalid),
        ({"provider_event_id": ""}, Invalid),
        ({"provider_event_id": "x" * 201}, Invalid),
        ({"product": "a\x00b"}, Invalid),
        ({"contact_id": new_id()}, NotFound),
    ],
)
async def test_bad_payments_are_refused(
    shop: Shop, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await shop.pay(**given)
    with pytest.raises(Invalid):
        await shop.pay(paid_at=shop.clock.now() + timedelta(days=3))
    assert await shop.outcomes() == []
