"""Append events: each once, with an outbox row for every consumer, in the caller's transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import wake
from dripline.events import queries
from dripline.events.subscriptions import consumers_of
from dripline.ids import new_id

WAKE_REACT = "react"


@dataclass(slots=True)
class NewEvent:
    """An event to append; `(source, source_id)` says when it is the same as an earlier one."""

    name: str
    contact_id: uuid.UUID | None
    source: str
    source_id: str
    occurred_at: datetime
    data: dict[str, Any] = field(default_factory=dict)


async def append(session: AsyncSession, event: NewEvent) -> bool:
    """Append one event; return whether it was new."""
    event_id = new_id()
    if not await queries.insert_event(session, event_id, event):
        return False
    metrics.EVENTS.inc()
    await _tell(session, [(event_id, event.name)])
    return True


async def append_many(
    session: AsyncSession, events: Sequence[NewEvent], *, fresh: bool = False
) -> None:
    """Append events that cannot have happened before: the caller made their source ids just now.

    `fresh` takes that at its word, and is faster; otherwise one that is known is left out.
    """
    rows = [(new_id(), event) for event in events]
    await queries.insert_events(session, rows, fresh=fresh)
    metrics.EVENTS.inc(len(rows))
    reacted_to = {name for name in {event.name for event in events} if consumers_of(name)}
    if reacted_to:
        told = [(event_id, event.name) for event_id, event in rows if event.name in reacted_to]
        await _tell(session, told)


async def append_new(session: AsyncSession, events: Sequence[NewEvent]) -> None:
    """Append those events that have not happened before; all of one source, none of them twice."""
    if not events:
        return
    wanted = [event.source_id for event in events]
    known = await queries.known_source_ids(session, events[0].source, wanted)
    await append_many(session, [event for event in events if event.source_id not in known])


async def _tell(session: AsyncSession, events: Sequence[tuple[uuid.UUID, str]]) -> None:
    rows = [(event_id, consumer) for event_id, name in events for consumer in consumers_of(name)]
    if rows:
        await queries.insert_outbox(session, rows)
        await wake(session, WAKE_REACT)
