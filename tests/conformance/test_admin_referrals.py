"""Operators decide on referrals and record payments in their chat, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from admin_chat import OLGA, STRANGER, Chat, Said
from dripline.bot.admin.telling import CONSUMER, OperatorsHear
from dripline.clock import VirtualClock
from dripline.contacts import queries as contacts
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database
from dripline.events.react import React
from dripline.ids import new_id
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.models import PENDING, PENDING_REVIEW, Referral
from dripline.lifecycle.verify import FLAGGED, tell
from dripline.payments.models import Payment


@pytest.fixture
def chat(database: Database, clock: VirtualClock) -> Chat:
    return Chat(database, clock)


class Operators:
    """Fake referrals, and what operators hear of them."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.react = React(chat.database, {CONSUMER: OperatorsHear(["main"], [OLGA, 999])})
        self.invited = 1_000

    async def flag(self, count: int) -> None:
        """Let somebody's referrals be flagged."""
        now = self.chat.clock.now()
        async with self.chat.database.transaction() as session:
            inviter = await by_telegram(session, "main", TelegramPerson(50, "Ivan <b>"), now)
            for _number in range(count):
                self.invited += 1
                person = TelegramPerson(self.invited, f"Friend {self.invited}")
                friend = await by_telegram(session, "main", person, now)
                referral = _referral(inviter.contact_id, friend.contact_id, now)
                session.add(referral)
                await session.flush()
                shown = {"count": 9, "minutes": 10, "most": 5}
                await referrals.insert_flag(session, referral.id, "velocity", shown, now)
                await tell(session, FLAGGED, referral, now)

    async def hear(self, after: timedelta = timedelta(seconds=30)) -> list[Said]:
        while await self.react.run_once(self.chat.clock.now()):
            pass
        await self.chat.pass_time(after)
        return await self.chat.work()


def _referral(inviter: Any, friend: Any, now: Any) -> Referral:
    return Referral(
        id=new_id(), referrer_id=inviter, referred_id=friend, referral_code="x", status=PENDING,
        review=PENDING_REVIEW, velocity_score=90, created_at=now, registered_at=now,
    )  # fmt: skip


async def reviews(chat: Chat) -> list[tuple[str, str | None]]:
    async with chat.database.reading() as session:
        rows = await session.execute(select(Referral.status, Referral.review).order_by(Referral.id))
    return [(row[0], row[1]) for row in rows]


async def test_one_is_told_and_approved_by_a_button(chat: Chat) -> None:
    await chat.type("/start")
    operators = Operators(chat)
    await operators.flag(1)
    [said] = await operators.hear()
    assert "1 referral waits for your decision" in said.text
    assert "<b>Ivan &lt;b&gt;</b> invited <b>Friend 1001</b>" in said.text
    assert "9 came by this link within 10 minutes" in said.text
    said, after = await chat.press("It counts")
    assert "It counts now" in said.text
    assert "No referral waits" in after.text
    assert await reviews(chat) == [("VERIFIED", "APPROVED")]
    again = await chat.press("It counts")
    assert "It counted already" in again[0].text


async def test_a_flood_is_one_message_and_rejected_at_once(chat: Chat) -> None:
    await chat.type("/start")
    operators = Operators(chat)
    await operators.flag(30)
    [said] = await operators.hear()
    assert "30 referrals wait" in said.text
    await operators.flag(30)
    assert await operators.hear() == []
    [said] = await operators.hear(timedelta(minutes=11))
    assert "60 referrals wait" in said.text
    said, after = await chat.press("None of 60 of this inviter")
    assert "60 referrals do not count" in said.text
    assert "No referral waits" in after.text
    assert set(await reviews(chat)) == {("PENDING", "REJECTED")}


async def test_the_queue_is_gone_through_one_by_one(chat: Chat) -> None:
    await chat.type("/start")
    assert "No referral waits" in (await chat.type("/referrals"))[0].text
    assert await chat.type("/referrals", STRANGER) == []
    operators = Operators(chat)
    await operators.flag(2)
    assert "Friend 1001" in (await chat.type("/referrals"))[0].text
    assert "Friend 1002" in (await chat.press("Next one"))[0].text
    said, after = await chat.press("It does not")
    assert "It does not count" in said.text
    assert "Friend 1001" in after.text
    assert [review for _status, review in await reviews(chat)] == ["PENDING_REVIEW", "REJECTED"]
    await chat.data("~a:no-id")
    await chat.data(f"~o:{new_id().hex}")
    assert "nothing to decide here" in chat.said[-2].text


async def test_a_payment_is_recorded_after_a_question(chat: Chat) -> None:
    await chat.type("/start", STRANGER)
    said = await chat.type("/payment")
    assert "Say who paid how much" in said[0].text
    said = await chat.type("/payment 300 14.90 usd")
    assert said[0].text == "Record 14.90 USD from Stan, for the scenario they are in?"
    said = await chat.press("Yes, record it")
    assert "Recorded: 14.90 USD from Stan" in said[0].text
    await chat.press("Yes, record it")
    async with chat.database.reading() as session:
        [payment] = (await session.scalars(select(Payment))).all()
        payer = await contacts.any_telegram_address(session, str(STRANGER))
    assert payer is not None
    assert (payment.amount, payment.currency) == (1490, "USD")
    assert payment.contact_id == payer.contact_id
    said = await chat.type("/payment 300 100")
    assert "Record 100.00 RUB from Stan" in said[0].text
    assert "You named no currency, so this is in RUB." in said[0].text
    said = await chat.press("No")
    assert "Nothing was recorded" in said[0].text


async def test_the_usual_currency_is_a_setting_and_signs_will_do(chat: Chat) -> None:
    chat.currency = "EUR"
    chat.restart()
    await chat.type("/start", STRANGER)
    said = await chat.type("/payment 300 100")
    assert "Record 100.00 EUR from Stan" in said[0].text
    assert "so this is in EUR" in said[0].text
    await chat.press("No")
    said = await chat.type("/payment 300 100 ₽")
    assert said[0].text == "Record 100.00 RUB from Stan, for the scenario they are in?"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("300", "Say who paid how much"),
        ("nobody 100", "Nobody is called “nobody”"),
        ("300 free", "is no amount of money"),
        ("300 -5", "is no amount of money"),
        ("300 0.001 usd", "is no amount of money"),
        ("300 5 dollars", "is no amount of money"),
        ("300 5 usd nowhere", "There is no scenario “nowhere”"),
    ],
)
async def test_a_payment_that_cannot_be_meant_is_refused(
    chat: Chat, words: str, answer: str
) -> None:
    await chat.type("/start", STRANGER)
    said = await chat.type(f"/payment {words}")
    assert answer in said[0].text
    assert not said[0].buttons


async def test_a_payment_does_not_drop_what_is_under_way(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("My course")
    said = await chat.type("/payment 100 5")
    assert "“My course” is not finished yet" in said[0].text
    assert "What does it sell?" in said[0].text
