"""An ordinary aiogram bot against the sandbox, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import DiceEmoji
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.filters import CommandStart
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    ChatFullInfo,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    InputPollOption,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
)

from dripline.sandbox.botapi.faults import Fault, FaultKind
from dripline.sandbox.world import contacts, membership
from dripline.sandbox.world.chats import Kind
from sandbox_running import OTHER_TOKEN, START, TOKEN, Running, png, running_sandbox, until


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_sandbox() as running:
        yield running


def client(running: Running, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(running.url)))


@pytest.fixture
async def bot(running: Running) -> AsyncIterator[Bot]:
    bot = client(running)
    yield bot
    await bot.session.close()


def keyboard(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[button] for button in buttons])


async def test_who_am_i(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.username, me.is_bot, me.can_join_groups) == ("test_school_bot", True, True)


async def test_text_with_entities_and_keyboard(running: Running, bot: Bot) -> None:
    sent = await bot.send_message(
        running.anna.id,
        "<b>Hello</b> https://example.com",
        parse_mode="HTML",
        reply_markup=keyboard(
            InlineKeyboardButton(text="Done", callback_data="done"),
            InlineKeyboardButton(text="Site", url="https://example.com"),
        ),
    )
    assert [(e.type, e.offset, e.length) for e in sent.entities or []] == [
        ("bold", 0, 5),
        ("url", 6, 19),
    ]
    assert sent.chat.first_name == "Anna"
    assert sent.date == START  # the sandbox's time, not the world's
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[1][0].url == "https://example.com/"


async def test_every_kind_of_media_and_its_file_id_again(running: Running, bot: Bot) -> None:
    def file(name: str, body: bytes = b"some bytes") -> BufferedInputFile:
        return BufferedInputFile(body, name)

    anna = running.anna.id
    photo = await bot.send_photo(
        anna, file("a.png", png()), caption="<i>cap</i>", parse_mode="HTML"
    )
    assert photo.photo is not None
    assert (photo.photo[-1].width, photo.photo[-1].height) == (640, 400)
    assert photo.caption_entities is not None
    again = await bot.send_photo(anna, photo.photo[-1].file_id)
    assert again.photo is not None
    assert again.photo[-1].file_unique_id == photo.photo[-1].file_unique_id
    video = await bot.send_video(anna, file("v.mp4"), duration=9, width=320, height=240)
    assert video.video is not None
    assert (video.video.duration, video.video.mime_type) == (9, "video/mp4")
    document = await bot.send_document(anna, file("d.pdf"))
    assert document.document is not None
    assert document.document.file_name == "d.pdf"
    voice = await bot.send_voice(anna, file("v.ogg"), duration=3)
    assert voice.voice is not None
    audio = await bot.send_audio(anna, file("s.mp3"), title="Song", performer="Band")
    assert audio.audio is not None
    assert (audio.audio.title, audio.audio.performer) == ("Song", "Band")
    animation = await bot.send_animation(anna, file("g.mp4"))
    assert animation.animation is not None
    assert (await bot.send_voice(anna, voice.voice.file_id)).voice is not None


async def test_what_is_neither_words_nor_a_file(running: Running, bot: Bot) -> None:
    anna = running.anna.id
    dice = await bot.send_dice(anna, emoji=DiceEmoji.DART)
    assert dice.dice is not None
    assert 1 <= dice.dice.value <= 6
    location = await bot.send_location(anna, 55.75, 37.62)
    assert location.location is not None
    assert location.location.latitude == 55.75
    venue = await bot.send_venue(anna, 55.75, 37.62, "Studio", "1 Light Street")
    assert venue.venue is not None
    assert venue.venue.title == "Studio"
    contact = await bot.send_contact(anna, "+7900", "Ben")
    assert contact.contact is not None
    assert contact.contact.first_name == "Ben"
    poll = await bot.send_poll(anna, "What?", ["Tea", InputPollOption(text="Coffee")])
    assert poll.poll is not None
    assert [option.text for option in poll.poll.options] == ["Tea", "Coffee"]
    assert (await bot.stop_poll(anna, poll.message_id)).is_closed
    sticker = await bot.send_sticker(anna, BufferedInputFile(png(512, 512), "s.webp"))
    assert sticker.sticker is not None
    assert (sticker.sticker.width, sticker.sticker.type) == (512, "regular")
    note = await bot.send_video_note(anna, BufferedInputFile(b"film", "n.mp4"), length=240)
    assert note.video_note is not None
    assert note.video_note.length == 240
    file = await bot.get_file(note.video_note.file_id)
    assert file.file_path is not None
    assert file.file_path.startswith("video_notes/")


async def test_reactions_and_pins(running: Running, bot: Bot) -> None:
    sent = await bot.send_message(running.anna.id, "x")
    assert await sent.react([ReactionTypeEmoji(emoji="🔥")])
    with pytest.raises(TelegramBadRequest, match="REACTION_INVALID"):
        await sent.react([ReactionTypeEmoji(emoji="🍕")])
    assert await sent.pin()
    [update] = await bot.get_updates()
    assert update.message is not None
    assert isinstance(update.message.pinned_message, Message)
    assert update.message.pinned_message.text == "x"
    pinned = (await bot.get_chat(running.anna.id)).pinned_message
    assert isinstance(pinned, Message)
    assert pinned.message_id == sent.message_id
    assert await sent.unpin()
    assert await bot.unpin_all_chat_messages(running.anna.id)
    assert (await bot.get_user_profile_photos(running.anna.id)).total_count == 0
    assert await bot.log_out()
    assert await bot.close()


async def test_albums(running: Running, bot: Bot) -> None:
    one, two = (BufferedInputFile(png(shade=shade), f"{shade}.png") for shade in (1, 2))
    sent = await bot.send_media_group(
        running.anna.id,
        [InputMediaPhoto(media=one, caption="Both"), InputMediaVideo(media=two)],
    )
    assert len({message.media_group_id for message in sent}) == 1
    assert [message.caption for message in sent] == ["Both", None]
    assert sent[0].photo is not None
    file_id = sent[0].photo[-1].file_id
    with pytest.raises(TelegramBadRequest, match="document can't be mixed"):
        await bot.send_media_group(
            running.anna.id, [InputMediaPhoto(media=file_id), InputMediaDocument(media=two)]
        )


async def test_a_file_id_belongs_to_one_bot(running: Running, bot: Bot) -> None:
    sent = await bot.send_photo(running.anna.id, BufferedInputFile(png(), "a.png"))
    assert sent.photo is not None
    other = client(running, OTHER_TOKEN)
    second = running.telegram.bot(OTHER_TOKEN)
    assert second is not None
    contacts.start(running.telegram, second, running.anna)
    with pytest.raises(TelegramBadRequest, match="wrong file identifier/HTTP URL specified"):
        await other.send_photo(running.anna.id, sent.photo[-1].file_id)
    await other.session.close()


async def test_a_file_comes_back_as_it_was_sent(running: Running, bot: Bot) -> None:
    body = bytes(range(256)) * 50
    sent = await bot.send_document(running.anna.id, BufferedInputFile(body, "x.bin"))
    assert sent.document is not None
    file = await bot.get_file(sent.document.file_id)
    assert file.file_path is not None
    downloaded = await bot.download_file(file.file_path)
    assert downloaded is not None
    assert downloaded.read() == body


async def test_edit_reply_copy_forward_delete(running: Running, bot: Bot) -> None:
    anna = running.anna.id
    first = await bot.send_message(anna, "one")
    edited = await bot.edit_message_text("two", chat_id=anna, message_id=first.message_id)
    assert isinstance(edited, Message)
    assert edited.text == "two"
    assert edited.edit_date is not None
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("two", chat_id=anna, message_id=first.message_id)
    markup = keyboard(InlineKeyboardButton(text="x", callback_data="x"))
    await bot.edit_message_reply_markup(
        chat_id=anna, message_id=first.message_id, reply_markup=markup
    )
    reply = await bot.send_message(
        anna, "re", reply_parameters=ReplyParameters(message_id=first.message_id)
    )
    assert reply.reply_to_message is not None
    assert reply.reply_to_message.text == "two"
    copy = await bot.copy_message(anna, anna, first.message_id)
    assert copy.message_id > reply.message_id
    forwarded = await bot.forward_message(anna, anna, first.message_id)
    assert forwarded.forward_origin is not None
    assert await bot.delete_message(anna, first.message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(anna, first.message_id)
    assert await bot.delete_messages(anna, [copy.message_id, reply.message_id])


async def test_errors_have_their_classes(running: Running, bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(999, "x")
    contacts.block(running.telegram, running.bot, running.anna)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(running.anna.id, "x")
    stranger = client(running, "424242:AAwrong_secret")
    with pytest.raises(TelegramUnauthorizedError):
        await stranger.get_me()
    await stranger.session.close()
    group = running.telegram.add_group("G", Kind.GROUP, members=[running.bot.user])
    new = membership.migrate(running.telegram, group)
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(group.id, "x")
    assert caught.value.migrate_to_chat_id == new.id


async def test_ordered_faults(running: Running, bot: Bot) -> None:
    faults, anna = running.sandbox.api.faults, running.anna.id
    faults.add(Fault(FaultKind.TOO_MANY_REQUESTS, seconds=7))
    with pytest.raises(TelegramRetryAfter) as caught:
        await bot.send_message(anna, "x")
    assert caught.value.retry_after == 7
    faults.add(Fault(FaultKind.SERVER_ERROR, status=502))
    with pytest.raises(TelegramServerError):
        await bot.send_message(anna, "x")
    history = running.telegram.private(running.bot, running.anna).history
    before = len(history)
    for kind, arrived in ((FaultKind.DROP, 0), (FaultKind.DROP_AFTER, 1), (FaultKind.NO_ANSWER, 0)):
        faults.add(Fault(kind))
        with pytest.raises(TelegramNetworkError):
            await bot.send_message(anna, "x", request_timeout=1)
        assert len(history) - before == arrived
        before = len(history)
    assert (await bot.send_message(anna, "x")).text == "x"


async def test_two_pollers_on_one_token(running: Running, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="make sure that only one bot instance"):
        await first
    contacts.say(
        running.telegram, running.telegram.private(running.bot, running.anna), running.anna, "hi"
    )
    [update] = await second
    assert update.message is not None
    assert update.message.text == "hi"


async def test_a_whole_bot_with_polling(running: Running, bot: Bot) -> None:
    dispatcher = Dispatcher()
    pressed = asyncio.Event()

    @dispatcher.message(CommandStart(deep_link=True))
    async def start(message: Message) -> None:
        await message.answer(
            f"Hello {message.text}",
            reply_markup=keyboard(InlineKeyboardButton(text="Done", callback_data="done")),
        )

    @dispatcher.callback_query()
    async def done(query: CallbackQuery) -> None:
        await query.answer("Well done")
        pressed.set()

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    chat = running.telegram.private(running.bot, running.anna)
    contacts.start(running.telegram, running.bot, running.anna, "deep_link")
    await until(lambda: chat.history.last().keyboard)  # type: ignore[union-attr]
    message = chat.history.last()
    assert message is not None
    assert message.text == "Hello /start deep_link"
    query = contacts.press(running.telegram, chat, running.anna, message.id, 0, 0)
    await asyncio.wait_for(pressed.wait(), 20)
    assert query.answer is not None
    assert query.answer["text"] == "Well done"
    await dispatcher.stop_polling()
    await polling


async def test_chats_members_and_invites(running: Running, bot: Bot) -> None:
    chat = running.telegram.add_group(
        "Club", owner=running.anna, administrators=[running.bot.user], username="the_club"
    )
    full = await bot.get_chat("@the_club")
    assert isinstance(full, ChatFullInfo)
    assert (full.id, full.title, full.type) == (chat.id, "Club", "supergroup")
    assert (await bot.get_chat(running.anna.id)).first_name == "Anna"
    assert await bot.get_chat_member_count(chat.id) == 2
    assert (await bot.get_chat_member(chat.id, running.anna.id)).status == "creator"
    assert (await bot.get_chat_member(chat.id, running.bot.id)).status == "administrator"
    assert len(await bot.get_chat_administrators(chat.id)) == 2
    link = await bot.create_chat_invite_link(chat.id, name="one", creates_join_request=True)
    ben = running.add_contact("Ben")
    membership.join(running.telegram, ben, link.invite_link)
    [update] = await bot.get_updates(allowed_updates=["chat_join_request"])
    assert update.chat_join_request is not None
    assert await update.chat_join_request.approve().as_(bot)
    assert await bot.ban_chat_member(chat.id, ben.id)
    assert (await bot.get_chat_member(chat.id, ben.id)).status == "kicked"
    assert await bot.unban_chat_member(chat.id, ben.id)


async def test_commands_and_menu(running: Running, bot: Bot) -> None:
    commands = [BotCommand(command="start", description="Begin")]
    assert await bot.set_my_commands(commands)
    [command] = await bot.get_my_commands()
    assert (command.command, command.description) == ("start", "Begin")
    assert await bot.delete_my_commands()
    assert await bot.get_my_commands() == []
    assert await bot.set_chat_menu_button()
    assert await bot.send_chat_action(running.anna.id, "typing")


async def test_rate_limits() -> None:
    async with running_sandbox(limits=True) as running:
        bot = client(running)
        answers = await asyncio.gather(
            *(bot.send_message(running.anna.id, "x") for _ in range(20)), return_exceptions=True
        )
        refused = [each for each in answers if isinstance(each, TelegramRetryAfter)]
        assert 13 <= len(refused) <= 15
        assert all(1 <= each.retry_after <= 3 for each in refused)
        await bot.session.close()
