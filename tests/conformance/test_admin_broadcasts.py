"""A broadcast made, aimed and sent from an admin's chat, on both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from admin_chat import BORIS, OLGA, STRANGER, Chat
from dripline.bot.admin.document import broadcast_entry, broadcast_ids
from dripline.broadcasts.models import Broadcast
from dripline.clock import VirtualClock
from dripline.contacts import queries as contacts
from dripline.content import edit
from dripline.content.check import check
from dripline.content.problems import Problem
from dripline.content.pull import pull
from dripline.content.push import push
from dripline.database import Database


@pytest.fixture
def chat(database: Database, clock: VirtualClock) -> Chat:
    return Chat(database, clock)


async def create(chat: Chat) -> None:
    await chat.type("/start", STRANGER)
    await chat.type("/start", OLGA)
    await chat.type("/create_broadcast")
    await chat.type("Spring sale 🌱")
    await chat.press("Confirm")
    await chat.type("Dear {{ user.first_name }}")
    await chat.photo("sale")
    await chat.work()
    await chat.press("Done")
    await chat.type("url|Look|https://example.com")
    await chat.press("Confirm")


async def status_of(chat: Chat) -> str:
    async with chat.database.reading() as session:
        found = await session.scalar(select(Broadcast.status))
    return str(found)


def _errors(root: Path) -> list[Problem]:
    """Return what is wrong with a folder's broadcasts, but for a photo that is no picture."""
    told = (one for one in check(root) if one.file.startswith("broadcasts/"))
    return [one for one in told if one.code != "photo"]


async def test_from_the_first_question_to_being_sent(chat: Chat, tmp_path: Path) -> None:
    await create(chat)
    said = await chat.press("Save")
    assert "is saved. Now: to whom?" in said[0].text
    said = await chat.work()
    assert said[0].text.startswith("Dear ")
    assert "2 people will get it" in said[1].text
    assert "Everybody" in said[1].text
    await chat.press("In no scenario")
    said = await chat.work()
    assert "To: In no scenario" in said[1].text
    said = await chat.press("Send to 2 people")
    assert "is on its way" in said[0].text
    assert await status_of(chat) == "running"
    said = await chat.press("How far is it?")
    said = await chat.work()
    assert "being sent" in said[0].text
    await chat.press("Pause")
    assert await status_of(chat) == "paused"
    root = tmp_path / "data"
    await pull(chat.database, root)
    assert _errors(root) == []
    assert (root / "broadcasts/messages/spring-sale_1.jpg").read_bytes() == b"bytes of sale"


async def test_sending_twice_sends_once(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    await chat.work()
    data = next(v for k, v in chat.said[-1].buttons.items() if k.startswith("📣"))
    await chat.data(data)
    said = await chat.data(data)
    assert "not possible just now" in said[0].text
    async with chat.database.reading() as session:
        assert (await session.scalars(select(Broadcast.launches))).all() == [1]


async def test_an_unknown_broadcast_gives_the_list(chat: Chat) -> None:
    said = await chat.type("/send_broadcast nothing")
    assert "There is no broadcast “nothing”" in said[0].text
    said = await chat.type("/send_broadcast")
    assert "Which broadcast?" in said[0].text
    assert await chat.type("/send_broadcast", STRANGER) == []


async def test_a_pull_gives_back_what_a_push_leaves_as_it_is(chat: Chat, tmp_path: Path) -> None:
    await create(chat)
    await chat.press("Save")
    await pull(chat.database, tmp_path / "data")
    pushed = await push(chat.database, tmp_path / "data", author="git", now=chat.clock.now())
    assert [one for one in pushed.changes if one.kind == "broadcasts"] == []


async def saved(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    await chat.work()


async def test_is_scheduled_for_a_time_in_the_operators_own_clock(chat: Chat) -> None:
    await saved(chat)
    said = await chat.press("Send later")
    assert "UTC" in said[0].text
    await chat.press("My timezone")
    said = await chat.type("Atlantis")
    assert "I do not know the timezone" in said[0].text
    said = await chat.type("Москва")
    assert "Your timezone is Europe/Moscow" in said[0].text
    said = await chat.type("soon, I guess")
    assert "is no moment I understand" in said[0].text
    local = (chat.clock.now() + timedelta(days=1)).astimezone(ZoneInfo("Europe/Moscow"))
    said = await chat.type("tomorrow 9:00")
    assert f"{local.day} {local:%B} {local.year}, 09:00 (Europe/Moscow)" in said[0].text
    said = await chat.press("Yes, schedule it")
    assert "goes out on" in said[0].text
    said = await chat.work()
    assert "🕘 Goes out on" in said[-1].text
    assert await status_of(chat) == "scheduled"
    async with chat.database.reading() as session:
        starts_at = await session.scalar(select(Broadcast.starts_at))
    assert starts_at == local.replace(hour=9, minute=0, second=0, microsecond=0)


async def test_a_scheduled_one_takes_an_edit_with_it(chat: Chat) -> None:
    await saved(chat)
    await chat.press("Send later")
    await chat.press("In an hour")
    await chat.press("Yes, schedule it")
    await chat.work()
    await chat.press("Edit")
    await chat.press("Message")
    await chat.press("Edit")
    await chat.press("Text")
    await chat.type("A better text")
    await chat.press("Confirm")
    said = await chat.press("Save")
    assert "is saved." in said[0].text
    said = await chat.work()
    assert said[0].text == "A better text"
    async with chat.database.reading() as session:
        [found] = (await session.scalars(select(Broadcast))).all()
    assert found.status == "scheduled"
    assert found.definition["message"]["texts"] == {"": "A better text"}


async def test_goes_to_those_whom_conditions_mean(chat: Chat) -> None:
    await saved(chat)
    async with chat.database.transaction() as session:
        address = await contacts.any_telegram_address(session, str(STRANGER))
        assert address is not None
        await contacts.add_tag(session, address.contact_id, "quiet", chat.clock.now())
    await chat.press("Others, by conditions")
    said = await chat.work()
    assert "goes to everybody" in said[0].text
    assert "2 people will get it" in said[0].text
    said = await chat.press("Tag")
    assert "quiet" in said[0].buttons
    await chat.press("quiet")
    said = await chat.work()
    assert "• tag “quiet”" in said[0].text
    assert "1 person will get it" in said[0].text
    await chat.press("Turn the last one round")
    said = await chat.work()
    assert "• not: tag “quiet”" in said[0].text
    await chat.type('{"language": "xx"}')
    said = await chat.work()
    assert "match all of" in said[0].text
    assert "0 people will get it" in said[0].text
    await chat.press("Match any of them")
    said = await chat.work()
    assert "match any of" in said[0].text
    assert "1 person will get it" in said[0].text
    await chat.press("Use it")
    said = await chat.work()
    assert "(not: tag “quiet” or language “xx”)" in said[-1].text
    said = await chat.press("Others, by conditions")
    said = await chat.work()
    assert "match any of" in said[0].text


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("[{", "I cannot read this"),
        ('{"scenario": "nowhere"}', "There is no scenario"),
        ("has_payed", "did you mean has_paid"),
        ('{"attribute": {"name": "age", "above": 1}}', "There is no declared attribute"),
        ("[" * 5000, "I cannot read this"),
    ],
)
async def test_conditions_that_mean_nothing_are_refused(
    chat: Chat, typed: str, answer: str
) -> None:
    await saved(chat)
    await chat.press("Others, by conditions")
    await chat.work()
    await chat.type(typed)
    said = await chat.work()
    assert answer in said[0].text
    assert "2 people will get it" in said[0].text


async def test_two_admins_edit_one_broadcast(chat: Chat) -> None:
    await saved(chat)
    edit = next(v for k, v in chat.said[-1].buttons.items() if "Edit" in k)
    await chat.type("/start", BORIS)
    for who, text in ((BORIS, "Boris'"), (OLGA, "Olga's")):
        await chat.data(edit, who)
        await chat.press("Message", who)
        await chat.press("Edit", who)
        await chat.press("Text", who)
        await chat.type(text, who)
        await chat.press("Confirm", who)
    await chat.press("Save", OLGA)
    said = await chat.press("Save", BORIS)
    assert "Somebody saved this broadcast while you were editing it" in said[0].text
    said = await chat.press("Save", BORIS)
    assert "is saved." in said[0].text


async def test_is_deleted_after_a_question(chat: Chat) -> None:
    await saved(chat)
    said = await chat.press("Delete")
    assert "Delete “Spring sale 🌱”?" in said[0].text
    said = await chat.press("Yes, delete")
    assert "is deleted" in said[0].text
    said = await chat.type("/send_broadcast spring-sale")
    assert "There is no broadcast" in said[0].text


async def test_has_a_text_in_another_language(chat: Chat, tmp_path: Path) -> None:
    await saved(chat)
    await chat.press("Edit")
    await chat.press("Message")
    await chat.press("Edit")
    said = await chat.press("Text in another language")
    assert "ru" in said[0].buttons
    said = await chat.press("ru")
    assert "in the language <b>ru</b>" in said[0].text
    said = await chat.type("Привет, {{ user.first_name }}")
    assert said[0].text.startswith("Привет, Olga")
    assert "Text in ru: Привет" in said[1].text
    await chat.press("Confirm")
    await chat.press("Save")
    root = tmp_path / "data"
    await pull(chat.database, root)
    assert (root / "broadcasts/messages/spring-sale.ru.md").read_text().startswith("Привет")
    assert _errors(root) == []


async def entry_of(chat: Chat) -> dict[str, Any] | None:
    async with chat.database.reading() as session:
        state = await edit.read_state(session)
    return broadcast_entry(state.documents, "spring-sale")


async def test_each_change_of_a_broadcast_can_be_taken_back(chat: Chat) -> None:
    await saved(chat)
    assert not any("Undo" in button for one in chat.said for button in one.buttons)
    await chat.press("In no scenario")
    [card] = [one for one in await chat.work() if "📣" in one.text]
    aimed = card.buttons["↩️ Undo the last change"]
    assert len(aimed.encode()) <= 64
    await chat.press("Edit")
    await chat.press("General")
    await chat.press("Edit")
    await chat.press("Name")
    await chat.type("Summer sale")
    await chat.press("Confirm")
    await chat.press("Save")
    await chat.work()
    said = await chat.data(aimed)  # made for the change before
    assert "does not fit any more" in said[0].text
    said = await chat.press("Undo the last change")
    assert "Undone: it is again as Olga (100) saved it" in said[0].text
    assert (await entry_of(chat) or {})["name"] == "Spring sale 🌱"
    assert (await entry_of(chat) or {})["targeting"] == {"conditions": ["no_active_scenario"]}
    await chat.work()
    await chat.type("/undo spring-sale")
    assert (await entry_of(chat) or {})["targeting"] == {"conditions": []}
    said = await chat.type("/undo spring-sale")
    assert "There is nothing before this." in said[0].text
    said = await chat.type("/undo nowhere")
    assert "There is no scenario “nowhere”" in said[0].text


async def test_a_deleted_broadcast_comes_back_and_others_stay(chat: Chat) -> None:
    await saved(chat)
    await chat.press("Delete")
    await chat.press("Yes, delete")
    assert await entry_of(chat) is None
    undo = chat.said[-1].buttons["↩️ Undo"]
    await chat.type("/create_broadcast")
    await chat.type("Another")
    await chat.press("Confirm")
    for text in ("Text", "skip", "skip"):
        await chat.type(text)
    await chat.press("Confirm")
    await chat.press("Save")
    await chat.work()
    said = await chat.data(undo)
    assert "↩️ “Spring sale 🌱” is back." in said[0].text
    assert await entry_of(chat) is not None
    async with chat.database.reading() as session:
        assert set(broadcast_ids(await edit.read_state(session))) == {"spring-sale", "another"}


async def test_what_is_on_its_way_is_not_undone(chat: Chat) -> None:
    await saved(chat)
    await chat.press("Everybody")
    await chat.press("Has not paid")
    await chat.work()
    await chat.press("Send to 2 people")
    said = await chat.type("/undo spring-sale")
    assert "is on its way" in said[0].text
    assert (await entry_of(chat) or {})["targeting"] == {"conditions": ["has_not_paid"]}


async def test_the_audience_is_frozen_or_live_as_chosen(chat: Chat) -> None:
    await saved(chat)
    assert "Who is meant is settled at the start." in chat.said[-1].text
    await chat.press("Look at each again before the message")
    [card] = [one for one in await chat.work() if "📣" in one.text]
    assert "looked at again right before the message" in card.text
    await chat.press("Send to 2 people")
    async with chat.database.reading() as session:
        assert await session.scalar(select(Broadcast.audience)) == "live"
    await chat.press("Settle who is meant at the start")
    await chat.work()
    assert (await entry_of(chat) or {})["audience"] == "frozen"
