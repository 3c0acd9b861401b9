"""The programs that ship: whole, in two languages, done in their days; and how they are added."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from dripline.clock import VirtualClock
from dripline.content import files as folder_files
from dripline.content.check import check, examine
from dripline.content.compile import compile_scenario
from dripline.content.document import Scenario
from dripline.content.shipped import add_programs
from dripline.content.store import Library
from dripline.content.telegram_html import measured_length
from dripline.database import Database
from dripline.errors import Conflict, Invalid
from dripline.scenarios import programs
from dripline.wiring import import_models
from world import DAY, HOUR, MINUTE, World, new_world

IDS = (
    "NURTURE_7_DAY",
    "ONBOARDING_7_DAY",
    "ADVANCED_WORKSHOP",
    "MENTOR_PROGRAM",
    "REACTIVATION",
)
REGISTRY = "scenarios/registry.json"
import_models()  # lifecycle.json is part of the folder


def library() -> Library:
    """Compile the programs as an installation does."""
    with as_file(files("dripline.content") / "programs") as root:
        documents = examine(root).documents
    scenarios = {
        key: compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)
        for (kind, key), body in documents.items()
        if kind == "scenario"
    }
    return Library(1, IDS[0], scenarios)


PROGRAMS = library()


def texts_of(program: Scenario, language: str) -> list[str]:
    return [message.render({"user": {}}, language).text for message in program.messages]


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def write(root: Path, name: str, text: str) -> None:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, "utf-8")


def test_they_have_no_problems() -> None:
    with as_file(files("dripline.content") / "programs") as root:
        assert check(root) == []


def test_five_programs_and_onboarding_comes_before_nurture() -> None:
    assert tuple(PROGRAMS.scenarios) == IDS
    assert {one.lane for one in PROGRAMS.scenarios.values()} == {programs.LANE}
    first = max(PROGRAMS.scenarios.values(), key=lambda one: one.priority)
    assert first.id == "ONBOARDING_7_DAY"
    assert min(PROGRAMS.scenarios.values(), key=lambda one: one.priority).id == "NURTURE_7_DAY"


@pytest.mark.parametrize("program_id", IDS)
def test_every_message_and_button_has_a_russian_variant(program_id: str) -> None:
    program = PROGRAMS.scenarios[program_id]
    assert program.summary is not None
    for message in (*program.messages, program.summary):
        assert set(message.texts) == {"", "ru"}
    with as_file(files("dripline.content") / "programs") as root:
        raw = json.loads((root / f"scenarios/{program_id}/messages.json").read_text("utf-8"))
    keyboards = [m["inline_keyboard"] for m in raw["messages"].values() if "inline_keyboard" in m]
    buttons = [b for k in keyboards for row in k["rows"] for b in row["buttons"]]
    assert [b["text"] for b in buttons if "ru" not in b["texts"]] == []


@pytest.mark.parametrize("program_id", IDS)
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_each_text_is_one_message(program_id: str, language: str, count: int) -> None:
    program = PROGRAMS.scenarios[program_id]
    for message in (*program.messages, program.summary):
        assert message is not None
        rendered = message.render({"user": {"referral_count": count}}, language)
        assert 0 < measured_length(rendered.text) < 2500
        assert "{" not in rendered.text


@pytest.mark.parametrize("program_id", IDS)
def test_no_wait_is_for_ever_and_none_is_at_the_end(program_id: str) -> None:
    messages = PROGRAMS.scenarios[program_id].messages
    assert [m.id for m in messages if m.wait is not None and m.wait.timeout is None] == []
    assert messages[-1].wait is None


async def enrolled(database: Database, clock: VirtualClock, program_id: str) -> World:
    world = await new_world(database, clock)
    world.store.library = PROGRAMS
    async with database.transaction() as session:
        assert await programs.enroll(
            session, PROGRAMS, world.contact.contact_id, program_id, clock.now()
        )
    return world


@pytest.mark.parametrize(("program_id", "count"), [("NURTURE_7_DAY", 5), ("ONBOARDING_7_DAY", 7)])
@pytest.mark.parametrize("hours", [0, 10, 13, 21])
async def test_seven_days_are_enough_without_a_single_press(
    database: Database, clock: VirtualClock, program_id: str, count: int, hours: int
) -> None:
    clock.advance(hours * HOUR)
    world = await enrolled(database, clock, program_id)
    sent = await world.run(7 * DAY)
    assert len(sent) == len(set(sent)) == count
    enrollment = (await world.enrollments())[program_id]
    assert (enrollment.status, await world.queued()) == ("completed", 0)


async def test_a_press_brings_the_next_letter_of_nurture_earlier(
    database: Database, clock: VirtualClock
) -> None:
    clock.advance(-3 * HOUR)  # nine in the morning
    world = await enrolled(database, clock, "NURTURE_7_DAY")
    assert len(await world.run(10 * MINUTE)) == 1
    await world.press("DONE")
    assert len(await world.run(DAY + 2 * HOUR)) == 1
    assert len(await world.run(6 * DAY)) == 3


async def test_the_days_of_onboarding_are_the_same_whether_pressed_or_not(
    database: Database, clock: VirtualClock
) -> None:
    world = await enrolled(database, clock, "ONBOARDING_7_DAY")
    assert len(await world.run(5 * MINUTE)) == 1
    await world.press("ACCEPT")
    for _day in range(6):
        assert len(await world.run(DAY)) == 1
        await world.press("DONE")
    assert (await world.enrollments())["ONBOARDING_7_DAY"].status == "completed"


@pytest.mark.parametrize("program_id", IDS[2:])
async def test_a_frame_comes_to_its_end(
    database: Database, clock: VirtualClock, program_id: str
) -> None:
    world = await enrolled(database, clock, program_id)
    assert len(await world.run(10 * DAY)) == 3
    assert (await world.enrollments())[program_id].status == "completed"


async def test_a_link_leads_into_the_workshop(database: Database, clock: VirtualClock) -> None:
    world = await new_world(database, clock)
    world.store.library = PROGRAMS
    await world.ask("ADVANCED_WORKSHOP")
    assert len(await world.run(5 * MINUTE)) == 1


def test_added_to_an_empty_folder_they_are_whole_content(tmp_path: Path) -> None:
    done = add_programs(tmp_path / "new")
    assert (done.scenarios, done.kept) == (IDS, ())
    assert (done.lifecycle, done.default) == (True, "NURTURE_7_DAY")
    assert check(tmp_path / "new") == []


def test_added_again_nothing_changes(tmp_path: Path) -> None:
    add_programs(tmp_path)
    before = snapshot(tmp_path)
    done = add_programs(tmp_path)
    assert (done.scenarios, done.kept, done.lifecycle, done.default) == ((), IDS, False, None)
    assert snapshot(tmp_path) == before


def test_what_the_folder_says_already_stays(tmp_path: Path) -> None:
    mine: dict[str, Any] = {
        "scenarios": [{"id": "course", "mine": 1}, {"id": "REACTIVATION", "name": "Mine"}],
        "default_scenario_id": "course",
        "more": True,
    }
    write(tmp_path, REGISTRY, json.dumps(mine))
    write(tmp_path, "scenarios/REACTIVATION/config.json", '{"id": "REACTIVATION"}')
    write(tmp_path, "lifecycle.json", "{}")
    done = add_programs(tmp_path)
    assert (done.kept, done.lifecycle, done.default) == (("REACTIVATION",), False, None)
    registry = json.loads((tmp_path / REGISTRY).read_text("utf-8"))
    assert registry["scenarios"][:2] == mine["scenarios"]
    assert [one["id"] for one in registry["scenarios"][2:]] == list(IDS[:4])
    assert (registry["default_scenario_id"], registry["more"]) == ("course", True)
    kept = {name for name in snapshot(tmp_path) if name.startswith("scenarios/REACTIVATION/")}
    assert kept == {"scenarios/REACTIVATION/config.json"}
    assert (tmp_path / "lifecycle.json").read_text() == "{}"


def test_an_unlisted_file_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, "scenarios/MENTOR_PROGRAM/messages/talk.md", "mine")
    before = snapshot(tmp_path)
    with pytest.raises(Conflict) as caught:
        add_programs(tmp_path)
    assert caught.value.details["files"] == ["scenarios/MENTOR_PROGRAM/messages/talk.md"]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("text", ["{", "[]", '{"scenarios": {}}', '{"scenarios": ["a"]}'])
def test_a_registry_that_cannot_be_read_is_left_alone(tmp_path: Path, text: str) -> None:
    write(tmp_path, REGISTRY, text)
    with pytest.raises(Invalid):
        add_programs(tmp_path)
    assert snapshot(tmp_path) == {REGISTRY: text.encode()}


def test_after_a_crash_in_the_middle_the_next_try_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_one, written = folder_files.write, []

    def crash(root: Path, name: str, data: bytes) -> None:
        if len(written) == 20:
            raise OSError("no space left")
        written.append(name)
        write_one(root, name, data)

    monkeypatch.setattr(folder_files, "write", crash)
    with pytest.raises(OSError, match="no space"):
        add_programs(tmp_path)
    assert not (tmp_path / REGISTRY).exists()
    monkeypatch.undo()
    assert add_programs(tmp_path).scenarios == IDS
    assert check(tmp_path) == []
