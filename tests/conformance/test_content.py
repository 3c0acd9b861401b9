"""Push, plan, pull and the library, on every database."""

import json
import shutil
import sys
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dripline.content import edit, queries, switches
from dripline.content.diff import same
from dripline.content.models import MediaFile, Revision
from dripline.content.plan import describe, plan
from dripline.content.pull import pull
from dripline.content.push import push
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.errors import Conflict, Invalid, NotFound
from dripline.events.models import Event
from dripline.wiring import import_models

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "content"))
import folders

import_models()  # each room has words of its own for segments
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MSG_2 = "scenarios/default/messages/msg_2.md"
MESSAGES = "scenarios/default/messages.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with FORMATS' examples."""
    return folders.write(tmp_path / "data", folders.formats())


async def push_now(database: Database, root: Path, **more: Any) -> Any:
    """Push as anybody, at noon."""
    return await push(database, root, author="anna", now=NOW, **more)


async def count(database: Database, model: Any) -> int:
    """Return how many rows a table has."""
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


def change(root: Path, name: str, edit_value: Any) -> None:
    """Edit a JSON file of the folder."""
    value = json.loads((root / name).read_text("utf-8"))
    edit_value(value)
    (root / name).write_text(json.dumps(value), "utf-8")


async def test_a_pushed_folder_is_the_library(database: Database, root: Path) -> None:
    pushed = await push_now(database, root)
    assert {one.title for one in pushed.changes} == {
        "scenario default", "registry", "buttons", "globals", "broadcasts",
    }  # fmt: skip
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    scenario = library.scenario("default")
    assert library.default_scenario_id == "default"
    assert scenario is not None
    assert (scenario.name, scenario.product_price, scenario.lane) == (
        "Basic course", "1500", "scenario",
    )  # fmt: skip
    rendered = scenario.messages[0].render({"user": {"first_name": "<Al>"}}, "ru")
    assert rendered.text == "Привет, <b>&lt;Al&gt;</b>!"
    assert [one.filename for one in rendered.media] == ["msg_1_1.PNG", "msg_1_2.PNG"]
    assert rendered.keyboard == ()  # no link, so no pay button
    assert scenario.messages[1].timing.hours == 24


async def test_the_same_bytes_are_stored_once(database: Database, root: Path) -> None:
    await push_now(database, root)
    assert await count(database, MediaFile) == 2  # three names, two contents


async def test_pushing_again_changes_nothing(database: Database, root: Path) -> None:
    first = await push_now(database, root)
    revisions = await count(database, Revision)
    again = await push_now(database, root)
    assert (again.version, again.changes) == (first.version, ())
    assert await count(database, Revision) == revisions


async def test_an_edit_makes_one_revision_and_one_event(database: Database, root: Path) -> None:
    await push_now(database, root)
    revisions = await count(database, Revision)
    (root / "scenarios/default/messages/msg_2.md").write_text("New words")
    pushed = await push_now(database, root)
    assert [(one.title, one.changed) for one in pushed.changes] == [
        ("scenario default", ("msg_2",))
    ]
    assert "+msg_2| New words" in pushed.changes[0].diff
    assert await count(database, Revision) == revisions + 1
    async with database.reading() as session:
        events = (await session.scalars(select(Event).order_by(Event.id))).all()
    assert [one.data["scenario_ids"] for one in events] == [["default"], ["default"]]


async def test_errors_change_nothing(database: Database, root: Path) -> None:
    (root / "scenarios/default/messages/msg_1.md").write_text("<b>open")
    with pytest.raises(Invalid) as caught:
        await push_now(database, root)
    assert caught.value.code == "CONTENT_INVALID"
    assert "scenarios/default/messages/msg_1.md:1:1: error" in caught.value.message
    assert await count(database, Revision) == 0


async def test_a_deleted_message_keeps_everyones_place(database: Database, root: Path) -> None:
    def three(value: Any) -> None:
        value["messages_list"] = ["msg_1", "mid", "msg_2"]
        value["messages"]["mid"] = {"template_file": "msg_2.md"}

    change(root, MESSAGES, three)
    await push_now(database, root)
    change(root, MESSAGES, lambda value: value["messages_list"].remove("mid"))
    await push_now(database, root)
    async with database.reading() as session:
        scenario = (await ContentStore(database).current(session)).scenario("default")
    assert scenario is not None
    assert scenario.retired == {"mid": "msg_1"}
    assert scenario.next_after("mid") == scenario.index_of("msg_2")


async def test_a_removed_scenario_is_gone_and_may_come_back(database: Database, root: Path) -> None:
    def second(value: Any) -> None:
        value["scenarios"].append({"id": "extra", "name": "Extra"})

    folders.write(
        root,
        {
            "scenarios/extra/config.json": {"id": "extra", "name": "Extra"},
            "scenarios/extra/messages.json": {
                "messages_list": ["m"],
                "messages": {"m": {"template_file": "m.md"}},
            },
            "scenarios/extra/messages/m.md": "Hello",
        },
    )
    change(root, "scenarios/registry.json", second)
    await push_now(database, root)
    change(root, "scenarios/registry.json", lambda value: value["scenarios"].pop())
    pushed = await push_now(database, root)
    assert [(one.title, one.how) for one in pushed.changes if one.kind == "scenario"] == [
        ("scenario extra", "removed")
    ]
    store = ContentStore(database)
    async with database.reading() as session:
        assert (await store.current(session)).scenario("extra") is None
    change(root, "scenarios/registry.json", second)
    await push_now(database, root)
    async with database.reading() as session:
        scenario = (await store.current(session)).scenario("extra")
    assert scenario is not None
    assert scenario.revision == 2


async def test_the_library_is_read_again_only_when_it_changed(
    database: Database, root: Path
) -> None:
    await push_now(database, root)
    store = ContentStore(database)
    async with database.reading() as session:
        first = await store.current(session)
        assert await store.current(session) is first
    async with database.transaction() as session:
        await switches.pause(session, first, "default", NOW)
    async with database.reading() as session:
        paused = await store.current(session)
    assert paused is not first
    assert paused.scenarios["default"].paused
    assert paused.scenarios["default"].messages is first.scenarios["default"].messages


async def test_content_that_was_undone_is_not_remembered(database: Database, root: Path) -> None:
    await push_now(database, root)
    store = ContentStore(database)

    class OnSecondThoughts(Exception):
        """Undoes a transaction."""

    with suppress(OnSecondThoughts):
        async with database.transaction() as session:
            await edit.set_active(session, "default", "anna", "api", NOW, active=False)
            assert not (await store.current(session)).scenarios["default"].is_active
            raise OnSecondThoughts
    async with database.transaction() as session:  # the same version, with other content
        elsewhere = await ContentStore(database).current(session)
        await switches.pause(session, elsewhere, "default", NOW)
    async with database.reading() as session:
        library = await store.current(session)
    assert library.scenarios["default"].is_active
    assert library.scenarios["default"].paused


async def test_changed_content_waits_for_the_disk(database: Database, root: Path) -> None:
    await push_now(database, root)
    if database.is_sqlite:
        return  # one process, which a power cut ends as well
    async with database.transaction(lasts=False) as session:
        await edit.set_active(session, "default", "anna", "api", NOW, active=False)
        shown = await session.scalar(text("SHOW synchronous_commit"))
    assert shown == "on"


async def test_switching_off_and_the_default(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.transaction() as session:
        await edit.set_active(session, "default", "boss", "dashboard", NOW, active=False)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    assert not library.scenarios["default"].is_active
    async with database.transaction() as session:
        with pytest.raises(Conflict, match="default scenario"):
            await edit.delete(session, "default", "boss", "dashboard", NOW)
        with pytest.raises(NotFound):
            await edit.set_default(session, "nope", "boss", "dashboard", NOW)


async def test_the_default_that_was_chosen_stays_chosen(database: Database, root: Path) -> None:
    def second(value: Any) -> None:
        value["scenarios"].append({"id": "extra", "name": "Extra"})

    folders.write(
        root,
        {
            "scenarios/extra/config.json": {"id": "extra", "name": "Extra"},
            "scenarios/extra/messages.json": {"messages_list": [], "messages": {}},
        },
    )
    change(root, "scenarios/registry.json", second)
    await push_now(database, root)
    store = ContentStore(database)
    async with database.transaction() as session:
        library = await store.current(session)
        await switches.choose_default(session, library, "extra", author="boss", now=NOW)
    (root / "scenarios/default/messages/msg_2.md").write_text("New words")
    with pytest.raises(Conflict, match='"default_scenario_id": "extra"'):
        await push_now(database, root)
    (root / "scenarios/default/messages/msg_2.md").write_text(folders.formats()[MSG_2])
    await pull(database, root)
    (root / "scenarios/default/messages/msg_2.md").write_text("New words")
    await push_now(database, root)
    async with database.reading() as session:
        assert (await store.current(session)).default_scenario_id == "extra"


async def test_push_refuses_to_undo_what_others_wrote(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.transaction() as session:
        await edit.set_active(session, "default", "boss", "dashboard", NOW, active=False)
    with pytest.raises(Conflict) as caught:
        await push_now(database, root)
    assert caught.value.code == "CONTENT_CONFLICT"
    assert '"is_active": false' in caught.value.message
    async with database.reading() as session:
        assert (await plan(session, root)).conflicts == ("scenario default",)
    await push_now(database, root, force=True)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    assert library.scenarios["default"].is_active


async def test_without_a_marker_only_edits_by_hand_are_guarded(
    database: Database, root: Path
) -> None:
    await push_now(database, root)
    (root / ".dripline-sync.json").unlink()  # a fresh clone of the folder
    (root / "scenarios/default/messages/msg_2.md").write_text("New words")
    await push_now(database, root)
    async with database.transaction() as session:
        await edit.set_active(session, "default", "boss", "dashboard", NOW, active=False)
    (root / ".dripline-sync.json").unlink()
    with pytest.raises(Conflict):
        await push_now(database, root)


async def test_another_folder_does_not_undo_the_first(
    database: Database, root: Path, tmp_path: Path
) -> None:
    await push_now(database, root)
    other = tmp_path / "other"
    await pull(database, other)
    (other / "scenarios/default/messages/msg_2.md").write_text("From the other folder")
    await push_now(database, other)
    (root / "scenarios/default/messages/msg_2.md").write_text("From the first")
    with pytest.raises(Conflict):
        await push_now(database, root)


def _name_channels(scenario: Path) -> None:
    config = json.loads((scenario / "config.json").read_text())
    told = config | {"channels": ["telegram", "email"], "weekdays": [1, 2]}
    (scenario / "config.json").write_text(json.dumps(told))
    messages = json.loads((scenario / "messages.json").read_text())
    next(iter(messages["messages"].values()))["channel"] = "both"
    (scenario / "messages.json").write_text(json.dumps(messages))


async def test_pull_gives_back_what_push_took(
    database: Database, root: Path, tmp_path: Path
) -> None:
    _name_channels(root / "scenarios/default")
    await push_now(database, root)
    other = tmp_path / "other"
    pulled = await pull(database, other)
    assert set(pulled.written) == set(folders.tree(root))
    for name, data in folders.tree(root).items():
        back = (other / name).read_bytes()
        if name.endswith(".json"):
            assert json.loads(back) == json.loads(data)
        else:
            assert back == data
    assert (await push_now(database, other)).changes == ()
    assert (await pull(database, other)).written == ()


async def test_pulled_files_are_the_same_bytes_every_time(
    database: Database, root: Path, tmp_path: Path
) -> None:
    await push_now(database, root)
    await pull(database, tmp_path / "one")
    await push_now(database, tmp_path / "one", force=True)
    await pull(database, tmp_path / "two")
    assert folders.tree(tmp_path / "one") == folders.tree(tmp_path / "two")


async def test_pull_into_the_pushed_folder_leaves_its_formatting(
    database: Database, root: Path
) -> None:
    before = folders.tree(root)
    await push_now(database, root)
    assert (await pull(database, root)).written == ()
    assert folders.tree(root) == before


async def test_pull_refuses_to_overwrite_what_was_not_pushed(
    database: Database, root: Path
) -> None:
    await push_now(database, root)
    async with database.transaction() as session:
        await edit.set_active(session, "default", "boss", "dashboard", NOW, active=False)
    change(root, "scenarios/registry.json", lambda value: value.update(note="mine"))
    with pytest.raises(Conflict) as caught:
        await pull(database, root)
    assert caught.value.details["files"] == ["scenarios/registry.json"]
    await pull(database, root, force=True)
    assert not json.loads((root / "scenarios/registry.json").read_text())["scenarios"][0][
        "is_active"
    ]


async def test_pull_removes_what_was_removed_and_nothing_else(
    database: Database, root: Path
) -> None:
    await push_now(database, root)
    (root / "scenarios/default/notes.txt").write_text("mine")
    async with database.transaction() as session:
        state = await edit.read_state(session)
        body = state.documents["scenario", "default"]
        wanted = {**state.documents, ("scenario", "default"): {**body, "summary": None}}
        await edit.apply(session, state, wanted, "boss", "dashboard", NOW)
    pulled = await pull(database, root)
    assert set(pulled.removed) == {
        "scenarios/default/summary.json",
        "scenarios/default/messages/summary.md",
        "scenarios/default/messages/summary_1.PNG",
    }
    assert (root / "scenarios/default/notes.txt").read_text() == "mine"


async def test_a_crash_in_the_middle_of_a_pull_is_completed_by_the_next(
    database: Database, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push_now(database, root)
    other = tmp_path / "other"
    real, left = Path.replace, [5]

    def dying(self: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        await pull(database, other)
    monkeypatch.undo()
    assert len(folders.tree(other)) == 5  # each whole, no temporary one
    await pull(database, other)
    assert set(folders.tree(other)) == set(folders.tree(root))


async def test_plan_says_whom_it_touches(database: Database, root: Path) -> None:
    class Counted:
        people, ahead = 412, {"mid": 90}

    async def touches(_session: Any, scenario: Any, new: frozenset[str]) -> Counted:
        assert (scenario.id, new) == ("default", {"mid"})
        return Counted()

    await push_now(database, root)

    def with_mid(value: Any) -> None:
        value["messages_list"].insert(1, "mid")
        value["messages"]["mid"] = {"template_file": "msg_2.md"}

    change(root, MESSAGES, with_mid)
    async with database.reading() as session:
        found = await plan(session, root, touches)
    lines = describe(found)
    assert "~ scenario default" in lines
    assert "    + message mid (90 people will get it)" in lines
    assert "    412 people are in this scenario; 90 of them will get the new message." in lines
    assert await count(database, Revision) == 5  # nothing was written


async def test_plan_of_wrong_content_gives_its_problems(database: Database, root: Path) -> None:
    (root / MESSAGES).write_text("{")
    async with database.reading() as session:
        found = await plan(session, root)
    assert found.would_be_refused
    assert MESSAGES in [one.file for one in found.problems]


async def test_a_broken_revision_harms_only_its_own_message(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.transaction() as session:
        state = await edit.read_state(session)
        body = state.documents["scenario", "default"]
        messages = {**body["messages"]}
        messages["msg_1"] = {**messages["msg_1"], "texts": {"": "{% if %}"}}
        wanted = {**state.documents, ("scenario", "default"): {**body, "messages": messages}}
        await edit.apply(session, state, wanted, "boss", "dashboard", NOW)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    scenario = library.scenarios["default"]
    with pytest.raises(Exception, match="Liquid"):
        scenario.messages[0].render({"user": {}}, "en")
    assert scenario.messages[1].render({"user": {}}, "en").text == "My bot asks 1500"


def test_what_a_push_works_out_does_not_count_as_a_change() -> None:
    assert same({"order": [], "retired": {"a": None}}, {"order": []})


async def test_file_ids_belong_to_one_bot(database: Database, root: Path) -> None:
    await push_now(database, root)
    async with database.transaction() as session:
        await queries.set_media_file_id(session, "ab", "main", "one")
        await queries.set_media_file_id(session, "ab", "main", "two")
        assert await queries.media_file_id(session, "ab", "main") == "two"
        assert await queries.media_file_id(session, "ab", "guide") is None


async def test_the_sample_course_comes_back_as_it_was(database: Database, tmp_path: Path) -> None:
    with as_file(files("dripline.sandbox") / "course") as course:
        root = Path(shutil.copytree(course, tmp_path / "course"))
    before = folders.tree(root)
    await push_now(database, root)
    await pull(database, tmp_path / "other")
    assert folders.tree(tmp_path / "other") == before  # we wrote it, so to the byte
    assert (await push_now(database, tmp_path / "other")).changes == ()
