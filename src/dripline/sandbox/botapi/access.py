"""Finds the chat a call means, and whether the bot may read, edit or write there."""

from __future__ import annotations

from enum import IntEnum

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call, as_integer
from dripline.sandbox.botapi.errors import BotApiError, bad_request, forbidden
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.chats import Chat, Kind
from dripline.sandbox.world.messages import Message
from dripline.sandbox.world.people import Standing, User


class Access(IntEnum):
    """What the bot wants to do in the chat."""

    READ = 1
    EDIT = 2
    WRITE = 3


def find_chat(api: Api, call: Call, access: Access, field: str = "chat_id") -> Chat:
    """The chat of a call. Raises BotApiError in the real server's words."""
    name = call.text(field)
    if not name:
        raise bad_request("chat_id is empty")
    if name.startswith("@"):
        chat = api.telegram.group_named(name)
    elif (number := as_integer(name)) > 0:
        return _private(api, call.bot, number, access)
    else:
        chat = api.telegram.group(number)
    if chat is None:
        raise bad_request("chat not found")
    _check_group(call.bot, chat, access)
    return chat


def _private(api: Api, bot: Bot, user_id: int, access: Access) -> Chat:
    user = api.telegram.users.get(user_id)
    if user is None:
        raise bad_request("chat not found")
    if user.is_bot and access is Access.WRITE:
        raise forbidden("the bot can't send messages to the bot")
    if not api.telegram.have_met(bot, user):
        raise bad_request("chat not found")
    if user.deleted and access > Access.READ:
        raise forbidden("user is deactivated")
    return api.telegram.private(bot, user)


def _check_group(bot: Bot, chat: Chat, access: Access) -> None:
    if chat.migrated_to and access is Access.WRITE:
        raise BotApiError(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            {"migrate_to_chat_id": chat.migrated_to},
        )
    if chat.deleted and access is Access.WRITE:
        raise forbidden("the group chat was deleted")
    standing = chat.standing(bot.id)
    public = bool(chat.username)
    if standing is Standing.KICKED:
        raise forbidden(f"bot was kicked from the {chat.kind.value} chat")
    if not standing.inside and (access > Access.READ or not public):
        raise forbidden(f"bot is not a member of the {chat.kind.value} chat")


def check_can_send(chat: Chat, bot: Bot) -> None:
    """What only Telegram's servers know when a message arrives there."""
    if chat.kind is Kind.PRIVATE and chat.blocked:
        raise forbidden("bot was blocked by the user")
    if chat.kind is Kind.PRIVATE and not chat.started:
        raise forbidden("bot can't initiate conversation with a user")
    if chat.kind is Kind.CHANNEL and not chat.standing(bot.id).rules:
        raise bad_request("need administrator rights in the channel chat")


def find_message(
    api: Api, call: Call, access: Access, called: str, chat_field: str = "chat_id"
) -> Message:
    """The message of a call, `called` so in the error when it is not there."""
    chat = find_chat(api, call, access, chat_field)
    message = chat.history.get(call.integer("message_id"))
    if message is None:
        raise bad_request(f"{called} not found")
    return message


def find_user(api: Api, call: Call) -> User:
    """The person or bot named by user_id."""
    number = max(call.integer("user_id"), 0)
    if not number:
        raise bad_request("invalid user_id specified")
    user = api.telegram.users.get(number)
    if user is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return user


def check_rights(chat: Chat, bot: Bot, problem: str = "not enough rights") -> None:
    """The bot must manage the chat."""
    if not chat.standing(bot.id).rules:
        raise bad_request(problem)
