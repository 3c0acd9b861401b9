"""Import and export from the command line: the plan, the backup, the report."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from dripline import logs
from dripline.cli.app import app
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.errors import Invalid
from dripline.importing.queries import known_people
from dripline.scenarios import access_queries
from dripline.scenarios.models import Enrollment
from dripline.scenarios.paid import owed
from old_bot import old_bot

Ask = Callable[..., Result]


@pytest.fixture
def ask(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on an empty database."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def backups(folder: Path) -> list[Path]:
    return sorted(folder.glob("dripline-*.db"))


def test_plan_import_and_again(ask: Ask, tmp_path: Path) -> None:
    bot = old_bot(tmp_path / "bot")
    planned = ask("import", "legacy", bot, "--dry-run")
    assert planned.stdout.startswith("This would be done; nothing was changed.")
    assert "6  people who are new" in planned.stdout
    assert not backups(tmp_path)
    assert "There are no contacts" in ask("contacts", "list").stdout
    done = ask("import", "legacy", bot)
    assert done.stdout.startswith("Backup: ")
    assert len(backups(tmp_path)) == 1
    assert done.stdout.partition("Done.")[2] == planned.stdout.partition("changed.")[2]
    assert "hush" not in done.stdout
    assert "4 messages, 4 people" in ask("scenarios", "list").stdout
    again = ask("import", "legacy", bot, "--no-backup")
    assert "6  places that stay as they are here" in again.stdout
    assert "No problems" in ask("content", "check", _pulled(ask, tmp_path)).stdout


def _pulled(ask: Ask, tmp_path: Path) -> Path:
    assert ask("content", "pull", tmp_path / "content").exit_code == 0
    return tmp_path / "content"


def test_a_broken_folder_makes_not_even_a_backup(ask: Ask, tmp_path: Path) -> None:
    bot = old_bot(tmp_path / "bot")
    (bot / "data/users.json").write_text('{"1": {')
    refused = ask("import", "legacy", bot)
    assert isinstance(refused.exception, Invalid)
    assert not backups(tmp_path)
    nowhere = ask("import", "legacy", tmp_path / "nowhere")
    assert nowhere.exit_code == 2
    (tmp_path / "empty").mkdir()
    assert isinstance(ask("import", "legacy", tmp_path / "empty").exception, Invalid)


def test_an_env_that_lies_elsewhere(ask: Ask, tmp_path: Path) -> None:
    bot = old_bot(tmp_path / "bot")
    (bot / ".env").rename(tmp_path / "old.env")
    assert "Missing in .env" in ask("import", "legacy", bot, "--dry-run").stdout
    told = ask("import", "legacy", bot, "--dry-run", "--env", tmp_path / "old.env").stdout
    assert "Missing in .env" not in told


def test_a_dry_run_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    bot = old_bot(tmp_path / "bot")
    planned = CliRunner().invoke(app, ["import", "legacy", str(bot), "--dry-run"])
    assert "6  people who are new" in planned.stdout
    assert not (tmp_path / "new.db").exists()


def test_users_go_out_and_into_another_installation(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("import", "legacy", old_bot(tmp_path / "bot"))
    out, content = tmp_path / "out", _pulled(ask, tmp_path)
    assert "6 people, 3 schedules" in ask("export", "users", out).stdout
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'second.db'}")
    assert ask("content", "push", content, "--force").exit_code == 0
    assert ask("import", "users", out).exit_code == 0
    again = tmp_path / "again"
    ask("export", "users", again)
    assert (again / "users.json").read_text() == (out / "users.json").read_text()
    names = {file.name for file in (out / "schedules").iterdir()}
    assert names == {file.name for file in (again / "schedules").iterdir()}


def test_paid_content_is_not_sent_again(ask: Ask, tmp_path: Path, sqlite_url: str) -> None:
    ask("import", "legacy", old_bot(tmp_path / "bot"))

    async def come_back() -> int:
        database = Database.from_url(sqlite_url)
        now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        async with database.transaction() as session:
            payer = (await known_people(session, "main", ["4"]))["4"]
            (access,) = await access_queries.of_contacts(session, [payer.contact_id])
            assert access.paid_at is not None
            library = await ContentStore(database).current(session)
            await owed(session, library, payer.contact_id, now)
            resends = [row.resends for row in await session.scalars(select(Enrollment))]
        await database.close()
        return sum(resends)

    assert asyncio.run(come_back()) == 0
