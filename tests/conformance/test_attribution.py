"""From a post to money: deep links, buttons of posts, touches, goals, and the report of it all."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dripline.clock import VirtualClock
from dripline.contacts.erase import erase
from dripline.contacts.models import Address
from dripline.database import Database
from dripline.engagement import clicks, posts, report
from dripline.engagement.drain import store
from dripline.engagement.models import Click, Goal, Touch
from dripline.engagement.records import read, record
from dripline.engagement.report import By, Line
from dripline.engagement.tokens import Mark, Seal
from dripline.errors import Invalid, NotFound
from dripline.ids import new_id
from dripline.payments import record as payments
from lifecycle_world import DAY, HOUR, World

CHANNEL = -1001234567890
OTHER = {
    "scenarios/registry.json": {
        "scenarios": [
            {"id": one, "name": one}
            for one in ("course", "offer", "NURTURE_7_DAY", "ONBOARDING_7_DAY", "REACTIVATION")
        ],
        "default_scenario_id": "course",
    },
    "scenarios/offer/config.json": {"id": "offer", "name": "offer"},
    "scenarios/offer/messages.json": {
        "messages_list": ["one"],
        "messages": {"one": {"template_file": "one.md"}},
    },
    "scenarios/offer/messages/one.md": "The offer",
}


class Posts:
    """A world with a channel that posts go into."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = world.database

    async def post(
        self, promo: str = "premium", chat: str = str(CHANNEL), reach: int = 100, **more: Any
    ) -> int:
        now = self.world.clock.now()
        async with self.database.transaction() as session:
            ref = posts.PostRef("promos", now, chat, promo)
            number = await posts.number(session, ref, now, **more)
            assert await posts.number(session, ref, now) == number
            await posts.posted(session, number, now, reach)
        return number

    def code(self, post: int, button: int = 0) -> str:
        return self.world.codes.code(post, button)

    async def press(self, user: int, data: str, chat: str = "channel") -> str:
        sender = {"id": user, "first_name": f"P{user}", "language_code": "en"}
        message = {"chat": {"id": CHANNEL, "type": chat}}
        callback_id = f"call{self.world.number}"
        query = {"id": callback_id, "from": sender, "data": data, "message": message}
        await self.world.receive(user, {"callback_query": query})
        return self.world.answers.opened.get(callback_id, "")

    async def paid(self, user: int, amount: int = 150_000, currency: str = "RUB") -> None:
        now = self.world.clock.now()
        async with self.database.transaction() as session:
            payment = payments.NewPayment(
                "manual", new_id().hex, await self.world.id(user), amount, currency, now
            )
            await payments.record(session, payment, now)
        await self.world.settle()

    async def follow(
        self, post: int, agent: str = "Mozilla/5.0 (X11)", ip: str = "1.1.1.1"
    ) -> None:
        """Follow the post's web link."""
        seal = Seal(b"key")
        token = seal.sign(Mark("link", post=post, label="Read", url="https://example.com"))
        found = read(seal, record(token, "GET", self.world.clock.now(), ip, agent, ""))
        assert found is not None
        async with self.database.transaction() as session:
            await store(session, seal, [found])

    async def rows(self, model: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list((await session.scalars(select(model))).all())

    async def report(self, by: By = "promo") -> list[Line]:
        now = self.world.clock.now()
        async with self.database.reading() as session:
            return await report.of_posts(session, by, now - 90 * DAY, now)


@pytest.fixture
async def channel(database: Database, clock: VirtualClock, tmp_path: Path) -> Posts:
    world = await World(database, clock, tmp_path / "content").prepare(None, **OTHER)
    return Posts(world)


async def test_a_deep_link_leads_into_the_scenario_that_the_post_names(channel: Posts) -> None:
    post = await channel.post(scenario_id="offer", labels=["Subscribe", "Read"])
    await channel.world.start(1, channel.code(post, 1))
    assert channel.world.said(1) == ["The offer"]
    (touch,) = await channel.rows(Touch)
    assert (touch.kind, touch.ref, touch.post_id) == ("post", "promos:premium", post)
    (click,) = await channel.rows(Click)
    assert (click.kind, click.label, click.promo) == ("start", "Read", "premium")
    assert click.contact_id == await channel.world.id(1)


async def test_a_deep_link_of_a_post_without_one_leads_into_the_default(channel: Posts) -> None:
    await channel.world.start(1, channel.code(await channel.post()))
    assert len(channel.world.said(1)) == 1
    assert channel.world.said(1)[0].startswith("Hello!")


@pytest.mark.parametrize("change", [lambda code: code[:-1] + "A", lambda code: code[:9]])
async def test_a_tampered_code_leads_into_the_default_kindly(channel: Posts, change: Any) -> None:
    code = channel.code(await channel.post(scenario_id="offer"))
    await channel.world.start(1, change(code) if change(code) != code else "p_x")
    told, hello = channel.world.said(1)
    assert told.startswith("This link leads nowhere any more")
    assert hello.startswith("Hello!")
    assert not await channel.rows(Touch)


async def test_a_code_of_a_post_that_nobody_made_leads_into_the_default(channel: Posts) -> None:
    await channel.world.start(1, channel.code(4_000_000))
    assert channel.world.said(1)[1].startswith("Hello!")


async def test_a_pressed_button_of_a_post_knows_the_person_and_opens_the_bot(
    channel: Posts,
) -> None:
    post = await channel.post(scenario_id="offer", labels=["Subscribe"])
    code = channel.code(post)
    assert await channel.press(1, code) == code
    (click,) = await channel.rows(Click)
    assert (click.kind, click.label) == ("callback", "Subscribe")
    assert channel.world.said(1) == []  # who has not started the bot is not written to
    (address,) = await channel.rows(Address)
    assert address.reachability == "needs_start"
    await channel.world.start(1, code)
    assert channel.world.said(1) == ["The offer"]
    assert len(await channel.rows(Click)) == 1  # the press and its start are one click
    (line,) = await channel.report()
    assert (line.clicks, line.people, line.starts) == (1, 1, 1)


async def test_a_forged_button_is_nothing(channel: Posts) -> None:
    post = await channel.post()
    assert await channel.press(1, channel.code(post)[:-1] + "A") == ""
    assert await channel.press(1, "p_" + "A" * 18, chat="supergroup") == ""
    assert not await channel.rows(Click)
    assert not await channel.rows(Address)


async def test_what_a_post_brought_is_in_the_report(channel: Posts) -> None:
    post = await channel.post(scenario_id="offer", reach=1000)
    other = await channel.post("basic", "-1002", reach=50)
    for user in (1, 2):
        await channel.world.start(user, channel.code(post))
    await channel.world.start(2, channel.code(post))  # once more
    await channel.follow(post)
    await channel.follow(post)
    await channel.follow(post, agent="TelegramBot (like TwitterBot)")
    await channel.paid(1)
    await channel.paid(1, 1499, "USD")
    basic, premium = sorted(await channel.report(), key=lambda line: line.group["promo"])
    assert premium.group == {"promo": "premium"}
    assert (premium.posts, premium.reach) == (1, 1000)
    assert (premium.clicks, premium.people, premium.starts) == (3, 3, 2)
    assert (premium.repeats, premium.machines) == (2, 1)
    assert premium.first.completions == premium.last.completions == 2
    assert premium.last.payments == 2
    assert premium.last.revenue == {"RUB": 150_000, "USD": 1499}
    assert (basic.posts, basic.clicks, basic.first.payments) == (1, 0, 0)
    lines = {line.group["post"]: line for line in await channel.report("post")}
    assert (lines[post].clicks, lines[other].clicks) == (3, 0)
    by_chat = {line.group["chat"]: line.posts for line in await channel.report("chat")}
    assert by_chat == {str(CHANNEL): 1, "-1002": 1}
    assert len(await channel.report("slot")) == len(await channel.report("rotation")) == 1


async def test_first_and_last_touch_are_credited_apart(channel: Posts) -> None:
    first, last = await channel.post("found"), await channel.post("convinced", "-1002")
    await channel.world.start(1, channel.code(first))
    await channel.world.wait(2 * HOUR)
    await channel.press(1, channel.code(last))
    await channel.paid(1)
    lines = {line.group["promo"]: line for line in await channel.report()}
    assert lines["found"].first.payments == 1
    assert lines["found"].last.payments == 0
    assert lines["convinced"].first.payments == 0
    assert lines["convinced"].last.payments == 1


async def test_a_friend_who_came_between_has_the_last_touch(channel: Posts) -> None:
    await channel.world.start(2)
    await channel.world.start(1, channel.code(await channel.post()))
    await channel.world.wait(2 * HOUR)
    await channel.world.start(1, f"r_{await channel.world.code(2)}")
    await channel.paid(1)
    (line,) = await channel.report()
    assert (line.first.payments, line.last.payments) == (1, 0)
    goal = next(goal for goal in await channel.rows(Goal) if goal.kind == "payment")
    assert goal.last_kind == "referral"


async def test_a_touch_counts_as_long_as_the_window(channel: Posts) -> None:
    await channel.world.start(1, channel.code(await channel.post("early")))
    await channel.world.wait(timedelta(days=20))
    await channel.world.start(1, channel.code(await channel.post("late")))
    await channel.world.wait(timedelta(days=20))
    await channel.paid(1)  # 40 days after the first touch
    await channel.world.wait(timedelta(days=20))
    await channel.paid(1)
    lines = {line.group["promo"]: line for line in await channel.report()}
    assert (lines["early"].first.payments, lines["late"].first.payments) == (0, 1)
    assert lines["late"].last.payments == 1


async def test_a_link_to_a_scenario_brings_only_who_is_new(channel: Posts) -> None:
    await channel.world.start(1, "offer")
    await channel.world.start(2)
    await channel.world.start(2, "offer")  # it may stand in a message of ours
    (touch,) = await channel.rows(Touch)
    assert (touch.kind, touch.ref) == ("link", "offer")
    assert touch.contact_id == await channel.world.id(1)


async def test_who_came_by_no_post_is_credited_to_none(channel: Posts) -> None:
    await channel.world.start(1)
    await channel.paid(1)
    assert not await channel.rows(Goal)
    assert not await channel.rows(Touch)


async def test_erasing_a_contact_erases_what_brought_them(channel: Posts) -> None:
    await channel.world.start(1, channel.code(await channel.post()))
    await channel.paid(1)
    async with channel.database.transaction() as session:
        await erase(session, await channel.world.id(1), channel.world.clock.now())
    for model in (Click, Touch, Goal):
        assert not await channel.rows(model)


async def test_clicks_can_be_logged_counted_and_converted_once(channel: Posts) -> None:
    await channel.world.start(1)
    await channel.world.start(2)
    now = channel.world.clock.now()
    one, two = await channel.world.id(1), await channel.world.id(2)
    async with channel.database.transaction() as session:
        first = await clicks.log_click(session, clicks.NewClick(one, "gold", "Buy", "-1"), now)
        again = await clicks.log_click(session, clicks.NewClick(one, "gold", "Buy", "-1"), now)
        await clicks.log_click(session, clicks.NewClick(two, "gold", "Buy", "-1"), now)
        await clicks.log_click(session, clicks.NewClick(two, "silver", "Buy"), now)
        assert await clicks.mark_converted(session, first.id, now)
        assert not await clicks.mark_converted(session, first.id, now + DAY)
        assert await clicks.mark_converted(session, again.id, now)
        changed = await clicks.update_metadata(session, first.id, {"plan": "year", "old": 1})
        assert changed.meta == {"plan": "year", "old": 1}
        await clicks.update_metadata(session, first.id, {"old": None})
    async with channel.database.reading() as session:
        found = await clicks.counts(session, "gold")
        assert (found.clicks, found.unique, found.people) == (3, 2, 2)
        assert (found.converted, found.conversion_rate) == (1, 50.0)
        assert await clicks.conversion_rate(session, "silver") == 0.0
        assert await clicks.conversion_rate(session, "none") == 0.0
        assert (await clicks.counts(session)).unique == 3
        assert [row.promo for row in await clicks.page(session, contact_id=two)] == [
            "silver",
            "gold",
        ]
        page = await clicks.page(session, promo="gold", limit=2)
        rest = await clicks.page(session, promo="gold", behind=page[-1].id)
        assert [row.id for row in rest] == [first.id]
        assert (await clicks.get(session, first.id)).meta == {"plan": "year"}


async def test_a_click_that_cannot_be_is_refused(channel: Posts) -> None:
    await channel.world.start(1)
    one, now = await channel.world.id(1), channel.world.clock.now()
    async with channel.database.transaction() as session:
        for wrong in (
            clicks.NewClick(one, " "),
            clicks.NewClick(one, "x" * 65),
            clicks.NewClick(one, "x", meta={"a": "b" * 20_000}),
        ):
            with pytest.raises(Invalid):
                await clicks.log_click(session, wrong, now)
        with pytest.raises(NotFound):
            await clicks.mark_converted(session, new_id(), now)
