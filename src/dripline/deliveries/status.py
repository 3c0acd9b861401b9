"""Move a delivery's status on, whatever order the news of it comes in.

    pending ─▶ sent ─▶ delivered ─▶ opened ─▶ clicked
       └──────────┴─▶ failed
       └──────────┴────────┴─▶ bounced

Providers tell twice, late and out of order. So a status only ever moves along an arrow, checked by
the statement that moves it; and what comes late still leaves its time, the earliest that was told.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import after_commit, storable
from dripline.deliveries import queries, tallies

PENDING, SENT, DELIVERED, OPENED, CLICKED = "pending", "sent", "delivered", "opened", "clicked"
FAILED, BOUNCED = "failed", "bounced"
ENDS = (FAILED, BOUNCED)
_CHAIN = (PENDING, SENT, DELIVERED, OPENED, CLICKED)

COMES_AFTER: dict[str, tuple[str, ...]] = {
    **{status: _CHAIN[:place] for place, status in enumerate(_CHAIN) if place},
    FAILED: (PENDING, SENT),
    BOUNCED: (PENDING, SENT, DELIVERED),
}
"""From which statuses each one is reached."""

_TIMES = {
    SENT: "sent_at",
    DELIVERED: "delivered_at",
    OPENED: "opened_at",
    CLICKED: "clicked_at",
    FAILED: "failed_at",
    BOUNCED: "failed_at",
}
_LONGEST_REASON = 2000


async def advance(
    session: AsyncSession,
    delivery_id: uuid.UUID,
    status: str,
    at: datetime,
    *,
    reason: str | None = None,
) -> bool:
    """Move a delivery to a status and set that status's time; return whether it has moved.

    Nothing moves backwards, and `failed` and `bounced` are ends: then only the time of a step that
    was passed over is filled in. An unknown delivery is no error. `reason` is kept for the ends.
    Raises ValueError for a status that nothing moves to.
    """
    if status not in COMES_AFTER:
        raise ValueError(f"no delivery moves to “{status}”")
    is_end = status in ENDS
    why = storable(reason)[:_LONGEST_REASON] if reason and is_end else None
    before = await tallies.steps_of(session, [delivery_id])
    moved = await queries.move_delivery(
        session, delivery_id, status, COMES_AFTER[status], _TIMES[status], at, why
    )
    if moved:
        after_commit(session, metrics.NEWS.labels(status).inc)
    elif not is_end:
        await queries.note_delivery_time(session, delivery_id, _TIMES[status], at)
    if moved or not is_end:
        await tallies.count_steps(session, before.values(), status)
    return moved


async def advance_many(
    session: AsyncSession, status: str, moments: Mapping[uuid.UUID, datetime]
) -> None:
    """Move many deliveries to one status, each at its moment, as `advance` does; not to an end."""
    if status not in COMES_AFTER or status in ENDS:
        raise ValueError(f"no delivery is moved to “{status}” together with others")
    rows = sorted(((at, delivery_id) for delivery_id, at in moments.items()), key=_by_delivery)
    before = await tallies.steps_of(session, moments)
    await queries.move_deliveries(session, status, COMES_AFTER[status], _TIMES[status], rows)
    await tallies.count_steps(session, before.values(), status)


def _by_delivery(row: tuple[datetime, uuid.UUID]) -> bytes:
    return row[1].bytes  # the same order for everybody: two that lock many wait, and do not block
