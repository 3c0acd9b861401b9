"""deleteMessage and deleteMessages."""

from __future__ import annotations

from dripline.sandbox.botapi.access import Access, find_chat, find_message
from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import bad_request
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.contacts import delete_messages as delete_from_chat
from dripline.sandbox.world.messages import Message

_MAX_AT_ONCE = 100


def delete_message(api: Api, call: Call) -> bool:
    """deleteMessage."""
    if not call.given("chat_id"):
        raise bad_request("chat identifier is not specified")
    if call.integer("message_id") <= 0:
        raise bad_request("message identifier is not specified")
    message = find_message(api, call, Access.WRITE, "message to delete")
    if not _may_delete(call.bot, message):
        raise bad_request("message can't be deleted")
    delete_from_chat(api.telegram, message.chat, [message.id])
    return True


def delete_messages(api: Api, call: Call) -> bool:
    """deleteMessages: those that are not there are passed over."""
    numbers = message_ids(call)
    chat = find_chat(api, call, Access.WRITE)
    messages = [chat.history.get(number) for number in numbers]
    kept = [message.id for message in messages if message and _may_delete(call.bot, message)]
    delete_from_chat(api.telegram, chat, kept)
    return True


def message_ids(call: Call) -> list[int]:
    """Return the messages that a call names; what is no number stands for none."""
    ids = call.json("message_ids", "can't parse message_ids JSON object")
    if ids is None:
        raise bad_request("message identifiers are not specified")
    if not isinstance(ids, list):
        raise bad_request("expected an Array of message identifiers")
    if len(ids) > _MAX_AT_ONCE:
        raise bad_request("too many message identifiers specified")
    return [int(number) for number in ids if str(number).isdecimal()]


def _may_delete(bot: Bot, message: Message) -> bool:
    if message.bot_id == bot.id or message.chat.kind is Kind.PRIVATE:
        return True
    return message.chat.standing(bot.id).rules
