"""users.json and schedules/ go in and out the same, on both databases."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dripline.clock import VirtualClock
from dripline.content.push import push
from dripline.database import Database
from dripline.deliveries.models import QueueRow
from dripline.errors import Invalid
from dripline.importing.users import export_users, import_users
from dripline.payments.models import Payment
from dripline.scenarios.models import Enrollment
from dripline.wiring import import_models

import_models()
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STANDING: dict[str, Any] = {
    "status": "active", "current_message_index": 1, "last_sent_at": "2026-03-01T12:00:00Z",
    "completed_at": None, "payment_date": None, "payment_link": None, "invite_link": None,
    "joined_group": False, "joined_at": None,
}  # fmt: skip
PAID = {
    "payment_date": "2024-01-15T11:00:00Z", "payment_link": "https://pay.example/1",
    "invite_link": "https://t.me/+abc", "joined_group": True, "joined_at": "2024-01-15T11:30:00Z",
}  # fmt: skip


def user(name: str, active: str | None, **scenarios: Any) -> dict[str, Any]:
    return {
        "user_name": name,
        "reg_time": "2024-01-15T10:00:00Z",
        "active_scenario_id": active,
        "scenarios": scenarios,
    }


USERS: dict[str, Any] = {
    "123456": user("john_doe", "one", one={**STANDING, **PAID}),
    "2": user("both", "two", one={**STANDING, "status": "stopped"}, two={**STANDING}),
    "3": user("done", None, one={**STANDING, "status": "completed", "current_message_index": 3,
              "completed_at": "2026-02-01T12:00:00.5Z".replace(".5", ".500000")}),
    "4": user("asked", "two", two={**STANDING, "current_message_index": 2,
              "waiting_for": "callback:DONE"}),
    "5": user("nothing", None),
    "6": user("bought", None, one={**STANDING, **PAID, "status": "not_started",
              "current_message_index": 0, "last_sent_at": None}),
    "7": {**user("gone", "one", one={**STANDING, "hold": "unreachable"}),
          "reachability": "blocked"},
}  # fmt: skip
SCHEDULES: dict[str, Any] = {
    "123456": {"scenario_id": "one", "message_id": "msg_2", "send_at": "2026-03-03T12:00:00Z"},
    "2": {"scenario_id": "two", "message_id": "msg_2", "send_at": "2026-03-04T12:00:00Z"},
}


def content(root: Path) -> Path:
    ids = ["msg_1", "msg_2", "msg_3"]
    for scenario_id in ("one", "two"):
        base = root / "scenarios" / scenario_id
        (base / "messages").mkdir(parents=True)
        (base / "config.json").write_text(json.dumps({"id": scenario_id, "name": scenario_id}))
        messages: dict[str, Any] = {
            one: {"timing": {"hours": 24, "minutes": 0}, "template_file": f"{one}.md"}
            for one in ids
        }
        if scenario_id == "two":
            button = {"type": "callback", "text": "Done", "callback_data": "DONE"}
            messages["msg_2"]["wait_for"] = "callback:DONE"
            messages["msg_2"]["inline_keyboard"] = {"rows": [{"buttons": [button]}]}
        (base / "messages.json").write_text(
            json.dumps({"messages_list": ids, "messages": messages})
        )
        for one in ids:
            (base / f"messages/{one}.md").write_text(one)
    registry = {
        "scenarios": [{"id": "one", "name": "one"}, {"id": "two", "name": "two"}],
        "default_scenario_id": "one",
    }
    (root / "scenarios/registry.json").write_text(json.dumps(registry))
    return root


def folder(root: Path, users: Any, schedules: Any) -> Path:
    (root / "schedules").mkdir(parents=True)
    (root / "users.json").write_text(json.dumps(users, indent=1))
    for key, value in schedules.items():
        (root / f"schedules/{key}.json").write_text(json.dumps(value))
    return root


def read(root: Path) -> tuple[Any, Any]:
    schedules = {
        file.stem: json.loads(file.read_text()) for file in (root / "schedules").glob("*.json")
    }
    return json.loads((root / "users.json").read_text()), schedules


@pytest.fixture
async def ready(database: Database, tmp_path: Path) -> Database:
    """A database with two scenarios."""
    await push(database, content(tmp_path / "content"), author="me", now=NOW)
    return database


async def count(database: Database, model: Any) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def test_what_comes_in_goes_out_the_same(ready: Database, tmp_path: Path) -> None:
    report = await import_users(ready, folder(tmp_path / "in", USERS, SCHEDULES), now=NOW)
    assert not report.notes
    assert (await count(ready, QueueRow), await count(ready, Payment)) == (2, 2)
    done = await export_users(ready, tmp_path / "out")
    assert (done.people, done.schedules) == (7, 2)
    assert read(tmp_path / "out") == (USERS, SCHEDULES)
    # And once more: nothing is doubled, nobody is moved.
    again = await import_users(ready, tmp_path / "out", now=NOW + timedelta(days=3))
    assert again.counts["people who were here already"] == 7
    await export_users(ready, tmp_path / "out")
    assert read(tmp_path / "out") == (USERS, SCHEDULES)


async def test_a_plan_that_is_over_leaves_no_file(
    ready: Database, tmp_path: Path, clock: VirtualClock
) -> None:
    await import_users(ready, folder(tmp_path / "in", USERS, SCHEDULES), now=NOW)
    await export_users(ready, folder(tmp_path / "out", {}, {"42": {}}))
    assert not (tmp_path / "out/schedules/42.json").exists()
    with pytest.raises(Invalid, match="no schedules"):
        await export_users(ready, folder(tmp_path / "other", {}, {"notes": {}}))


async def test_without_schedules_delays_count_and_waits_wait(
    ready: Database, tmp_path: Path
) -> None:
    users = {
        "1": user("a", "one", one={**STANDING, "last_sent_at": "2026-03-02T00:00:00Z"}),
        "2": user("b", "one", one={**STANDING, "last_sent_at": "2026-01-01T00:00:00Z"}),
        "3": user("c", "one", one={**STANDING, "last_sent_at": "2026-01-02T00:00:00Z"}),
        "4": user("d", "two", two={**STANDING, "current_message_index": 2}),
    }
    await import_users(ready, folder(tmp_path / "in", users, {}), now=NOW)
    await export_users(ready, tmp_path / "out")
    written, schedules = read(tmp_path / "out")
    assert {key: value["send_at"] for key, value in schedules.items()} == {
        "1": "2026-03-03T00:00:00Z",
        "2": "2026-03-02T12:00:01Z",
        "3": "2026-03-02T12:00:02Z",
    }
    assert written["4"]["scenarios"]["two"]["waiting_for"] == "callback:DONE"


ODD: dict[str, Any] = {
    "x": {},
    "8": [],
    "9": user("a", "gone", gone={**STANDING}),
    "10": user("b", "one", one={**STANDING, "status": "asleep"}),
    "11": user("c", None, one={**STANDING, "current_message_index": 99}),
    "12": user("d", "two", one={**STANDING}, two={**STANDING}),
}


async def test_odd_people_are_told_of(ready: Database, tmp_path: Path) -> None:
    schedules = {
        "12": {"scenario_id": "two", "message_id": "msg_3", "send_at": "2099-01-01T00:00:00Z"},
        "77": {"scenario_id": "one", "message_id": "msg_3", "send_at": "2099-01-01T00:00:00Z"},
        "9": {"scenario_id": "one"},
    }
    report = await import_users(ready, folder(tmp_path / "in", ODD, schedules), now=NOW)
    assert {kind: len(notes) for kind, notes in report.notes.items()} == {
        "Schedules left out": 1,
        "People left out": 2,
        "Scenarios of people left out": 2,
        "Active scenario that is not active, left out": 2,
        "Beyond the last message": 1,
        "Schedule and index disagree; the schedule counts": 1,
        "Schedules of people who are not in users.json": 1,
        "Active elsewhere in the lane, so stopped here": 1,
    }
    assert await count(ready, Enrollment) == 3


async def test_a_dry_run_leaves_nothing(ready: Database, tmp_path: Path) -> None:
    source = folder(tmp_path / "in", USERS, SCHEDULES)
    await import_users(ready, source, now=NOW, dry_run=True)
    assert await count(ready, Enrollment) == 0


async def test_a_broken_file_is_named_and_nothing_comes(ready: Database, tmp_path: Path) -> None:
    source = folder(tmp_path / "in", USERS, SCHEDULES)
    (source / "schedules/2.json").write_text('{"scenario_id": "one",\n "send')
    with pytest.raises(Invalid, match=r"schedules/2\.json:2:2"):
        await import_users(ready, source, now=NOW)
    assert await count(ready, Enrollment) == 0
