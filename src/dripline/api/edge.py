"""What every request passes: an id, a limit on its body, headers that browsers obey, a count."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dripline import metrics
from dripline.api.errors import http_error, unexpected
from dripline.api.headers import SECURITY_HEADERS
from dripline.ids import new_id

log = structlog.get_logger()

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")


class TooLarge(HTTPException):
    """The body goes on past the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than {limit} bytes.")


class Edge:
    """Wraps the app; `max_body` is in bytes."""

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, bare=scope["method"] == "HEAD")
        if answer.bare:  # answered as a GET, without what it would bring: monitors look so
            scope = {**scope, "method": "GET"}
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._serve(scope, receive, answer)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            if _announced(scope) > self.max_body:
                refusal = http_error(TooLarge(self.max_body))
                await refusal(scope, receive, answer)
            else:
                await self.app(scope, _limited(receive, self.max_body), answer)
        except Exception:
            log.exception("http.failed", method=scope["method"], path=scope["path"])
            if answer.status:  # half an answer is out: all that is left is to cut the connection
                raise
            await unexpected()(scope, receive, answer)
        finally:
            metrics.REQUESTS.labels(_route(scope), answer.status or 500).inc()


class _Answer:
    """Passes an answer on, adding the headers it lacks; a bare one has no body."""

    def __init__(self, send: Send, request_id: str, *, bare: bool) -> None:
        self._send = send
        self.bare = bare
        self._own = {**SECURITY_HEADERS, b"x-request-id": request_id.encode()}
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            missing = [pair for pair in self._own.items() if pair[0] not in present]
            message = {**message, "headers": [*headers, *missing]}
        elif self.bare:
            message = {**message, "body": b""}
        await self._send(message)


def _limited(receive: Receive, limit: int) -> Receive:
    # A client may announce no length, or a wrong one: what counts is what comes.
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(limit)
        return message

    return counting


def _request_id(scope: Scope) -> str:
    """Return the caller's id of this request, if it can be one, else a new one."""
    given: bytes = dict(scope["headers"]).get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.match(given) else new_id().hex


def _announced(scope: MutableMapping[str, Any]) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0


def _route(scope: MutableMapping[str, Any]) -> str:
    """Return the route's template: a path itself would make a label of whatever is asked for."""
    return getattr(scope.get("route"), "path", "other")
