"""Messages are pinned on top of a chat, and taken down."""

from __future__ import annotations

from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.membership import members_that_are_bots
from dripline.sandbox.world.messages import Message
from dripline.sandbox.world.telegram import Telegram
from dripline.sandbox.world.views import message_view


def pin(telegram: Telegram, pinned: Message, by: Bot) -> None:
    """Pin a message; the chat says so, and its bots hear it, also the one that did it."""
    chat = pinned.chat
    chat.pinned.append(pinned.id)
    channel = chat.kind is Kind.CHANNEL
    number, sender = chat.history.next_id(), None if channel else by.user
    said = {"pinned_message": {"message_id": pinned.id}}
    message = Message(number, chat, telegram.date(), sender, service=said, pins=pinned)
    telegram.keep(message)
    private = chat.kind is Kind.PRIVATE
    for bot in [by] if private else members_that_are_bots(telegram, chat):
        view = message_view(telegram, message, bot)
        bot.updates.put("channel_post" if channel else "message", view)


def unpin(telegram: Telegram, chat: Chat, *message_ids: int) -> None:
    """Take messages down; nothing is said of it."""
    chat.pinned = [number for number in chat.pinned if number not in message_ids]
    telegram.changes.tell(Change("chat", chat=chat))
