"""Count messages as they end, in the transaction that records it: exact whatever crashes.

A tally is one narrow row for all messages of a kind in a batch; analytics folds them into days.
What is told later of a delivery (delivered, opened, clicked, bounced) is counted on the day it was
sent, once for each step, however often and in whatever order it is told.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.deliveries import queries
from dripline.deliveries.protocols import Result
from dripline.ids import new_id

COUNTED = ("sent", "failed", "fell_back", "delivered", "opened", "clicked", "bounced")
_LATER = ("delivered", "opened", "clicked")


class Kind(NamedTuple):
    """What is counted together: messages of a day, channel, origin, scenario and message."""

    day: str
    channel: str
    origin: str
    scenario_id: str
    message_id: str


class Steps(NamedTuple):
    """A delivery's kind, and which later steps of it are known already."""

    kind: Kind
    known: frozenset[str]


async def count(session: AsyncSession, results: Sequence[Result]) -> None:
    """Count what a settle recorded."""
    if not results:
        return
    first, last = day_of(min(r.at for r in results)), day_of(max(r.at for r in results))
    ended = Counter(
        (
            first if first == last else day_of(result.at),
            result.ready.address.channel,
            result.ready.claimed.origin,
            result.ready.source.scenario_id or "",
            result.ready.source.message_id,
            result.status == "sent",
            result.falls_back is not None,
        )
        for result in results
    )
    rows = [
        (new_id(), *kind, sent * number, (not sent) * number, fell_back * number, 0, 0, 0, 0)
        for (*kind, sent, fell_back), number in ended.items()
    ]
    await queries.insert_tallies(session, rows)


async def count_steps(session: AsyncSession, before: Iterable[Steps], step: str) -> None:
    """Count a later step of deliveries that were as `before`; not where it was known already."""
    kinds = Counter(one.kind for one in before if step not in one.known)
    if step in COUNTED:
        place = COUNTED.index(step)
        rows = [
            (new_id(), *kind, *(number if at == place else 0 for at in range(len(COUNTED))))
            for kind, number in kinds.items()
        ]
        await queries.insert_tallies(session, rows)


async def steps_of(
    session: AsyncSession, delivery_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Steps]:
    """Return what is known of deliveries, locked against others who hear of them."""
    found = {}
    for row in await queries.delivery_steps(session, delivery_ids):
        day = day_of(row.sent_at or row.failed_at or row.scheduled_at)
        kind = Kind(day, row.channel, row.origin, row.scenario_id or "", row.message_id)
        known = [name for name in _LATER if getattr(row, f"{name}_at") is not None]
        found[row.id] = Steps(kind, frozenset(known))
    return found


def day_of(moment: datetime) -> str:
    """Return the day of a moment, in UTC."""
    return moment.date().isoformat()
