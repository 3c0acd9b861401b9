"""A program bot's people come in with states, programs and referrals; twice does no harm."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dripline.contacts.models import Address, Contact
from dripline.content.push import push
from dripline.content.shipped import add_programs
from dripline.database import Database
from dripline.deliveries.models import QueueRow
from dripline.errors import Invalid
from dripline.importing.program import import_program
from dripline.lifecycle.models import Referral, ReferralCode, Standing, Trace
from dripline.scenarios.models import Enrollment
from dripline.wiring import import_models

import_models()
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REG = "2024-01-15T10:00:00Z"
USERS: dict[str, Any] = {
    "1": {"user_name": "anna", "reg_time": REG, "user_state": "VIP", "referral_code": "anna42",
          "current_program": "onboarding_7_day", "program_day": 2,
          "program_started_at": "2026-02-27T09:00:00Z", "program_completed_at": None},
    "2": {"user_name": "ben", "reg_time": REG, "user_state": "REGISTERED"},
    "3": {"user_name": "cleo", "reg_time": REG, "user_state": "REGISTERED",
          "current_program": "NURTURE_7_DAY", "program_day": 5,
          "program_completed_at": "2024-02-01T10:00:00Z"},
    "4": {"user_state": "SUPER_VIP", "super_vip_last_active": "2026-02-20T10:00:00Z",
          "super_vip_decay_warned": True, "show_on_leaderboard": False},
    "5": {"user_state": "LEGACY"},
    "6": {"user_state": "VISITOR", "first_name": "Fay", "language": "ru"},
}  # fmt: skip
REFERRALS: list[Any] = [
    {"referrer_id": 1, "referred_id": 2, "referral_code": "anna42", "status": "REWARDED",
     "review": "AUTO_APPROVED", "velocity_score": 10, "created_at": REG},
    {"referrer_id": 1, "referred_id": 3, "status": "VERIFIED", "ip_address": "203.0.113.7"},
    {"referrer_id": 4, "referred_id": 5, "status": "VERIFIED", "review": "PENDING_REVIEW"},
    {"referrer_id": 4, "referred_id": 6, "status": "PENDING"},
]  # fmt: skip


def write(tmp_path: Path, users: Any = USERS, referrals: Any = REFERRALS) -> Path:
    file = tmp_path / "program.json"
    file.write_text(json.dumps({"users": users, "referrals": referrals}))
    return file


@pytest.fixture
async def programs(database: Database, tmp_path: Path) -> Database:
    add_programs(tmp_path / "content")
    await push(database, tmp_path / "content", author="test", now=NOW)
    return database


async def people(database: Database) -> dict[str, tuple[Any, ...]]:
    async with database.reading() as session:
        rows = await session.execute(
            select(
                Address.value, Contact.state, Standing.referral_count, Standing.given_state,
                Contact.registered_at.is_not(None),
            )
            .join(Contact, Contact.id == Address.contact_id)
            .join(Standing, Standing.contact_id == Contact.id)
        )  # fmt: skip
        return {row[0]: tuple(row[1:]) for row in rows}


async def test_states_programs_and_referrals_come_in(programs: Database, tmp_path: Path) -> None:
    report = await import_program(programs, write(tmp_path), now=NOW)
    assert report.counts["people who are new"] == 6
    assert report.counts["referrals that are new"] == 4
    assert report.counts["referrals that count"] == 2
    assert await people(programs) == {
        "1": ("VIP", 2, None, True),  # two referrals make a VIP anyway
        "2": ("REGISTERED", 0, None, True),
        "3": ("REGISTERED", 0, None, True),
        "4": ("SUPER_VIP", 0, "SUPER_VIP", True),  # none that counts: kept as given
        "5": ("LEGACY", 0, None, True),
        "6": ("VISITOR", 0, None, False),
    }
    async with programs.reading() as session:
        inside = {
            row[0]: row[1:]
            for row in await session.execute(
                select(Enrollment.scenario_id, Enrollment.status, Enrollment.position)
            )
        }
        assert inside["ONBOARDING_7_DAY"] == ("active", 2)
        assert inside["NURTURE_7_DAY"][0] == "completed"
        assert await session.scalar(select(func.count()).select_from(QueueRow)) == 1
        waiting = await session.scalars(
            select(Referral.status).where(Referral.review == "PENDING_REVIEW")
        )
        assert list(waiting) == ["PENDING"]
        assert list(await session.scalars(select(ReferralCode.code))) == ["anna42"]
        assert list(await session.scalars(select(Trace.value))) == ["203.0.113.7"]
        [hidden] = await session.scalars(
            select(Standing).where(Standing.decay_hidden_at.is_not(None))
        )
        assert hidden.decay_warned_at is not None
    assert "203.0.113.7" not in str(report.notes)
    assert any(
        "VERIFIED, but PENDING_REVIEW" in n for n in report.notes["Referrals that no longer count"]
    )


async def test_a_dry_run_changes_nothing_and_a_second_run_adds_nothing(
    programs: Database, tmp_path: Path
) -> None:
    file = write(tmp_path)
    planned = await import_program(programs, file, now=NOW, dry_run=True)
    assert planned.counts["people who are new"] == 6
    assert await people(programs) == {}
    await import_program(programs, file, now=NOW)
    before = await people(programs)
    again = await import_program(programs, tmp_path, now=NOW)
    assert again.counts.get("people who are new", 0) == 0
    assert again.counts["people who were here already"] == 6
    assert again.counts["referrals that are new"] == 0
    assert await people(programs) == before


async def test_what_is_odd_is_told_and_the_others_come(programs: Database, tmp_path: Path) -> None:
    users = [
        {"telegram_id": 1, "user_state": "EMPEROR", "current_program": "NOWHERE"},
        {"telegram_id": 1}, {"telegram_id": "x"}, 7,
        {"user_id": 2, "current_program": "NURTURE_7_DAY", "program_day": -4, "shoe_size": 42},
        {"id": 3, "referral_code": "a b"},
    ]  # fmt: skip
    referrals = [
        {"referrer_id": 1, "referred_id": 99}, {"referrer_id": 1, "referred_id": 1}, "no",
        {"referrer_id": 1, "referred_id": 2}, {"referrer_id": 3, "referred_id": 2},
        {"referrer_id": 1, "referred_id": 3, "status": "MAYBE", "velocity_score": 1e9},
    ]  # fmt: skip
    report = await import_program(programs, write(tmp_path, users, referrals), now=NOW)
    assert report.counts["people who are new"] == 3
    assert len(report.notes["People left out"]) == 3
    assert len(report.notes["Referrals left out"]) == 4
    assert {
        "States we do not know, left out", "Programs that are not here, left out",
        "Not a day, taken as 0", "Codes that fit no link, left out",
        "Fields we do not know, left out", "Values we do not know, left out",
    } <= set(report.notes)  # fmt: skip


@pytest.mark.parametrize("text", ["{", '{"users": {', "[]", "nothing", ""])
async def test_a_broken_file_is_named_and_nothing_is_imported(
    programs: Database, tmp_path: Path, text: str
) -> None:
    (tmp_path / "program.json").write_text(text)
    with pytest.raises(Invalid, match=r"program\.json:\d+:\d+"):
        await import_program(programs, tmp_path, now=NOW)


async def test_a_missing_file_is_named(programs: Database, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"program\.json"):
        await import_program(programs, tmp_path, now=NOW)
