"""Duty: handle what Resend has told us, each thing once.

A webhook may be faster than our own record of the email it speaks of. So one that names a delivery
which is not there waits for two minutes; then it is taken for another program's.
"""

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.channels import email_news
from dripline.channels.email_news import About
from dripline.channels.resend_news import News, read
from dripline.channels.resend_webhook import SOURCE
from dripline.contacts.email_address import normalise
from dripline.database import Database
from dripline.database.failures import will_pass
from dripline.deliveries import queries, status
from dripline.deliveries.models import Delivery
from dripline.errors import Invalid
from dripline.events import inbox
from dripline.events.inbox import Received

log = structlog.get_logger()
_BATCH = 50
_LONGEST_S = 0.03
_PATIENCE = timedelta(minutes=2)
_LOOK_AGAIN = timedelta(seconds=2)
_OLDEST, _NEWEST = timedelta(days=7), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Engaged:
    """Somebody, or something, opened an email or followed one of its links."""

    id: str
    delivery: Delivery
    at: datetime
    is_click: bool
    url: str | None
    ip: str
    user_agent: str


OnEngaged = Callable[[AsyncSession, Engaged], Awaitable[None]]


class _NotYet(Exception):
    """The delivery is not on record, and may still come."""


class ResendDrain:
    """Handles what is in the inbox; `on_engaged` is told of opens and clicks."""

    def __init__(self, database: Database, on_engaged: OnEngaged) -> None:
        self._database = database
        self._on_engaged = on_engaged
        self._put_off: dict[uuid.UUID, datetime] = {}

    async def run_once(self, now: datetime) -> int:
        """Handle a batch; return how many webhooks were dealt with."""
        if await inbox.is_empty(self._database, SOURCE):
            return 0
        self._put_off = {row: until for row, until in self._put_off.items() if until > now}
        limit = _BATCH + len(self._put_off)
        async with self._database.reading() as session:
            if not self._due(await inbox.pending(session, SOURCE, limit)):
                return 0
        done, until = 0, time.monotonic() + _LONGEST_S
        async with self._database.transaction() as session:
            if not await _is_ours(session):
                return 0
            for row in self._due(await inbox.pending(session, SOURCE, limit)):
                done += await self._one(session, row, now)
                if time.monotonic() > until:
                    break
        return done

    def _due(self, rows: list[Received]) -> list[Received]:
        return [row for row in rows if row.id not in self._put_off]

    async def _one(self, session: AsyncSession, row: Received, now: datetime) -> int:
        """Handle one webhook in a savepoint; one that fails is marked, and holds up nobody."""
        try:
            async with session.begin_nested():
                for place, news in enumerate(read(row.body)):
                    await self._handle(session, row, place, news, now)
                await inbox.done(session, row.id, now)
        except _NotYet:
            self._put_off[row.id] = now + _LOOK_AGAIN
            return 0
        except Exception as error:
            if will_pass(error):
                raise
            metrics.EMAIL_WEBHOOKS.labels("unreadable").inc()
            log.warning("email.webhook_failed", id=row.source_id, error=repr(error)[:500])
            await inbox.done(session, row.id, now, error=repr(error)[:2000])
        return 1

    async def _handle(
        self, session: AsyncSession, row: Received, place: int, news: News, now: datetime
    ) -> None:
        metrics.EMAIL_WEBHOOKS.labels(news.kind if news.kind in KINDS else "other").inc()
        if news.kind not in KINDS:
            return
        delivery = await _delivery_of(session, news)
        if delivery is None and news.tracking_id and now - row.received_at < _PATIENCE:
            raise _NotYet
        about = About(delivery, _address_of(delivery, news), _moment_of(news, row.received_at))
        if news.kind in {"opened", "clicked"}:
            if delivery is not None:
                source_id = f"{row.source_id}:{place}"
                await self._on_engaged(session, _engaged(source_id, delivery, about.at, news))
            return
        await KINDS[news.kind](session, about, news)


async def _delivery_of(session: AsyncSession, news: News) -> Delivery | None:
    """Return the delivery of Resend's id of the email; else of our own, in its tags."""
    delivery_id = None
    if news.email_id is not None:
        delivery_id = await queries.delivery_of_provider_id(session, news.email_id)
    delivery_id = delivery_id or news.tracking_id
    return await queries.delivery(session, delivery_id) if delivery_id else None


def _address_of(delivery: Delivery | None, news: News) -> str | None:
    """Return the normalised address; of an email that is not ours, only if there is just one."""
    if delivery is not None:
        return delivery.recipient
    if len(news.recipients) != 1:
        return None
    try:
        return normalise(news.recipients[0])
    except Invalid:
        return None


def _moment_of(news: News, received_at: datetime) -> datetime:
    """Return when it was, as far as that can be believed: the domain's clock may be another."""
    at = news.told_at
    if at is None or not received_at - _OLDEST <= at <= received_at + _NEWEST:
        return received_at
    return min(at, received_at)


def _engaged(source_id: str, delivery: Delivery, at: datetime, news: News) -> Engaged:
    return Engaged(
        source_id,
        delivery,
        at,
        news.kind == "clicked",
        news.text("link", "url") or None,
        news.text("ipAddress", "ip_address", "ip"),
        news.text("userAgent", "user_agent"),
    )


async def _sent(session: AsyncSession, about: About, _news: News) -> None:
    if about.delivery is not None:
        await status.advance(session, about.delivery.id, status.SENT, about.at)


async def _delivered(session: AsyncSession, about: About, _news: News) -> None:
    await email_news.delivered(session, about)


async def _delayed(session: AsyncSession, about: About, news: News) -> None:
    await email_news.delayed(session, about, news.text("message", "reason"))


async def _bounced(session: AsyncSession, about: About, news: News) -> None:
    said = " ".join(filter(None, (news.text("type"), news.text("subType"), news.text("message"))))
    permanent = news.text("type").lower() == "permanent"
    kind = email_news.PERMANENT if permanent else email_news.TRANSIENT
    await email_news.bounced(session, about, kind, said or "it bounced")


async def _complained(session: AsyncSession, about: About, news: News) -> None:
    await email_news.complained(session, about, news.text("message", "type") or "marked as spam")


async def _failed(session: AsyncSession, about: About, news: News) -> None:
    reason = news.text("reason", "message") or "Resend could not send it"
    await email_news.bounced(session, about, email_news.FAILED, reason)


async def _suppressed(session: AsyncSession, about: About, news: News) -> None:
    reason = news.text("reason", "message") or "Resend sends nothing to this address"
    if "complain" in f"{news.text('type')} {reason}".lower():
        await email_news.complained(session, about, reason)
    await email_news.bounced(session, about, email_news.SUPPRESSED, reason)


async def _nothing(_session: AsyncSession, _about: About, _news: News) -> None:
    return


KINDS: dict[str, Callable[[AsyncSession, About, News], Awaitable[None]]] = {
    "sent": _sent,
    "delivered": _delivered,
    "delivery_delayed": _delayed,
    "bounced": _bounced,
    "complained": _complained,
    "failed": _failed,
    "suppressed": _suppressed,
    "opened": _nothing,
    "clicked": _nothing,
}


async def _is_ours(session: AsyncSession) -> bool:
    if session.get_bind().dialect.name != "postgresql":
        return True
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended('dripline.drain:resend', 0))")
    return bool(await session.scalar(lock))
