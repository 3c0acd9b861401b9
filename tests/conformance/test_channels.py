"""Two channels: the message takes the one that suits the contact, and falls back to the other."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from dripline.analytics import numbers
from dripline.analytics.why import timeline
from dripline.channels.recorder import Recorded
from dripline.clock import VirtualClock
from dripline.contacts import reachability
from dripline.contacts.models import Address, Preferences
from dripline.database import Database
from dripline.deliveries.models import Decision, Delivery
from dripline.deliveries.routing import Routing
from dripline.deliveries.status import advance
from dripline.errors import PermanentFailure, RetryLater, Unreachable
from dripline.events import NewEvent, append
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.scenarios.enroll import enroll
from world import DAY, HOUR, MINUTE, World, body, library, new_world

PLAIN = body("course", {"one": {}, "two": {"timing": {"hours": 1}}, "three": {}})


class Channels:
    """A world with a second channel, and what tests look at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.email_id: uuid.UUID | None = None

    async def add_email(self, state: str = "reachable") -> None:
        """Let the contact have an email address."""
        now = self.world.clock.now()
        self.email_id = new_id()
        async with self.world.database.transaction() as session:
            session.add(
                Address(
                    id=self.email_id,
                    contact_id=self.world.contact.contact_id,
                    channel="email",
                    bot="",
                    value="anna@example.com",
                    reachability=state,
                    reachability_since=now,
                    created_at=now,
                    next_send_at=0,
                )
            )

    async def prefer(self, **wishes: Any) -> None:
        """Let the contact want something."""
        async with self.world.database.transaction() as session:
            contact_id = self.world.contact.contact_id
            known = await session.get(Preferences, contact_id)
            if known is None:
                known = Preferences(contact_id=contact_id, updated_at=self.world.clock.now())
                session.add(known)
            for name, value in wishes.items():
                setattr(known, name, value)

    async def reach(self, channel: str, state: str) -> None:
        """Tell that an address reaches the contact, or does not."""
        address_id = self.email_id if channel == "email" else self.world.contact.address_id
        assert address_id is not None
        async with self.world.database.transaction() as session:
            await reachability.change(session, address_id, state, "told", self.world.clock.now())
        await self.world.react()

    def went_out(self) -> list[tuple[str, str]]:
        """Return what was sent, as channel and text, by time."""
        both: list[Recorded] = [*self.world.channel.sent, *self.world.email.sent]
        both.sort(key=lambda sent: sent.at)
        return [(sent.address.channel, sent.message.text) for sent in both]

    async def story(self, language: str) -> list[str]:
        """Return what `why` tells, but for the beginning."""
        left_out = {"First seen", "Entered the scenario"}
        async with self.world.database.reading() as session:
            lines = await timeline(
                session,
                self.world.contact.contact_id,
                library=self.world.store.library,
                language=language,
            )
        return [f"{line.title}: {line.detail}" for line in lines if line.title not in left_out]

    async def rows(self) -> list[Delivery]:
        async with self.world.database.reading() as session:
            return list((await session.scalars(select(Delivery).order_by(Delivery.id))).all())

    async def events(self, name: str) -> list[Event]:
        async with self.world.database.reading() as session:
            return list((await session.scalars(select(Event).where(Event.name == name))).all())

    async def decisions(self, kind: str) -> list[Decision]:
        async with self.world.database.reading() as session:
            found = await session.scalars(select(Decision).where(Decision.kind == kind))
            return list(found.all())


@pytest.fixture
async def channels(database: Database, clock: VirtualClock) -> Channels:
    routing = Routing(("telegram", "email"), look_every_s=0)
    world = await new_world(database, clock, routing)
    world.store.library = library(PLAIN)
    return Channels(world)


async def test_telegram_unless_the_contact_prefers_email(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await world.ask()
    await world.run()
    await channels.prefer(preferred_channel="email")
    await world.run(DAY)
    await world.run(DAY)
    assert channels.went_out() == [
        ("telegram", "course/one"),
        ("email", "course/two"),
        ("email", "course/three"),
    ]
    reasons = [(row.decision or {}).get("channel") for row in await channels.rows()]
    assert reasons == ["default", "preferred", "preferred"]
    assert (await world.enrollments())["course"].status == "completed"
    assert not await world.queued()


async def test_the_channel_they_answer_on_unless_they_prefer_another(channels: Channels) -> None:
    await channels.add_email()
    await channels.prefer(engaged_channel="email")
    await channels.world.ask()
    await channels.world.run()
    await channels.prefer(preferred_channel="telegram")
    await channels.world.run(HOUR)
    assert [channel for channel, _ in channels.went_out()] == ["email", "telegram", "telegram"]


@pytest.mark.parametrize(
    ("state", "wishes"),
    [
        ("unverified", {}),
        ("bounced", {}),
        ("unsubscribed", {}),
    ],
)
async def test_no_email_that_must_not_be_sent(
    channels: Channels, state: str, wishes: dict[str, Any]
) -> None:
    await channels.add_email(state)
    await channels.prefer(preferred_channel="email", **wishes)
    await channels.world.ask()
    await channels.world.run(DAY)
    assert {channel for channel, _ in channels.went_out()} == {"telegram"}


async def test_a_blocked_bot_falls_back_to_email_at_once(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await world.ask()
    await world.run()
    world.blocked = True
    await world.run(HOUR)
    assert channels.went_out() == [
        ("telegram", "course/one"),
        ("email", "course/two"),
        ("email", "course/three"),
    ]
    one, failed, two, _three = await channels.rows()
    assert [row.status for row in (one, failed, two)] == ["sent", "failed", "sent"]
    assert (failed.channel, failed.message_id) == ("telegram", "two")
    assert two.decision == {
        "reason": "due",
        "channel": "fallback",
        "tried": [["telegram", "blocked"]],
        "failed": failed.id.hex,
    }
    assert two.sent_at == one.sent_at + HOUR  # type: ignore[operator]
    assert len(await channels.events("message.sent")) == 3
    assert not await channels.events("message.failed")
    (told,) = await channels.events("message.fell_back")
    assert (told.data["from"], told.data["to"]) == ("telegram", "email")
    (noted,) = await channels.decisions("fallback")
    assert (noted.reason, noted.message_id) == ("blocked", "two")
    assert (await world.enrollments())["course"].status == "completed"


async def test_nothing_reaches_until_one_channel_does_again(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await world.ask()
    await world.run()
    world.blocked = True
    world.refusals["email"] = Unreachable("bounced", "550 no such user")
    await world.run(HOUR)
    held = (await world.enrollments())["course"]
    assert (held.hold, held.status) == ("unreachable", "active")
    assert [row.failure_code for row in await channels.rows()][1:] == ["unreachable"] * 2

    del world.refusals["email"]
    await channels.reach("email", "reachable")
    await world.run()
    assert channels.went_out()[1:] == [("email", "course/two"), ("email", "course/three")]


async def test_it_comes_back_to_telegram_when_they_unblock(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(
        body("course", {"one": {}, "two": {"timing": {"hours": 1}}, "x": {"timing": {"hours": 1}}})
    )
    await channels.add_email()
    await world.ask()
    await world.run()
    world.blocked = True
    await world.run(HOUR)
    world.blocked = False
    await channels.reach("telegram", "reachable")
    await world.run(HOUR)
    assert [channel for channel, _ in channels.went_out()] == ["telegram", "email", "telegram"]


async def test_both_channels_count_as_one(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(
        body("course", {"one": {"channel": "both"}, "two": {"timing": {"hours": 1}}})
    )
    await channels.add_email()
    await world.ask()
    await world.run(HOUR)
    assert sorted(channels.went_out()) == [
        ("email", "course/one"),
        ("telegram", "course/one"),
        ("telegram", "course/two"),
    ]
    sent = await channels.events("message.sent")
    assert [event.data["message_id"] for event in sent] == ["one", "two"]
    assert (await world.enrollments())["course"].status == "completed"


async def test_the_second_copys_failure_harms_nothing(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(
        body("course", {"one": {"channel": "both"}, "two": {"timing": {"hours": 1}}})
    )
    world.refusals["email"] = PermanentFailure("554 spam")
    await channels.add_email()
    await world.ask()
    await world.run(HOUR)
    assert channels.went_out() == [("telegram", "course/one"), ("telegram", "course/two")]
    assert not await channels.events("message.failed")
    assert (await world.enrollments())["course"].status == "completed"


async def test_both_is_one_when_the_first_fails(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(body("course", {"one": {"channel": "both"}}))
    world.blocked = True
    await channels.add_email()
    await world.ask()
    await world.run(HOUR)
    assert channels.went_out() == [("email", "course/one")]
    assert len(await channels.events("message.sent")) == 1


async def test_a_message_that_fails_everywhere_is_passed_over(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    world.refusals = {
        "telegram": PermanentFailure("message is too long"),
        "email": PermanentFailure("554 spam"),
    }
    await world.ask()
    await world.run()
    world.refusals.clear()
    await world.run(HOUR)
    assert [text for _, text in channels.went_out()] == ["course/two", "course/three"]
    assert len(await channels.events("message.failed")) == 1


async def test_refused_by_telegram_and_bounced_is_passed_over_not_parked(
    channels: Channels,
) -> None:
    world = channels.world
    await channels.add_email()
    world.refusals = {
        "telegram": PermanentFailure("message is too long"),
        "email": Unreachable("bounced", "550"),
    }
    await world.ask()
    await world.run()
    world.refusals.clear()
    await world.run(HOUR)
    assert channels.went_out() == [("telegram", "course/two"), ("telegram", "course/three")]


async def test_attempts_run_out_then_the_next_channel(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    world.refusals["telegram"] = RetryLater("odd")
    await world.ask()
    await world.run(30 * MINUTE)
    assert channels.went_out() == [("email", "course/one")]


async def test_who_has_only_an_email_address(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    assert channels.email_id is not None
    await channels.reach("telegram", "blocked")
    async with world.database.transaction() as session:
        await enroll(
            session,
            world.store.library.scenario("course"),
            world.contact.contact_id,
            channels.email_id,
            world.clock.now(),
            reason="asked_for",
        )
    await world.run(HOUR)
    assert [channel for channel, _ in channels.went_out()] == ["email"] * 3


async def test_what_whoever_started_it_asked_for_goes_before_the_message(
    channels: Channels,
) -> None:
    world = channels.world
    world.store.library = library(body("course", {"one": {"channel": "telegram"}}))
    await channels.add_email()
    async with world.database.transaction() as session:
        await enroll(
            session,
            world.store.library.scenario("course"),
            world.contact.contact_id,
            world.contact.address_id,
            world.clock.now(),
            reason="asked_for",
            channel="email",
        )
    await world.run(HOUR)
    assert [channel for channel, _ in channels.went_out()] == ["email"]


async def test_a_scenario_keeps_to_its_channels(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(body("course", {"one": {}}, channels=["email"]))
    await world.ask()
    await world.run()
    assert (await world.enrollments())["course"].hold == "unreachable"
    await channels.add_email("unverified")
    await channels.reach("email", "reachable")
    await world.run()
    assert channels.went_out() == [("email", "course/one")]


async def test_with_one_channel_nobodys_other_addresses_matter(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(await new_world(database, clock))
    channels.world.store.library = library(PLAIN)
    await channels.add_email()
    await channels.prefer(preferred_channel="email")
    await channels.world.ask()
    await channels.world.run(HOUR)
    assert {channel for channel, _ in channels.went_out()} == {"telegram"}


async def test_the_story_tells_each_choice(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await channels.prefer(quiet_from=22 * 60, quiet_to=8 * 60)
    world.store.library = library(
        body("course", {"one": {}, "two": {"timing": {"hours": 11}}, "three": {}})
    )
    await world.ask()
    await world.run()
    world.blocked = True
    await world.run(DAY)
    async with world.database.reading() as session:
        lines = await timeline(
            session, world.contact.contact_id, library=world.store.library, language="en"
        )
    told = [f"{line.title}: {line.detail}" for line in lines if line.message_id]
    fell_back = "fell back from Telegram: the contact has blocked the bot"
    assert told == [
        "Sent by Telegram: the first message; Telegram is the usual channel",
        "Not yet: quiet hours; until 2026-03-03 08:00 (UTC)",
        "Could not be sent by Telegram: bot was blocked by the user",
        "Goes out on another channel: the contact has blocked the bot",
        f"Sent by Email: its delay was over; {fell_back}",
        "Sent by Email: its delay was over; only Email reaches the contact",
        "Completed: the last message was sent",
    ]


async def bounce(channels: Channels, message_id: str, told: str = "") -> None:
    """Let the email of a message come back, as its webhook tells."""
    world = channels.world
    now = world.clock.now()
    lost = next(
        row
        for row in await channels.rows()
        if row.message_id == message_id and row.channel == "email" and row.status != "failed"
    )
    async with world.database.transaction() as session:
        await advance(session, lost.id, "bounced", now, reason="550 no such user")
        assert channels.email_id is not None
        await reachability.change(session, channels.email_id, "bounced", "550", now)
        data = {"delivery_id": lost.id.hex, "kind": "permanent"}
        source_id = lost.id.hex + told
        await append(
            session, NewEvent("email.bounced", lost.contact_id, "delivery", source_id, now, data)
        )
    await world.react()


async def test_a_bounce_that_comes_late_sends_it_by_telegram(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await channels.prefer(preferred_channel="email")
    await world.ask()
    await world.run()
    world.clock.advance(HOUR / 2)
    await bounce(channels, "one")
    await bounce(channels, "one")  # told twice
    await world.run()
    assert channels.went_out() == [("email", "course/one"), ("telegram", "course/one")]
    again = (await channels.rows())[-1]
    assert again.decision == {
        "reason": "bounced_late",
        "tried": [["email", "bounced"]],
        "failed": (await channels.rows())[0].id.hex,
        "beside": (await channels.rows())[0].id.hex,
    }
    lost = (await channels.rows())[0]
    (event,) = await channels.events("message.fell_back")
    assert event.data == {
        "delivery_id": lost.id.hex,
        "scenario_id": "course",
        "message_id": "one",
        "failure": "550 no such user",
        "from": "email",
        "to": "telegram",
    }
    async with world.database.reading() as session:
        today = await numbers.messages_of(session, "channel", 1, world.clock.now())
    assert (today["email"].fell_back, today["telegram"].fell_back) == (1, 0)
    assert today["email"].fallback_rate == 1.0
    why = "Goes out on another channel: an email came back, and nothing was sent since"
    assert why in await channels.story("en")
    await world.run(HOUR)
    assert [text for _, text in channels.went_out()][2:] == ["course/two", "course/three"]
    assert len(await channels.events("message.sent")) == 3


async def test_a_bounce_told_twice_before_the_second_copy_leaves(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await channels.prefer(preferred_channel="email")
    await world.ask()
    await world.run()
    queued = await world.queued()
    await bounce(channels, "one")
    await bounce(channels, "one", told="again")
    assert await world.queued() == queued + 1
    assert len(await channels.events("message.fell_back")) == 1


async def test_a_bounce_is_no_news_once_something_else_has_arrived(channels: Channels) -> None:
    world = channels.world
    await channels.add_email()
    await channels.prefer(preferred_channel="email")
    await world.ask()
    await world.run()
    await channels.prefer(preferred_channel="telegram")
    await world.run(HOUR)
    await bounce(channels, "one")
    await world.run(HOUR)
    assert channels.went_out() == [
        ("email", "course/one"),
        ("telegram", "course/two"),
        ("telegram", "course/three"),
    ]


async def test_a_bounce_of_one_of_two_copies_is_no_loss(channels: Channels) -> None:
    world = channels.world
    world.store.library = library(body("course", {"one": {"channel": "both"}}))
    await channels.add_email()
    await world.ask()
    await world.run()
    await bounce(channels, "one")
    await world.run(HOUR)
    assert sorted(channels.went_out()) == [("email", "course/one"), ("telegram", "course/one")]


@pytest.mark.parametrize("seen", ["opened", "clicked"])
async def test_a_bounce_of_what_was_read_is_no_loss(channels: Channels, seen: str) -> None:
    world = channels.world
    await channels.add_email()
    await channels.prefer(preferred_channel="email")
    await world.ask()
    await world.run()
    (sent,) = await channels.rows()
    async with world.database.transaction() as session:
        await advance(session, sent.id, seen, world.clock.now())
    await bounce(channels, "one")
    await world.run()
    assert channels.went_out() == [("email", "course/one")]
    assert not await channels.events("message.fell_back")


@pytest.mark.parametrize("delivery", [None, "", "nonsense", "0" * 32, 5])
async def test_a_bounce_of_nothing_we_know_changes_nothing(
    channels: Channels, delivery: Any
) -> None:
    world = channels.world
    await channels.add_email()
    await world.ask()
    await world.run()
    async with world.database.transaction() as session:
        contact_id, now = world.contact.contact_id, world.clock.now()
        data = {"delivery_id": delivery}
        await append(session, NewEvent("email.bounced", contact_id, "t", new_id().hex, now, data))
    await world.react()
    await world.run()
    assert channels.went_out() == [("telegram", "course/one")]


async def test_one_contact_through_fallback_bounce_unblock_and_unsubscription(
    channels: Channels,
) -> None:
    """What an operator reads of somebody who loses one channel after the other, and comes back."""
    world = channels.world
    daily: dict[str, Any] = {"timing": {"days": 1}}
    steps = {"one": {}, "two": daily, "three": daily, "four": daily, "five": daily, "six": daily}
    world.store.library = library(body("course", steps))
    await channels.add_email()
    await world.ask()
    await world.run()
    world.blocked = True
    await world.run(DAY)  # two falls back
    await world.run(HOUR)
    await bounce(channels, "two")  # nothing else reaches them: three waits
    await world.run(DAY)
    world.blocked = False
    await channels.reach("telegram", "reachable")
    await world.run(HOUR)  # three, at last; unblocked, by Telegram
    await channels.reach("email", "reachable")
    await channels.prefer(preferred_channel="email")
    await world.run(DAY)  # four, by email
    await channels.reach("email", "unsubscribed")
    await world.run(2 * DAY)  # five and six, by Telegram
    assert channels.went_out() == [
        ("telegram", "course/one"),
        ("email", "course/two"),
        ("telegram", "course/three"),
        ("email", "course/four"),
        ("telegram", "course/five"),
        ("telegram", "course/six"),
    ]
    assert (await world.enrollments())["course"].status == "completed"
    told = await channels.story("en")
    fell_back = "fell back from Telegram: the contact has blocked the bot"
    assert told == [
        "Sent by Telegram: the first message; Telegram is the usual channel",
        "Cannot be reached any more: the contact has blocked the bot",
        "Could not be sent by Telegram: bot was blocked by the user",
        "Goes out on another channel: the contact has blocked the bot",
        f"Sent by Email: its delay was over; {fell_back}; it came back: 550 no such user",
        "Cannot be reached any more: emails to the contact bounce",
        "Stands still: the contact has blocked the bot",
        "Can be reached again: ",
        "Goes on: the contact can be reached again",
        "Sent by Telegram: its delay was over; Telegram is the usual channel",
        "Can be reached again: ",
        "Sent by Email: its delay was over; the contact prefers Email",
        "Cannot be reached any more: the contact has unsubscribed",
        "Sent by Telegram: its delay was over; only Telegram reaches the contact",
        "Sent by Telegram: its delay was over; only Telegram reaches the contact",
        "Completed: the last message was sent",
    ]
    russian = "\n".join(await channels.story("ru"))
    assert "вместо Telegram: контакт заблокировал бота; вернулось: 550 no such user" in russian
