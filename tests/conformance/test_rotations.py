"""Rotations on each database: every slot once, each chat by itself, a place that is kept."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock, from_us
from dripline.content.push import push
from dripline.database import Database
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.models import Delivery
from dripline.deliveries.protocols import Outgoing
from dripline.errors import ChannelDown, Conflict, NotFound, RetryLater, Unreachable
from dripline.events.react import React
from dripline.rotations import queries
from dripline.rotations.control import Rotations
from dripline.rotations.duty import CountMembers, PostSlots
from dripline.rotations.models import RotationPost
from dripline.settings import Settings
from dripline.wiring.engine import build, reactions_of
from dripline.wiring.rotations import SourcesOfSettings
from lifecycle_world import HurriedTime, folder, write

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPEN, CLOSED, SLOW, TOPIC = "-1001", "-1002", "@slow_channel", "-1003"
CHATS = [OPEN, CLOSED, SLOW, {"chat": TOPIC, "topic": 7, "language": "ru"}]
OPERATOR = 900


def registry(**given: Any) -> dict[str, Any]:
    """Return the file: one rotation of three messages into four chats."""
    spec = {"id": "tips", "interval_hours": 4, "chats": CHATS, "posts": ["a", "b", "c"]}
    rows = [
        [{"type": "open_bot", "text": "Open"}],
        [{"type": "url", "text": "Read", "url": "https://example.com/x"}],
    ]
    keyboard = {"rows": [{"buttons": row} for row in rows]}
    return {
        "rotations": [{**spec, **given}],
        "messages": {
            "a": {"template_file": "a.md", "inline_keyboard": keyboard},
            "b": {"template_file": "b.md"},
            "c": {"template_file": "c.md"},
        },
    }


class Members:
    """Counts members; one chat tells nobody."""

    async def members(self, bot: str, chat: str) -> int | None:
        if chat == SLOW:
            raise Unreachable("kicked", "Forbidden: bot is not a member of the channel chat")
        return 1234


class Channels:
    """An engine with rotations, and what Telegram says of each chat."""

    def __init__(
        self, database: Database, clock: VirtualClock, root: Path, **settings: Any
    ) -> None:
        self.database, self.clock, self.root = database, clock, root
        self.closed: dict[str, Exception] = {
            CLOSED: Unreachable("kicked", "Forbidden: bot was kicked from the channel chat")
        }
        self.slow = 0
        self.recorder = Recorder(clock, refuse=self._refuse)
        self.settings = Settings(
            telegram_bot_token=None, secret_key="k" * 40, admin_telegram_ids=(OPERATOR,), **settings
        )
        self.engine = build(
            self.settings,
            clock,
            database=database,
            channels={"telegram": self.recorder},
            real_time=HurriedTime(),
        )
        self.sources = SourcesOfSettings(self.settings)
        self.rotations = Rotations(self.sources)
        self.slots = self.worker()
        self._react = React(database, reactions_of(self.engine.store, self.settings))

    def worker(self) -> PostSlots:
        return PostSlots(self.database, self.engine.store, self.sources)

    def _refuse(self, outgoing: Outgoing) -> None:
        chat = outgoing.address.value
        if chat in self.closed:
            raise self.closed[chat]
        if chat == SLOW and self.slow:
            self.slow -= 1
            raise RetryLater("Bad Gateway")

    async def begin(self, file: dict[str, Any] | None = None) -> None:
        files = folder({})
        if file is not None:
            files |= {
                "rotations/registry.json": file,
                "rotations/messages/a.md": "A",
                "rotations/messages/a.ru.md": "А",
                "rotations/messages/b.md": "B",
                "rotations/messages/c.md": "C",
            }
        await push(
            self.database, write(self.root, files), author="test", now=self.clock.now(), force=True
        )
        async with self.database.transaction() as session:
            from dripline.deliveries import queries as deliveries

            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            from dripline.lifecycle.queries import remember_bot

            await remember_bot(session, "main", "our_bot")
        await self.tick()

    async def tick(self) -> None:
        await self.slots.run_once(self.clock.now())
        while await self.engine.dispatcher.run_once(self.clock.now()):
            pass
        while await self._react.run_once(self.clock.now()):
            pass

    async def run(self, span: timedelta, step: timedelta = timedelta(minutes=30)) -> None:
        """Let time pass; retries come when they are due."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            goal = min(self.clock.now() + step, until)
            due = await next_due_us(self.database)
            if due is not None and self.clock.now() < from_us(due) < goal:
                goal = from_us(due)
            self.clock.jump_to(goal)
            await self.tick()

    def got(self, chat: str) -> list[str]:
        return [one.message.text for one in self.recorder.sent if one.address.value == chat]

    async def posts(self) -> list[RotationPost]:
        async with self.database.reading() as session:
            statement = select(RotationPost).order_by(RotationPost.slot_at, RotationPost.id)
            return list((await session.scalars(statement)).all())

    async def do(self, what: str, *args: Any) -> Any:
        async with self.database.transaction() as session:
            library = await self.engine.store.current(session)
            call = getattr(self.rotations, what)
            return await call(session, library, *args, self.clock.now())

    async def status(self, rotation_id: str = "tips") -> Any:
        async with self.database.reading() as session:
            library = await self.engine.store.current(session)
            return await self.rotations.status(session, library, rotation_id)


@pytest.fixture
async def channels(database: Database, clock: VirtualClock, tmp_path: Path) -> Channels:
    found = Channels(database, clock, tmp_path)
    await found.begin(registry())
    return found


async def test_two_days_into_four_chats_of_which_one_is_closed_and_one_is_slow(
    channels: Channels,
) -> None:
    channels.slow = 2
    await channels.run(2 * DAY)
    assert channels.got(OPEN) == ["A", "B", "C"] * 4
    assert channels.got(SLOW) == ["A", "B", "C"] * 4
    assert channels.got(TOPIC) == ["А", "B", "C"] * 4
    assert channels.got(CLOSED) == []
    posts = await channels.posts()
    assert Counter(post.status for post in posts) == {"sent": 36, "failed": 12}
    assert {post.failure for post in posts if post.status == "failed"} == {
        "Forbidden: bot was kicked from the channel chat"
    }
    assert all(post.telegram_ids for post in posts if post.status == "sent")
    assert len({post.slot_at for post in posts}) == 12


async def test_a_post_goes_to_its_topic_and_its_links_know_which_post_they_stand_in(
    channels: Channels,
) -> None:
    await channels.run(4 * HOUR)
    [post] = [one for one in channels.recorder.sent if one.address.value == TOPIC]
    assert post.message.topic == 7
    [[opens], [reads]] = post.message.keyboard
    assert (opens.kind, opens.text) == ("url", "Open")
    assert opens.value.startswith("https://t.me/our_bot?start=p_")
    assert len(opens.value.partition("start=")[2]) <= 64
    assert reads.value == "https://example.com/x"
    assert len({one.message.keyboard[0][0].value for one in channels.recorder.sent}) == 3


async def test_links_of_posts_are_tracked_where_there_is_a_public_url(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    channels = Channels(database, clock, tmp_path, public_url="https://go.example.org")
    await channels.begin(registry(chats=[OPEN]))
    await channels.run(4 * HOUR)
    [post] = channels.recorder.sent
    assert post.message.keyboard[1][0].value.startswith("https://go.example.org/r/")


async def test_slots_missed_in_a_standstill_are_made_up_for_once(channels: Channels) -> None:
    await channels.run(4 * HOUR)
    channels.clock.jump_to(channels.clock.now() + 13 * HOUR)
    await channels.tick()
    assert channels.got(OPEN) == ["A", "B"]
    await channels.run(3 * HOUR)
    assert channels.got(OPEN) == ["A", "B", "C"], "and the schedule goes on as it was"


async def test_two_workers_never_post_one_slot_twice(channels: Channels) -> None:
    other = channels.worker()
    for _slot in range(6):
        channels.clock.jump_to(channels.clock.now() + 4 * HOUR)
        now = channels.clock.now()
        posted = [await worker.run_once(now) for worker in (channels.slots, other, channels.slots)]
        assert posted == [1, 0, 0]
    await channels.tick()
    assert len(await channels.posts()) == 24


async def test_a_restart_goes_on_where_it_stood(
    channels: Channels, database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    await channels.run(4 * HOUR)
    again = Channels(database, clock, tmp_path)
    await again.run(8 * HOUR)
    assert again.got(OPEN) == ["B", "C"]


async def test_start_stop_run_now_and_skip(channels: Channels) -> None:
    assert await channels.do("run_now", "tips", "anna") == "a"
    await channels.tick()
    assert channels.got(OPEN) == ["A"]
    assert await channels.do("skip", "tips") == "b"
    await channels.run(4 * HOUR)
    assert channels.got(OPEN) == ["A", "C"]
    await channels.do("stop", "tips")
    assert (await channels.status()).next_at is None
    await channels.run(DAY)
    assert channels.got(OPEN) == ["A", "C"]
    await channels.do("start", "tips")
    status = await channels.status()
    assert status.running
    assert status.next_at == channels.clock.now() + 4 * HOUR
    await channels.do("start", "tips")
    assert (await channels.status()).next_at == status.next_at, "started twice is started"
    await channels.run(4 * HOUR)
    assert channels.got(OPEN) == ["A", "C", "A"]


async def test_an_unknown_rotation_is_named_with_those_there_are(channels: Channels) -> None:
    with pytest.raises(NotFound, match="There is no rotation tip; there are: tips"):
        await channels.do("stop", "tip")


async def test_an_operator_hears_once_that_a_chat_is_lost_and_once_that_it_is_back(
    channels: Channels,
) -> None:
    async with channels.database.transaction() as session:
        from dripline.contacts.identify import TelegramPerson, by_telegram

        person = TelegramPerson(OPERATOR, "Op", language="en")
        await by_telegram(session, "main", person, channels.clock.now())
    await channels.run(DAY)
    told = channels.got(str(OPERATOR))
    assert len(told) == 1
    assert "cannot post into -1002" in told[0]
    assert "bot was kicked" in told[0]
    async with channels.database.reading() as session:
        assert [chat.value for chat in await queries.troubled(session)] == [CLOSED]
    del channels.closed[CLOSED]
    await channels.run(DAY)
    assert len(channels.got(str(OPERATOR))) == 2
    assert "again" in channels.got(str(OPERATOR))[1]
    assert len(channels.got(CLOSED)) == 6


async def test_an_outage_costs_no_attempt(channels: Channels) -> None:
    channels.closed = {OPEN: ChannelDown("Telegram answered 502")}
    await channels.run(4 * HOUR + timedelta(minutes=20))
    assert channels.got(TOPIC) == ["А"]
    channels.closed = {}
    # The bot is left alone for some seconds more, of which each look takes two here.
    await channels.run(HOUR, step=timedelta(minutes=5))
    assert channels.got(OPEN) == ["A"]


async def test_three_temporary_errors_are_an_end(channels: Channels) -> None:
    channels.closed = {SLOW: RetryLater("no answer")}
    await channels.run(4 * HOUR + timedelta(minutes=20))
    channels.closed = {}
    await channels.run(HOUR)
    assert channels.got(SLOW) == []
    failed = [post for post in await channels.posts() if post.status == "failed"]
    assert [(post.attempts, post.failure) for post in failed] == [(3, "no answer")]


async def test_members_are_counted_for_what_was_posted(channels: Channels) -> None:
    channels.closed = {}
    await channels.run(4 * HOUR)
    counts = CountMembers(channels.database, Members())
    assert await counts.run_once(channels.clock.now()) == 4
    assert await counts.run_once(channels.clock.now()) == 0
    assert sorted(post.member_count or 0 for post in await channels.posts()) == [
        0,
        1234,
        1234,
        1234,
    ]


async def test_an_edit_is_followed(channels: Channels) -> None:
    await channels.run(4 * HOUR)
    await channels.begin(registry(interval_hours=1, chats=[OPEN], posts=["c", "b"]))
    await channels.run(2 * HOUR)
    assert channels.got(OPEN) == ["A", "C", "B"]
    await channels.begin(registry(is_active=False))
    await channels.run(DAY)
    assert len(channels.got(OPEN)) == 3
    with pytest.raises(Conflict, match="is_active"):
        await channels.do("start", "tips")
    await channels.begin(registry(interval_hours=1, chats=[OPEN], posts=["c", "b"]))
    await channels.run(HOUR)
    assert len(channels.got(OPEN)) == 4


async def test_a_message_taken_away_before_it_went_out_ends_as_failed(channels: Channels) -> None:
    channels.closed = {OPEN: RetryLater("no answer")}
    await channels.run(4 * HOUR + timedelta(seconds=1), timedelta(hours=4))
    file = registry(posts=["b", "c"])
    del file["messages"]["a"]
    await channels.begin(file)
    await channels.run(HOUR)
    failed = {post.failure for post in await channels.posts() if post.status == "failed"}
    assert "the message was taken away" in failed


async def test_chats_of_the_environment_get_what_ships(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    channels = Channels(
        database, clock, tmp_path, promo_chat_ids=("-1009",), guide_chat_ids=("@guides",),
        interval_hours=2.0,
    )  # fmt: skip
    await channels.begin()
    await channels.run(8 * HOUR)
    assert len(set(channels.got("-1009"))) == 4
    assert len(set(channels.got("@guides"))) == 4
    assert all(one.message.keyboard for one in channels.recorder.sent)


async def test_the_log_of_deliveries_has_each_post(channels: Channels) -> None:
    await channels.run(4 * HOUR)
    async with channels.database.reading() as session:
        rows = (await session.scalars(select(Delivery).where(Delivery.origin == "rotation"))).all()
    assert Counter(row.status for row in rows) == {"sent": 3, "failed": 1}


async def test_nowhere_to_post_is_a_clear_word(channels: Channels) -> None:
    await channels.begin(registry(chats=[]))
    with pytest.raises(Conflict, match="nothing to post, or nowhere"):
        await channels.do("run_now", "tips", "anna")
