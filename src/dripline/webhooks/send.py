"""Duty: send what is due to endpoints, signed; again with growing pauses; give up after three days.

1. Due rows are put off by a lease, in one short transaction: a worker that dies is followed up.
2. The requests leave, a few at a time to one endpoint; nobody waits for a slow one.
3. How they went is written down. An endpoint that fails for days is switched off, and that is told.
"""

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import RealClock
from dripline.database import Database
from dripline.events import NewEvent, append
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.webhooks import queries, signature
from dripline.webhooks.endpoints import key_of
from dripline.webhooks.models import DELIVERED, FAILED, PENDING, Endpoint, WebhookDelivery

log = structlog.get_logger()
DISABLED: Final = "webhook.disabled"
TEST: Final = "webhook.test"
_PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
_JITTER: Final = 0.2
_GIVE_UP_AFTER: Final = timedelta(days=5)
_LEASE: Final = timedelta(minutes=2)
_BATCH: Final = 50
_AT_ONCE: Final = 5
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Reply:
    """How an endpoint answered: a status, or what kept it from answering; when to come again."""

    status: int | None
    error: str = ""
    after_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it took the webhook."""
        return self.status is not None and 200 <= self.status < 300


class Post(Protocol):
    """Makes one request to an address outside."""

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Reply:
        """Return the answer; raises nothing."""
        ...


class SendWebhooks:
    """Sends on behalf of one worker; `signing_key` gives what secrets are derived from."""

    def __init__(self, database: Database, signing_key: Callable[[], bytes], post: Post) -> None:
        self._database = database
        self._key = signing_key
        self._post = post
        self._real = RealClock()  # a signature's time is the world's
        self._dice = random.Random()  # noqa: S311 - jitter

    async def run_once(self, now: datetime) -> int:
        """Send a batch; return how many requests that were."""
        if not await queries.any_due(self._database, now):
            return 0
        async with self._database.transaction() as session:
            rows = await queries.due(session, now, _BATCH)
            await queries.put_off(session, [row.id for row in rows], now + _LEASE)
            endpoints = {one.id: one for one in await queries.endpoints(session)}
            events = await queries.events(session, [row.event_id for row in rows])
        slots = {endpoint_id: asyncio.Semaphore(_AT_ONCE) for endpoint_id in endpoints}
        replies = await asyncio.gather(
            *(
                self._send(row, endpoints[row.endpoint_id], events, slots[row.endpoint_id])
                for row in rows
            )
        )
        async with self._database.transaction() as session:
            for row, reply in zip(rows, replies, strict=True):
                await self._note(session, row, reply, now)
        return len(rows)

    async def test(self, endpoint: Endpoint) -> Reply:
        """Send a test to an endpoint now, whether or not it is on; return its answer."""
        body = _body(TEST, datetime.now(UTC), None, {"message": "It works."})
        return await self._deliver(endpoint, f"msg_{new_id().hex}", body)

    async def _send(
        self,
        row: WebhookDelivery,
        endpoint: Endpoint,
        events: dict[uuid.UUID, Event],
        slot: asyncio.Semaphore,
    ) -> Reply | None:
        event = events.get(row.event_id)
        if event is None:  # its contact was erased: there is nothing to tell any more
            return None
        body = _body(event.name, event.occurred_at, event.contact_id, event.data)
        async with slot:
            return await self._deliver(endpoint, f"msg_{row.event_id.hex}", body)

    async def _deliver(self, endpoint: Endpoint, message_id: str, body: bytes) -> Reply:
        signed = signature.headers(
            key_of(self._key(), endpoint), message_id, self._real.now(), body
        )
        return await self._post(endpoint.url, signed, body)

    async def _note(
        self, session: AsyncSession, row: WebhookDelivery, reply: Reply | None, now: datetime
    ) -> None:
        values: dict[str, Any] = {"attempts": row.attempts + 1}
        if reply is None:
            values |= {"status": FAILED, "ended_at": now, "error": "the event was erased"}
        elif reply.ok:
            values |= {"status": DELIVERED, "ended_at": now, "answer": reply.status, "error": None}
            await queries.change_endpoint(session, row.endpoint_id, {"failing_since": None})
        else:
            values |= {"answer": reply.status, "error": reply.error[:500] or None}
            values |= self._next(row.attempts + 1, reply, now)
            await _mind(session, row.endpoint_id, reply, now)
        await queries.change_delivery(session, row.id, values)

    def _next(self, attempts: int, reply: Reply, now: datetime) -> dict[str, Any]:
        if attempts > len(_PAUSES):
            return {"status": FAILED, "ended_at": now}
        pause = _PAUSES[attempts - 1] * self._dice.uniform(1.0, 1.0 + _JITTER)
        asked = timedelta(seconds=min(reply.after_s, _PAUSES[-1].total_seconds()))
        return {"status": PENDING, "due_at": now + max(pause, asked)}


async def _mind(session: AsyncSession, endpoint_id: uuid.UUID, reply: Reply, now: datetime) -> None:
    """Remember since when an endpoint fails; switch it off when that is too long."""
    endpoint = await queries.endpoint(session, endpoint_id)
    if endpoint is None or not endpoint.is_on:
        return
    since = endpoint.failing_since or now
    gone = reply.status == _GONE
    if not gone and now - since < _GIVE_UP_AFTER:
        if endpoint.failing_since is None:
            await queries.change_endpoint(session, endpoint_id, {"failing_since": now})
        return
    why = "it answered 410 Gone" if gone else f"nothing got through since {since:%Y-%m-%d %H:%M}"
    await queries.change_endpoint(session, endpoint_id, {"is_on": False, "disabled_reason": why})
    log.error("webhook.disabled", endpoint_id=endpoint_id.hex, url=endpoint.url, reason=why)
    told = {"endpoint_id": endpoint_id.hex, "url": endpoint.url, "reason": why}
    await append(session, NewEvent(DISABLED, None, "webhooks", new_id().hex, now, told))


def _body(
    name: str, at: datetime, contact_id: uuid.UUID | None, data: dict[str, Any] | None
) -> bytes:
    """Return a payload as Standard Webhooks recommends it."""
    said = {**(data or {}), "contact_id": str(contact_id) if contact_id else None}
    return orjson.dumps({"type": name, "timestamp": at, "data": said}, option=orjson.OPT_UTC_Z)
