"""What is wrong is told at the start: a sentence that says what to do, a status, no traceback."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from outside import folder
from outside.program import Programs, free_port
from outside.standin import TOKEN, StandIn
from postgres import PostgresServer

WRONG_TOKEN = "7000000002:AAH-a-token-that-was-revoked-0123456789"
NOBODY_LISTENS = "postgresql://anna:pass-word-9@127.0.0.1:{port}/none"

# what is wrong (settings), the command, and what the sentence has to name
CASES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "no token": ({"telegram_bot_token": None}, ["run"], ["TELEGRAM_BOT_TOKEN", "@BotFather"]),
    "a worker without a token": (
        {"telegram_bot_token": None, "database_url": "postgresql://nobody@127.0.0.1:1/none"},
        ["worker"],
        ["TELEGRAM_BOT_TOKEN", "settings of the other parts"],
    ),
    "half a token": ({"telegram_bot_token": "123456"}, ["run"], ["TELEGRAM_BOT_TOKEN"]),
    "a refused token": (
        {"telegram_bot_token": WRONG_TOKEN},
        ["run"],
        ["TELEGRAM_BOT_TOKEN", "@BotFather"],
    ),
    "a refused token of a further bot": (
        {"telegram_bot_token_news": WRONG_TOKEN},
        ["run"],
        ["TELEGRAM_BOT_TOKEN_NEWS"],
    ),
    "another database": ({"database_url": "mysql://x/y"}, ["run"], ["DATABASE_URL", "postgresql"]),
    "a bot twice": (
        {"telegram_bot_token_news": TOKEN},
        ["run"],
        ["TELEGRAM_BOT_TOKEN and TELEGRAM_BOT_TOKEN_NEWS", "leave one out"],
    ),
    "two main bots": (
        {"telegram_bot_token_main": WRONG_TOKEN},
        ["run"],
        ["TELEGRAM_BOT_TOKEN and TELEGRAM_BOT_TOKEN_MAIN", "leave one out"],
    ),
    "no file for SQLite": ({"database_url": "sqlite:///"}, ["run"], ["DATABASE_URL", "no file"]),
    "a slash too few": ({"database_url": "sqlite://x.db"}, ["run"], ["DATABASE_URL", "sqlite:///"]),
    "options of SQLite": (
        {"database_url": "sqlite:///x.db?mode=ro"},
        ["run"],
        ["DATABASE_URL", "options"],
    ),
    "options of another driver": (
        {"database_url": "postgresql://anna:pass-word-9@127.0.0.1/x?channel_binding=require"},
        ["run"],
        ["DATABASE_URL", "channel_binding", "sslmode"],
    ),
    "a host that is none": ({"host": "nowhere.invalid"}, ["run"], ["nowhere.invalid", "HOST"]),
    "a port of an address that is none": (
        {"telegram_api_base": "http://127.0.0.1:eighty"},
        ["run"],
        ["TELEGRAM_API_BASE", "https://"],
    ),
    "two addresses": (
        {"public_url": "https://a.example https://b.example"},
        ["run"],
        ["PUBLIC_URL"],
    ),
    "an admin who is nobody": (
        {"admin_telegram_ids": "-5"},
        ["run"],
        ["ADMIN_TELEGRAM_IDS", "positive"],
    ),
    "a language that is none": (
        {"default_language": "klingon"},
        ["run"],
        ["DEFAULT_LANGUAGE", "en or ru"],
    ),
    "no folder for clicks": (
        {"spool_dir": "/proc/clicks"},
        ["run"],
        ["SPOOL_DIR", "/proc/clicks"],
    ),
    "a currency that is none": (
        {"default_currency": "rubles"},
        ["run"],
        ["DEFAULT_CURRENCY", "three letters"],
    ),
    "no folder for SQLite": (
        {"database_url": "sqlite:///nowhere/at/all.db"},
        ["run"],
        ["nowhere/at/all.db", "DATABASE_URL"],
    ),
    "a folder that cannot be written": (
        {"database_url": "sqlite:////proc/dripline.db"},
        ["run"],
        ["/proc/dripline.db", "DATABASE_URL"],
    ),
    "no PostgreSQL there": (
        {"database_url": NOBODY_LISTENS},
        ["run"],
        ["DATABASE_URL", "127.0.0.1"],
    ),
    "no PostgreSQL there, for a look": (
        {"database_url": NOBODY_LISTENS},
        ["db", "check"],
        ["DATABASE_URL"],
    ),
    "parts on SQLite": ({}, ["worker"], ["dripline run", "DATABASE_URL"]),
    "a mail server that is none": (
        {"smtp_url": "mail.example.com"},
        ["run"],
        ["SMTP_URL", "smtp://"],
    ),
    "nobody whom emails are from": (
        {"smtp_url": "smtp://anna:pass-word-9@127.0.0.1:1"},
        ["run"],
        ["FROM_EMAIL"],
    ),
    "a sender that is none": ({"from_email": "Anna"}, ["run"], ["FROM_EMAIL"]),
    "a DKIM key that is none": (
        {"dkim_private_key": "/nowhere.pem"},
        ["run"],
        ["DKIM_PRIVATE_KEY"],
    ),
    "a port that is none": ({"port": "eighty"}, ["run"], ["PORT", "docs/settings.md"]),
    "an address that is none": (
        {"telegram_api_base": "api.telegram.org"},
        ["run"],
        ["TELEGRAM_API_BASE", "https://"],
    ),
    "updates by magic": ({"telegram_updates": "magic"}, ["run"], ["TELEGRAM_UPDATES", "webhook"]),
    "a webhook without an address": (
        {"telegram_updates": "webhook"},
        ["run"],
        ["PUBLIC_URL", "https"],
    ),
    "no content there": ({}, ["run", "--content", "nowhere"], ["nowhere"]),
    "nothing to watch": ({}, ["run", "--watch"], ["--content"]),
    "nobody of that name": ({}, ["why", "@nobody"], ["nobody"]),
}


@pytest.fixture
def programs(tmp_path: Path, telegram: StandIn) -> Programs:
    """Programs with settings that are right."""
    return Programs(tmp_path, database_url="sqlite:///dripline.db", telegram_api_base=telegram.url)


@pytest.mark.parametrize("what", CASES)
def test_a_wrong_setting_is_told_in_a_sentence(programs: Programs, what: str) -> None:
    settings, command, names = CASES[what]
    if settings.get("database_url") == NOBODY_LISTENS:
        settings = {"database_url": NOBODY_LISTENS.format(port=free_port())}
    refused(programs, command, names, **settings)


def test_a_database_that_is_not_there_is_told(
    programs: Programs, fast_postgres: PostgresServer
) -> None:
    url = fast_postgres.url("never_made")
    refused(programs, ["run"], ["never_made", "DATABASE_URL"], database_url=url)


def test_a_role_without_rights_is_told(programs: Programs, fast_postgres: PostgresServer) -> None:
    made = fast_postgres.create_database("guarded")
    assert programs.ask("db", "upgrade", database_url=made).returncode == 0
    fast_postgres.sql(
        "DROP ROLE IF EXISTS looks; CREATE ROLE looks LOGIN;"
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looks",
        "guarded",
    )
    url = made.replace("dripline@", "looks@")
    refused(programs, ["run"], ["permission denied", "DATABASE_URL"], database_url=url)
    fast_postgres.drop_database("guarded")
    fast_postgres.sql("DROP ROLE looks")


def test_blanks_and_capitals_are_understood(programs: Programs) -> None:
    said = {"log_level": "INFO", "log_format": " JSON", "secret_key": "  ", "public_url": " "}
    with programs:
        run = programs.start("run", **said).ready()
        assert run.stop()[0] == 0
    assert (programs.folder / "secret_key").stat().st_size > 40


def test_what_works_but_had_better_be_otherwise_is_told(programs: Programs) -> None:
    with programs:
        run = programs.start("run", secret_key="x", public_url="http://localhost:8001").ready()
        run.wait_for(lambda: run.records("secret_key.weak"))
        assert "openssl" in run.records("secret_key.weak")[0]["reason"]
        assert "127.0.0.1" in run.records("public_url.not_in_chats")[0]["reason"]
        assert run.stop()[0] == 0


def test_a_port_in_use_is_told(programs: Programs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(programs, ["run", "--port", port], ["port", "in use", "PORT"])


def test_a_file_that_is_no_database_is_told(programs: Programs) -> None:
    (programs.folder / "dripline.db").write_text("not a database, but long enough " * 100)
    refused(programs, ["run"], ["dripline.db"])


def test_a_database_of_a_newer_version_is_told(programs: Programs) -> None:
    assert programs.ask("db", "upgrade").returncode == 0
    with closing(sqlite3.connect(programs.folder / "dripline.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    refused(programs, ["run"], ["9999_later", "newer"])


def test_a_second_process_on_one_sqlite_file_is_told(programs: Programs) -> None:
    with programs:
        first = programs.start("run").ready()
        refused(programs, ["run"], ["SQLite", "PostgreSQL", "DATABASE_URL"])
        (programs.folder / "link.db").symlink_to("dripline.db")
        refused(programs, ["run"], ["SQLite"], database_url="sqlite:///link.db")
        assert first.process.poll() is None
        first.kill()
        second = programs.start("run", name="second").ready()  # a killed one leaves no lock
        assert second.stop()[0] == 0


def test_wrong_content_is_told_by_file_line_and_column_and_nothing_starts(
    programs: Programs, telegram: StandIn
) -> None:
    content = folder.write(
        programs.folder / "content",
        {"course": {"messages": {"one": {"text": "Hello\n{{ user.first_nam }}"}}}},
    )
    refused(programs, ["run", "--content", str(content)], ["one.md:2:", "first_nam"])
    refused(programs, ["content", "push", str(content)], ["one.md:2:", "first_nam"])
    assert telegram.of_method("getUpdates") == []


def test_json_that_is_none_is_told_by_line_and_column(programs: Programs) -> None:
    content = folder.write(programs.folder / "content", {"course": folder.course(1)})
    (content / "scenarios" / "course" / "messages.json").write_text('{\n "messages_list": [,\n}')
    refused(programs, ["run", "--content", str(content)], ["messages.json:2:"])


def refused(programs: Programs, command: list[str], names: list[str], **settings: Any) -> None:
    """Check that a command refuses, and how."""
    done = programs.ask(*command, seconds=30, **settings)
    said = done.stdout + done.stderr
    assert done.returncode in {1, 2}, f"{done.returncode}: {said}"
    assert "Traceback" not in said
    for name in names:
        assert name in said, f"“{name}” is not in: {said}"
    for secret in (TOKEN, WRONG_TOKEN, "pass-word-9"):
        assert secret not in said
    sentences = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert 0 < len(sentences) <= 6, said
