"""A small world, and calls of its bot that go through the ASGI application."""

from datetime import UTC, datetime
from typing import Any

import orjson

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.endpoint import BotApi
from dripline.sandbox.botapi.limits import Limits
from dripline.sandbox.world import contacts
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.telegram import Telegram

TOKEN = "1001:AAone"
OTHER = "1002:AAtwo"


class World:
    """A bot, Anna who started it, groups of all kinds; calls go through the ASGI application."""

    def __init__(self) -> None:
        self.telegram = Telegram(lambda: datetime(2026, 1, 5, tzinfo=UTC))
        self.api = Api(self.telegram, Limits(enabled=False))
        self.app = BotApi(self.api)
        self.bot = self.telegram.add_bot(TOKEN)
        self.other = self.telegram.add_bot(OTHER)
        self.anna = self.telegram.add_user("Anna")
        self.ben = self.telegram.add_user("Ben")
        contacts.start(self.telegram, self.bot, self.anna)
        add = self.telegram.add_group
        bot = self.bot.user
        self.group = add("Group", Kind.GROUP, owner=self.anna, members=[bot, self.ben])
        self.closed = add("Closed", owner=self.anna, administrators=[bot])
        self.channel = add("News", Kind.CHANNEL, owner=self.anna, administrators=[bot])
        self.foreign = add("Foreign", owner=self.ben)

    async def call(self, method: str, _token: str = TOKEN, **params: Any) -> dict[str, Any]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": orjson.dumps(params)}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "path": f"/bot{_token}/{method}",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await self.app(scope, receive, send)
        answer: dict[str, Any] = orjson.loads(sent[1]["body"])
        assert answer.get("error_code", 200) == sent[0]["status"]
        return answer

    async def ok(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def problem(self, method: str, **params: Any) -> tuple[int, str]:
        answer = await self.call(method, **params)
        assert not answer["ok"], answer
        return answer["error_code"], answer["description"]


def button(**fields: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **fields}]]}
