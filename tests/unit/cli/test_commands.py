"""The command line as a user meets it: quick help, sentences instead of tracebacks."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from dripline.cli.failures import INTERRUPTED, MISUSED, REFUSED, explained, told
from dripline.errors import Conflict, Invalid

IN_USE = "The port is in use. Choose another one with --port, or PORT in the environment."
Dripline = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def dripline(tmp_path: Path) -> Dripline:
    """Run the program in an empty folder, with no settings but those given."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dripline", *arguments],
            env={**plain, **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_help_names_every_command(dripline: Dripline) -> None:
    shown = dripline("--help").stdout
    for command in ("run", "web", "worker", "bot", "demo", "content", "db", "why", "simulate"):
        assert re.search(rf"^  {command}\b", shown, re.MULTILINE)


def test_help_loads_nothing_that_takes_time() -> None:
    """What makes it slow is imports; counting them is steadier than a clock."""
    code = "import sys; sys.argv = ['dripline', '--help']\n"
    code += "from dripline.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    slow = {
        "sqlalchemy",
        "pydantic",
        "fastapi",
        "structlog",
        "rich",
        "alembic",
        "aiogram",
        "uvloop",
    }
    assert not slow & set(done.stderr.split())


def test_help_is_quick(dripline: Dripline) -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        dripline("--help")
        times.append(time.perf_counter() - started)
    assert min(times) < 1.0  # 0.2 s on a machine at rest; the promise of 0.4 s is kept by bench/


def test_a_wrong_command_is_a_sentence(dripline: Dripline) -> None:
    done = dripline("walk")
    assert done.returncode == MISUSED
    assert "No such command 'walk'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "DATABASE_URL: must begin with sqlite:///"),
        ("PORT", "eighty", "PORT: Input should be a valid integer"),
        ("TELEGRAM_API_BASE", "hunter2", "TELEGRAM_API_BASE: must be an address"),
        ("TELEGRAM_UPDATES", "pigeon", "TELEGRAM_UPDATES: Input should be 'polling' or 'webhook'"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    dripline: Dripline, setting: str, value: str, sentence: str
) -> None:
    done = dripline("db", "check", **{setting: value})
    assert done.returncode == MISUSED
    assert sentence in done.stderr
    assert "docs/settings.md" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_database_out_of_reach_is_a_sentence(dripline: Dripline) -> None:
    done = dripline("db", "check", DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert done.returncode == REFUSED
    assert done.stderr.startswith("dripline: The database postgresql://u:***@127.0.0.1:1/x")
    assert "hunter2" not in done.stderr


def test_a_database_is_looked_at_made_and_backed_up(dripline: Dripline, tmp_path: Path) -> None:
    looked = dripline("db", "check")
    assert (looked.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "not made yet" in looked.stdout
    assert "Applied: 0001_initial" in dripline("db", "upgrade").stdout
    assert "Nothing to do." in dripline("db", "upgrade").stdout
    looked = dripline("db", "check")
    assert (looked.returncode, "Nothing to do." in looked.stdout) == (0, True)
    saved = dripline("db", "backup", "--to", "copies")
    assert saved.stdout.startswith("Saved and checked: copies/dripline-")


def test_nobody_by_that_name(dripline: Dripline) -> None:
    for command in (("why", "4711"), ("contacts", "show", "4711")):
        done = dripline(*command)
        assert done.returncode == REFUSED
        assert "4711" in done.stderr


def test_watch_needs_a_folder(dripline: Dripline) -> None:
    done = dripline("run", "--watch")
    assert done.returncode == MISUSED
    assert "--watch needs --content" in done.stderr


def test_run_without_a_token_says_where_to_get_one(dripline: Dripline) -> None:
    done = dripline("run")
    assert done.returncode == REFUSED
    assert "@BotFather" in done.stderr


def test_a_token_that_is_none_is_told_without_it(dripline: Dripline) -> None:
    done = dripline("run", TELEGRAM_BOT_TOKEN="hunter2")
    assert done.returncode == REFUSED
    assert "TELEGRAM_BOT_TOKEN is not a bot token" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_part_alone_needs_postgresql(dripline: Dripline) -> None:
    done = dripline("worker")
    assert done.returncode == REFUSED
    assert "DATABASE_URL=postgresql://" in done.stderr


def test_an_error_of_ours_ends_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, told():
        raise Conflict("The folder changed elsewhere.")
    assert ended.value.code == REFUSED
    assert capsys.readouterr().err == "dripline: The folder changed elsewhere.\n"


def test_an_interrupt_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, told():
        raise KeyboardInterrupt
    assert ended.value.code == INTERRUPTED
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), told():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "sentences"),
    [
        (Invalid("Wrong."), ["Wrong."]),
        (ExceptionGroup("side by side", [KeyError("x"), Invalid("Wrong.")]), ["Wrong."]),
        (OSError(98, "Address already in use"), [IN_USE]),
        (
            OSError(98, "Address already in use: 127.0.0.1:8001"),
            [IN_USE.replace("The port", "Port 8001")],
        ),
        (PermissionError(13, "Denied", "a.db"), ["[Errno 13] Denied: 'a.db'"]),
        (KeyError("a bug"), []),
    ],
)
def test_what_is_told_of_an_error(error: Exception, sentences: list[str]) -> None:
    assert explained(error)[0] == sentences


def test_every_option_has_a_word_of_help() -> None:
    from dripline.cli.app import app

    silent = [
        f"{name} {parameter.name}"
        for name, command in _commands(typer.main.get_command(app), "dripline")
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []


def _commands(command: object, name: str) -> list[tuple[str, typer.core.TyperCommand]]:
    children = getattr(command, "commands", None)
    if children is None:
        return [(name, command)]  # type: ignore[list-item]
    return [pair for key, child in children.items() for pair in _commands(child, f"{name} {key}")]
