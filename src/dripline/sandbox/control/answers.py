"""Reads what was sent, answers in JSON, and turns mistakes into plain sentences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from dripline.sandbox.formatting.entities import FormattingError
from dripline.sandbox.page.views import chat_key
from dripline.sandbox.sandbox import Sandbox, sandbox_of
from dripline.sandbox.world.chats import Chat
from dripline.sandbox.world.membership import Impossible
from dripline.sandbox.world.people import User

MAX_JSON = 64 * 1024


class Refused(Exception):
    """A request that cannot be done: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Body(BaseModel):
    """What a request may hold; anything else is a mistake worth hearing of."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


B = TypeVar("B", bound=Body)
Handler = Callable[[Sandbox, Request], Awaitable[Any]]


def answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint of a handler: its value becomes JSON, its errors become answers."""

    async def endpoint(request: Request) -> Response:
        try:
            return json_answer(await handler(sandbox_of(request), request))
        except Refused as error:
            return json_answer({"error": str(error)}, error.status)
        except (Impossible, FormattingError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)

    return endpoint


def json_answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


async def read(request: Request, shape: type[B]) -> B:
    """The request's JSON. Raises Refused."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_JSON:
            raise Refused(413, "too large")
    try:
        return shape.model_validate_json(raw or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(422, f"{where}: {first['msg']}" if where else first["msg"]) from error


def find_person(sandbox: Sandbox, number: int) -> User:
    """A contact. Raises Refused."""
    user = sandbox.telegram.users.get(number)
    if user is None or user.is_bot:
        raise Refused(404, f"there is no contact {number}")
    return user


def find_chat(sandbox: Sandbox, request: Request) -> Chat:
    """The chat named in the path. Raises Refused."""
    key = request.path_params["key"]
    kind, *numbers = key.split(".")
    try:
        parts = [int(number) for number in numbers]
    except ValueError:
        parts = []
    if kind == "p" and len(parts) == 2 and parts[0] in sandbox.telegram.bots:
        bot, user = sandbox.telegram.bots[parts[0]], find_person(sandbox, parts[1])
        return sandbox.telegram.private(bot, user)
    chat = sandbox.telegram.group(parts[0]) if kind == "g" and len(parts) == 1 else None
    if chat is None or chat_key(chat) != key:
        raise Refused(404, f"there is no chat {key}")
    return chat
