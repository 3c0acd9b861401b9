"""What a process answers without the web's framework: health and metrics, by hand.

A worker has nothing else to say to the web, and the application of the web part, with its
framework and the models of every endpoint, would be a fifth of its memory.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from dripline import __version__, metrics
from dripline.api.headers import SECURITY_HEADERS
from dripline.api.ports import Check
from dripline.api.readiness import readiness

Answer = tuple[int, bytes, str]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_JSON = "application/json"


class Probe:
    """An ASGI application: `/`, `/healthz`, `/readyz`, `/metrics`; `checks` as in `create_app`."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._routes: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/": self._root,
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    def knows(self, scope: MutableMapping[str, Any]) -> bool:
        """Return whether this request is one for a probe."""
        asks = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        return asks and scope["path"] in self._routes

    async def __call__(self, scope: MutableMapping[str, Any], _receive: Any, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route = self._routes.get(scope["path"])
        if route is None:
            status, body, kind = _refusal(404, "NOT_FOUND", "There is nothing at this address.")
        elif scope["method"] not in {"GET", "HEAD"}:
            status, body, kind = _refusal(405, "METHOD_NOT_ALLOWED", "It takes GET, HEAD.")
        else:
            status, body, kind = await route()
        metrics.REQUESTS.labels(scope["path"] if route else "other", status).inc()
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            *SECURITY_HEADERS.items(),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _root(self) -> Answer:
        return _said(200, {"name": "dripline", "version": __version__, "status": "ok"})

    async def _alive(self) -> Answer:
        return _said(200, {"status": "ok"})

    async def _ready(self) -> Answer:
        return _said(*await readiness(self._checks))

    async def _metrics(self) -> Answer:
        return 200, metrics.exposition(), metrics.CONTENT_TYPE


def _said(status: int, content: Mapping[str, Any]) -> Answer:
    return status, orjson.dumps(content), _JSON


def _refusal(status: int, code: str, message: str) -> Answer:
    return _said(status, {"error": {"code": code, "message": message, "details": {}}})
