"""An installation with a broadcast, in a test's hands."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from dripline.broadcasts import plan, queries, switch
from dripline.broadcasts.launch import Launch
from dripline.broadcasts.origin import BroadcastOrigin
from dripline.broadcasts.plan import Progress
from dripline.broadcasts.render import Renderer
from dripline.channels.recorder import Recorder
from dripline.clock import RealTime, VirtualClock, from_us
from dripline.contacts import queries as contacts
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.content.broadcasts import definitions
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import QueueRow
from dripline.deliveries.protocols import Outgoing
from dripline.wiring import import_models

import_models()
TEXT = "Hello {{ user.first_name }} of {{ user.city | default: 'nowhere' }}"


class Hurried(RealTime):
    """Real time in which no pace makes anyone wait long."""

    def __init__(self) -> None:
        super().__init__()
        self._at = super().now_us()

    def now_us(self) -> int:
        self._at += 200_000
        return self._at


class House:
    """An installation with a broadcast `news`, and people 0, 1, 2, … who may get it."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock
        self.channel = Recorder(clock, refuse=self._refuse)
        self.renderer = Renderer("en")
        self.origin = BroadcastOrigin(self.renderer)
        self.dispatcher = self._dispatcher()
        self.launch = Launch(database, page=3)
        self.refused: dict[str, Exception] = {}
        self.known: list[Any] = []
        self.define()

    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.database,
            self.clock,
            Hurried(),
            {"broadcast": self.origin},
            {"telegram": self.channel},
            "w",
        )

    def _refuse(self, outgoing: Outgoing) -> None:
        if error := self.refused.get(outgoing.address.value):
            raise error

    def define(self, text: str = TEXT, **given: Any) -> None:
        body = {"id": "news", "name": "News", "texts": {"": text}, "media": [], **given}
        self.library = Library(
            broadcasts=definitions(
                {"broadcasts": [body]},
                button_sets={"buy": {"rows": [{"buttons": [BUTTON]}]}},
                variables={"bot_name": "Bot"},
                attributes={"city": {"type": "text", "default": ""}},
            )
        )

    async def people(self, number: int) -> None:
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            for n in range(len(self.known), len(self.known) + number):
                who = TelegramPerson(n, f"P{n}", language="en")
                self.known.append(await by_telegram(session, "main", who, self.clock.now()))

    async def do(self, what: str, **given: Any) -> None:
        async with self.database.transaction() as session:
            broadcast = await switch.draft(session, self.library, "news", "me", self.clock.now())
            await getattr(switch, what)(session, broadcast, now=self.clock.now(), **given)

    async def tag(self, n: int, tag: str) -> None:
        async with self.database.transaction() as session:
            await contacts.add_tag(session, self.known[n].contact_id, tag, self.clock.now())

    async def launched(self) -> None:
        for _ in range(50):
            if not await self.launch.run_once(self.clock.now()):
                return

    async def dispatch(self, most: int = 500) -> None:
        await self.dispatcher.run_once(self.clock.now(), most)

    async def sent(self) -> list[str]:
        """Let everything happen that is to happen by now; return who got something, each time."""
        before = len(self.channel.sent)
        for _ in range(12):
            await self.launched()
            await self.dispatch()
            due = await next_due_us(self.database)
            if due is not None and from_us(due) - self.clock.now() < timedelta(minutes=5):
                self.clock.jump_to(from_us(due))
        await self.launched()
        return [one.address.value for one in self.channel.sent[before:]]

    async def progress(self) -> Progress:
        async with self.database.reading() as session:
            broadcast = await queries.by_key(session, "news")
            assert broadcast is not None
            return await plan.progress(session, broadcast, 30.0, self.clock.now())

    async def queued(self, model: Any = QueueRow) -> int:
        async with self.database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(model)) or 0)


BUTTON = {"type": "url", "text": "Buy from {{ bot.bot_name }}", "url": "https://example.com"}
