"""Carries faults out: waits, wrong answers, broken connections."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Send

from dripline.sandbox.botapi.errors import BotApiError, too_many_requests
from dripline.sandbox.botapi.faults import Fault, FaultKind

_STATUS_TEXTS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_GARBAGE = b"<html><head><title>502 Bad Gateway</title></head><body>\xff\xfe{ok: tru"


class Broken(Exception):
    """No proper answer comes; the fault says what comes instead."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


async def spoil(fault: Fault) -> None:
    """What a fault does before the call is carried out. Raises BotApiError or Broken."""
    match fault.kind:
        case FaultKind.LATENCY:
            await asyncio.sleep(fault.seconds)
        case FaultKind.TOO_MANY_REQUESTS:
            raise too_many_requests(max(1, round(fault.seconds)))
        case FaultKind.SERVER_ERROR:
            text = _STATUS_TEXTS.get(fault.status, "Internal Server Error")
            raise BotApiError(fault.status, text)
        case FaultKind.UNAUTHORIZED:
            raise BotApiError(401, "Unauthorized")
        case FaultKind.NO_ANSWER | FaultKind.DROP | FaultKind.GARBAGE:
            raise Broken(fault)
        case FaultKind.DROP_AFTER | FaultKind.NO_ANSWER_AFTER:
            return


async def break_off(broken: Broken, receive: Receive, send: Send) -> None:
    """Answer with garbage, with nothing, or cut the connection."""
    kind = broken.fault.kind
    if kind is FaultKind.GARBAGE:
        await _start(send, len(_GARBAGE))
        await send({"type": "http.response.body", "body": _GARBAGE})
    elif kind in (FaultKind.NO_ANSWER, FaultKind.NO_ANSWER_AFTER):
        await _until_gone(receive)
    else:
        await _cut(receive, send)


async def _start(send: Send, length: int) -> None:
    headers = [(b"content-type", b"text/html"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cut(receive: Receive, send: Send) -> None:
    """ASGI has no word for hanging up, so we take the server's transport; else half an answer."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        await _start(send, 1000)
        await send({"type": "http.response.body", "body": b"{", "more_body": False})
        return
    transport.abort()
    await _until_gone(receive)
