"""What a person does in a chat: say, press, block. The bots concerned get their updates."""

from __future__ import annotations

from dripline.sandbox.formatting.parse import fits, formatted
from dripline.sandbox.world.bots import Bot, CallbackQuery
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.membership import Impossible, members_that_are_bots
from dripline.sandbox.world.messages import Json, Media, Message
from dripline.sandbox.world.people import User
from dripline.sandbox.world.telegram import Telegram
from dripline.sandbox.world.views import chat_view, message_view, query_view, user_view

TEXT_LIMIT = 4096
_KEPT_QUERIES = 1000


def start(telegram: Telegram, bot: Bot, user: User, payload: str = "") -> Message:
    """Press Start (or open a deep link); someone who blocked the bot unblocks it by that."""
    chat = telegram.private(bot, user)
    if chat.blocked:
        unblock(telegram, bot, user)
    return say(telegram, chat, user, f"/start {payload}".strip())


def say(
    telegram: Telegram, chat: Chat, user: User, text: str, *, reply_to: Message | None = None
) -> Message:
    """Send a text. Raises Impossible: blocked, deleted, not in the chat, empty, too long."""
    words, entities = formatted(text, allow_empty=True)
    if not words:
        raise Impossible("cannot send an empty message")
    if not fits(words, TEXT_LIMIT):
        raise Impossible("cannot send more than 4096 characters at once")
    message = _new(telegram, chat, user)
    message.text, message.entities, message.reply_to = words, entities, reply_to
    return _deliver(telegram, message)


def send_photo(
    telegram: Telegram, chat: Chat, user: User, body: bytes, name: str = "photo.jpg", text: str = ""
) -> Message:
    """Send a photo. Raises Impossible as `say` does, and for bytes that are no picture."""
    file = telegram.files.keep(body, name)
    if not file.width:
        raise Impossible("can only send a PNG, JPEG, GIF or WebP picture")
    message = _new(telegram, chat, user)
    message.media = Media("photo", file, file.width, file.height)
    message.text, message.entities = formatted(text, allow_empty=True)
    return _deliver(telegram, message)


def _new(telegram: Telegram, chat: Chat, user: User) -> Message:
    if user.deleted:
        raise Impossible("has deleted this account")
    if chat.kind is Kind.PRIVATE and chat.blocked:
        raise Impossible("has blocked the bot")
    if chat.kind is not Kind.PRIVATE and not chat.standing(user.id).inside:
        raise Impossible("is not in this chat")
    if chat.kind is Kind.CHANNEL and not chat.standing(user.id).rules:
        raise Impossible("cannot post in this channel")
    sender = None if chat.kind is Kind.CHANNEL else user
    return Message(chat.history.next_id(), chat, telegram.date(), sender)


def _deliver(telegram: Telegram, message: Message) -> Message:
    chat = message.chat
    chat.started = True
    telegram.keep(message)
    kind = "channel_post" if chat.kind is Kind.CHANNEL else "message"
    for bot in _audience(telegram, message):
        bot.updates.put(kind, message_view(telegram, message, bot))
    return message


def _audience(telegram: Telegram, message: Message) -> list[Bot]:
    """The bots that hear a message: in groups, privacy mode leaves the rest out."""
    chat = message.chat
    if chat.kind is Kind.PRIVATE:
        return [telegram.bots[chat.bot_id]]
    bots = members_that_are_bots(telegram, chat)
    return [bot for bot in bots if chat.standing(bot.id).rules or _concerns(message, bot)]


def _concerns(message: Message, bot: Bot) -> bool:
    replied = message.reply_to.sender if message.reply_to else None
    return (
        message.text.startswith("/")
        or f"@{bot.user.username}".lower() in message.text.lower()
        or replied is bot.user
    )


def press(
    telegram: Telegram, chat: Chat, user: User, message_id: int, row: int, column: int
) -> CallbackQuery:
    """Press a callback button. Raises Impossible if there is none at that place."""
    message = chat.history.get(message_id)
    data = _callback_data(message, row, column)
    if message is None or data is None:
        raise Impossible("there is no such button")
    if user.deleted or (chat.kind is Kind.PRIVATE and chat.blocked):
        raise Impossible("has blocked the bot")
    number = str((telegram.new_number() << 32) + user.id % (1 << 32))
    query = CallbackQuery(number, user, chat.id, message_id, data, telegram.date())
    bot = telegram.bots[message.bot_id]
    bot.queries[number] = query
    while len(bot.queries) > _KEPT_QUERIES:
        bot.queries.pop(next(iter(bot.queries)))
    bot.updates.put("callback_query", query_view(telegram, query, message, bot))
    telegram.changes.tell(Change("pressed", chat=chat, query=query))
    return query


def _callback_data(message: Message | None, row: int, column: int) -> str | None:
    rows = (message.keyboard or {}).get("inline_keyboard", []) if message else []
    if 0 <= row < len(rows) and 0 <= column < len(rows[row]):
        data: str | None = rows[row][column].get("callback_data")
        return data
    return None


def block(telegram: Telegram, bot: Bot, user: User) -> None:
    """Block the bot. Raises Impossible if it is blocked already."""
    _set_blocked(telegram, bot, user, blocked=True)


def unblock(telegram: Telegram, bot: Bot, user: User) -> None:
    """Unblock the bot. Raises Impossible if it is not blocked."""
    _set_blocked(telegram, bot, user, blocked=False)


def _set_blocked(telegram: Telegram, bot: Bot, user: User, *, blocked: bool) -> None:
    chat = telegram.private(bot, user)
    if chat.blocked == blocked:
        raise Impossible("has blocked the bot already" if blocked else "has not blocked the bot")
    chat.blocked = blocked
    states = ("member", "kicked") if blocked else ("kicked", "member")
    old, new = (_bot_standing(bot, state) for state in states)
    bot.updates.put(
        "my_chat_member",
        {
            "chat": chat_view(chat),
            "from": user_view(user),
            "date": telegram.date(),
            "old_chat_member": old,
            "new_chat_member": new,
        },
    )
    telegram.changes.tell(Change("chat", chat=chat))


def _bot_standing(bot: Bot, state: str) -> Json:
    view: Json = {"user": user_view(bot.user), "status": state}
    return {**view, "until_date": 0} if state == "kicked" else view


def delete_account(telegram: Telegram, user: User) -> None:
    """Delete someone's account: bots get "user is deactivated" from now on."""
    user.deleted = True
    telegram.changes.tell(Change("contact", user=user))


def clear_history(telegram: Telegram, chat: Chat) -> None:
    """Take all messages out of a chat, for everyone."""
    ids = tuple(message.id for message in chat.history)
    for message_id in ids:
        chat.history.remove(message_id)
    telegram.changes.tell(Change("deleted", chat=chat, message_ids=ids))


def delete_messages(telegram: Telegram, chat: Chat, message_ids: list[int]) -> None:
    """Take some messages out of a chat, for everyone."""
    gone = tuple(number for number in message_ids if chat.history.remove(number))
    telegram.changes.tell(Change("deleted", chat=chat, message_ids=gone))
