"""An erased contact is named nowhere, on both databases; the others stay as they were."""

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from dripline import logs
from dripline.cli.app import app
from dripline.clock import VirtualClock
from dripline.contacts import email, suppression
from dripline.contacts import queries as contacts
from dripline.contacts.consent import Evidence
from dripline.contacts.erase import erase
from dripline.contacts.export import export
from dripline.contacts.identify import Known, TelegramPerson, by_telegram
from dripline.contacts.models import Contact
from dripline.database import Base, Database
from dripline.errors import NotFound
from dripline.events import inbox
from dripline.events.models import Event, InboxRow
from dripline.payments.models import Payment
from dripline.payments.record import NewPayment, record
from dripline.wiring import import_models
from world import HOUR, World, new_world

import_models()
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BODY = b'{"update_id": 5, "message": {"from": {"id": 1, "first_name": "Anna"}}}'


async def lived(world: World) -> None:
    """Let Anna do and get something that every room keeps."""
    await world.ask()
    await world.run(HOUR)
    await world.press("DONE")
    await world.ask("other")
    anna = world.contact.contact_id
    async with world.database.transaction() as session:
        await contacts.set_attribute(session, anna, "city", "Kazan", NOW)
        await contacts.add_tag(session, anna, "early", NOW)
        payment = NewPayment(
            "manual", "7", anna, 1500, "RUB", NOW, "course", data={"email": "anna@example.com"}
        )
        await record(session, payment, NOW)
        other = b'{"update_id": 6, "message": {"from": {"id": 12}}}'
        await inbox.store(session, "telegram:main", [("5", BODY), ("6", other)], NOW)


async def named(database: Database, needles: list[Any]) -> set[str]:
    """Return the tables of which a cell holds one of these."""
    found = set()
    async with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in await session.execute(select(table)):
                if any(needle in str(cell) for cell in row for needle in needles):
                    found.add(table.name)
    return found


async def boris(world: World) -> Known:
    async with world.database.transaction() as session:
        person = TelegramPerson(12, "Boris", language="en")
        return await by_telegram(session, "main", person, NOW)


async def test_nothing_names_an_erased_contact(database: Database, clock: VirtualClock) -> None:
    world = await new_world(database, clock)
    await lived(world)
    other = await boris(world)
    anna = [world.contact.contact_id, world.contact.address_id]
    needles = [str(anna[0]), anna[0].hex, str(anna[1]), "Anna", "anna@example.com", "Kazan"]
    assert len(await named(database, needles)) > 8
    async with database.transaction() as session:
        done = await erase(session, anna[0], NOW)
    assert await named(database, needles) == set()
    assert (done.rows["contacts"], done.rows["payments"], done.rows["inbox"]) == (1, 1, 1)
    assert await world.queued() == 0
    async with database.reading() as session:
        (payment,) = (await session.scalars(select(Payment))).all()
        assert (payment.contact_id, payment.amount, payment.data) == (None, 1500, None)
        erased = await session.scalar(select(Event).where(Event.name == "contact.erased"))
        assert erased is not None
        assert (erased.contact_id, erased.data) == (None, {})
        bodies = {row.source_id: row.body for row in await session.scalars(select(InboxRow))}
        assert b'"id": 12' in bodies["6"]
        assert await session.get(Contact, other.contact_id) is not None


async def test_an_export_holds_everything_and_of_nobody_else(
    database: Database, clock: VirtualClock
) -> None:
    world = await new_world(database, clock)
    await lived(world)
    other = await boris(world)
    anna = world.contact.contact_id
    async with database.transaction() as session:
        given = Evidence("bot")
        await email.give(session, anna, "anna@example.com", given, NOW)
        await suppression.suppress(session, "anna@example.com", "bounced", NOW)
    async with database.reading() as session:
        held = await export(session, anna, NOW)
    text = json.dumps(held)
    names = await named(database, [str(anna), anna.hex])
    assert names - {"queue", "outbox"} <= set(held)
    assert {"consent_log", "email_verifications", "email_suppressions", "inbox"} <= set(held)
    for needle in ("Anna", "anna@example.com", "Kazan", "early", "course"):
        assert needle in text
    assert str(other.contact_id) not in text
    assert '"id": 12' not in text


async def test_nobody_is_erased_who_is_not_there(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(NotFound):
            await erase(session, uuid.uuid4(), NOW)


async def test_an_erased_contact_may_come_back(database: Database, clock: VirtualClock) -> None:
    world = await new_world(database, clock)
    await lived(world)
    async with database.transaction() as session:
        await erase(session, world.contact.contact_id, NOW)
    again = await new_world(database, clock)
    assert again.contact.contact_id != world.contact.contact_id
    await again.ask()
    assert await again.run() == ["course/one"]


def test_the_command_asks_first(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def seed() -> None:
        database = Database.from_url(database_url)
        async with database.transaction() as session:
            await by_telegram(session, "main", TelegramPerson(1, "Anna"), NOW)
        await database.close()

    async def left() -> int:
        database = Database.from_url(database_url)
        async with database.reading() as session:
            number = await session.scalar(select(func.count()).select_from(Contact))
        await database.close()
        return int(number or 0)

    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    asyncio.run(seed())
    refused = CliRunner().invoke(app, ["contacts", "erase", "Anna"], input="n\n")
    assert (refused.exit_code, asyncio.run(left())) == (1, 1)
    done = CliRunner().invoke(app, ["contacts", "erase", "Anna"], input="y\n")
    assert (done.exit_code, asyncio.run(left())) == (0, 0)
