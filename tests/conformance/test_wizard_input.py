"""The wizard and whatever people do to it: wrong kinds, huge, in the middle, twice, in Russian."""

from typing import Any

import pytest

from admin_chat import OLGA, Chat
from dripline.clock import VirtualClock
from dripline.content import edit
from dripline.database import Database


@pytest.fixture
def chat(database: Database, clock: VirtualClock) -> Chat:
    return Chat(database, clock)


async def at_price(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Course")
    await chat.type("Product")


async def at_text(chat: Chat) -> None:
    await at_price(chat)
    for _ in range(3):
        await chat.type("skip")
    await chat.press("Confirm")
    await chat.type("skip")
    await chat.type("skip")
    await chat.press("Confirm")


async def at_timing(chat: Chat) -> None:
    await at_text(chat)
    await chat.type("Hello")
    await chat.type("skip")


@pytest.mark.parametrize("price", ["0", "-5", "1.5", "1000001", "free", "1 50", "9" * 4000, "😀"])
async def test_a_price_is_a_whole_number(chat: Chat, price: str) -> None:
    await at_price(chat)
    said = await chat.type(price)
    assert "A price is a whole number from 1 to 1,000,000" in said[-1].text
    assert "What does it cost?" in said[-1].text
    said = await chat.type("1 000 000 ₽")
    assert "What shall the contact get after paying?" in said[-1].text


@pytest.mark.parametrize("name", ["", " \n ", "\u200b\u202e", "x" * 201])
async def test_a_name_can_be_seen_and_is_not_too_long(chat: Chat, name: str) -> None:
    await chat.type("/create_scenario")
    said = await chat.type(name or "  ")
    assert "What is the scenario called?" in said[-1].text
    assert "/create" not in said[-1].text


@pytest.mark.parametrize(
    "name", ["<b>x</b>&", "שלום", "🌱" * 200, "{name} {{ user.x }} %s", "a\u202eb"]
)
async def test_any_script_is_a_name(chat: Chat, name: str) -> None:
    await chat.type("/create_scenario")
    said = await chat.type(name)
    assert "What does it sell?" in said[-1].text
    for _ in range(4):
        said = await chat.type("skip")
    shown = said[-1].text
    assert "<b>x" not in shown
    assert shown.count("\u2068") == shown.count("\u2069")


@pytest.mark.parametrize(
    "message",
    [
        {"sticker": {"file_id": "s"}},
        {"photo": [{"file_id": "p", "file_size": 1}]},
        {"photo": "junk"},
        {"contact": {}},
        {},
    ],
)
async def test_what_is_no_text_is_told(chat: Chat, message: dict[str, Any]) -> None:
    await chat.type("/create_scenario")
    said = await chat._message(message, OLGA)
    assert "What is the scenario called?" in said[-1].text


async def test_a_caption_is_the_text_of_its_photo(chat: Chat) -> None:
    await at_text(chat)
    bold = [{"type": "bold", "offset": 0, "length": 4}]
    said = await chat.photo("p", caption="Look here", caption_entities=bold)
    assert "1 photo" in said[-1].text
    await chat.work()
    await chat.press("Done")
    await chat.type("now")
    said = await chat.type("skip")
    assert said[0].text == "<b>Look</b> here"
    assert len(said[0].media) == 1


async def test_an_album_is_answered_once(chat: Chat) -> None:
    await at_text(chat)
    await chat.type("Hello")
    before = len(chat.said)
    query = [await_photo(number) for number in range(4)]
    for one in query:
        await chat._message(one, OLGA)
    acks = [one for one in chat.said[before:] if "Received" in one.text]
    assert "4 photos" in acks[-1].text


async def test_an_album_that_is_not_asked_for_is_refused_once(chat: Chat) -> None:
    await at_price(chat)
    said = [await chat._message(await_photo(number), OLGA) for number in range(3)]
    assert [len(one) for one in said] == [1, 0, 0]
    assert "I need a text here, not a file." in said[0][0].text


def await_photo(number: int) -> dict[str, Any]:
    sizes = [{"file_id": f"f{number}", "file_size": 9}]
    return {"photo": sizes, "media_group_id": "album"}


async def test_an_eleventh_photo_is_left_out(chat: Chat) -> None:
    await at_text(chat)
    await chat.type("Hello")
    for number in range(10):
        await chat.photo(f"f{number}")
    said = await chat.photo("f10")
    assert "at most 10 files" in said[-1].text


async def test_a_file_too_big_for_bots_is_told_at_once(chat: Chat) -> None:
    await at_text(chat)
    await chat.type("Hello")
    video = {"video": {"file_id": "v", "file_size": 21 * 1024 * 1024}}
    said = await chat._message(video, OLGA)
    assert "more than 20 MB" in said[-1].text


@pytest.mark.parametrize("timing", ["soon", "/1d", "after DONE", "25:00"])
async def test_a_timing_that_is_none_is_asked_again(chat: Chat, timing: str) -> None:
    await at_timing(chat)
    said = await chat.type(timing)
    assert "When does it go out" in said[-1].text
    said = await chat.press("At once")
    assert "Which buttons" in said[-1].text


@pytest.mark.parametrize(
    ("buttons", "sentence"),
    [
        ("Buy", "is no button"),
        ("url|Buy|javascript:alert(1)", "is no link a button may have"),
        ("callback|Do|" + "x" * 65, "at most 64 bytes"),
        ("start_scenario|Go|nowhere", "There is no scenario “nowhere”"),
        ("url|{{ user.x }}|https://example.com", "I do not know <code>user.x</code>"),
    ],
)
async def test_buttons_that_are_none_are_explained(chat: Chat, buttons: str, sentence: str) -> None:
    await at_timing(chat)
    await chat.type("now")
    said = await chat.type(buttons)
    assert sentence in said[-1].text
    said = await chat.type("callback|Done|DONE")
    assert "Done" in said[0].buttons


async def test_commands_in_the_middle(chat: Chat) -> None:
    await at_price(chat)
    said = await chat.type("/scenarios")
    assert "There is no scenario yet." in said[0].text
    said = await chat.type("/nonsense")
    assert "I do not know the command /nonsense" in said[-1].text
    said = await chat.type("/create_scenario")
    assert "is not finished yet" in said[0].text
    said = await chat.press("Go on with it")
    assert "What does it cost?" in said[-1].text
    said = await chat.type("/cancel")
    assert "nothing was created" in said[0].text
    said = await chat.type("/cancel")
    assert "nothing to cancel" in said[0].text
    await chat.type("/create_scenario")
    said = await chat.type("/create_broadcast")
    assert said[0].text == "What you have begun is not finished yet."
    await chat.type("/cancel")
    assert await chat.type("1500") == []


@pytest.mark.parametrize(
    "data",
    ["~w:", "~w:x:y", "~w:1", "~", "~~", "~q:1", "~l:x", "~c:nowhere", "~u:zz", "~w:1:f99999"],
)
async def test_made_up_buttons_do_no_harm(chat: Chat, data: str) -> None:
    await at_price(chat)
    await chat.data(data)
    said = await chat.type("1500")
    assert "after paying" in said[-1].text


async def test_no_button_is_too_long_for_telegram(chat: Chat) -> None:
    await chat.type("/create_scenario")
    await chat.type("Long")
    for _ in range(4):
        await chat.type("skip")
    await chat.press("Edit")
    await chat.press("Id")
    await chat.type("x" * 61)
    await chat.press("Confirm")
    await chat.type("skip")
    await chat.type("skip")
    await chat.press("Confirm")
    await chat.type("Hello")
    await chat.type("skip")
    await chat.type("now")
    await chat.type("skip")
    await chat.press("Confirm")
    await chat.press("That is all")
    await chat.press("Save")
    await chat.type("/scenarios")
    sizes = [len(data.encode()) for one in chat.said for data in one.buttons.values()]
    assert max(sizes) <= 64


async def test_saving_twice_saves_once(chat: Chat) -> None:
    await at_timing(chat)
    await chat.type("now")
    await chat.type("skip")
    await chat.press("Confirm")
    await chat.press("That is all")
    save = chat.said[-1].buttons["💾 Save"]
    said = await chat.data(save)
    assert "is saved" in said[0].text
    said = await chat.data(save)
    assert "finished or expired" in said[0].text
    async with chat.database.reading() as session:
        state = await edit.read_state(session)
    assert state.heads["scenario", "course"].number == 1


async def test_all_of_it_in_russian(database: Database, clock: VirtualClock) -> None:
    chat = Chat(database, clock, language="ru")
    said = await chat.type("/create_scenario")
    assert "Как называется сценарий?" in said[0].text
    await chat.type("Летний курс")
    for _ in range(4):
        await chat.type("пропустить")
    await chat.press("Подтвердить")
    await chat.type("пропустить")
    await chat.type("пропустить")
    await chat.press("Подтвердить")
    await chat.type("Привет")
    await chat.type("пропустить")
    await chat.type("завтра в 9:00")
    said = await chat.type("пропустить")
    assert "1 день позже" in said[-1].text or "через" in said[-1].text.lower()
    await chat.press("Подтвердить")
    await chat.press("Это всё")
    said = await chat.press("Сохранить")
    assert "«Летний курс» сохранён" in said[0].text
    english = [one.text for one in chat.said if "message" in one.text.lower()]
    assert english == []
