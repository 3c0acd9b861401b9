"""The sandbox's page in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.resources import files

import pytest
from playwright.async_api import Browser, expect

from dripline.sandbox.botapi.call import Call, Upload
from dripline.sandbox.botapi.methods import METHODS
from dripline.sandbox.ports import Due, WhyEntry
from dripline.sandbox.world import contacts
from sandbox_browser import BROWSER_TESTS, NARROW, open_page
from sandbox_running import START, Running, png, running_sandbox, until

pytestmark = BROWSER_TESTS


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_sandbox() as running:
        yield running


async def send(
    running: Running, method: str, files: dict[str, Upload] | None = None, **params: object
) -> None:
    call = Call(running.bot, method.lower(), {"chat_id": running.anna.id, **params}, files or {})
    result = METHODS[call.method](running.sandbox.api, call)
    if asyncio.iscoroutine(result):
        await result


async def test_start_buttons_and_answers(running: Running, browser: Browser) -> None:
    ben = running.telegram.add_user("Ben")
    page = await open_page(browser, running)
    phone = page.locator(".phone", has_text="Ben")
    await phone.get_by_role("button", name="Start", exact=True).click()
    await expect(phone.locator(".msg.mine")).to_contain_text("/start")
    markup = {"inline_keyboard": [[{"text": "Done", "callback_data": "done"}]]}
    await send(
        running,
        "sendMessage",
        chat_id=ben.id,
        text="<b>Hello</b>",
        parse_mode="HTML",
        reply_markup=markup,
    )
    await expect(phone.locator(".msg:not(.mine) b")).to_have_text("Hello")
    button = phone.get_by_role("button", name="Done")
    await button.click()
    await expect(button).to_have_class("key busy")
    [query] = running.bot.queries.values()
    await send(running, "answerCallbackQuery", callback_query_id=query.id, text="Well done")
    await expect(phone.locator(".hint")).to_have_text("Well done")
    await expect(button).to_have_class("key ")
    await phone.get_by_label("Message", exact=True).fill("Thank you")
    await page.keyboard.press("Enter")
    await expect(phone.locator(".msg.mine").last).to_contain_text("Thank you")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_nothing_a_bot_sends_becomes_markup(running: Running, browser: Browser) -> None:
    page = await open_page(browser, running)
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    await send(running, "sendMessage", text=evil)
    running.telegram.add_user(evil[:30])
    await send(
        running,
        "sendMessage",
        text="x",
        entities=[{"type": "text_link", "offset": 0, "length": 1, "url": "javascript:alert(3)"}],
    )
    await expect(
        page.locator(".phone").first.locator(".msg:not(.mine) .text").first
    ).to_contain_text(evil)
    assert await page.locator(".log img, .log script").count() == 0
    assert await page.locator("a[href^='javascript']").count() == 0
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_albums_files_and_formatting(running: Running, browser: Browser) -> None:
    pictures = {
        f"p{n}": Upload(png(600, 300 + 100 * n, n * 40), f"{n}.png", "image/png") for n in range(4)
    }
    media = [{"type": "photo", "media": f"attach://{name}"} for name in pictures]
    media[0]["caption"] = "Four"
    await send(running, "sendMediaGroup", pictures, media=media)
    await send(running, "sendDocument", {"document": Upload(b"%PDF", "plan.pdf", "")})
    await send(running, "sendMessage", text="||hidden|| `code`\n>quote", parse_mode="MarkdownV2")
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    await expect(phone.locator(".mosaic .tile")).to_have_count(4)
    await expect(phone.locator(".captioned")).to_contain_text("Four")
    await expect(phone.locator(".file")).to_contain_text("plan.pdf")
    spoiler = phone.locator(".spoiler")
    await spoiler.click()
    await expect(spoiler).to_have_class("spoiler open")
    await expect(phone.locator("blockquote")).to_have_text("quote")
    await phone.locator(".tile").first.click()
    await expect(page.locator(".viewer img")).to_be_visible()
    await page.keyboard.press("Escape")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_dice_places_polls_and_stickers(running: Running, browser: Browser) -> None:
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    await send(running, "sendDice", emoji="🎯")
    await send(running, "sendVenue", latitude=1, longitude=2, title="Studio", address="1 Light St")
    await send(running, "sendContact", phone_number="+7900", first_name="Ben")
    await send(running, "sendPoll", question="<i>What?</i>", options=["Tea", "Coffee"])
    await send(running, "sendSticker", {"sticker": Upload(png(512, 256), "s.webp", "")}, emoji="👋")
    await send(running, "sendVideoNote", {"video_note": Upload(b"film", "n.mp4", "")}, duration=7)
    await expect(phone.locator(".dice")).to_contain_text("🎯")
    await expect(phone.locator(".file .what")).to_have_text(["Studio1 Light St", "Ben+7900"])
    await expect(phone.locator(".poll > b")).to_have_text("<i>What?</i>")
    await expect(phone.locator(".poll li")).to_have_text(["Tea", "Coffee"])
    assert await phone.locator("img.sticker").get_attribute("height") == "90"
    await expect(phone.locator(".round .badge")).to_have_text("0:07")
    await send(running, "stopPoll", message_id=_number(running, "poll"))
    await expect(phone.locator(".poll .kind")).to_contain_text("Poll closed")
    await phone.get_by_role("button", name="Chats").click()
    await expect(phone.locator(".last")).to_contain_text("Video message")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_reactions_and_pins(running: Running, browser: Browser) -> None:
    await send(running, "sendDice")
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    place = {"message_id": _number(running, "dice")}
    emoji = {"type": "emoji", "emoji": "🔥"}
    await send(running, "setMessageReaction", reaction=[emoji], **place)
    await expect(phone.locator(".reactions")).to_contain_text("🔥")
    await send(running, "setMessageReaction", **place)
    await expect(phone.locator(".reactions")).to_have_count(0)
    await expect(phone.locator(".pin")).to_be_hidden()
    await send(running, "pinChatMessage", **place)
    await expect(phone.locator(".service")).to_have_text("Test school pinned a message")
    await expect(phone.locator(".pin")).to_contain_text("🎲")
    await send(running, "sendMessage", text="line\n" * 99)
    await expect(phone.locator(".dice")).not_to_be_in_viewport()
    await phone.locator(".pin").click()
    await expect(phone.locator(".dice")).to_be_in_viewport()
    await send(running, "unpinChatMessage")
    await expect(phone.locator(".pin")).to_be_hidden()
    assert page.complaints == []  # type: ignore[attr-defined]


def _number(running: Running, kind: str) -> int:
    history = running.telegram.private(running.bot, running.anna).history
    return next(message.id for message in history if message.kind == kind)


async def test_an_empty_chat_says_what_the_bot_can_do(running: Running, browser: Browser) -> None:
    running.telegram.add_user("Ben", language_code="ru")
    running.telegram.add_user("Chiara", language_code="it")
    page = await open_page(browser, running)
    intro = page.locator(".phone", has_text="Ben").locator(".intro")
    await expect(intro).to_contain_text("Press Start")
    await send(running, "setMyDescription", description="Seven lessons.\nOne a day.")
    await send(running, "setMyDescription", description="Семь уроков", language_code="ru")
    await expect(intro).to_contain_text("Семь уроков")
    await page.locator("#rail button", has_text="Chiara").click()
    other = page.locator(".phone", has_text="Chiara").locator(".intro")
    await expect(other).to_contain_text("Seven lessons.")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_voice_message_says_how_long_it_is(running: Running, browser: Browser) -> None:
    ben = running.add_contact("Ben")
    bell = files("dripline.sandbox") / "course/scenarios/photos/messages/bell.ogg"
    voice = {"voice": Upload(bell.read_bytes(), "bell.ogg", "audio/ogg")}
    for person in (running.anna, ben):
        await send(running, "sendVoice", voice, chat_id=person.id)
    page = await open_page(browser, running)
    await expect(page.locator(".file .what")).to_have_text(["0:09", "0:09"])


async def test_links_show_where_they_lead(running: Running, browser: Browser) -> None:
    deep = f"https://t.me/{running.bot.user.username}?start=again"
    rows = [[{"text": "Site", "url": "https://example.com/page"}], [{"text": "Deep", "url": deep}]]
    await send(running, "sendMessage", text="Links", reply_markup={"inline_keyboard": rows})
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    await phone.get_by_role("button", name="Site").click()
    way = phone.get_by_role("link", name="Open")
    assert await way.get_attribute("href") == "https://example.com/page"
    assert await way.get_attribute("rel") == "noopener noreferrer"
    await phone.get_by_role("button", name="Cancel").click()
    await phone.get_by_role("button", name="Deep").click()
    await expect(phone.locator(".msg.mine").last).to_contain_text("/start again")


async def test_blocking_and_adding(running: Running, browser: Browser) -> None:
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    await phone.get_by_role("button", name="Menu").click()
    await phone.get_by_role("menuitem", name="Block the bot").click()
    await phone.get_by_role("button", name="Restart bot").click()
    await expect(phone.get_by_label("Message", exact=True)).to_be_visible()
    states = [
        u["my_chat_member"]["new_chat_member"]["status"] for u in running.bot.updates.first(2)
    ]
    assert states == ["kicked", "member"]
    await page.locator("#rail .add").click()
    await page.get_by_label("First name").fill("Chiara")
    await page.get_by_label("Language").select_option("ru")
    await page.get_by_role("button", name="Add contact").click()
    await expect(page.locator(".phone", has_text="Chiara")).to_be_visible()
    assert [user.language_code for user in running.telegram.users.values()][-1] == "ru"


async def test_the_clock_and_why(running: Running, browser: Browser) -> None:
    due = START + timedelta(hours=24)
    running.clock.due = Due(due, "Anna")
    running.notes.entries = [
        WhyEntry(START, "sent", "Message 1 sent", "It was due at once", "course", "m1"),
        WhyEntry(START, "waiting", "Message 2 waits", "24 h after the first", "course", "m2", due),
    ]
    page = await open_page(browser, running)
    await expect(page.locator(".clock b")).to_have_text("09:00:00")
    await expect(page.locator(".next")).to_contain_text("Anna · in 1 d")
    await expect(page.locator("#why .entry")).to_contain_text("It was due at once")
    await expect(page.locator("#why .soon")).to_contain_text("Message 2 waits")
    await page.get_by_role("button", name="60×", exact=True).click()
    await expect(page.get_by_role("button", name="60×", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    assert running.clock.speed == 60
    await page.get_by_role("button", name="Jump to the next message").click()
    assert running.clock.now() >= due
    await expect(page.locator(".next")).to_contain_text("All are at the end")


async def test_on_a_phone_with_tabs_in_russian(running: Running, browser: Browser) -> None:
    running.notes.entries = [WhyEntry(START, "sent", "Отправлено", "Пора")]
    page = await open_page(browser, running, size=NARROW, language="ru-RU")
    await expect(page.locator(".phone")).to_have_count(1)
    await page.get_by_role("tab", name="Почему").click()
    await expect(page.locator("#why .entry")).to_contain_text("Отправлено")
    await expect(page.locator(".phone")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("tab", name="Чат").click()
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("tab", name="Chat")).to_be_visible()
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en-US", "ru-RU"])
async def test_on_a_phone_the_next_time_is_whole(
    running: Running, browser: Browser, language: str
) -> None:
    running.clock.due = Due(START + timedelta(hours=16, minutes=22), "Boris")
    page = await open_page(browser, running, size=NARROW, language=language)
    await expect(page.locator(".next b")).to_contain_text("Boris · ")
    cut = "parts => parts.filter(one => one.scrollWidth > one.clientWidth).length"
    assert await page.locator(".next > *").evaluate_all(cut) == 0


@pytest.mark.parametrize("language", ["en-US", "ru-RU"])
async def test_on_a_phone_it_is_whole_that_nothing_comes_next(
    running: Running, browser: Browser, language: str
) -> None:
    page = await open_page(browser, running, size=NARROW, language=language)
    cut = "parts => parts.filter(one => one.scrollWidth > one.clientWidth).length"
    await expect(page.locator(".next.idle b")).to_be_visible()
    assert await page.locator(".next > *").evaluate_all(cut) == 0
    await send(running, "sendMessage", text="The last one")
    await expect(page.locator(".msg").last).to_contain_text("The last one")
    assert await page.locator(".next > *").evaluate_all(cut) == 0


async def test_what_is_open_stays_open_when_a_message_comes(
    running: Running, browser: Browser
) -> None:
    quote = "\n".join(f">line {number}" for number in range(9))
    await send(running, "sendMessage", text=f"||hidden||\n**{quote}||", parse_mode="MarkdownV2")
    await send(running, "sendVoice", {"voice": Upload(b"OggS", "bell.ogg", "audio/ogg")})
    markup = {"inline_keyboard": [[{"text": "Done", "callback_data": "done"}]]}
    await send(running, "sendMessage", text="Select me", reply_markup=markup)
    page = await open_page(browser, running)
    phone = page.locator(".phone").first
    await phone.locator(".spoiler").click()
    await phone.locator("blockquote").click()
    await phone.locator(".msg .file").evaluate("row => { row.playing = true; }")
    await phone.locator(".text", has_text="Select me").select_text()
    await phone.get_by_role("button", name="Done").focus()
    await send(running, "sendMessage", text="And another")
    await expect(phone.locator(".msg").last).to_contain_text("And another")
    await expect(phone.locator(".spoiler")).to_have_class("spoiler open")
    await expect(phone.locator("blockquote")).not_to_have_class("folded")
    assert await phone.locator(".msg .file").evaluate("row => row.playing")
    assert "Select me" in await page.evaluate("getSelection().toString()")
    button = phone.get_by_role("button", name="Done")
    await expect(button).to_be_focused()
    await button.click()
    await expect(button).to_have_class("key busy")
    asked = page.locator(".msg.last", has=page.get_by_role("button", name="Done"))
    await expect(asked).to_have_count(0)
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_an_edit_and_a_deletion_show_at_once(running: Running, browser: Browser) -> None:
    for text in ("One", "Two", "Three"):
        await send(running, "sendMessage", text=text)
    one = running.telegram.private(running.bot, running.anna).history.last()
    assert one is not None
    page = await open_page(browser, running)
    texts = page.locator(".phone").first.locator(".msg:not(.mine) .text")
    await expect(texts).to_have_text(["One", "Two", "Three"])
    await send(running, "editMessageText", message_id=one.id, text="Third")
    await send(running, "deleteMessage", message_id=one.id - 1)
    await expect(texts).to_have_text(["One", "Third"])
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_the_time_leaves_room_for_words_from_right_to_left(
    running: Running, browser: Browser
) -> None:
    page = await open_page(browser, running)
    for count in range(1, 9):
        await send(running, "sendMessage", text="שלום " * count)
    bubbles = page.locator(".phone").first.locator(".msg:not(.mine) .bubble")
    await expect(bubbles).to_have_count(8)
    covered = """all => all.filter(one => {
      const words = document.createRange();
      words.selectNodeContents(one.querySelector(".text").firstChild);
      const time = one.querySelector(".meta").getBoundingClientRect();
      return [...words.getClientRects()].some(line => line.right > time.left + 1
        && line.left < time.right - 1 && line.bottom > time.top + 3 && line.top < time.bottom);
    }).length"""
    assert await bubbles.evaluate_all(covered) == 0


async def test_what_came_while_nobody_looked_is_unread(running: Running, browser: Browser) -> None:
    people = [running.add_contact(name) for name in ("Ben", "Chiara", "Dana", "Eva")]
    page = await open_page(browser, running)
    await expect(page.locator(".phone")).to_have_count(2)
    await send(running, "sendMessage", chat_id=people[3].id, text="Psst")
    eva = page.locator("#rail button", has_text="Eva")
    await expect(eva.locator(".count")).to_have_text("1")
    await eva.click()
    await expect(page.locator(".phone", has_text="Eva").locator(".msg").last).to_contain_text(
        "Psst"
    )
    await expect(eva.locator(".count")).to_have_count(0)
    chat = running.telegram.private(running.bot, people[3])
    await until(lambda: not chat.unread)
    contacts.delete_account(running.telegram, people[3])
    await expect(page.get_by_role("region", name="Eva").locator(".foot")).to_contain_text(
        "Deleted account"
    )
