"""An admin's chat with a bot in a test's hands: type, press, send photos, read what comes back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, select

from dripline.bot.admin.jobs import AdminJobs, ExpireWizards
from dripline.bot.drain import Drain
from dripline.bot.updates import source_of
from dripline.broadcasts.render import Renderer
from dripline.clock import VirtualClock
from dripline.content.store import ContentStore
from dripline.database import Database, load_json
from dripline.deliveries.models import QueueRow
from dripline.events import inbox
from dripline.events.models import InboxRow
from dripline.rotations.control import Rotations
from dripline.wiring.models import import_models
from dripline.wiring.rotations import SourcesOfSettings

OLGA, BORIS, STRANGER = 100, 200, 300
import_models()  # and with them every word of segments
NAMES = {OLGA: "Olga", BORIS: "Boris", STRANGER: "Stan"}


class Silent:
    """Answers no callback."""

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        pass

    def open(self, bot: str, payloads: Mapping[str, str]) -> None:
        pass


class Files:
    """Files as Telegram would hand them out; one that is missing fails."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def download(self, file_id: str) -> bytes:
        return self.bodies[file_id]


class Said:
    """One message of the bot."""

    def __init__(self, detail: dict[str, Any]) -> None:
        self.text: str = detail.get("text", "")
        self.media: list[Any] = detail.get("media", [])
        self.buttons: dict[str, str] = {
            text: value for row in detail.get("keyboard", []) for _kind, text, value in row
        }

    def __repr__(self) -> str:
        return f"<{self.text!r} {list(self.buttons)}>"


class Chat:
    """The bot's side is the real drain, on a real database."""

    def __init__(self, database: Database, clock: VirtualClock, language: str = "en") -> None:
        self.database, self.clock, self.language = database, clock, language
        self.files = Files()
        self.said: list[Said] = []
        self.number = 0
        self.currency = "RUB"
        self.restart()

    def restart(self) -> None:
        """Forget everything that is only in memory."""
        self.store = ContentStore(self.database)
        rotations = Rotations(SourcesOfSettings(None))
        self.drain = Drain(self.database, self.store, ["main"], Silent(), [OLGA, BORIS],
                           rotations=rotations, currency=self.currency)  # fmt: skip
        self.jobs = AdminJobs(self.database, {"main": self.files}, self.store, Renderer("en"), 30.0)
        self.expire = ExpireWizards(self.database)

    async def type(self, text: str, who: int = OLGA, **more: Any) -> list[Said]:
        return await self._message({"text": text, **more}, who)

    async def photo(self, name: str, who: int = OLGA, **more: Any) -> list[Said]:
        self.files.bodies.setdefault(name, b"bytes of " + name.encode())
        sizes = [{"file_id": "small", "file_size": 1}, {"file_id": name, "file_size": 9}]
        return await self._message({"photo": sizes, **more}, who)

    async def press(self, button: str, who: int = OLGA) -> list[Said]:
        """Press the newest button of this name."""
        for said in reversed(self.said):
            for text, data in said.buttons.items():
                if button == text or button in text:
                    return await self.data(data, who)
        raise AssertionError(f"no button {button!r} in {self.said[-3:]}")

    async def data(self, data: str, who: int = OLGA) -> list[Said]:
        query = {"id": "q", "from": self._person(who), "data": data}
        query["message"] = {"chat": {"id": who, "type": "private"}}
        return await self._receive({"callback_query": query})

    async def work(self) -> list[Said]:
        """Let the duties do what is due, and read what they say."""
        await self.jobs.run_once(self.clock.now())
        await self.expire.run_once(self.clock.now())
        return await self.read()

    async def pass_time(self, time: timedelta) -> None:
        self.clock.advance(time)

    async def _message(self, message: dict[str, Any], who: int) -> list[Said]:
        self.number += 1
        whole = {
            "message_id": self.number,
            "from": self._person(who),
            "chat": {"id": who, "type": "private"},
            **message,
        }
        return await self._receive({"message": whole})

    def _person(self, who: int) -> dict[str, Any]:
        return {"id": who, "first_name": NAMES[who], "language_code": self.language}

    async def _receive(self, update: dict[str, Any]) -> list[Said]:
        self.number += 1
        body = orjson.dumps({"update_id": self.number, **update})
        async with self.database.transaction() as session:
            items = [(str(self.number), body)]
            await inbox.store(session, source_of("main"), items, self.clock.now())
        while await self.drain.run_once(self.clock.now()):
            pass
        async with self.database.reading() as session:
            errors = await session.scalars(
                select(InboxRow.error).where(InboxRow.error.is_not(None))
            )
            assert not list(errors)
        self.clock.advance(timedelta(seconds=5))
        return await self.read()

    async def read(self) -> list[Said]:
        """Return what the bot has said since the last look, in order."""
        async with self.database.transaction() as session:
            rows = await session.scalars(
                select(QueueRow)
                .where(QueueRow.origin == "system")
                .order_by(QueueRow.due_at, QueueRow.id)
            )
            new = [Said(load_json(row.detail or "{}")) for row in rows]
            await session.execute(delete(QueueRow).where(QueueRow.origin == "system"))
        self.said += new
        return new
