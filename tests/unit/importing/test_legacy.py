"""An old bot's folder becomes a scenario with its people, on both databases."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dripline.channels.recorder import Recorder
from dripline.clock import VirtualClock, from_us
from dripline.contacts.models import Address, Attribute, Contact
from dripline.content.models import MediaFile, Revision
from dripline.content.store import ContentStore
from dripline.database import Base, Database
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.models import QueueRow
from dripline.errors import Conflict, Invalid
from dripline.events.react import React
from dripline.importing.legacy import import_legacy
from dripline.importing.report import Report
from dripline.payments.models import Payment
from dripline.scenarios.advance import EnrollmentOrigin
from dripline.scenarios.models import Enrollment, ScenarioAccess
from dripline.scenarios.reactions import ScenarioReactions
from dripline.scenarios.render import Renderer
from dripline.wiring import import_models
from old_bot import USERS, old_bot
from world import HurriedTime, new_world

import_models()
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Rows = dict[str, Enrollment]


async def bring(database: Database, root: Path, now: datetime = NOW, **options: Any) -> Report:
    options.setdefault("without_backup", True)
    return (await import_legacy(database, root, author="me", now=now, **options)).report


async def rows(database: Database) -> Rows:
    """Return enrollments by Telegram id."""
    async with database.reading() as session:
        found = await session.execute(
            select(Address.value, Enrollment).join(
                Enrollment, Enrollment.contact_id == Address.contact_id
            )
        )
        return {one[0]: one[1] for one in found}


async def total(database: Database, model: Any) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(model)) or 0)


async def everything(database: Database) -> dict[str, int]:
    return {table.name: await total(database, table) for table in Base.metadata.sorted_tables}


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """An old bot's folder."""
    return old_bot(tmp_path / "bot")


def change(bot: Path, name: str, key: str, value: Any) -> None:
    file = bot / f"data/{name}.json"
    content = json.loads(file.read_text())
    content[key] = value
    file.write_text(json.dumps(content, indent=1))


async def test_everybody_stands_where_they_stood(database: Database, bot: Path) -> None:
    await bring(database, bot)
    found = await rows(database)
    told = {key: (row.status, row.last_message_id, row.waiting_for) for key, row in found.items()}
    assert told == {
        "1": ("active", "start", "callback:accept"),
        "2": ("active", "msg_1", None),
        "3": ("active", "msg_2", None),
        "4": ("completed", "msg_3", None),
        "5": ("stopped", "msg_1", None),
        "6": ("active", "start", None),
    }
    assert await total(database, QueueRow) == 3
    due = {key: row.queue_due_us and from_us(row.queue_due_us) for key, row in found.items()}
    assert due["2"] == datetime(2099, 1, 1, 10, tzinfo=UTC)
    # What was due is spread out, the oldest first.
    assert (due["6"], due["3"]) == (NOW + timedelta(seconds=1), NOW + timedelta(seconds=2))


async def test_payment_links_and_the_group_come_along(database: Database, bot: Path) -> None:
    await bring(database, bot)
    async with database.reading() as session:
        (payment,) = (await session.scalars(select(Payment))).all()
        access = {row.payment_link: row for row in await session.scalars(select(ScenarioAccess))}
        people = {row.username: row for row in await session.scalars(select(Contact))}
    assert (payment.amount, payment.currency, payment.product) == (150_000, "RUB", "default")
    assert payment.data == {"order_id": "77", "sum": "1500.00"}
    assert set(access) == {None, "https://pay.example/2"}
    assert access[None].joined_at == datetime(2026, 1, 10, 11, tzinfo=UTC)
    assert access[None].invite_link == "https://t.me/+x"
    assert people["middle"].created_at == datetime(2026, 1, 2, 7, tzinfo=UTC)
    assert (people["middle"].state, people["fresh"].state) == ("REGISTERED", "VISITOR")


async def test_the_scenario_is_as_the_old_flow_was(database: Database, bot: Path) -> None:
    report = await bring(database, bot)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    scenario = library.scenarios["default"]
    assert library.default_scenario_id == "default"
    assert [one.id for one in scenario.messages] == ["start", "msg_1", "msg_2", "msg_3"]
    assert (scenario.product_name, scenario.product_price) == ("Big course", "1500")
    assert (scenario.paid_content, scenario.private_group_id) == ("Thank you!", "-1001")
    assert scenario.messages[2].render({"user": {}}, "en").text == "Two costs 1500"
    assert await total(database, MediaFile) == 1
    assert report.notes["Unknown placeholders, now attributes of the contact"] == [
        "{{mystery}} (data/messages/msg_3.md:1:11)"
    ]
    assert not any("secret" in line or "hush" in line for line in report.lines())


async def test_a_second_run_doubles_nothing_and_moves_nobody(database: Database, bot: Path) -> None:
    await bring(database, bot)
    async with database.transaction() as session:
        for row in await session.scalars(select(Enrollment).where(Enrollment.position == 2)):
            row.last_message_id, row.position = "msg_2", 3
    before, places = await everything(database), await rows(database)
    await bring(database, bot, NOW + timedelta(days=1))
    assert await everything(database) == before
    after = await rows(database)
    assert {k: (r.last_message_id, r.queue_due_us) for k, r in after.items()} == {
        k: (r.last_message_id, r.queue_due_us) for k, r in places.items()
    }
    change(bot, "users", "7", {**USERS["2"], "user_name": "new"})
    report = await bring(database, bot)
    assert (report.counts["people who are new"], len(await rows(database))) == (1, 7)


async def test_a_dry_run_tells_the_same_and_leaves_nothing(database: Database, bot: Path) -> None:
    before = await everything(database)
    planned = await bring(database, bot, dry_run=True)
    assert await everything(database) == before
    assert (await bring(database, bot)).lines() == planned.lines()


async def test_the_imported_people_get_what_comes_next(
    database: Database, clock: VirtualClock, bot: Path
) -> None:
    await bring(database, bot, clock.now())
    world = await new_world(database, clock)  # Anna has the Telegram id 1, as “fresh” has
    world.store = ContentStore(database)
    channel = Recorder(clock)
    world.channel = channel
    world.dispatcher = Dispatcher(
        database,
        clock,
        HurriedTime(),
        {"enrollment": EnrollmentOrigin(world.store, Renderer("en"))},
        {"telegram": channel},
        "w",
    )
    world._react = React(database, {"scenarios": ScenarioReactions(world.store)})
    await world.react()  # the content has changed: nobody is planned anew
    assert await world.run(timedelta(seconds=30)) == ["One", "Three for "]
    await world.press("accept")
    assert await world.run(timedelta(minutes=2)) == ["One"]
    # “late2” has msg_1 and msg_3 before them: msg_2 they have had.
    sent = await world.run(timedelta(days=1))
    assert sent == ["Three for ", "Two costs 1500"]
    keyboards = {one.message.text: one.message.keyboard for one in channel.sent}
    assert not keyboards["Two costs 1500"]  # “late2” has no payment link


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("data/users.json", '{"1": {"user_name": "a",\n "messages', "data/users.json:2:2"),
        ("data/users.json", "[]", "data/users.json:1:1"),
        ("data/users.json", '{"1": {},\n "1": {}}', "data/users.json:2:2"),
        ("data/messages.json", '{"messages_list": ["a"]', "data/messages.json:1:"),
        ("data/messages.json", '{"messages_list": ["a"],\n "messages": 5}', "messages.json:2:14"),
        ("data/schedule_backup.json", '{"1": ', "data/schedule_backup.json:1:7"),
        ("data/messages/msg_1.md", "{{ user.nonsense }}", "data/messages/msg_1.md:1:4"),
    ],
)
async def test_what_is_broken_is_named_and_nothing_is_imported(
    database: Database, bot: Path, file: str, text: str, place: str
) -> None:
    before = await everything(database)
    (bot / file).write_text(text)
    with pytest.raises(Invalid) as refused:
        await bring(database, bot)
    assert "Nothing was imported" in refused.value.message
    assert place in refused.value.message
    assert await everything(database) == before


async def test_bytes_that_are_no_utf_8_are_named(database: Database, bot: Path) -> None:
    (bot / "data/users.json").write_bytes(b'{"1":\n {"user_name": "\xff"}}')
    with pytest.raises(Invalid, match=r"users\.json:2:17.*UTF-8"):
        await bring(database, bot)


ODD: dict[str, Any] = {
    "text": "no object",
    "-5": {"messages_list": []},
    "99999999999999999999": {"messages_list": []},
    "10": {"messages_list": "msg_1"},
    "11": {"messages_list": ["msg_3", 5]},
    "12": {"messages_list": ["msg_3"], "is_messaging": "yes", "reg_time": "yesterday",
           "user_name": 7, "payment_link": ["x"], "payment_info": "x", "color": "red"},
    "13": {"messages_list": ["gone"], "reg_time": "2026-01-01T10:00:00", "joined_group": True},
}  # fmt: skip


async def test_odd_people_are_told_of_and_the_others_come(database: Database, bot: Path) -> None:
    (bot / "data/users.json").write_text(json.dumps({**USERS, **ODD}))
    change(bot, "schedule_backup", "2", "tomorrow")
    report = await bring(database, bot)
    found = await rows(database)
    assert set(found) == {*USERS, "12", "13"}
    assert report.counts["people left out"] == 5
    kinds = {kind: len(notes) for kind, notes in report.notes.items()}
    assert kinds["People left out"] == 5
    assert kinds["Times without a zone, taken as UTC"] == 1
    assert kinds["Messages to come that the flow does not have"] == 1
    assert kinds["Schedules of people who are not in users.json"] == 1
    assert kinds["Active without a schedule: the delay counts from now"] == 1
    assert (found["12"].status, found["13"].status) == ("stopped", "completed")
    due = found["2"].queue_due_us
    assert due is not None
    assert from_us(due) == NOW + timedelta(hours=24)


async def test_without_env_photos_and_schedules_it_says_so(database: Database, bot: Path) -> None:
    (bot / ".env").unlink()
    (bot / "data/schedule_backup.json").unlink()
    (bot / "assets/images/msg_1.PNG").unlink()
    report = await bring(database, bot)
    assert len(report.notes["Missing in .env, so left empty"]) == 4
    assert len(report.notes["Messages without a photo"]) == 4
    assert "Payments without an amount" in report.notes
    assert len(await rows(database)) == 6


async def test_the_data_folder_itself_will_do(database: Database, bot: Path) -> None:
    await bring(database, bot / "data")
    assert (len(await rows(database)), await total(database, MediaFile)) == (6, 1)


async def test_another_scenario_of_that_name_is_not_touched(database: Database, bot: Path) -> None:
    await bring(database, bot)
    change(bot, "messages", "messages_list", ["other"])
    change(bot, "messages", "messages", {"other": {"template_file": "msg_1.md"}})
    revisions = await total(database, Revision)
    with pytest.raises(Conflict, match="not the old bot's"):
        await bring(database, bot)
    assert await total(database, Revision) == revisions


async def test_placeholders_of_the_paid_content_are_mapped(database: Database, bot: Path) -> None:
    text = (bot / ".env").read_text()
    (bot / ".env").write_text(text.replace("Thank you!", "Come: {{invite_link}} {{riddle}}"))
    report = await bring(database, bot)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    assert library.scenarios["default"].paid_content == "Come: {{user.invite_link}} {{user.riddle}}"
    assert "{{riddle}} (.env)" in str(report.notes)


async def test_without_paid_content_the_invitation_is_it(database: Database, bot: Path) -> None:
    lines = (bot / ".env").read_text().splitlines()
    (bot / ".env").write_text("\n".join(line for line in lines if "PAID_CONTENT" not in line))
    await bring(database, bot)
    async with database.reading() as session:
        library = await ContentStore(database).current(session)
    assert library.scenarios["default"].paid_content == "Come in: {{user.invite_link}}"


async def test_placeholders_bring_values_of_users_along(database: Database, bot: Path) -> None:
    (bot / "data/users.json").write_text(json.dumps({"1": {**USERS["1"], "mystery": "Oslo"}}))
    await bring(database, bot)
    async with database.reading() as session:
        (attribute,) = (await session.scalars(select(Attribute))).all()
    assert (attribute.name, attribute.value) == ("mystery", "Oslo")
