"""An ordinary python-telegram-bot against the sandbox, over real HTTP."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
)

from dripline.sandbox.botapi.faults import Fault, FaultKind
from dripline.sandbox.world import contacts
from sandbox_running import START, TOKEN, Running, png, running_sandbox, until

# The library warns of its own future; nothing of ours.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_sandbox() as running:
        yield running


def application(running: Running) -> Application:  # type: ignore[type-arg]
    return (
        ApplicationBuilder()
        .token(TOKEN)
        .base_url(f"{running.url}/bot")
        .base_file_url(f"{running.url}/file/bot")
        .build()
    )


@pytest.fixture
async def bot(running: Running) -> AsyncIterator[Bot]:
    async with Bot(TOKEN, f"{running.url}/bot", f"{running.url}/file/bot") as bot:
        yield bot


async def test_who_am_i(bot: Bot) -> None:
    assert (bot.username, bot.can_join_groups) == ("test_school_bot", True)


async def test_a_message_with_everything(running: Running, bot: Bot) -> None:
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
    sent = await bot.send_message(
        running.anna.id, "*bold* \\- _italic_", parse_mode="MarkdownV2", reply_markup=markup
    )
    assert sent.text == "bold - italic"
    assert [entity.type for entity in sent.entities] == ["bold", "italic"]
    assert sent.date == START
    assert sent.reply_markup == markup


async def test_media_files_and_albums(running: Running, bot: Bot) -> None:
    anna = running.anna.id
    photo = await bot.send_photo(anna, png(), caption="A photo")
    assert photo.photo[-1].width == 640
    file = await bot.get_file(photo.photo[-1].file_id)
    assert bytes(await file.download_as_bytearray()) == png()
    album = await bot.send_media_group(
        anna, [InputMediaPhoto(png(shade=5)), InputMediaPhoto(photo.photo[-1].file_id)]
    )
    assert len({message.media_group_id for message in album}) == 1
    document = await bot.send_document(anna, b"words", filename="words.txt")
    assert document.document is not None
    assert document.document.mime_type == "text/plain"
    for send in (bot.send_video, bot.send_voice, bot.send_audio, bot.send_animation):
        assert (await send(anna, b"bytes")).effective_attachment is not None


async def test_what_is_neither_words_nor_a_file(running: Running, bot: Bot) -> None:
    anna = running.anna.id
    assert (await bot.send_dice(anna)).dice is not None
    assert (await bot.send_location(anna, 55.75, 37.62)).location is not None
    venue = await bot.send_venue(anna, 55.75, 37.62, "Studio", "1 Light Street")
    assert venue.venue is not None
    assert venue.venue.title == "Studio"
    assert (await bot.send_contact(anna, "+7900", "Ben")).contact is not None
    quiz = await bot.send_poll(anna, "2 + 2", ["3", "4"], type="quiz", correct_option_id=1)
    assert (await bot.stop_poll(anna, quiz.message_id)).is_closed
    with pytest.raises(BadRequest, match="Poll has already been closed"):
        await bot.stop_poll(anna, quiz.message_id)
    sticker = await bot.send_sticker(anna, png(512, 512), emoji="👋")
    assert sticker.sticker is not None
    assert sticker.sticker.emoji == "👋"
    assert (await bot.send_video_note(anna, b"film")).video_note is not None
    assert await sticker.set_reaction("🔥")
    assert await sticker.pin()
    assert await sticker.unpin()
    assert (await bot.get_user_profile_photos(anna)).photos == ()


async def test_errors_have_their_classes(running: Running, bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(999, "x")
    with pytest.raises(BadRequest, match="Can't parse entities"):
        await bot.send_message(running.anna.id, "a.b", parse_mode="MarkdownV2")
    contacts.block(running.telegram, running.bot, running.anna)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(running.anna.id, "x")
    faults = running.sandbox.api.faults
    faults.add(Fault(FaultKind.TOO_MANY_REQUESTS, seconds=3))
    with pytest.raises(RetryAfter):
        await bot.send_message(running.anna.id, "x")
    for kind in (FaultKind.SERVER_ERROR, FaultKind.DROP, FaultKind.GARBAGE):
        faults.add(Fault(kind))
        with pytest.raises(TelegramError):
            await bot.send_message(running.anna.id, "x")
    with pytest.raises(InvalidToken):
        async with Bot("424242:wrong", f"{running.url}/bot"):
            pass


async def test_a_whole_application_with_polling(running: Running) -> None:
    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        markup = InlineKeyboardMarkup([[InlineKeyboardButton("Done", callback_data="done")]])
        await update.message.reply_text(f"Hello {context.args}", reply_markup=markup)

    async def done(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("Yes", show_alert=True)
        await update.callback_query.edit_message_text("Done!")

    app = application(running)
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(done))
    chat = running.telegram.private(running.bot, running.anna)
    async with app:
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(timeout=5)
        contacts.start(running.telegram, running.bot, running.anna, "gift")
        message = await _last(running, "Hello ['gift']")
        query = contacts.press(running.telegram, chat, running.anna, message, 0, 0)
        await _last(running, "Done!")
        assert query.answer == {"text": "Yes", "show_alert": True, "url": ""}
        await app.updater.stop()
        await app.stop()


async def _last(running: Running, text: str) -> int:
    chat = running.telegram.private(running.bot, running.anna)
    await until(lambda: (last := chat.history.last()) and last.text == text)
    last = chat.history.last()
    assert last is not None
    return last.id
