"""The API over an engine in a test's hands: the application itself, asked without sockets."""

from dataclasses import replace
from typing import Any

import httpx

from dripline.api.app import create_app
from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock
from dripline.contacts.identify import Known, TelegramPerson, by_telegram
from dripline.database import Database
from dripline.deliveries import queries as deliveries
from dripline.events.react import React
from dripline.operators import keys
from dripline.settings import Settings
from dripline.wiring import import_models
from dripline.wiring.engine import Engine, build, reactions_of
from dripline.wiring.routers import backend_of, routers_of
from world import HurriedTime

import_models()
ADMIN_KEY = "the-admin-key-of-the-tests"


class Api:
    """An engine, its application, and keys of each role."""

    def __init__(self, database: Database, clock: VirtualClock, **settings: Any) -> None:
        self.settings = Settings(
            _env_file=None, admin_api_key=ADMIN_KEY, secret_key="s" * 40, **settings
        )
        self.clock = clock
        self.channel = Recorder(clock)
        self.engine: Engine = build(
            self.settings,
            clock,
            database=database,
            channels={"telegram": self.channel},
            real_time=HurriedTime(),
        )
        self.database = database
        self.app = create_app({}, routers_of(self.engine), backend=backend_of(self.engine))
        self._react = React(database, reactions_of(self.engine.store, self.settings))

    def client(
        self, key: str | None = ADMIN_KEY, source: str = "192.0.2.1", **options: Any
    ) -> httpx.AsyncClient:
        """Return a client that calls with this key, from this address."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(source, 1))
        headers = {"x-api-key": key} if key else {}
        return httpx.AsyncClient(
            transport=transport, base_url="http://dripline", headers=headers, **options
        )

    async def key(self, role: str) -> str:
        """Return a new key of a role."""
        async with self.database.transaction() as session:
            return (await keys.create(session, role, role, "test", self.clock.now())).secret

    async def person(self, telegram_id: int = 1, name: str = "Anna", **more: Any) -> Known:
        """Return a contact who has written to the bot."""
        async with self.database.transaction() as session:
            await deliveries.ensure_pace(session, "telegram:main", 1.0)
            who = TelegramPerson(telegram_id, name, **more)
            return await by_telegram(session, "main", who, self.clock.now())

    def set_email_test(self, send: Any) -> None:
        """Let tests of emails go here."""
        self.app.state.backend = replace(self.app.state.backend, email_test=send)

    async def settle(self) -> list[str]:
        """React and send until nothing is due; return what was sent."""
        before = len(self.channel.sent)
        for _ in range(20):
            did = await self._react.run_once(self.clock.now())
            did += await self.engine.dispatcher.run_once(self.clock.now())
            if not did:
                break
        return [one.message.text for one in self.channel.sent[before:]]


def code(answer: httpx.Response) -> str:
    """Return the code of an error."""
    return str(answer.json()["error"]["code"])
