"""Contacts as CSV, in and out, from the command line, on both databases."""

import asyncio
import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dripline import logs
from dripline.cli.app import app
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Contact
from dripline.content.push import push
from dripline.database import Database
from dripline.errors import Invalid

Ask = Callable[..., Result]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def content(root: Path) -> Path:
    (root / "scenarios").mkdir(parents=True)
    (root / "templates").mkdir()
    (root / "scenarios/registry.json").write_text('{"scenarios": []}')
    attributes = {"city": {"type": "text"}, "age": {"type": "number"}, "vip": {"type": "boolean"}}
    (root / "templates/attributes.json").write_text(json.dumps({"attributes": attributes}))
    return root


@pytest.fixture
def ask(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on a database with attributes declared and one contact."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    asyncio.run(_seed(database_url, content(tmp_path / "content")))
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


async def _seed(url: str, folder: Path) -> None:
    database = Database.from_url(url)
    await push(database, folder, author="me", now=NOW)
    async with database.transaction() as session:
        anna = await by_telegram(session, "main", TelegramPerson(1, "Anna", username="a"), NOW)
        (await session.get_one(Contact, anna.contact_id)).last_name = '=HYPERLINK("x")'
    await database.close()


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def test_contacts_go_out_and_in_the_same(ask: Ask, tmp_path: Path) -> None:
    given = tmp_path / "in.csv"
    given.write_text(
        "telegram_id;email;first_name;timezone;tags;attribute.city;attribute.age;attribute.vip\n"
        "1;;Ännä;Europe/Berlin;early;Kazan;41;yes\n"
        '2;Bob@Example.com;"Bob; Jr";;early; Oslo ;;no\n'
        ";eve@example.com;;;;;7.5;\n"
    )
    done = ask("contacts", "import", given)
    assert done.exit_code == 0, done.output
    assert "2  contacts made" in done.stdout
    out = tmp_path / "out.csv"
    assert "Written: 3 contacts." in ask("contacts", "export", out).stdout
    anna, bob, eve = sorted(rows(out), key=lambda row: row["telegram_id"] or "9")
    assert (anna["first_name"], anna["username"], anna["tags"]) == ("Ännä", "a", "early")
    assert anna["last_name"] == '\'=HYPERLINK("x")'
    assert (anna["attribute.age"], anna["attribute.vip"]) == ("41", "true")
    assert (bob["email"], bob["first_name"]) == ("bob@example.com", "Bob; Jr")
    assert (bob["attribute.city"], eve["attribute.age"]) == ("Oslo", "7.5")
    shown = ask("contacts", "show", "2").stdout
    assert "telegram main 2: needs_start" in shown
    assert "email bob@example.com: unverified" in shown
    again = tmp_path / "again.csv"
    assert "3  contacts known before" in ask("contacts", "import", out).stdout
    ask("contacts", "export", again)
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name\nx\n", ":1: unknown columns 'name'"),
        (
            "telegram_id,first_name,telegram_id\n1,x,2\n",
            ":1: the column 'telegram_id' is there twice",
        ),
        ("first_name\nx\n", ":1: nobody is named"),
        ("telegram_id\n1\n-7\n", ":3: telegram_id is '-7'"),
        ("telegram_id\n5\n5\n", ":3: the same telegram_id as in line 2"),
        ("telegram_id,attribute.age\n5,old\n", ":2: attribute.age is 'old', which is no number"),
        ("telegram_id,attribute.vip\n5,perhaps\n", "which is no boolean"),
        ("telegram_id,email\n5,nobody\n", ":2: email is 'nobody'"),
        ("telegram_id,timezone\n5,Mars\n", ":2: timezone is 'Mars'"),
        ("telegram_id,email\n5\n", ":2: this row has another number of cells"),
        ("telegram_id,first_name\n,x\n", ":2: this row names nobody"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_none_comes(
    ask: Ask, tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "in.csv"
    file.write_text(text)
    refused = ask("contacts", "import", file).exception
    assert isinstance(refused, Invalid)
    assert "Nothing was imported" in refused.message
    assert why in refused.message
    assert len(ask("contacts", "list").stdout.splitlines()) == 1


def test_bytes_that_are_no_utf_8_are_told(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b"telegram_id,first_name\n5,\xff\n")
    assert isinstance(ask("contacts", "import", file).exception, Invalid)


def test_somebody_is_found_by_any_of_their_names(ask: Ask) -> None:
    for words in ("1", "@a", "ann"):
        assert "telegram 1 (reachable)" in ask("contacts", "find", words).stdout
    assert ask("contacts", "find", "zoe").exit_code == 1


def test_the_story_stands_with_the_contact(ask: Ask) -> None:
    assert "First seen" in ask("contacts", "show", "1").stdout


def test_consent_comes_along_with_an_address(ask: Ask, tmp_path: Path) -> None:
    given = tmp_path / "in.csv"
    given.write_text(
        "telegram_id,email,email_consent,sequences,announcements\n"
        "1,Anna@Example.com,yes,,no\n"
        "2,boris@example.com,no,,\n"
        "3,carl@example.com,yes,yes,yes\n"
    )
    for _ in range(2):
        assert ask("contacts", "import", given).exit_code == 0
    again = tmp_path / "again.csv"
    assert ask("contacts", "export", again).exit_code == 0
    told = ("email", "email_consent", "sequences", "announcements")
    assert sorted(tuple(row[name] for name in told) for row in rows(again)) == [
        ("anna@example.com", "true", "true", "false"),
        ("boris@example.com", "false", "", ""),
        ("carl@example.com", "true", "true", "true"),
    ]
    shown = ask("contacts", "show", "1").stdout
    assert "email anna@example.com: reachable" in shown
    held = json.loads(ask("contacts", "export-data", "1").stdout)
    log = [(one["what"], one["new"], one["source"]) for one in held["consent_log"]]
    assert log == [
        ("email", "anna@example.com (reachable)", "import"), ("announcements", "no", "import"),
    ]  # fmt: skip
    given.write_text("telegram_id,email,email_consent\n1,other@example.com,perhaps\n")
    refused = ask("contacts", "import", given)
    assert refused.exit_code == 1
    assert "email_consent is 'perhaps'; write yes or no" in str(refused.exception)
    given.write_text("telegram_id,email,email_consent\n1,other@example.com,yes\n")
    assert "the contact has another one" in ask("contacts", "import", given).stdout
