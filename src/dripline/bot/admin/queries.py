"""The statements that only an admin's questions need."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.models import Revision
from dripline.deliveries.models import Delivery
from dripline.scenarios.models import Enrollment

_REVISIONS = 100  # how far back a change of a broadcast is looked for
_SENT = ("sent", "delivered", "opened", "clicked")


class Sent(NamedTuple):
    """How many messages ended how since a moment."""

    sent: int
    failed: int


async def revisions_of(session: AsyncSession, scenario_id: str) -> Sequence[Revision]:
    """Return a scenario's revisions, oldest first."""
    statement = (
        select(Revision)
        .where(Revision.kind == "scenario", Revision.key == scenario_id)
        .order_by(Revision.number)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def revisions_of_broadcasts(session: AsyncSession) -> Sequence[Revision]:
    """Return the newest revisions of the document of all broadcasts, oldest first."""
    statement = (
        select(Revision)
        .where(Revision.kind == "broadcasts", Revision.key == "broadcasts")
        .order_by(Revision.number.desc())
        .limit(_REVISIONS)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()[::-1]


async def standing(session: AsyncSession, scenario_id: str) -> dict[str, int]:
    """Return how many enrollments of a scenario there are, by status."""
    rows = await session.execute(
        select(Enrollment.status, func.count())
        .where(Enrollment.scenario_id == scenario_id)
        .group_by(Enrollment.status)
    )
    return {row[0]: row[1] for row in rows}


async def standings(session: AsyncSession) -> dict[str, dict[str, int]]:
    """Return how many enrollments of each scenario there are, by status."""
    rows = await session.execute(
        select(Enrollment.scenario_id, Enrollment.status, func.count()).group_by(
            Enrollment.scenario_id, Enrollment.status
        )
    )
    found: dict[str, dict[str, int]] = {}
    for scenario_id, status, count in rows:
        found.setdefault(scenario_id, {})[status] = count
    return found


async def sent_since(session: AsyncSession, since: datetime) -> Sent:
    """Return how many messages of the content were sent or failed since a moment."""
    ours = Delivery.origin != "system"
    row = (
        await session.execute(
            select(
                func.count().filter(and_(Delivery.status.in_(_SENT), Delivery.sent_at >= since)),
                func.count().filter(and_(Delivery.status == "failed", Delivery.failed_at >= since)),
            ).where(ours)
        )
    ).one()
    return Sent(int(row[0]), int(row[1]))
