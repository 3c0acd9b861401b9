"""An engine with lifecycle content, driven by updates as Telegram sends them, on a moved clock."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from dripline.bot.drain import Drain
from dripline.bot.updates import source_of
from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts.models import Address, Contact
from dripline.content.push import push
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.claim import next_due_us
from dripline.engagement.codes import Codes
from dripline.events import NewEvent, append, inbox
from dripline.events.models import Event
from dripline.events.react import React
from dripline.ids import new_id
from dripline.lifecycle import links, queries
from dripline.lifecycle.duty import LifecycleDuty
from dripline.lifecycle.models import Referral
from dripline.lifecycle.queries import Present
from dripline.scenarios.models import Enrollment
from dripline.settings import Settings
from dripline.wiring import import_models
from dripline.wiring.engine import build, reactions_of

import_models()
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


class HurriedTime(RealTime):
    """Real time in which no pace makes anyone wait."""

    def __init__(self) -> None:
        super().__init__()
        self._now_us = super().now_us()

    def now_us(self) -> int:
        self._now_us += 2_000_000
        return self._now_us


class NoAnswers:
    """Answers no callback; keeps what would have opened the bot."""

    def __init__(self) -> None:
        self.opened: dict[str, str] = {}

    def answer(self, bot: str, callback_ids: Any) -> None:
        return

    def open(self, bot: str, payloads: Mapping[str, str]) -> None:
        self.opened |= payloads


def program(scenario_id: str, priority: int, **more: Any) -> dict[str, Any]:
    """Return the files of a program of two days."""
    base = f"scenarios/{scenario_id}"
    return {
        f"{base}/config.json": {
            "id": scenario_id, "name": scenario_id, "lane": "program", "priority": priority, **more,
        },
        f"{base}/messages.json": {
            "messages_list": ["day_1", "day_2"],
            "messages": {
                "day_1": {"template_file": "day_1.md"},
                "day_2": {"template_file": "day_2.md", "timing": {"days": 1}},
            },
        },
        f"{base}/messages/day_1.md": f"{scenario_id} 1",
        f"{base}/messages/day_2.md": f"{scenario_id} 2",
    }  # fmt: skip


def folder(lifecycle: dict[str, Any] | None) -> dict[str, Any]:
    """Return a content folder: a start message with ACCEPT, three programs, the rules."""
    accept = {"type": "callback", "text": "Accept", "callback_data": "ACCEPT"}
    share = {"type": "share_referral", "text": "Share"}
    ids = ("course", "NURTURE_7_DAY", "ONBOARDING_7_DAY", "REACTIVATION")
    files: dict[str, Any] = {
        "scenarios/registry.json": {
            "scenarios": [{"id": one, "name": one} for one in ids],
            "default_scenario_id": "course",
        },
        "scenarios/course/config.json": {"id": "course", "name": "course"},
        "scenarios/course/messages.json": {
            "messages_list": ["hello"],
            "messages": {
                "hello": {
                    "template_file": "hello.md",
                    "inline_keyboard": {"rows": [{"buttons": [accept, share]}]},
                    "wait_for": "callback:ACCEPT",
                }
            },
        },
        "scenarios/course/messages/hello.md": (
            "Hello! {{ user.referral_count }} of yours, {{ user.referrals_left }} left."
        ),
        **program("NURTURE_7_DAY", 0),
        **program("ONBOARDING_7_DAY", 10),
        **program("REACTIVATION", 5),
    }
    if lifecycle is not None:
        files["lifecycle.json"] = lifecycle
    return files


def write(root: Path, files: dict[str, Any]) -> Path:
    for name, value in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return root


class World:
    """Everything between an update and a message, without Telegram."""

    def __init__(self, database: Database, clock: VirtualClock, root: Path) -> None:
        self.database, self.clock, self.root = database, clock, root
        self.channel = Recorder(clock)
        self.engine = build(
            Settings(), clock, database=database, channels={"telegram": self.channel},
            real_time=HurriedTime(),
        )  # fmt: skip
        self.store = self.engine.store
        self.codes, self.answers = Codes(b"key"), NoAnswers()
        self.drain = Drain(database, self.store, ["main"], self.answers, codes=self.codes)
        self.react = React(database, reactions_of(self.store))
        self.duty = LifecycleDuty(database, self.store)
        self.number = 0

    async def prepare(self, lifecycle: dict[str, Any] | None, **files: Any) -> "World":
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            await queries.remember_bot(session, "main", "some_bot")
        await self.push(lifecycle, **files)
        return self

    async def push(self, lifecycle: dict[str, Any] | None, **files: Any) -> None:
        write(self.root, folder(lifecycle) | files)
        await push(self.database, self.root, author="anna", now=self.clock.now(), force=True)
        await self.settle()

    async def settle(self) -> None:
        """React to everything, and do what is due now."""
        now = self.clock.now()
        while True:
            did = await self.drain.run_once(now) + await self.react.run_once(now)
            did += await self.duty.run_once(now) + await self.engine.dispatcher.run_once(now)
            if not did:
                return

    async def wait(self, after: timedelta) -> None:
        """Let time pass: in steps of an hour, and at each due moment."""
        until = self.clock.now() + after
        while self.clock.now() < until:
            due = await next_due_us(self.database)
            step = min(until, self.clock.now() + 6 * HOUR)
            if due is not None and self.clock.now() < from_us(due) < step:
                step = from_us(due)
            self.clock.jump_to(step)
            await self.settle()

    async def receive(self, user: int, update: dict[str, Any]) -> None:
        self.number += 1
        body = orjson.dumps({"update_id": self.number, **update})
        async with self.database.transaction() as session:
            item = (str(self.number), body)
            await inbox.store(session, source_of("main"), [item], self.clock.now())
        await self.settle()

    async def library(self) -> Library:
        """Return the content as it is."""
        async with self.database.reading() as session:
            return await self.store.current(session)

    async def flood(self, updates: Sequence[tuple[int, str, str | None]]) -> None:
        """Take in many updates at once: who, a text, or the data of a button."""
        items = []
        for user, text, data in updates:
            self.number += 1
            sender = {"id": user, "first_name": f"P{user}", "language_code": "en"}
            chat = {"id": user, "type": "private"}
            message = {"message_id": self.number, "chat": chat, "from": sender, "text": text}
            press = {
                "id": str(self.number),
                "from": sender,
                "data": data,
                "message": {"chat": chat},
            }
            update = {"callback_query": press} if data else {"message": message}
            items.append((str(self.number), orjson.dumps({"update_id": self.number, **update})))
        async with self.database.transaction() as session:
            await inbox.store(session, source_of("main"), items, self.clock.now())
        await self.settle()

    async def write(self, user: int, text: str, **person: Any) -> None:
        chat = {"id": user, "type": "private"}
        sender = {"id": user, "first_name": f"P{user}", "language_code": "en", **person}
        message = {"message_id": self.number + 1, "chat": chat, "from": sender, "text": text}
        await self.receive(user, {"message": message})

    async def start(self, user: int, payload: str = "", **person: Any) -> None:
        await self.write(user, f"/start {payload}".strip(), **person)

    async def press(self, user: int, data: str, **person: Any) -> None:
        chat = {"id": user, "type": "private"}
        sender = {"id": user, "first_name": f"P{user}", "language_code": "en", **person}
        query = {"id": str(self.number), "from": sender, "data": data, "message": {"chat": chat}}
        await self.receive(user, {"callback_query": query})

    async def join(self, user: int, by: int | None = None) -> None:
        """Come (by somebody's link), and register."""
        await self.start(user, f"r_{await self.code(by)}" if by else "")
        await self.press(user, "ACCEPT")

    async def happened(self, user: int, name: str, data: dict[str, Any] | None = None) -> None:
        async with self.database.transaction() as session:
            event = NewEvent(
                name, await self.id(user), "test", new_id().hex, self.clock.now(), data or {}
            )
            await append(session, event)
        await self.settle()

    async def id(self, user: int) -> uuid.UUID:
        async with self.database.reading() as session:
            found = await session.scalar(
                select(Address.contact_id).where(Address.value == str(user))
            )
        assert found is not None
        return found

    async def code(self, user: int) -> str:
        contact_id = await self.id(user)
        async with self.database.transaction() as session:
            return (await links.codes(session, [contact_id]))[contact_id]

    async def present(self, user: int) -> Present:
        async with self.database.reading() as session:
            found = await queries.present(session, await self.id(user))
        assert found is not None
        return found

    async def state(self, user: int) -> str:
        return (await self.present(user)).state

    async def count(self, user: int) -> int:
        return (await self.present(user)).referral_count

    async def referral(self, user: int) -> Referral | None:
        async with self.database.reading() as session:
            found: Referral | None = await session.scalar(
                select(Referral).where(Referral.referred_id == await self.id(user))
            )
        return found

    async def programs(self, user: int) -> dict[str, str]:
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(Enrollment)
                .where(Enrollment.contact_id == await self.id(user), Enrollment.lane == "program")
                .order_by(Enrollment.id)
            )
            return {row.scenario_id: row.status for row in rows}

    async def events(self, user: int, prefix: str = "lifecycle.") -> list[tuple[str, Any]]:
        async with self.database.reading() as session:
            rows = await session.scalars(
                select(Event).where(Event.contact_id == await self.id(user)).order_by(Event.id)
            )
            return [(row.name, row.data) for row in rows if row.name.startswith(prefix)]

    def said(self, user: int) -> list[str]:
        """Return what a contact was sent, oldest first."""
        return [sent.message.text for sent in self.channel.sent if sent.address.value == str(user)]

    def last(self, user: int) -> Any:
        """Return the last message a contact was sent."""
        return [one for one in self.channel.sent if one.address.value == str(user)][-1].message

    async def contacts(self) -> int:
        async with self.database.reading() as session:
            return len((await session.scalars(select(Contact.id))).all())
