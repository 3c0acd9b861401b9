"""Contacts out of a CSV file, by pages: the same as row by row, whoever else writes meanwhile."""

import asyncio
import csv
import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dripline.contacts import consent, consent_queries, queries, reachability, suppression
from dripline.contacts.consent import Evidence
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import (
    Address,
    Attribute,
    ConsentEntry,
    Contact,
    Preferences,
    Tag,
)
from dripline.content.push import push
from dripline.database import Base, Database
from dripline.errors import Conflict, Invalid
from dripline.events.models import Event, OutboxRow
from dripline.importing import table
from dripline.importing.report import Report

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
COLUMNS = (
    "id", "telegram_id", "email", "first_name", "username", "language", "timezone", "created_at",
    "email_consent", "sequences", "announcements", "tags", "attribute.city", "attribute.age",
)  # fmt: skip
TABLES: tuple[type[Base], ...] = (
    Contact, Address, Attribute, Tag, Preferences, ConsentEntry, Event, OutboxRow,
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no rest between pages."""
    monkeypatch.setattr(table, "_REST_S", 0)


async def content(database: Database, root: Path) -> None:
    """Declare two attributes."""
    (root / "scenarios").mkdir(parents=True)
    (root / "templates").mkdir()
    (root / "scenarios/registry.json").write_text('{"scenarios": []}')
    attributes = {"city": {"type": "text"}, "age": {"type": "number"}}
    (root / "templates/attributes.json").write_text(json.dumps({"attributes": attributes}))
    await push(database, root, author="me", now=NOW)


async def bring(
    database: Database,
    file: Path,
    progress: Callable[[int], None] = lambda _: None,
    now: datetime = LATER,
) -> Report:
    """Import a file."""
    return await table.import_contacts(database, file, now=now, bot="main", progress=progress)


def known_id(number: int) -> uuid.UUID:
    """Return the id of somebody who is there from the beginning, or may come with it."""
    return uuid.UUID(int=0x018F << 112 | 0x7 << 76 | 0b10 << 62 | number)


async def seed(database: Database) -> None:
    """People of every kind: at this bot, at another, with email in every state, with wishes."""
    async with database.transaction() as session:
        for number in range(24):
            session.add(
                Contact(id=known_id(number), created_at=NOW, state="VISITOR", first_name="Old")
            )
            await session.flush()
            if number % 3:
                bot = "main" if number % 2 else "other"
                await put(session, number, "telegram", bot, str(1000 + number), "reachable")
            if number % 4:
                state = ("unverified", "reachable", "unsubscribed")[number % 3]
                await put(session, number, "email", "", f"p{number}@example.com", state)
            if number % 5 == 0:
                wishes = {"sequences": number % 2 == 0}
                said = Evidence("bot")
                await consent.change(session, known_id(number), wishes, said, NOW)
            if number % 6 == 0:
                await queries.set_attribute(session, known_id(number), "city", "Old", NOW)
                await queries.add_tag(session, known_id(number), "early", NOW)
        for value in ("p1@example.com", "new3@example.com", "new6@example.com"):
            await suppression.suppress(session, value, "complained", NOW)


async def put(session: Any, number: int, channel: str, bot: str, value: str, state: str) -> None:
    """Give somebody an address."""
    row = {
        "id": uuid.uuid5(known_id(number), f"{channel} {bot}"), "contact_id": known_id(number),
        "channel": channel, "bot": bot, "value": value, "reachability": state,
        "reachability_since": NOW, "next_send_at": 0, "created_at": NOW,
    }  # fmt: skip
    assert await queries.insert_address(session, row)


def odd_file(file: Path, seed_: int) -> Path:
    """Write rows about old and new people, several about the same, with cells here and there."""
    chance = random.Random(seed_)
    old: list[dict[str, str]] = []
    for number in range(24):
        names = {"id": str(known_id(number))}
        if number % 3:
            names["telegram_id"] = str(1000 + number)
        if number % 4:
            names["email"] = f"P{number}@example.com"
        parts = list(names.items())
        chance.shuffle(parts)
        cut = chance.randint(0, len(parts))
        old += [dict(parts[:cut]), dict(parts[cut:])]  # two rows about the same, or one
    fresh = [
        {
            name: value
            for name, value in (
                ("id", str(known_id(100 + n))), ("telegram_id", str(5000 + n)),
                ("email", f"New{n}@example.com"),
            )
            if chance.random() < 0.6
        }
        for n in range(30)
    ]  # fmt: skip
    rows = [row for row in [*old, *fresh] if row]
    for n, row in enumerate(rows):
        if chance.random() < 0.15:
            row.setdefault("telegram_id", str(7000 + n))
        if chance.random() < 0.15:
            row.setdefault("email", f"more{n}@example.com")
        row |= {name: cell for name, cell in cells(chance).items() if chance.random() < 0.5}
    chance.shuffle(rows)
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return file


def cells(chance: random.Random) -> dict[str, str]:
    """Return what a row may say beside of whom."""
    return {
        "first_name": chance.choice(["Old", "Ännä", "'=1+1", "x" * 256]),
        "username": chance.choice(["anna", "bob"]),
        "language": chance.choice(["de", "en"]),
        "timezone": chance.choice(["Europe/Berlin", "Asia/Tokyo"]),
        "created_at": "2024-01-15T10:00:00+03:00",
        "email_consent": chance.choice(["yes", "no"]),
        "sequences": chance.choice(["yes", "no"]),
        "announcements": chance.choice(["true", "0"]),
        "tags": chance.choice(["early", "late;early", " a ; b "]),
        "attribute.city": chance.choice(["Oslo", "Kazan"]),
        "attribute.age": chance.choice(["41", "7.5"]),
    }


async def held(database: Database) -> dict[str, list[Any]]:
    """Return every row of every table, with names in place of the ids that are made by chance."""
    names: dict[uuid.UUID, str] = {}
    found: dict[str, list[Any]] = {}
    async with database.reading() as session:
        addresses = await session.scalars(select(Address).order_by(Address.channel, Address.value))
        for one in addresses:
            # Somebody who came by the file is called by their addresses in it.
            if one.contact_id.int < known_id(1 << 20).int:
                names[one.contact_id] = str(one.contact_id)
            else:
                names[one.contact_id] = f"{names.get(one.contact_id, '')} {one.value}"
            names[one.id] = f"{one.channel} {one.bot} {one.value}"
        by_hex = {key.hex: name for key, name in names.items()}
        for model in TABLES:
            rows = [
                {
                    column.key: shown(getattr(row, column.key), names, by_hex)
                    for column in model.__table__.columns
                    if not is_made(model, column.key)
                }
                for row in (await session.scalars(select(model))).all()
            ]
            found[model.__tablename__] = sorted(rows, key=repr)
    return found


def is_made(model: type[Base], column: str) -> bool:
    """Whether a column holds what is made anew each time."""
    own = column == "id" and model in {Address, ConsentEntry, Event}
    return own or column in {"source_id", "event_id"}


def shown(value: Any, names: dict[uuid.UUID, str], by_hex: dict[str, str]) -> Any:
    """Return a value with names in place of ids."""
    if isinstance(value, uuid.UUID):
        return names.get(value, str(value))
    if isinstance(value, dict):
        return {key: by_hex.get(one, one) if isinstance(one, str) else one
                for key, one in value.items()}  # fmt: skip
    return value


async def empty(database: Database) -> None:
    """Let nobody be there any more."""
    async with database.transaction() as session:
        for model in reversed(TABLES):
            await session.execute(model.__table__.delete())  # type: ignore[attr-defined]
        await session.execute(text("DELETE FROM email_suppressions"))


@pytest.mark.parametrize("number", range(2))
async def test_pages_bring_what_rows_one_by_one_would(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    await content(database, tmp_path / "content")
    file = odd_file(tmp_path / "in.csv", number)
    results = []
    for page in (1, 7, 2_000):
        monkeypatch.setattr(table, "_PAGE", page)
        await empty(database)
        await seed(database)
        report = await bring(database, file)
        results.append((report.counts, await held(database)))
    assert results[0] == results[1] == results[2]
    again = await bring(database, file)
    assert "contacts made" not in again.counts
    after = await held(database)
    for name in ("contacts", "addresses", "contact_attributes", "contact_tags"):
        assert after[name] == results[0][1][name]


async def test_a_row_is_told_of_once_with_all_that_it_changes(
    database: Database, tmp_path: Path
) -> None:
    await content(database, tmp_path / "content")
    file = tmp_path / "in.csv"
    file.write_text("email,email_consent,sequences,announcements\nA@example.com,yes,yes,no\n")
    await bring(database, file)
    async with database.reading() as session:
        events = (await session.scalars(select(Event).where(Event.contact_id.is_not(None)))).all()
    assert [(event.name, event.data["changes"]) for event in events] == [
        (
            "consent.changed",
            {
                "email": {"old": None, "new": "a@example.com (reachable)"},
                "sequences": {"old": None, "new": "yes"},
                "announcements": {"old": None, "new": "no"},
            },
        )
    ]


async def test_a_row_about_two_contacts_is_told_before_anything_is_stored(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_PAGE", 2)
    await content(database, tmp_path / "content")
    await seed(database)
    before = await held(database)
    file = tmp_path / "in.csv"
    file.write_text(
        "id,telegram_id,email\n,9,\n,10,\n,1001,p2@example.com\n,11,\n"
        f"{known_id(3)},1007,\n{known_id(200)},,p5@example.com\n"
    )
    with pytest.raises(Invalid, match=r"Nothing was imported.\nLine 4 is about two contacts") as no:
        await bring(database, file)
    assert "\nLine 6 is about two contacts" in no.value.message
    assert "Line 7" not in no.value.message
    assert await held(database) == before


async def test_who_comes_after_the_file_was_looked_over_is_one_contact(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await content(database, tmp_path / "content")
    await seed(database)
    file = tmp_path / "in.csv"
    file.write_text("telegram_id,email,first_name\n5,,Five\n6,p1@example.com,Six\n7,,Seven\n")
    look_over = table._look_over

    async def then_others_come(*given: Any) -> int:
        rows = await look_over(*given)
        async with database.transaction() as session:
            for number in (5, 6):
                await by_telegram(session, "main", TelegramPerson(number, "Started"), NOW)
        return rows

    monkeypatch.setattr(table, "_look_over", then_others_come)
    report = await bring(database, file)
    assert report.counts == {"rows": 3, "contacts known before": 1, "contacts made": 1}
    assert list(report.notes.values()) == [["line 3"]]
    async with database.reading() as session:
        names = select(Contact.first_name).where(Contact.first_name != "Old")
        assert sorted(await session.scalars(names)) == ["Five", "Seven", "Started"]


async def test_who_comes_in_the_very_moment_is_waited_for(
    database: Database, tmp_path: Path
) -> None:
    await content(database, tmp_path / "content")
    file = tmp_path / "in.csv"
    file.write_text("telegram_id,email,first_name\n5,a@example.com,Five\n6,,Six\n")
    async with database.transaction() as session:
        five = await by_telegram(session, "main", TelegramPerson(5, "Started"), NOW)
        importing = asyncio.create_task(bring(database, file))
        await waits(database)
    report = await importing
    assert report.counts == {"rows": 2, "contacts known before": 1, "contacts made": 1}
    async with database.reading() as session:
        assert await count(database, Contact) == 2
        assert await queries.telegram_user(session, "5") == five.contact_id
        email = await consent_queries.email_of(session, five.contact_id)
        assert email is not None
        assert email.value == "a@example.com"


async def waits(database: Database) -> None:
    """Return once the import waits for another transaction."""
    for _ in range(500):
        await asyncio.sleep(0.01)
        if database._turns is not None:
            if database._turns._others:
                return
            continue
        async with database.reading() as session:
            locks = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if await session.scalar(locks):
                return


async def test_an_address_that_bounces_in_the_very_moment_stays_so(
    database: Database, tmp_path: Path
) -> None:
    await content(database, tmp_path / "content")
    await seed(database)
    file = tmp_path / "in.csv"
    file.write_text("email,email_consent\np3@example.com,yes\n")
    async with database.transaction() as session:
        mine = await consent_queries.email_of(session, known_id(3))
        assert mine is not None
        assert mine.reachability == "unverified"
        await reachability.change(session, mine.id, "bounced", None, NOW)
        importing = asyncio.create_task(bring(database, file))
        await waits(database)
    await importing
    async with database.reading() as session:
        mine = await consent_queries.email_of(session, known_id(3))
        assert mine is not None
        assert mine.reachability == "bounced"
        assert not await consent_queries.consent_of(session, known_id(3))


@pytest.fixture
async def ten_pages(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a hundred people, of whom ten make a page."""
    monkeypatch.setattr(table, "_PAGE", 10)
    await content(database, tmp_path / "content")
    return large_file(tmp_path / "in.csv", 100)


async def test_the_same_file_twice_at_once_comes_once(database: Database, ten_pages: Path) -> None:
    await asyncio.gather(bring(database, ten_pages), bring(database, ten_pages))
    await is_whole(database, 100)


async def test_an_import_that_ended_half_way_is_completed_by_the_same_file(
    database: Database, ten_pages: Path
) -> None:
    file = ten_pages

    def ends(done: int) -> None:
        if done == 30:
            raise KeyError("power cut")

    with pytest.raises(KeyError, match="power cut"):
        await bring(database, file, ends)
    assert await count(database, Contact) == 30
    report = await bring(database, file)
    assert (report.counts["contacts known before"], report.counts["contacts made"]) == (30, 70)
    await is_whole(database, 100)


@pytest.mark.parametrize("more", ["1,\n", '"\n', "\n1000,x\n", "1000,p@example.com,yes,no,a,7\n"])
async def test_a_file_that_is_changed_meanwhile_is_told(
    database: Database, ten_pages: Path, more: str
) -> None:
    def changes(done: int) -> None:
        if done == 30:
            with ten_pages.open("a") as file:
                file.write(more)

    with pytest.raises(Conflict, match="its first 30 rows were imported") as told:
        await bring(database, ten_pages, changes)
    assert told.value.code == "IMPORT_CHANGED"
    assert await count(database, Contact) == 30


async def test_thousands_come_and_come_again(database: Database, tmp_path: Path) -> None:
    await content(database, tmp_path / "content")
    file = large_file(tmp_path / "in.csv", 5_000)
    seen: list[int] = []
    await bring(database, file, seen.append)
    assert (seen[0], seen[-1]) == (2_000, 5_000)
    assert database.is_sqlite or seen == [2_000, 4_000, 5_000]
    await is_whole(database, 5_000)
    assert (await bring(database, file)).counts["contacts known before"] == 5_000
    await is_whole(database, 5_000)


@pytest.mark.parametrize(
    ("size", "held_s", "then"),
    [
        (2_000, 0.05, 2_000),  # quick enough
        (2_000, 0.3, 1_000),
        (1_000, 0.05, 2_000),  # it was a moment's trouble
        (2_000, 60.0, 250),  # no smaller: each has its own wait for the disk
        (100, 0.0, 2_000),
    ],
)
def test_pages_hold_others_up_about_as_long_as_may_be(size: int, held_s: float, then: int) -> None:
    assert table._as_long(size, held_s) == then


async def test_an_export_keeps_no_transaction_open_from_page_to_page(
    database: Database, ten_pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_EXPORTED", 40)
    await bring(database, ten_pages)
    held: list[tuple[int, str]] = []
    pool = database.reader.sync_engine.pool
    out = ten_pages.with_name("out.csv")
    done = await table.export_contacts(
        database, out, lambda done: held.append((done, pool.status().split("Checked out ")[1]))
    )
    assert done == 100
    assert [number for number, _ in held] == [40, 80, 100]
    assert all(status.endswith(" 0") for _, status in held)
    assert (await bring(database, out)).counts["contacts known before"] == 100


def large_file(file: Path, number: int) -> Path:
    """Write a file of so many people who agreed to everything."""
    head = "telegram_id,email,email_consent,sequences,tags,attribute.age\n"
    rows = (f"{n + 1},p{n}@example.com,yes,no,a;b,{n}\n" for n in range(number))
    file.write_text(head + "".join(rows))
    return file


async def is_whole(database: Database, number: int) -> None:
    """Every row of the file is there, and once."""
    assert [await count(database, model) for model in TABLES[:6]] == [
        number, 2 * number, number, 2 * number, number, 2 * number,
    ]  # fmt: skip


async def count(database: Database, model: type[Base]) -> int:
    """Return how many rows there are."""
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0
