"""Looking contacts up from the command line, on both databases."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dripline import logs
from dripline.cli.app import app
from dripline.clock import RealClock
from dripline.contacts import queries
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.database import Database
from dripline.errors import Conflict, NotFound

Ask = Callable[..., Result]
ANNA = TelegramPerson(4711, "Anna", "Ivanova", "anna_i", "ru")
ANDY = TelegramPerson(4712, "Andy", None, "andy", "en")


@pytest.fixture
def ask(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on a database with two contacts."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    # Logging is the whole process's; these tests are about what is printed.
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    asyncio.run(_seed(database_url))
    return lambda *words: CliRunner().invoke(app, list(words))


async def _seed(url: str) -> uuid.UUID:
    database = Database.from_url(url)
    now = RealClock().now()
    async with database.transaction() as session:
        anna = await by_telegram(session, "main", ANNA, now)
        await by_telegram(session, "main", ANDY, now)
        await queries.set_attribute(session, anna.contact_id, "city", "Kazan", now)
        await queries.add_tag(session, anna.contact_id, "early", now)
    await database.close()
    return anna.contact_id


def test_contacts_are_listed_newest_first(ask: Ask) -> None:
    lines = ask("contacts", "list").stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["Andy @andy", "Anna Ivanova @anna_i"]
    assert len(ask("contacts", "list", "--limit", "1").stdout.splitlines()) == 1
    assert "Andy" not in ask("contacts", "list", "ann").stdout


def test_whoever_has_no_name_is_listed_and_a_name_is_found_in_any_letters(
    ask: Ask, database_url: str
) -> None:
    asyncio.run(_meet(database_url, TelegramPerson(4713, ""), TelegramPerson(4714, "Жанна")))
    listed = ask("contacts", "list").stdout
    assert "4713" in listed
    for words in ("Жан", "жанна", "ЖАННА"):
        assert "4714" in ask("contacts", "find", words).stdout
    assert "4713" not in ask("contacts", "find", "ж").stdout
    nobody = ask("contacts", "find", "x" * 5_000)
    assert len(nobody.stderr) < 200


async def _meet(url: str, *people: TelegramPerson) -> None:
    database = Database.from_url(url)
    async with database.transaction() as session:
        for person in people:
            await by_telegram(session, "main", person, RealClock().now())
    await database.close()


def test_a_place_that_cannot_be_written_is_told(ask: Ask, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "contacts.csv"
    sentence = f"{nowhere} cannot be written: there is no folder {nowhere.parent}."
    assert str(ask("contacts", "export", str(nowhere)).exception) == sentence
    assert str(ask("contacts", "export-data", "4711", "--to", str(nowhere)).exception) == sentence


@pytest.mark.parametrize("who", ["4711", "@anna_i", "Anna", "anna_i"])
def test_a_contact_is_shown_by_any_of_their_names(ask: Ask, who: str) -> None:
    shown = ask("contacts", "show", who).stdout
    for words in ("Anna Ivanova @anna_i", "telegram main 4711: reachable", "city = Kazan", "early"):
        assert words in shown


def test_nobody_and_several_are_told_apart(ask: Ask) -> None:
    assert isinstance(ask("contacts", "show", "Zoe").exception, NotFound)
    assert isinstance(ask("why", "An").exception, Conflict)


def test_why_begins_with_the_first_sight(ask: Ask) -> None:
    told = ask("why", "4711").stdout
    assert "First seen" in told
    assert ask("why", "4711", "msg_9").stdout == "Nothing has happened yet.\n"
