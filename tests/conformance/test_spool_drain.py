"""From the spool into the database: each click once, and people told from machines."""

import asyncio
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dripline import metrics
from dripline.clock import VirtualClock
from dripline.contacts.erase import erase
from dripline.database import Database
from dripline.deliveries.models import Delivery
from dripline.engagement import posts
from dripline.engagement.drain import DrainSpool, store
from dripline.engagement.links import Links
from dripline.engagement.models import Click, Open
from dripline.engagement.records import read, record
from dripline.engagement.spool import Spool
from dripline.engagement.tokens import Mark
from dripline.events.models import Event
from dripline.ids import new_id
from world import MINUTE, World, new_world

CHROME = "Mozilla/5.0 (X11) Chrome/131"
SECOND = timedelta(seconds=1)
LINKS = Links(b"key", "https://go.example")


class Back:
    """A message that went out, and the spool its clicks come into."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.spool = Spool(folder)
        self.drain = DrainSpool(world.database, LINKS.seal, self.spool)
        self.delivery_id = new_id()

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    async def sent(self, channel: str = "telegram", ago: timedelta = MINUTE) -> None:
        async with self.world.database.transaction() as session:
            session.add(
                Delivery(
                    id=self.delivery_id,
                    contact_id=self.world.contact.contact_id,
                    origin="enrollment",
                    origin_id=new_id(),
                    message_id="one",
                    run=1,
                    resend=0,
                    channel=channel,
                    bot="main",
                    address_id=new_id(),
                    recipient="1",
                    status="sent",
                    scheduled_at=self.now - ago,
                    sent_at=self.now - ago,
                    attempt_count=1,
                    max_attempts=3,
                )
            )

    def mark(self, label: str = "Read", **more: Any) -> Mark:
        kind = more.pop("kind", "link")
        more.setdefault("url", "" if kind != "link" else "https://example.com")
        ids = (self.delivery_id, self.world.contact.contact_id)
        return Mark(kind, *ids, label=label, **more)

    def click(
        self,
        mark: Mark | None = None,
        *,
        after: timedelta = timedelta(),
        method: str = "GET",
        agent: str = CHROME,
        ip: str = "10.0.0.1",
        device: str = "",
    ) -> list[Any]:
        token = LINKS.seal.sign(mark or self.mark())
        found = record(token, method, self.now + after, ip, agent, device)
        self.spool.append(found)
        return found

    async def drained(self) -> int:
        self.world.clock.jump_to(self.now + 10 * SECOND)
        self.spool.seal()
        return await self.drain.run_once(self.now)

    async def rows(self, model: Any) -> list[Any]:
        async with self.world.database.reading() as session:
            return list((await session.scalars(select(model).order_by(model.id))).all())

    async def events(self, name: str) -> list[Event]:
        return [event for event in await self.rows(Event) if event.name == name]

    async def delivery(self) -> Delivery:
        async with self.world.database.reading() as session:
            return await session.get_one(Delivery, self.delivery_id)


@pytest.fixture
async def back(database: Database, clock: VirtualClock, tmp_path: Path) -> Back:
    made = Back(await new_world(database, clock), tmp_path / "spool")
    await made.sent()
    return made


async def test_a_click_is_stored_told_and_moves_its_delivery(back: Back) -> None:
    at = back.now
    back.click(device="d" * 20)
    assert await back.drained() == 1
    (click,) = await back.rows(Click)
    assert (click.contact_id, click.delivery_id) == (
        back.world.contact.contact_id,
        back.delivery_id,
    )
    assert (click.human, click.label, click.url) == (True, "Read", "https://example.com")
    assert (click.channel, click.ip, click.clicked_at) == ("telegram", "10.0.0.1", at)
    (event,) = await back.events("link.clicked")
    assert event.contact_id == click.contact_id
    assert event.data["human"] is True
    assert (event.data["ip"], event.data["device"]) == ("10.0.0.1", "d" * 20)
    delivery = await back.delivery()
    assert (delivery.status, delivery.opened_at, delivery.clicked_at) == ("clicked", at, at)
    assert len(await back.events("message.clicked")) == 1
    assert len(await back.events("message.opened")) == 1
    assert list(back.spool.folder.iterdir()) == []


async def test_a_page_that_is_read_again_counts_once(back: Back) -> None:
    records = [back.click(), back.click(after=5 * SECOND)]
    seen = [one for one in (read(LINKS.seal, found) for found in records) if one]
    for _ in range(2):
        async with back.world.database.transaction() as session:
            await store(session, LINKS.seal, seen)
    await back.drained()
    assert len(await back.rows(Click)) == len(await back.events("link.clicked")) == 2
    assert len(await back.events("message.clicked")) == 1


async def test_what_was_written_just_now_waits_for_its_neighbours(back: Back) -> None:
    back.click()
    back.spool.seal()
    assert await back.drain.run_once(back.now + SECOND) == 0
    assert await back.drain.run_once(back.now + 3 * SECOND) == 1


async def test_a_process_that_stops_leaves_nothing_out(back: Back) -> None:
    back.click()
    assert await back.drain.run_once(back.now, everything=True) == 1


async def test_machines_are_kept_and_change_nothing(back: Back) -> None:
    back.click(method="HEAD")
    back.click(agent="TelegramBot (like TwitterBot)")
    await back.drained()
    assert [(one.human, one.machine) for one in await back.rows(Click)] == [
        (False, "head"),
        (False, "agent"),
    ]
    assert not await back.events("link.clicked")
    assert (await back.delivery()).status == "sent"


async def test_all_links_at_once_are_a_scanner(back: Back) -> None:
    for label in "abc":
        back.click(back.mark(label), after=0.3 * SECOND)
    await back.drained()
    assert {one.machine for one in await back.rows(Click)} == {"burst"}
    assert not await back.events("link.clicked")


async def test_a_burst_over_two_files_is_one(back: Back) -> None:
    back.click(back.mark("a"))
    back.spool.seal()
    await back.drain.run_once(back.now + 3 * SECOND)
    back.click(back.mark("b"), after=0.5 * SECOND)
    await back.drained()
    assert [one.machine for one in await back.rows(Click)] == ["burst", "burst"]
    assert len(await back.events("link.clicked")) == 1  # what was told is told


async def test_who_follows_a_hidden_link_is_no_person(back: Back) -> None:
    back.click(back.mark("a"))
    back.click(back.mark(kind="trap"), after=5 * SECOND)
    await back.drained()
    assert {one.machine for one in await back.rows(Click)} == {"trap"}


async def test_an_open_is_stored_and_moves_its_delivery(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    back = Back(await new_world(database, clock), tmp_path)
    await back.sent("email")
    back.click(back.mark("", kind="pixel"), agent="Mozilla/5.0")
    await back.drained()
    assert (await back.delivery()).status == "sent"
    back.click(back.mark("", kind="pixel"))
    back.click(back.mark("", kind="pixel"), after=5 * SECOND)
    await back.drained()
    assert [one.machine for one in await back.rows(Open)] == ["mail_proxy", None, None]
    assert (await back.delivery()).status == "opened"
    assert len(await back.events("message.opened")) == 1


async def test_an_email_that_is_read_before_it_can_be(
    database: Database, clock: VirtualClock, tmp_path: Path
) -> None:
    back = Back(await new_world(database, clock), tmp_path)
    await back.sent("email", ago=2 * SECOND)
    back.click()
    await back.drained()
    assert [one.machine for one in await back.rows(Click)] == ["too_soon"]


async def test_a_click_without_its_delivery_still_knows_whose_it_is(back: Back) -> None:
    back.click(Mark("link", new_id(), back.world.contact.contact_id, url="https://example.com"))
    await back.drained()
    (click,) = await back.rows(Click)
    assert click.contact_id == back.world.contact.contact_id
    assert len(await back.events("link.clicked")) == 1


async def test_an_erased_contact_does_not_come_back(back: Back) -> None:
    back.click()
    back.click(back.mark("", kind="pixel"))
    await back.drained()
    back.click(after=MINUTE)
    async with back.world.database.transaction() as session:
        await erase(session, back.world.contact.contact_id, back.now)
    assert await back.rows(Click) == await back.rows(Open) == []
    await back.drained()
    (late,) = await back.rows(Click)
    assert late.contact_id is None
    assert not await back.events("link.clicked")


async def test_clicks_of_posts_are_counted_by_promo_and_chat(back: Back) -> None:
    ref = posts.PostRef("promos", back.now, "-100500", "premium")
    async with back.world.database.transaction() as session:
        number = await posts.number(session, ref, back.now)
    mark = Mark("link", post=number, label="Go", url="https://example.com")
    back.click(mark)
    back.click(mark, after=5 * SECOND)
    back.click(mark, agent="curl/8")
    back.click(mark, ip="10.0.0.2")
    await back.drained()
    clicks = await back.rows(Click)
    assert {(one.promo, one.chat) for one in clicks} == {("premium", "-100500")}
    assert len({one.person for one in clicks if one.human}) == 2
    back.click(mark, after=5 * SECOND)
    await back.drained()
    counted = {
        result: metrics.MARKETING_CLICKS.labels("premium", "-100500", result)._value.get()
        for result in ("human", "repeat", "machine")
    }
    assert all(counted.values())


async def test_strangers_in_the_folder_harm_nobody(back: Back) -> None:
    back.spool.append(["nonsense"])
    back.spool.append([1, 2, 3, 4, 5, 6, 7])
    back.spool.append([uuid.uuid4().hex, 2**62, LINKS.seal.sign(back.mark()), "GET", "", "", ""])
    back.click(agent="\x00")
    back.click()
    assert await back.drained() >= 4
    assert len(await back.rows(Click)) >= 1


async def test_a_database_that_is_away_loses_nothing(back: Back) -> None:
    back.click()
    broken = DrainSpool(Database.from_url("sqlite:////nowhere/at/all.db"), LINKS.seal, back.spool)
    back.world.clock.jump_to(back.now + 10 * SECOND)
    back.spool.seal()
    with pytest.raises(Exception, match="unable to open"):
        await broken.run_once(back.now)
    assert await back.drain.run_once(back.now) == 1
    assert len(await back.rows(Click)) == 1


async def test_two_processes_share_a_folder_and_one_dies(back: Back) -> None:
    """What the dead one left is drained by the other; what the living one writes is its own."""
    dead = Spool(back.spool.folder)
    for _ in range(300):
        found = record(LINKS.seal.sign(back.mark()), "GET", back.now, "10.0.0.9", CHROME, "")
        dead.append(found)
        back.spool.append(record(found[2], "GET", back.now, "10.0.0.1", CHROME, ""))
    other = DrainSpool(back.world.database, LINKS.seal, Spool(back.spool.folder))
    back.world.clock.jump_to(back.now + 10 * SECOND)
    assert await other.run_once(back.now) == 0  # both write
    dead.seal()  # its lock goes with it, as when a process dies
    back.spool.seal()
    while any(await asyncio.gather(other.run_once(back.now), back.drain.run_once(back.now))):
        pass
    assert len(await back.rows(Click)) == len(await back.events("link.clicked")) == 600
    assert list(back.spool.folder.iterdir()) == []
