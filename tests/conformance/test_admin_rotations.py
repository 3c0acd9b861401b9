"""Operators look after rotations in their chat, on both databases."""

from pathlib import Path

import pytest

from admin_chat import Chat
from dripline.clock import VirtualClock
from dripline.content.push import push
from dripline.database import Database
from dripline.rotations.duty import PostSlots
from dripline.wiring.rotations import SourcesOfSettings
from lifecycle_world import folder, write


@pytest.fixture
async def chat(database: Database, clock: VirtualClock, tmp_path: Path) -> Chat:
    found = Chat(database, clock)
    files = folder({}) | {
        "rotations/registry.json": {
            "rotations": [
                {"id": "tips", "name": "Tips <b>", "chats": ["-1001", "@open"], "interval_hours": 4}
            ],
            "messages": {key: {"template_file": f"{key}.md"} for key in ("a", "b")},
        },
        "rotations/messages/a.md": "A",
        "rotations/messages/b.md": "B",
    }
    await push(database, write(tmp_path, files), author="test", now=clock.now())
    await PostSlots(database, found.store, SourcesOfSettings(None)).run_once(clock.now())
    return found


async def test_an_operator_sees_starts_stops_posts_and_skips(chat: Chat) -> None:
    [said] = await chat.type("/rotations")
    assert "Tips &lt;b&gt;: ▶️ next <code>a</code>" in said.text
    assert "2 chats" in said.text
    [card] = await chat.press("Tips")
    assert "• <code>-1001</code> ✅" in card.text
    [card] = await chat.press("Post now")
    assert card.text.startswith("📤 <code>a</code> goes out now.")
    assert "… " in card.text
    [card] = await chat.press("Pass over")
    assert "<code>b</code> is passed over" in card.text
    [card] = await chat.press("Stop")
    assert "⏹ stopped" in card.text
    [card] = await chat.press("Start")
    assert "next <code>a</code>" in card.text


async def test_a_button_of_a_rotation_that_is_gone_says_so(chat: Chat) -> None:
    await chat.type("/rotations")
    for data in ("~rot:n:gone", "~rot:", "~rot:x", "~rot:zzz:tips"):
        said = await chat.data(data)
        assert len(said) == 1


async def test_it_speaks_russian(database: Database, clock: VirtualClock) -> None:
    chat = Chat(database, clock, "ru")
    [said] = await chat.type("/rotations")
    assert "Ротаций пока нет" in said.text
