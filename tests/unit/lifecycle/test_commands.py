"""States and referrals from the command line, on both databases."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dripline import logs
from dripline.cli.app import app
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.errors import Invalid, NotFound
from lifecycle_world import World

Ask = Callable[..., Result]
RULES = {
    "states": [
        {"id": "VISITOR"},
        {"id": "REGISTERED", "when": {"registered": True}},
        {"id": "VIP", "when": {"referrals": 2}},
    ],
    "referrals": {"velocity": {"most": 2}},
}


@pytest.fixture
def ask(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command where P1 has brought P2 and P3, and P4 waits for review."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    # Logging is the whole process's; these tests are about what is printed.
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    asyncio.run(_seed(database_url, tmp_path / "content"))
    return lambda *words: CliRunner().invoke(app, list(words))


async def _seed(url: str, root: Path) -> None:
    database = Database.from_url(url)
    clock = VirtualClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    world = await World(database, clock, root).prepare(RULES)
    await world.join(1)
    for friend in (2, 3, 4):
        await world.join(friend, by=1)
    await database.close()


def test_a_state_is_shown_with_how_it_came(ask: Ask) -> None:
    lines = ask("lifecycle", "show", "P1").stdout.splitlines()
    assert lines[0] == "P1: VIP"
    assert "  registered 2026-03-02 12:00, last active 2026-03-02 12:00" in lines
    assert any(line.startswith("  referrals that count: 2, code ") for line in lines)
    assert "    PENDING, PENDING_REVIEW: 1" in lines
    assert lines[-2:] == [
        "  2026-03-02 12:00  VISITOR → REGISTERED: registered",
        lines[-1],
    ]
    assert lines[-1] == "  2026-03-02 12:00  REGISTERED → VIP: referrals by P3"


def test_a_state_is_set_by_hand(ask: Ask) -> None:
    assert ask("lifecycle", "set", "P2", "VIP", "--by", "anna").stdout == "REGISTERED → VIP.\n"
    assert ask("lifecycle", "set", "P2", "VIP").stdout == "Nothing to do: VIP already.\n"
    shown = ask("lifecycle", "show", "P2").stdout
    assert "VIP was given by hand; counts do not take it away" in shown
    assert "REGISTERED → VIP: operator by anna" in shown


def test_what_cannot_be_is_told(ask: Ask) -> None:
    assert isinstance(ask("lifecycle", "set", "P2", "KING").exception, Invalid)
    assert isinstance(ask("lifecycle", "set", "Zoe", "VIP").exception, NotFound)
    assert isinstance(ask("referrals", "approve", "P1").exception, NotFound)
    assert isinstance(ask("referrals", "approve").exception, Invalid)
    assert isinstance(ask("referrals", "reject", "P4", "--of", "P1").exception, Invalid)


def test_the_queue_shows_the_evidence(ask: Ask) -> None:
    lines = ask("referrals", "review").stdout.splitlines()
    assert lines[0] == "2026-03-02 12:00  P1 → P4: PENDING, PENDING_REVIEW"
    assert lines[1].endswith("velocity 75 of 100")
    assert lines[2].strip() == ("3 came by this link within 60 minutes; 2 are usual at most")
    assert len(ask("referrals", "list").stdout.splitlines()) == 3
    assert len(ask("referrals", "list", "--of", "P1", "--limit", "1").stdout.splitlines()) == 1
    assert ask("referrals", "list", "--of", "P2").stdout == "There are no referrals yet.\n"


def test_approving_and_rejecting(ask: Ask) -> None:
    assert ask("referrals", "approve", "--of", "P1", "--by", "anna").stdout == "1 of 1 approved.\n"
    assert ask("referrals", "review").stdout == "Nothing waits for a decision.\n"
    assert "referrals that count: 3" in ask("lifecycle", "show", "P1").stdout
    assert ask("referrals", "reject", "P4", "P3").stdout == "2 of 2 rejected.\n"
    assert ask("referrals", "reject", "P4", "P3").stdout == "0 of 2 rejected.\n"
    shown = ask("lifecycle", "show", "P1").stdout
    assert shown.startswith("P1: REGISTERED\n")
    assert "VIP → REGISTERED: fewer_referrals" in shown
    assert "P1 → P4: PENDING, REJECTED by" in ask("referrals", "list").stdout


def test_a_referral_is_named_by_its_own_id_too(ask: Ask) -> None:
    own = ask("referrals", "review").stdout.splitlines()[1].split(",")[0].strip()
    assert ask("referrals", "approve", own).stdout == "1 of 1 approved.\n"
