"""The wizard from the first question to files that pass the linter, on both databases."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from admin_chat import BORIS, OLGA, STRANGER, Chat
from dripline.clock import VirtualClock
from dripline.content import edit
from dripline.content.check import check
from dripline.content.pull import pull
from dripline.content.push import push
from dripline.database import Database


@pytest.fixture
def chat(database: Database, clock: VirtualClock) -> Chat:
    return Chat(database, clock)


async def create(chat: Chat) -> None:
    """Make the scenario `spring-course` with two messages, up to the overview."""
    await chat.type("/create_scenario")
    await chat.type("Spring course 🌱")
    await chat.type("Premium access")
    await chat.type("1 500")
    await chat.type("Thank you!")
    await chat.type("-1001234567890")
    await chat.press("Confirm")
    await chat.type("You have seen it all.")
    await chat.type("skip")
    await chat.type("skip")
    await chat.press("Confirm")
    await chat.type("Hello {{ user.first_name }}", entities=[bold(0, 5)])
    await chat.photo("one", media_group_id="g")
    await chat.photo("two", media_group_id="g")
    await chat.work()
    await chat.press("Done")
    await chat.type("now")
    await chat.type("url|Buy now|https://example.com|buy\ncallback|I did it|DONE")
    await chat.press("Confirm")
    await chat.press("Add a message")
    await chat.type("Second")
    await chat.type("skip")
    await chat.type("after DONE")
    await chat.type("skip")
    await chat.press("Confirm")
    await chat.press("That is all")


def bold(offset: int, length: int) -> dict[str, Any]:
    return {"type": "bold", "offset": offset, "length": length}


async def body_of(chat: Chat, scenario_id: str) -> Any:
    async with chat.database.reading() as session:
        return (await edit.read_state(session)).documents.get(("scenario", scenario_id))


async def test_what_the_wizard_makes_passes_content_check_and_comes_back_the_same(
    chat: Chat, tmp_path: Path
) -> None:
    await create(chat)
    said = await chat.press("Save")
    assert "is saved" in said[0].text
    body = await body_of(chat, "spring-course")
    assert body["config"]["name"] == "Spring course 🌱"
    assert body["config"]["prodamus"] == {
        "product_name": "Premium access",
        "product_price": "1500",
        "paid_content": "Thank you!",
        "private_group_id": "-1001234567890",
    }
    first, second = (body["messages"][key] for key in body["order"])
    assert first["texts"][""] == "<b>Hello</b> {{ user.first_name }}"
    assert first["photos"] == ["msg_1_1.jpg", "msg_1_2.jpg"]
    assert first["wait_for"] == "callback:DONE"
    assert second["timing"] == {"hours": 0, "minutes": 0} or second["timing"] == {}
    root = tmp_path / "data"
    await pull(chat.database, root)
    assert [one for one in check(root) if one.severity == "error"] == []
    assert (root / "scenarios/spring-course/messages/msg_1_2.jpg").read_bytes() == b"bytes of two"
    registry = json.loads((root / "scenarios/registry.json").read_text())
    assert registry["default_scenario_id"] == "spring-course"
    pushed = await push(chat.database, root, author="git", now=chat.clock.now())
    assert pushed.changes == ()


async def test_the_draft_survives_a_restart(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Spring")
    chat.restart()
    said = await chat.type("Premium")
    assert "What does it cost?" in said[-1].text


async def test_it_expires_after_half_an_hour_of_silence_with_a_word(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.pass_time(timedelta(minutes=29))
    assert await chat.work() == []
    await chat.pass_time(timedelta(minutes=1))
    said = await chat.work()
    assert "Nothing came for 30 minutes" in said[0].text
    assert await chat.type("Spring") == []  # an ordinary word again


async def test_what_comes_late_hears_that_it_expired(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.pass_time(timedelta(minutes=31))
    said = await chat.type("Spring")
    assert len(said) == 1
    assert "Nothing came" in said[0].text


async def test_a_stranger_and_a_start_are_ordinary(chat: Chat) -> None:
    assert await chat.type("/create_scenario", STRANGER) == []
    assert await chat.type("/scenarios", STRANGER) == []
    assert await chat.data("~x:spring-course", STRANGER) == []
    said = await chat.type("/start")
    assert "nothing new for you" in said[0].text


async def test_a_preview_is_what_a_contact_gets(chat: Chat) -> None:
    await create(chat)
    shown = next(one for one in chat.said if one.media)
    assert shown.text == "<b>Hello</b> Olga"
    assert len(shown.media) == 2
    assert shown.buttons["Buy now"] == "https://example.com"
    assert shown.buttons["I did it"] == "demo"  # it must not move the admin's own enrollment


async def test_the_id_comes_out_of_the_name_and_can_be_changed(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Летний курс")
    for _ in range(4):
        said = await chat.type("skip")
    assert "letniy-kurs" in said[-1].text
    await chat.press("Edit")
    await chat.press("Name")
    said = await chat.type("Spring course")
    assert "Id: spring-course" in said[-1].text
    await chat.press("Edit")
    said = await chat.press("Id")
    assert "Which id shall it have?" in said[-1].text
    assert "Now: spring-course" in said[-1].text
    said = await chat.type("my own id")
    assert "An id has Latin letters" in said[-1].text
    said = await chat.type("my-own-id")
    assert "Id: my-own-id" in said[-1].text
    await chat.press("Edit")
    await chat.press("Name")
    said = await chat.type("Another name")
    assert "Id: my-own-id" in said[-1].text


async def test_two_of_one_name_get_ids_of_their_own(chat: Chat) -> None:
    await create(chat)
    save = chat.said[-1].buttons["💾 Save"]
    await second_scenario(chat, "skip", "Spring course 🌱", BORIS)  # begun and saved meanwhile
    said = await chat.data(save)
    assert "/start spring-course-2" in said[0].text


async def test_a_button_without_a_link_is_told_with_the_preview(chat: Chat) -> None:
    await second_scenario(chat, "payment|Pay\ncallback|Done|DONE")
    told = [one.text for one in chat.said if "Not shown above" in one.text]
    assert told == ["Not shown above: “Pay”. A button comes as soon as there is a link for it."]


async def test_what_a_trigger_brings_along_is_shown_by_its_name(chat: Chat) -> None:
    await second_scenario(chat, "skip", text="Order {{ context.order_id }}")
    assert any(one.text == "Order __context.order_id__" for one in chat.said)
    [told] = [one.text for one in chat.said if "It can be saved so, but:" in one.text]
    assert "context.order_id is only there when whoever starts the scenario gives it" in told


async def test_a_command_that_nobody_knows_is_answered(chat: Chat) -> None:
    [said] = await chat.type("/scenario")
    assert said.text == "I do not know the command /scenario; /help lists those I know."
    assert await chat.type("/scenario", STRANGER) == []
    assert "For admins" in (await chat.type("/help"))[0].text
    assert "no menu for you" in (await chat.type("/menu"))[0].text


async def test_an_unknown_variable_is_told_at_once(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Spring")
    for _ in range(4):
        await chat.type("skip")
    await chat.press("Confirm")
    said = await chat.type("Hi {{ user.fist_name }}")
    assert "I do not know <code>user.fist_name</code>" in said[-1].text
    assert "{{ user.first_name }}" in said[-1].text
    said = await chat.type("Hi {{ user.first_name }}")
    assert "Send photos" in said[-1].text


async def test_two_admins_at_once_lose_nothing(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    await chat.type("/edit_scenario spring-course")
    await chat.type("/edit_scenario spring-course", BORIS)
    theirs = chat.said[-1]
    await chat.data(theirs.buttons["2"], BORIS)
    await chat.press("Edit", BORIS)
    await chat.press("Text", BORIS)
    await chat.type("Second, by Boris", BORIS)
    await chat.press("Confirm", BORIS)
    await chat.press("Save", BORIS)
    hub = [one for one in chat.said if "General" in one.buttons]
    await chat.data(hub[-3].buttons["1"])
    await chat.press("Edit")
    await chat.press("Text")
    await chat.type("First, by Olga")
    await chat.press("Confirm")
    said = await chat.press("Save")
    assert "Boris (200) saved this scenario while you were editing it" in said[0].text
    assert "Message 2" in said[0].text
    await chat.press("Save")
    body = await body_of(chat, "spring-course")
    texts = [body["messages"][key]["texts"][""] for key in body["order"]]
    assert texts == ["First, by Olga", "Second, by Boris"]


async def test_the_same_text_changed_by_two_is_a_choice(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    for who in (OLGA, BORIS):
        await chat.type("/edit_scenario spring-course", who)
        await chat.press("2", who)
        await chat.press("Edit", who)
        await chat.press("Text", who)
        await chat.type(f"by {who}", who)
        await chat.press("Confirm", who)
    mine = chat.said[-1].buttons
    await chat.data(mine["💾 Save"], BORIS)
    await chat.data("~w:0:again", OLGA)  # shows the overview again
    said = await chat.press("Save")
    assert "You both changed this" in said[0].text
    assert "by 200" in said[0].text
    await chat.press("Take the other version")
    await chat.press("Save")
    body = await body_of(chat, "spring-course")
    assert body["messages"]["msg_2"]["texts"][""] == "by 200"


async def test_undo_goes_back_and_brings_back(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    await chat.type("/edit_scenario spring-course")
    await chat.press("2")
    await chat.press("Edit")
    await chat.press("Text")
    await chat.type("Changed")
    await chat.press("Confirm")
    await chat.press("Save")
    said = await chat.press("Undo the last change")
    assert "Undone" in said[0].text
    body = await body_of(chat, "spring-course")
    assert body["messages"]["msg_2"]["texts"][""] == "Second"
    said = await chat.type("/undo spring-course")
    assert "nothing before this" in said[0].text


async def test_deleting_is_refused_for_the_default_and_what_is_in_use(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    said = await chat.type("/delete_scenario spring-course")
    assert "is the default scenario and cannot be deleted" in said[0].text
    await second_scenario(chat, "start_scenario|Back|spring-course")
    await chat.type("/set_default_scenario more")
    said = await chat.type("/delete_scenario spring-course")
    assert "is in use" in said[0].text
    assert "message 1 of “More”" in said[0].text


async def test_a_deleted_scenario_comes_back(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    await second_scenario(chat, "skip")
    await chat.type("/delete_scenario more")
    said = await chat.press("Yes, delete")
    assert "“More” is deleted" in said[0].text
    assert await body_of(chat, "more") is None
    said = await chat.press("Undo")
    assert "“More” is back" in said[0].text
    assert (await body_of(chat, "more"))["order"] == ["msg_1"]


async def second_scenario(
    chat: Chat, buttons: str, name: str = "More", who: int = OLGA, text: str = "Hello"
) -> None:
    await chat.type("/create_scenario", who)
    await chat.type(name, who)
    for _ in range(4):
        await chat.type("skip", who)
    await chat.press("Confirm", who)
    await chat.type("skip", who)
    await chat.type("skip", who)
    await chat.press("Confirm", who)
    await chat.type(text, who)
    await chat.type("skip", who)
    await chat.type("сразу", who)
    await chat.type(buttons, who)
    await chat.press("Confirm", who)
    await chat.press("That is all", who)
    said = await chat.press("Save", who)
    assert "is saved" in said[0].text


async def test_the_demo_names_each_variable(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    said = await chat.type("/demo_scenario spring-course")
    assert "message by message" in said[0].text
    assert [one.text for one in said[1:]] == [
        "<b>Hello</b> __user.first_name__",
        "Second",
        "You have seen it all.",
    ]


async def test_stats_are_counted_outside_of_the_drain(chat: Chat) -> None:
    await create(chat)
    await chat.press("Save")
    assert await chat.type("/stats") == []
    said = await chat.work()
    assert "Contacts: 1" in said[0].text
    assert "Spring course" in said[0].text


async def test_stale_and_double_presses_do_no_harm(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Spring")
    old = chat.said[-1].buttons["Skip"]
    await chat.data(old)
    said = await chat.data(old)
    assert "earlier question" in said[-1].text or said == []
    said = await chat.data("~w:1:skip")
    assert "earlier question" in said[-1].text
    assert "What does it cost?" in said[-1].text


async def test_files_of_which_telegram_hands_out_nothing_are_told(chat: Chat) -> None:
    await create(chat)
    await chat.press("Add a message")
    await chat.type("Third")
    await chat.photo("late")
    said = await chat.press("Done")
    assert "One moment" in said[-1].text
    chat.files.bodies["late"] = b""
    said = await chat.work()
    assert "send it again" in said[0].text
