"""Every statement on what is learned of contacts."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts.models import Address, Contact, Preferences
from dripline.database import insert_new
from dripline.engagement.habits import Answer
from dripline.engagement.models import EngagementScore, LearnedUpTo
from dripline.engagement.score import points_at
from dripline.events.models import Event

TELEGRAM, EMAIL = "telegram", "email"
ANSWERS: Final = {
    "callback.pressed": TELEGRAM,
    "message.received": TELEGRAM,
    "link.clicked": None,  # its event says
    "message.opened": None,
}
_ONLY: Final = 1
_MOST_ANSWERS: Final = 20_000


async def answered_since(
    session: AsyncSession, limit: int
) -> tuple[set[uuid.UUID], uuid.UUID | None]:
    """Return who has answered after the event reached last time, and the event reached now.

    At first that is the latest event: contacts are looked at when they answer next.
    """
    reached = await session.scalar(select(LearnedUpTo.event_id).where(LearnedUpTo.id == _ONLY))
    if reached is None:
        latest = select(Event.id).order_by(Event.id.desc()).limit(1)
        return set(), await session.scalar(latest)
    statement = (
        select(Event.id, Event.contact_id, Event.name)
        .where(Event.id > reached)
        .order_by(Event.id)
        .limit(limit)
    )
    rows = (await session.execute(statement)).all()
    found = {row[1] for row in rows if row[1] is not None and row[2] in ANSWERS}
    return found, rows[-1][0] if rows else None


async def reach(session: AsyncSession, event_id: uuid.UUID) -> None:
    """Events up to this one are learned from."""
    statement = insert_new(session, LearnedUpTo).values(id=_ONLY, event_id=event_id)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"event_id": event_id})
    )


async def answers_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, list[Answer]]:
    """Return what contacts did by themselves since a moment, machines left out."""
    statement = (
        select(Event.contact_id, Event.occurred_at, Event.name, Event.data)
        .where(
            Event.source != "delivery",
            Event.name.in_(list(ANSWERS)),
            Event.contact_id.in_(list(contact_ids)),
            Event.occurred_at >= since,
        )
        .order_by(Event.id.desc())
        .limit(_MOST_ANSWERS)
    )
    found: dict[uuid.UUID, list[Answer]] = {}
    for contact_id, at, name, data in await session.execute(statement):
        if contact_id is not None and data.get("human", True):
            channel = ANSWERS[name] or str(data.get("channel") or TELEGRAM)
            found.setdefault(contact_id, []).append(Answer(at, channel))
    return found


async def known_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[str | None, int | None, str | None]]:
    """Return timezone, best hour and engaged channel of contacts, as far as they are known."""
    statement = (
        select(Contact.id, Contact.timezone, Preferences.best_hour, Preferences.engaged_channel)
        .outerjoin(Preferences, Preferences.contact_id == Contact.id)
        .where(Contact.id.in_(list(contact_ids)))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in await session.execute(statement)}


async def points_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID], now: datetime
) -> dict[uuid.UUID, dict[str, float]]:
    """Return the points of contacts on each channel, for those who have an email address."""
    with_email = select(Address.contact_id).where(Address.channel == EMAIL)
    statement = select(EngagementScore).where(
        EngagementScore.contact_id.in_(list(contact_ids)),
        EngagementScore.contact_id.in_(with_email),
        EngagementScore.type.in_((TELEGRAM, EMAIL)),
    )
    found: dict[uuid.UUID, dict[str, float]] = {}
    for row in await session.scalars(statement):
        points = points_at(row.fades_at, to_us(now), row.half_life)
        found.setdefault(row.contact_id, {})[row.type] = points
    return found


async def learn(
    session: AsyncSession, learned: Mapping[uuid.UUID, tuple[int | None, str | None]], now: datetime
) -> None:
    """Write best hour and engaged channel; what the contact has set themselves stays."""
    rows: Sequence[dict[str, Any]] = [
        {"contact_id": one, "best_hour": hour, "engaged_channel": channel, "updated_at": now}
        for one, (hour, channel) in learned.items()
    ]
    if not rows:
        return
    statement = insert_new(session, Preferences)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["contact_id"],
            set_={
                "best_hour": statement.excluded.best_hour,
                "engaged_channel": statement.excluded.engaged_channel,
            },
        ),
        rows,
    )
