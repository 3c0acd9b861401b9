"""The clock is moved, and what happened is explained."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from dripline.sandbox.control.answers import Body, answering, find_chat, read
from dripline.sandbox.page import views
from dripline.sandbox.ports import WhyEntry
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.world.messages import Json

_MAX_SPEED = 1_000_000
_FURTHEST_S = 366 * 86_400


class Speed(Body):
    """Sandbox seconds in a real one; 0 pauses."""

    speed: float = Field(ge=0, le=_MAX_SPEED)


class Jump(Body):
    """How many seconds to move ahead; none: to the next due message."""

    seconds: float | None = Field(None, gt=0, le=_FURTHEST_S)


async def state(sandbox: Sandbox, _request: Request) -> Any:
    """Everything the page begins with."""
    telegram = sandbox.telegram
    people = [user for user in telegram.users.values() if not user.is_bot]
    private = [telegram.private(bot, user) for bot in telegram.bots.values() for user in people]
    return {
        "clock": await sandbox.feed.clock_view(),
        "bots": [views.bot(bot) for bot in telegram.bots.values()],
        "contacts": [views.person(user) for user in people],
        "chats": [views.chat(telegram, chat) for chat in private + telegram.groups()],
        "mail": [views.mail(one) for one in telegram.post.all()],
        "limits": sandbox.api.limits.enabled,
        "explained": sandbox.why is not None,
        "faults": len(sandbox.api.faults.all()),
    }


async def show(sandbox: Sandbox, _request: Request) -> Any:
    """The clock."""
    return await sandbox.feed.clock_view()


async def set_speed(sandbox: Sandbox, request: Request) -> Any:
    """Change the speed."""
    sandbox.clock.set_speed((await read(request, Speed)).speed)
    await sandbox.feed.clock_changed()
    return await sandbox.feed.clock_view()


async def jump(sandbox: Sandbox, request: Request) -> Any:
    """Move ahead by so many seconds; without them, to the next due message."""
    seconds = (await read(request, Jump)).seconds
    if seconds is None:
        jumped = await sandbox.clock.jump_to_next() is not None
    else:
        await sandbox.clock.advance(timedelta(seconds=seconds))
        jumped = True
    await sandbox.feed.clock_changed()
    return {**await sandbox.feed.clock_view(), "jumped": jumped}


async def why(sandbox: Sandbox, request: Request) -> Any:
    """What happened in a chat, and why."""
    chat = find_chat(sandbox, request)
    entries: list[WhyEntry] = []
    if sandbox.why and chat.bot_id:
        language = request.query_params.get("language", "en")
        entries = await sandbox.why.timeline(str(chat.bot_id), chat.id, language)
    return {"chat": views.chat_key(chat), "entries": [_view(entry) for entry in entries]}


def _view(entry: WhyEntry) -> Json:
    return {
        "at": entry.at.timestamp(),
        "kind": entry.kind,
        "title": entry.title,
        "detail": entry.detail,
        "scenario": entry.scenario,
        "message_id": entry.message_id,
        "due": entry.due.timestamp() if entry.due else None,
    }


ROUTES = [
    Route("/state", answering(state), methods=["GET"]),
    Route("/clock", answering(show), methods=["GET"]),
    Route("/clock", answering(set_speed), methods=["POST"]),
    Route("/clock/jump", answering(jump), methods=["POST"]),
    Route("/chats/{key}/why", answering(why), methods=["GET"]),
]
