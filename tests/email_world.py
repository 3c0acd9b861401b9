"""A world whose emails really go out: by SMTP or Resend, to servers of the tests."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select

from dripline.api import email as email_api
from dripline.api.app import create_app
from dripline.channels.resend_webhook import ResendWebhook
from dripline.clock import VirtualClock
from dripline.contacts.models import Address, Preferences, Suppression
from dripline.database import Database
from dripline.deliveries import pace, queries
from dripline.deliveries.models import Delivery, Pace
from dripline.deliveries.routing import Routing
from dripline.events.models import Event, InboxRow
from dripline.ids import new_id
from dripline.scenarios.enroll import enroll
from dripline.settings import Settings
from dripline.wiring.email import email_channel, resend_drain
from dripline.wiring.web import WebServer
from resend_standin import SECRET
from world import World, body, library, new_world

MAIL = body(
    "mail",
    {
        "one": {"email": {"subject": "Hello {{user.first_name}}"}},
        "two": {"timing": {"hours": 1}},
        "three": {"timing": {"hours": 1}},
    },
)
ANNA = "anna@example.org"


class EmailWorld:
    """A contact, Anna, with an email address that she prefers."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.database = world.database
        self.clock = world.clock
        self.settings = settings
        channel = email_channel(settings, world.database, world.clock, None)
        assert channel is not None
        self.channel = channel
        world.dispatcher = world.dispatching({"telegram": world.channel, "email": channel})
        world.store.library = library(MAIL)
        self.drain = resend_drain(settings, world.database)
        self.address_id = new_id()

    async def prepare(self, value: str = ANNA) -> None:
        """Let Anna have her address."""
        now = self.clock.now()
        contact_id = self.world.contact.contact_id
        async with self.database.transaction() as session:
            session.add(
                Address(
                    id=self.address_id, contact_id=contact_id, channel="email", bot="",
                    value=value, reachability="reachable", reachability_since=now,
                    created_at=now, next_send_at=0,
                )
            )  # fmt: skip
            session.add(
                Preferences(contact_id=contact_id, preferred_channel="email", updated_at=now)
            )
            await queries.ensure_pace(session, "email", pace.interval_us(1000))

    async def send(self, run: int = 1) -> None:
        """Enrol Anna and send what is due."""
        async with self.database.transaction() as session:
            await enroll(
                session,
                self.world.store.library.scenarios["mail"],
                self.world.contact.contact_id,
                self.world.contact.address_id,
                self.clock.now(),
                reason="test",
            )
        await self.world.run()

    async def hear(self) -> int:
        """Handle what Resend has told; return how much that was."""
        done = 0
        while did := await self.drain.run_once(self.clock.now()):
            done += did
        return done

    async def deliveries(self, channel: str = "email") -> list[Delivery]:
        async with self.database.reading() as session:
            statement = select(Delivery).where(Delivery.channel == channel).order_by(Delivery.id)
            return list((await session.scalars(statement)).all())

    async def delivery(self, delivery_id: uuid.UUID) -> Delivery:
        async with self.database.reading() as session:
            return await session.get_one(Delivery, delivery_id)

    async def address(self) -> Address:
        async with self.database.reading() as session:
            return await session.get_one(Address, self.address_id)

    async def suppression(self, value: str = ANNA) -> str | None:
        async with self.database.reading() as session:
            found = await session.get(Suppression, value)
            return found.reason if found else None

    async def events(self, name: str) -> list[dict[str, Any]]:
        async with self.database.reading() as session:
            statement = select(Event).where(Event.name == name).order_by(Event.id)
            return [row.data for row in (await session.scalars(statement)).all()]

    async def pace(self) -> Pace:
        async with self.database.reading() as session:
            return await session.get_one(Pace, "email")

    async def inbox(self) -> list[InboxRow]:
        async with self.database.reading() as session:
            return list((await session.scalars(select(InboxRow))).all())


@asynccontextmanager
async def emailing(
    database: Database, clock: VirtualClock, **settings: Any
) -> AsyncIterator[EmailWorld]:
    """Give a world that sends by the server of the settings."""
    chosen = Settings(
        from_email="Anna's School <hello@example.com>", secret_key="k" * 32, **settings
    )
    routing = Routing(("telegram", "email"), look_every_s=0)
    world = EmailWorld(await new_world(database, clock, routing), chosen)
    await world.prepare()
    try:
        yield world
    finally:
        await world.channel.close()


@asynccontextmanager
async def listening(world: EmailWorld, secret: str | None = SECRET) -> AsyncIterator[str]:
    """Serve the webhook; give its address."""
    webhook = ResendWebhook(world.database, world.clock, secret)
    server = WebServer(create_app({}, [email_api.router(webhook)]), "127.0.0.1", 0)
    await server.start()
    try:
        yield server.address + email_api.PATH
    finally:
        await server.stop()
