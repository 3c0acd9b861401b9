"""A folder's way in and out from the command line; the folder is the one of docs/first-bot.md."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from dripline import logs
from dripline.cli.app import app
from dripline.clock import RealClock
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Address, Contact, Preferences
from dripline.database import Database
from dripline.errors import Conflict, Invalid
from dripline.ids import new_id

Ask = Callable[..., Result]
GUIDE = Path(__file__).parents[3] / "docs/first-bot.md"
BLOCK = re.compile(r"^`(scenarios/[^`]+)`.*?\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The content folder that the guide shows, file by file."""
    root = tmp_path / "content"
    for name, text in BLOCK.findall(GUIDE.read_text()):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.fixture
def ask(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on an empty database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    # Logging is the whole process's; these tests are about what is printed.
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_guides_folder_has_no_mistakes(folder: Path) -> None:
    checked = CliRunner().invoke(app, ["content", "check", str(folder)])
    assert (checked.stdout, checked.exit_code) == ("No problems.\n", 0)


def test_a_mistake_is_told_by_file_line_and_column(folder: Path) -> None:
    text = folder / "scenarios/welcome/messages/hello.md"
    text.write_text("Hello,\n{{ user.frist_name }}!\n")
    checked = CliRunner().invoke(app, ["content", "check", str(folder)])
    assert checked.exit_code == 1
    assert re.search(rf"^{re.escape(str(text))}:2:\d+: error: .*frist_name", checked.stdout)
    assert checked.stdout.endswith("1 error.\n")


def test_a_folder_that_is_not_there_is_a_misuse() -> None:
    assert CliRunner().invoke(app, ["content", "check", "nowhere"]).exit_code == 2


def test_plan_push_edit_elsewhere_and_pull(ask: Ask, folder: Path, tmp_path: Path) -> None:
    assert "+ " in ask("content", "plan", folder).stdout
    assert "Pushed; the content is at version 1" in ask("content", "push", folder).stdout
    assert "Nothing has changed" in ask("content", "push", folder).stdout
    assert ask("content", "plan", folder).stdout == "Nothing would change.\n"
    assert "2 messages, 0 people" in ask("scenarios", "list").stdout

    copy = tmp_path / "copy"
    assert "written: scenarios/welcome/messages/hello.md" in ask("content", "pull", copy).stdout
    assert ask("content", "pull", copy).stdout == "Nothing to do.\n"
    hello = copy / "scenarios/welcome/messages/hello.md"
    hello.write_text("Hello from the copy!\n")
    assert isinstance(ask("content", "pull", copy).exception, Conflict)
    assert "changed" in ask("content", "push", copy).stdout

    (folder / "scenarios/welcome/messages/hello.md").write_text("Hello from the original!\n")
    planned = ask("content", "plan", folder)
    assert (planned.exit_code, "Edited elsewhere" in planned.stdout) == (1, True)
    assert isinstance(ask("content", "push", folder).exception, Conflict)
    assert ask("content", "push", folder, "--force").exit_code == 0
    assert ask("content", "pull", copy).exit_code == 0
    assert hello.read_text() == "Hello from the original!\n"


def test_a_folder_with_a_mistake_changes_nothing(ask: Ask, folder: Path) -> None:
    (folder / "scenarios/welcome/messages/hello.md").unlink()
    refused = ask("content", "push", folder)
    assert isinstance(refused.exception, Invalid)
    assert "hello.md" in refused.exception.message
    assert "There are no scenarios yet" in ask("scenarios", "list").stdout


def test_simulate_shows_each_message_at_its_time(ask: Ask, folder: Path, database_url: str) -> None:
    asyncio.run(_meet_anna(database_url))
    ask("content", "push", folder)
    lines = ask("simulate", "welcome", "--for", "4711").stdout.splitlines()
    assert [line[21:] for line in lines] == [
        "telegram  Hello, Anna! Good that you are here.",
        "telegram  A day has passed. How are you?",
    ]
    first, second = (int(line[8:10]) for line in lines)
    assert second != first


def test_simulate_and_plan_show_channels(
    ask: Ask, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_meet_anna(database_url))
    asyncio.run(_she_prefers_email(database_url))
    ask("content", "push", folder)
    file = folder / "scenarios/welcome/messages.json"
    flow = json.loads(file.read_text())
    flow["messages"][flow["messages_list"][0]]["channel"] = "both"
    file.write_text(json.dumps(flow))
    first = flow["messages_list"][0]
    assert f"~ message {first}, on both channels" in ask("content", "plan", folder).stdout
    ask("content", "push", folder)
    by_telegram_alone = ask("simulate", "welcome", "--for", "4711").stdout.splitlines()
    assert [line[21:29] for line in by_telegram_alone] == ["telegram"] * 2
    monkeypatch.setenv("SMTP_URL", "smtp://localhost:2525")
    monkeypatch.setenv("FROM_EMAIL", "us@example.com")
    lines = ask("simulate", "welcome", "--for", "4711").stdout.splitlines()
    assert [line[21:31].strip() for line in lines] == ["telegram", "email", "email"]
    assert "How are you?" in lines[2]


async def _she_prefers_email(database_url: str) -> None:
    database, now = Database.from_url(database_url), RealClock().now()
    async with database.transaction() as session:
        anna = (await session.scalars(select(Contact))).one()
        session.add(
            Address(
                id=new_id(), contact_id=anna.id, channel="email", bot="", value="anna@example.com",
                reachability="reachable", reachability_since=now, created_at=now, next_send_at=0,
            )
        )  # fmt: skip
        wishes = Preferences(contact_id=anna.id, preferred_channel="email", updated_at=now)
        session.add(wishes)
    await database.close()


def test_simulate_says_what_it_waits_for(ask: Ask, folder: Path, database_url: str) -> None:
    asyncio.run(_meet_anna(database_url))
    file = folder / "scenarios/welcome/messages.json"
    flow = json.loads(file.read_text())
    first = flow["messages"][flow["messages_list"][0]]
    first["wait_for"], first["timeout"] = "callback:DONE", {"days": 1, "hours": 2}
    file.write_text(json.dumps(flow))
    ask("content", "push", folder)
    lines = ask("simulate", "welcome", "--for", "4711").stdout.splitlines()
    assert [line[21:] for line in lines][1] == "… waits for the button DONE, at most 1 d 2 h"
    assert len(lines) == 3


def test_an_empty_folder_says_what_to_do(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = ask("content", "check", tmp_path / "empty")
    assert told.exit_code == 1
    assert "this folder holds no scenarios yet" in told.stdout
    assert "content add programs" in told.stdout


async def _meet_anna(url: str) -> None:
    database = Database.from_url(url)
    async with database.transaction() as session:
        await by_telegram(session, "main", TelegramPerson(4711, "Anna"), RealClock().now())
    await database.close()


def test_programs_are_added_once(folder: Path) -> None:
    added = CliRunner().invoke(app, ["content", "add", "programs", str(folder)])
    assert "added: NURTURE_7_DAY\n" in added.stdout
    assert added.stdout.endswith("Not pushed yet.\n")
    checked = CliRunner().invoke(app, ["content", "check", str(folder)])
    assert (checked.stdout, checked.exit_code) == ("No problems.\n", 0)
    again = CliRunner().invoke(app, ["content", "add", "programs", str(folder)])
    assert "kept as it is: NURTURE_7_DAY\n" in again.stdout
    assert again.stdout.endswith("Nothing to do.\n")
