"""Contacts: made, renamed away, joining and leaving."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from dripline.sandbox.control.answers import Body, Refused, answering, find_person, read
from dripline.sandbox.page import views
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.world.chats import Kind
from dripline.sandbox.world.contacts import delete_account
from dripline.sandbox.world.membership import join, leave, migrate
from dripline.sandbox.world.people import User


class NewContact(Body):
    """A person to add."""

    first_name: str = Field(min_length=1, max_length=64)
    last_name: str = Field("", max_length=64)
    username: str = Field("", max_length=32, pattern=r"^[A-Za-z0-9_]*$")
    language_code: str = Field("en", max_length=8, pattern=r"^[A-Za-z-]*$")
    id: int = Field(0, ge=0, lt=1 << 52)
    email: str = Field("", max_length=254)


class NewGroup(Body):
    """A group, supergroup or channel to add; members and administrators are ids."""

    title: str = Field(min_length=1, max_length=128)
    kind: Kind = Kind.SUPERGROUP
    username: str = Field("", max_length=32, pattern=r"^[A-Za-z0-9_]*$")
    owner: int = 0
    members: list[int] = Field(default_factory=list)
    administrators: list[int] = Field(default_factory=list)
    id: int = Field(0, le=0)


class NewBot(Body):
    """A bot to add or rename."""

    token: str
    name: str = Field("", max_length=64)
    username: str = Field("", max_length=32)


class Follow(Body):
    """An invite link that someone follows."""

    link: str


class Leave(Body):
    """A chat that someone leaves."""

    chat_id: int


async def add(sandbox: Sandbox, request: Request) -> Any:
    """Add a contact."""
    new = await read(request, NewContact)
    user = sandbox.telegram.add_user(
        new.first_name,
        last_name=new.last_name,
        username=new.username,
        language_code=new.language_code,
        user_id=new.id,
        email=new.email or _mailbox(sandbox, new.first_name),
    )
    return views.person(user)


def _mailbox(sandbox: Sandbox, name: str) -> str:
    """Return an address that nobody has yet."""
    stem = re.sub(r"[^a-z0-9]+", "", name.lower()) or "contact"
    post, number = sandbox.telegram.post, 1
    while post.owner(address := f"{stem}{number if number > 1 else ''}@example.com"):
        number += 1
    return address


async def delete(sandbox: Sandbox, request: Request) -> Any:
    """Delete a contact's account."""
    user = _named(sandbox, request)
    delete_account(sandbox.telegram, user)
    return views.person(user)


async def follow(sandbox: Sandbox, request: Request) -> Any:
    """Follow an invite link."""
    user = _named(sandbox, request)
    chat = join(sandbox.telegram, user, (await read(request, Follow)).link)
    return {"chat": views.chat(sandbox.telegram, chat), "asked": user.id in chat.requests}


async def go(sandbox: Sandbox, request: Request) -> Any:
    """Leave a group or channel."""
    user = _named(sandbox, request)
    chat = sandbox.telegram.group((await read(request, Leave)).chat_id)
    if chat is None:
        raise Refused(404, "there is no such chat")
    leave(sandbox.telegram, user, chat)
    return views.chat(sandbox.telegram, chat)


def _named(sandbox: Sandbox, request: Request) -> User:
    return find_person(sandbox, request.path_params["user"])


async def add_bot(sandbox: Sandbox, request: Request) -> Any:
    """Add a bot, or rename one."""
    new = await read(request, NewBot)
    return views.bot(sandbox.telegram.add_bot(new.token, new.name, new.username))


async def add_group(sandbox: Sandbox, request: Request) -> Any:
    """Add a group, supergroup or channel."""
    new = await read(request, NewGroup)
    if new.kind is Kind.PRIVATE:
        raise Refused(422, "kind: a private chat begins when a contact writes to a bot")
    users = sandbox.telegram.users
    unknown = {new.owner or 0, *new.members, *new.administrators} - {0} - users.keys()
    if unknown:
        raise Refused(404, f"there is nobody with the id {min(unknown)}")
    chat = sandbox.telegram.add_group(
        new.title,
        new.kind,
        owner=users.get(new.owner),
        members=[users[number] for number in new.members],
        administrators=[users[number] for number in new.administrators],
        username=new.username,
        chat_id=new.id,
    )
    return views.chat(sandbox.telegram, chat)


async def move(sandbox: Sandbox, request: Request) -> Any:
    """Turn a group into a supergroup."""
    chat = sandbox.telegram.group(-request.path_params["number"])
    if chat is None:
        raise Refused(404, "there is no such group")
    return views.chat(sandbox.telegram, migrate(sandbox.telegram, chat))


ROUTES = [
    Route("/contacts", answering(add), methods=["POST"]),
    Route("/contacts/{user:int}", answering(delete), methods=["DELETE"]),
    Route("/contacts/{user:int}/join", answering(follow), methods=["POST"]),
    Route("/contacts/{user:int}/leave", answering(go), methods=["POST"]),
    Route("/bots", answering(add_bot), methods=["POST"]),
    Route("/groups", answering(add_group), methods=["POST"]),
    Route("/groups/-{number:int}/migrate", answering(move), methods=["POST"]),
]
