"""pinChatMessage, unpinChatMessage, unpinAllChatMessages."""

from __future__ import annotations

from dripline.sandbox.botapi.access import Access, check_rights, find_chat, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.pins import pin, unpin

_NO_RIGHTS = "not enough rights to manage pinned messages in the chat"


def pin_chat_message(api: Api, call: Call) -> bool:
    """pinChatMessage."""
    message = find_message(api, call, Access.WRITE, "message to pin")
    _check(message.chat, call.bot)
    if message.service:
        raise bad_request("service messages can't be pinned")
    if message.id in message.chat.pinned:
        raise bad_request("CHAT_NOT_MODIFIED")
    pin(api.telegram, message, call.bot)
    return True


def unpin_chat_message(api: Api, call: Call) -> bool:
    """unpinChatMessage: without a message_id it is the newest."""
    if call.integer("message_id"):
        message = find_message(api, call, Access.WRITE, "message to unpin")
    else:
        newest = find_chat(api, call, Access.WRITE).newest_pin
        if newest is None:
            raise bad_request("message to unpin not found")
        message = newest
    _check(message.chat, call.bot)
    if message.id not in message.chat.pinned:
        raise bad_request("CHAT_NOT_MODIFIED")
    unpin(api.telegram, message.chat, message.id)
    return True


def unpin_all_chat_messages(api: Api, call: Call) -> bool:
    """unpinAllChatMessages."""
    chat = find_chat(api, call, Access.WRITE)
    _check(chat, call.bot)
    unpin(api.telegram, chat, *chat.pinned)
    return True


def _check(chat: Chat, bot: Bot) -> None:
    if chat.kind is not Kind.PRIVATE:
        check_rights(chat, bot, _NO_RIGHTS)
