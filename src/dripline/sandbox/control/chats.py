"""What a contact does in a chat: reads, writes, presses, blocks."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from dripline.sandbox.botapi.media import MAX_PHOTO_BYTES
from dripline.sandbox.control.answers import (
    Body,
    Refused,
    answering,
    find_chat,
    find_person,
    read,
)
from dripline.sandbox.page import views
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.world import contacts
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.chats import Chat
from dripline.sandbox.world.people import User

_MAX_PAYLOAD = 64


class Say(Body):
    """A text someone sends; in a private chat `user` is known."""

    text: str = Field(min_length=1, max_length=8192)
    user: int = 0
    reply_to: int = 0


class Start(Body):
    """Start is pressed, perhaps by a deep link with a payload."""

    payload: str = Field("", max_length=_MAX_PAYLOAD, pattern=r"^[A-Za-z0-9_-]*$")


class Press(Body):
    """A button is pressed: its place under the message."""

    message_id: int
    row: int = 0
    column: int = 0
    user: int = 0


class Block(Body):
    """Whether the bot is blocked from now on."""

    blocked: bool


class Delete(Body):
    """Messages to delete; none: all of them."""

    message_ids: list[int] = Field(default_factory=list)


async def show(sandbox: Sandbox, request: Request) -> Any:
    """A chat with its messages, and the buttons that wait for an answer."""
    chat = find_chat(sandbox, request)
    return {
        "chat": views.chat(sandbox.telegram, chat),
        "messages": [views.message(message) for message in chat.history],
    }


async def say(sandbox: Sandbox, request: Request) -> Any:
    """Someone writes."""
    chat, body = find_chat(sandbox, request), await read(request, Say)
    reply_to = chat.history.get(body.reply_to)
    user = _actor(sandbox, chat, body.user)
    message = contacts.say(sandbox.telegram, chat, user, body.text, reply_to=reply_to)
    return views.message(message)


async def start(sandbox: Sandbox, request: Request) -> Any:
    """Start is pressed."""
    bot, user = _pair(sandbox, find_chat(sandbox, request))
    payload = (await read(request, Start)).payload
    return views.message(contacts.start(sandbox.telegram, bot, user, payload))


async def photo(sandbox: Sandbox, request: Request) -> Any:
    """Someone sends a photo: the body is the picture, `name`, `caption` and `user` in the query."""
    chat = find_chat(sandbox, request)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_PHOTO_BYTES:
            raise Refused(413, "a photo has at most 10 MB")
    query = request.query_params
    user = _actor(sandbox, chat, int(query.get("user", "0")))
    name, caption = query.get("name", "photo.jpg"), query.get("caption", "")
    message = contacts.send_photo(sandbox.telegram, chat, user, body, name, caption)
    return views.message(message)


async def press(sandbox: Sandbox, request: Request) -> Any:
    """A button is pressed; the bot's answer comes later, over the feed and `queries`."""
    chat, body = find_chat(sandbox, request), await read(request, Press)
    user = _actor(sandbox, chat, body.user)
    place = body.message_id, body.row, body.column
    query = contacts.press(sandbox.telegram, chat, user, *place)
    return views.query(query, views.chat_key(chat))


async def query(sandbox: Sandbox, request: Request) -> Any:
    """What became of a pressed button."""
    number = request.path_params["query"]
    for bot in sandbox.telegram.bots.values():
        if number in bot.queries:
            return views.query(bot.queries[number])
    raise Refused(404, "there is no such query")


async def block(sandbox: Sandbox, request: Request) -> Any:
    """The bot is blocked or unblocked."""
    chat, body = find_chat(sandbox, request), await read(request, Block)
    act = contacts.block if body.blocked else contacts.unblock
    act(sandbox.telegram, *_pair(sandbox, chat))
    return views.chat(sandbox.telegram, chat)


async def mark_read(sandbox: Sandbox, request: Request) -> Any:
    """Someone has seen the chat."""
    chat = find_chat(sandbox, request)
    chat.unread = 0
    return views.chat(sandbox.telegram, chat)


async def delete(sandbox: Sandbox, request: Request) -> Any:
    """Messages are deleted, for everyone."""
    chat, body = find_chat(sandbox, request), await read(request, Delete)
    if body.message_ids:
        contacts.delete_messages(sandbox.telegram, chat, body.message_ids)
    else:
        contacts.clear_history(sandbox.telegram, chat)
    return views.chat(sandbox.telegram, chat)


def _actor(sandbox: Sandbox, chat: Chat, number: int) -> User:
    return chat.user or find_person(sandbox, number)


def _pair(sandbox: Sandbox, chat: Chat) -> tuple[Bot, User]:
    if chat.user is None:
        raise Refused(400, "only in a private chat")
    return sandbox.telegram.bots[chat.bot_id], chat.user


ROUTES = [
    Route("/chats/{key}", answering(show), methods=["GET"]),
    Route("/chats/{key}/text", answering(say), methods=["POST"]),
    Route("/chats/{key}/start", answering(start), methods=["POST"]),
    Route("/chats/{key}/photo", answering(photo), methods=["POST"]),
    Route("/chats/{key}/press", answering(press), methods=["POST"]),
    Route("/chats/{key}/block", answering(block), methods=["POST"]),
    Route("/chats/{key}/read", answering(mark_read), methods=["POST"]),
    Route("/chats/{key}/delete", answering(delete), methods=["POST"]),
    Route("/queries/{query}", answering(query), methods=["GET"]),
]
