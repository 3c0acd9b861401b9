"""A broadcast made, aimed and sent from an admin's chat, on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import select

from admin_chat import OLGA, STRANGER, Chat
from dripline.broadcasts.models import Broadcast
from dripline.clock import VirtualClock
from dripline.content.check import check
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
    await chat.press("spring-sale")
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
    assert [one for one in check(root) if one.file.startswith("broadcasts/")] == []
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
