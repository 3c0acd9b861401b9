"""Faults are ordered and taken back; the rate limits are switched."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from dripline.sandbox.botapi.faults import Fault, FaultKind
from dripline.sandbox.control.answers import Body, Refused, answering, read
from dripline.sandbox.sandbox import Sandbox


class NewFault(Body):
    """A fault to order. `count` 0: until it is taken back."""

    kind: FaultKind
    count: int = Field(1, ge=0)
    probability: float = Field(1.0, gt=0, le=1)
    method: str = ""
    chat_id: int = 0
    bot_id: int = 0
    seconds: float = Field(5.0, ge=0, le=3600)
    status: int = Field(502, ge=500, le=599)


class Switch(Body):
    """Whether the rate limits are on."""

    enabled: bool


async def show(sandbox: Sandbox, _request: Request) -> Any:
    """The faults that wait."""
    return {
        "faults": [fault.view() for fault in sandbox.api.faults.all()],
        "limits": sandbox.api.limits.enabled,
    }


async def order(sandbox: Sandbox, request: Request) -> Any:
    """Order a fault."""
    new = await read(request, NewFault)
    return sandbox.api.faults.add(Fault(**new.model_dump())).view()


async def clear(sandbox: Sandbox, _request: Request) -> Any:
    """Take all faults back."""
    sandbox.api.faults.clear()
    return {"faults": []}


async def remove(sandbox: Sandbox, request: Request) -> Any:
    """Take one fault back."""
    if not sandbox.api.faults.remove(request.path_params["fault"]):
        raise Refused(404, "there is no such fault")
    return {"faults": [fault.view() for fault in sandbox.api.faults.all()]}


async def switch(sandbox: Sandbox, request: Request) -> Any:
    """Switch the rate limits."""
    sandbox.api.limits.enabled = (await read(request, Switch)).enabled
    return {"enabled": sandbox.api.limits.enabled}


ROUTES = [
    Route("/faults", answering(show), methods=["GET"]),
    Route("/faults", answering(order), methods=["POST"]),
    Route("/faults", answering(clear), methods=["DELETE"]),
    Route("/faults/{fault:int}", answering(remove), methods=["DELETE"]),
    Route("/limits", answering(switch), methods=["PUT", "POST"]),
]
