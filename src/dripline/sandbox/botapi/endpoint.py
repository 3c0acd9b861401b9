"""The HTTP end of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`.

A plain ASGI application, without a router: load tests send thousands of messages a second.
"""

from __future__ import annotations

import inspect
from typing import Any

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import BotApiError, bad_request
from dripline.sandbox.botapi.faults import Fault, FaultKind
from dripline.sandbox.botapi.methods import METHODS
from dripline.sandbox.botapi.requests import Gone, read_body, read_params
from dripline.sandbox.botapi.sabotage import Broken, break_off, spoil
from dripline.sandbox.formatting.entities import FormattingError
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.messages import Json

log = structlog.get_logger(__name__)


class BotApi:
    """The ASGI application."""

    def __init__(self, api: Api) -> None:
        self.api = api
        api.webhooks.replier = self._reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            if path.startswith("/file/bot"):
                await self._download(path, send)
                return
            code, answer = await self._call(scope, receive, path)
        except Gone:
            return
        except Broken as broken:
            await break_off(broken, receive, send)
            return
        await _respond(send, code, answer)

    async def _call(self, scope: Scope, receive: Receive, path: str) -> tuple[int, Json]:
        try:
            token, _, method = path.removeprefix("/bot").partition("/")
            body = await read_body(scope, receive)
            bot = self._bot(token)
            params, files = await read_params(scope, body)
            call = Call(bot, method.lower(), params, files)
            return 200, {"ok": True, "result": await self._with_faults(call)}
        except BotApiError as error:
            return error.code, _failure(error)

    def _bot(self, token: str) -> Bot:
        bot = self.api.telegram.bot(token)
        if bot is None:
            malformed = ":" not in token or not token.partition(":")[0].isdigit()
            reason = ": invalid token specified" if malformed else ""
            raise BotApiError(401, "Unauthorized" + reason)
        return bot

    async def _with_faults(self, call: Call) -> Any:
        struck = self.api.faults.strike(call.bot.id, call.method, call.integer("chat_id"))
        for fault in struck:
            await spoil(fault)
        result = await self._run(call)
        for fault in struck:
            _spoil_answer(fault)
        return result

    async def _run(self, call: Call) -> Any:
        method = METHODS.get(call.method)
        if method is None:
            raise BotApiError(404, "Not Found: method not found" if call.method else "Not Found")
        try:
            result = method(self.api, call)
            return await result if inspect.isawaitable(result) else result
        except FormattingError as error:
            raise bad_request(str(error)) from error

    async def _reply(self, bot: Bot, reply: Json) -> None:
        """A webhook answered with a method: carry it out; nobody hears of its errors."""
        method = str(reply.pop("method"))
        try:
            await self._run(Call(bot, method.lower(), reply))
        except BotApiError as error:
            log.info("sandbox.webhook_reply_failed", method=method, error=error.description)

    async def _download(self, path: str, send: Send) -> None:
        token, _, name = path.removeprefix("/file/bot").partition("/")
        try:
            file = self.api.telegram.files.at_path(self._bot(token).id, name)
        except BotApiError as error:
            await _respond(send, error.code, _failure(error))
            return
        if file is None:
            await _respond(send, 404, _failure(BotApiError(404, "Not Found")))
            return
        await _send(send, 200, file.body, b"application/octet-stream")


def _spoil_answer(fault: Fault) -> None:
    if fault.kind in (FaultKind.DROP_AFTER, FaultKind.NO_ANSWER_AFTER):
        raise Broken(fault)


def _failure(error: BotApiError) -> Json:
    view: Json = {"ok": False, "error_code": error.code, "description": error.description}
    return {**view, "parameters": error.parameters} if error.parameters else view


async def _respond(send: Send, code: int, answer: Json) -> None:
    retry_after = answer.get("parameters", {}).get("retry_after")
    more = [(b"retry-after", str(retry_after).encode())] if retry_after else []
    await _send(send, code, orjson.dumps(answer), b"application/json", more)


async def _send(
    send: Send, code: int, body: bytes, mime: bytes, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [
        (b"content-type", mime),
        (b"content-length", str(len(body)).encode()),
        *(more or ()),
    ]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
