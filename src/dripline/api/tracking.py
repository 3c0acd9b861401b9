"""`/r/TOKEN` and `/o/TOKEN.gif`: answered before any routing, and without the database.

A plain ASGI application around the others, because it has thousands of requests a second to answer
when a broadcast goes out: it reads the token, appends a line to the spool, and redirects. Only a
target too long for its token is looked up, and remembered.
"""

import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dripline import metrics
from dripline.api.headers import SECURITY_HEADERS
from dripline.api.tracking_page import dead_link
from dripline.clock import Clock
from dripline.engagement.records import record
from dripline.engagement.spool import Spool
from dripline.engagement.tokens import Mark, Seal

log = structlog.get_logger()
Stored = Callable[[uuid.UUID], Awaitable[str | None]]

# One transparent pixel.
GIF: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
COOKIE: Final = "dl"
_COOKIE: Final = re.compile(rb"(?:^|;\s*)dl=([A-Za-z0-9_-]{16,64})(?:;|$)")
_YEAR_S: Final = 365 * 24 * 3600
_URLS_KEPT: Final = 1000
_GET: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = [*SECURITY_HEADERS.items(), (b"x-robots-tag", b"noindex, nofollow")]
_IMAGE: Final = [*_HEADERS, (b"content-type", b"image/gif"), (b"content-length", b"%d" % len(GIF))]
_EMPTY: Final = (b"content-length", b"0")


class Tracking:
    """Answers tracked links and pixels, and passes everything else on to `app`.

    With `devices`, a browser that follows a personal link gets a cookie that knows it again.
    """

    def __init__(
        self,
        app: ASGIApp,
        seal: Seal,
        spool: Spool,
        clock: Clock,
        stored: Stored,
        *,
        devices: bool,
        secure: bool,
    ) -> None:
        self._app = app
        self._seal = seal
        self._spool = spool
        self._clock = clock
        self._stored = stored
        self._devices = devices
        self._secure = b"; Secure" if secure else b""
        self._urls: dict[uuid.UUID, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(("/r/", "/o/")):
            await self._app(scope, receive, send)
        elif scope["method"] not in _GET:
            headers = [*_HEADERS, (b"allow", b"GET, HEAD"), _EMPTY]
            await _answer(scope, send, 405, headers)
        elif path.startswith("/o/"):
            await self._open(scope, send, path[3:])
        else:
            await self._follow(scope, send, path[3:])

    async def _follow(self, scope: Scope, send: Send, token: str) -> None:
        mark = self._seal.read(token)
        target = await self._target(mark)
        if mark is None or mark.kind == "pixel":
            await self._dead(scope, send)
            return
        given = self._device(scope)
        device = given or (secrets.token_urlsafe(16) if self._may_know(mark) else "")
        self._note(scope, token, device)
        if not target:
            await self._dead(scope, send)
            return
        headers = [*_HEADERS, (b"location", target), _EMPTY]
        if device and not given:
            headers.append((b"set-cookie", self._cookie(device)))
        await _answer(scope, send, 302, headers)

    async def _open(self, scope: Scope, send: Send, name: str) -> None:
        token = name.removesuffix(".gif")
        mark = self._seal.read(token)
        is_ours = mark is not None and mark.kind == "pixel"
        if is_ours:
            self._note(scope, token, "")
        # What is not ours gets a picture as well: a broken one would spoil an honest email.
        await _answer(scope, send, 200 if is_ours else 404, _IMAGE, GIF)

    def _note(self, scope: Scope, token: str, device: str) -> None:
        agent = _header(scope, b"user-agent").decode("latin-1")
        client = scope.get("client")
        ip = str(client[0]) if client else ""
        self._spool.append(record(token, scope["method"], self._clock.now(), ip, agent, device))

    async def _target(self, mark: Mark | None) -> bytes:
        """Return where a link leads; nothing for a trap, and for what cannot be found."""
        if mark is None or mark.kind != "link":
            return b""
        url = mark.url if mark.stored is None else await self._stored_url(mark.stored)
        return url.encode("ascii", "ignore")  # a header takes no more, and a token holds no more

    async def _stored_url(self, name: uuid.UUID) -> str:
        url = self._urls.get(name)
        if url is None:
            try:
                url = await self._stored(name) or ""
            except Exception as error:  # noqa: BLE001 - the database is away: this link must wait
                log.warning("tracking.not_found", error=type(error).__name__)
                return ""
            if url and len(self._urls) < _URLS_KEPT:
                self._urls[name] = url
        return url

    def _may_know(self, mark: Mark) -> bool:
        return self._devices and mark.contact_id is not None

    def _device(self, scope: Scope) -> str:
        if not self._devices:
            return ""
        match = _COOKIE.search(_header(scope, b"cookie"))
        return match[1].decode() if match else ""

    def _cookie(self, device: str) -> bytes:
        return (
            b"%s=%s; Path=/r/; Max-Age=%d; HttpOnly; SameSite=Lax%s"
            % (COOKIE.encode(), device.encode(), _YEAR_S, self._secure)
        )  # fmt: skip

    async def _dead(self, scope: Scope, send: Send) -> None:
        page = dead_link(_header(scope, b"accept-language").decode("latin-1"))
        headers = [*_HEADERS, (b"content-length", b"%d" % len(page.body)), *page.headers]
        names = {name for name, _ in page.headers}
        headers = [pair for pair in _HEADERS if pair[0] not in names] + headers[len(_HEADERS) :]
        await _answer(scope, send, 404, headers, page.body)


async def _answer(
    scope: Scope,
    send: Send,
    code: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes = b"",
) -> None:
    metrics.REQUESTS.labels("/r/{token}" if scope["path"][1] == "r" else "/o/{token}", code).inc()
    start: Message = {"type": "http.response.start", "status": code, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _header(scope: MutableMapping[str, Any], name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""
