"""A stand-in for Resend on loopback, written from its documentation and from nothing of ours.

Keys, User-Agent, idempotency (24 hours, answers repeated, 409 for another body), batches that are
refused whole, a limit of requests a second; and faults: scripted answers, answers that get lost.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from svix.webhooks import Webhook

from dripline.wiring.web import WebServer

KEY = "re_test_123"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOST = "lost"  # it is done, and the answer never comes


@dataclass
class Resend:
    """`script`: answers that come instead of the usual ones, (status, body, headers) or LOST."""

    rate: float = 1_000.0
    script: list[Any] = field(default_factory=list)
    emails: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)
    _recent: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = FastAPI()
        app.post("/emails")(self._single)
        app.post("/emails/batch")(self._batch)
        self._server = WebServer(app, "127.0.0.1", 0)
        await self._server.start()
        self.base = self._server.address
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    @property
    def recipients(self) -> list[str]:
        """Whom emails have gone to, each time."""
        return [email["to"][0] for email in self.emails]

    async def _single(self, request: Request) -> Response:
        return await self._answer(request, "single")

    async def _batch(self, request: Request) -> Response:
        return await self._answer(request, "batch")

    async def _answer(self, request: Request, kind: str) -> Response:
        body = await request.body()
        key = request.headers.get("idempotency-key", "")
        said = json.loads(body)
        self.requests.append((kind, key, len(said) if isinstance(said, list) else 1))
        self.agents.add(request.headers.get("user-agent", ""))
        refused = self._refused(request, said, kind) or self._known(key, body)
        if refused is not None:
            return refused
        step = self.script.pop(0) if self.script else None
        if isinstance(step, tuple):
            return JSONResponse(step[1], step[0], headers=step[2])
        self.under_way.add(key)
        self.came.set()
        try:
            if self.hold is not None:
                await self.hold.wait()
            answer = self._take(said, kind)
            self.keys[key] = (body.decode(), answer)
        finally:
            self.under_way.discard(key)
        if step == LOST:
            await asyncio.sleep(3600)
        return JSONResponse(answer, headers={"ratelimit-limit": f"{self.rate:g};w=1"})

    def _refused(self, request: Request, said: Any, kind: str) -> Response | None:
        if not request.headers.get("user-agent"):
            return _error(403, "forbidden", "a User-Agent is required")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_api_key", "API key is invalid")
        now = time.monotonic()
        self._recent = [at for at in self._recent if now - at < 1.0]
        if len(self._recent) >= self.rate:
            headers = {"retry-after": "1", "ratelimit-limit": f"{self.rate:g}"}
            return _error(429, "rate_limit_exceeded", "Too many requests", headers)
        self._recent.append(now)
        emails = said if isinstance(said, list) else [said]
        if kind == "batch" and len(emails) > 100:
            return _error(422, "validation_error", "batch of more than 100")
        for email in emails:
            if kind == "batch" and email.get("attachments"):
                return _error(422, "validation_error", "no attachments in batches")
            if "@" not in email["from"]:
                return _error(422, "invalid_from_address", "Invalid `from` field")
            if email["to"][0].startswith("malformed"):
                return _error(422, "validation_error", "Invalid `to` field")
            for tag in email.get("tags", ()):
                assert all(c.isascii() and (c.isalnum() or c in "_-") for c in tag["value"])
        return None

    def _known(self, key: str, body: bytes) -> Response | None:
        if key in self.under_way:
            return _error(409, "concurrent_idempotent_requests", "in progress")
        if key in self.keys:
            before, answer = self.keys[key]
            if before != body.decode():
                return _error(409, "invalid_idempotent_request", "another payload")
            return JSONResponse(answer)
        return None

    def _take(self, said: Any, kind: str) -> Any:
        ids = []
        for email in said if isinstance(said, list) else [said]:
            self.emails.append(email)
            ids.append({"id": f"email-{len(self.emails)}"})
        return {"data": ids} if kind == "batch" else ids[0]


def _error(
    status: int, name: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(
        {"statusCode": status, "name": name, "message": message}, status, headers=headers
    )


def signed(
    kind: str,
    *,
    webhook_id: str = "msg_1",
    email_id: str | None = None,
    to: str = "anna@example.org",
    tags: Any = None,
    at: float | None = None,
    created_at: str = "2026-03-02T12:00:00.000Z",
    secret: str = SECRET,
    **data: Any,
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a webhook, signed by Svix's own library."""
    said: dict[str, Any] = {"email_id": email_id, "to": [to], "created_at": created_at, **data}
    if tags is not None:
        said["tags"] = tags
    body = json.dumps({"type": kind, "created_at": created_at, "data": said})
    return signature(webhook_id, body, at, secret), body.encode()


def signature(
    webhook_id: str, body: str, at: float | None = None, secret: str = SECRET
) -> dict[str, str]:
    """Return the headers that sign a body."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(int(at or time.time()), UTC)
    return {
        "svix-id": webhook_id,
        "svix-timestamp": str(int(moment.timestamp())),
        "svix-signature": Webhook(secret).sign(webhook_id, moment, body),
        "content-type": "application/json",
    }
