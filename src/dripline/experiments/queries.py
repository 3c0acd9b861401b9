"""Every statement on experiments."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import bulk, insert_new
from dripline.database.bulk import Statement, as_uuid
from dripline.experiments.models import Assignment, Verdict

_INSERT = Statement(
    sqlite="""
        INSERT INTO experiment_assignments (experiment_id, contact_id, variant, assigned_at)
        VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
    """,
    postgresql="""
        INSERT INTO experiment_assignments (experiment_id, contact_id, variant, assigned_at)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[])
        ON CONFLICT DO NOTHING
    """,
)
_VARIANTS = Statement(
    sqlite="""
        SELECT contact_id, variant FROM experiment_assignments
        WHERE contact_id IN ({keys}) AND experiment_id = ?
    """,
    postgresql="""
        SELECT contact_id, variant FROM experiment_assignments
        WHERE contact_id = ANY($1::uuid[]) AND experiment_id = $2
    """,
)


async def variants(
    session: AsyncSession, experiment_id: str, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, str]:
    """Return the variants of contacts that have been assigned one."""
    rows = await bulk.read(session, _VARIANTS, contact_ids, experiment_id)
    return {as_uuid(row[0]): row[1] for row in rows}


async def assign(
    session: AsyncSession,
    experiment_id: str,
    chosen: Mapping[uuid.UUID, str],
    now: datetime,
) -> None:
    """Assign variants; a contact who has one keeps it."""
    # In one order, so that two workers that assign the same people do not lock each other out.
    rows = [(experiment_id, key, chosen[key], now) for key in sorted(chosen)]
    await bulk.write(session, _INSERT, rows)


async def verdicts(session: AsyncSession) -> dict[str, str]:
    """Return the winners of experiments that are decided."""
    rows = await session.execute(select(Verdict.experiment_id, Verdict.variant))
    return {row[0]: row[1] for row in rows}


async def verdict(session: AsyncSession, experiment_id: str) -> Verdict | None:
    """Return how an experiment was decided, or None."""
    return await session.get(Verdict, experiment_id)


async def decide(
    session: AsyncSession, experiment_id: str, variant: str, by: str, now: datetime
) -> bool:
    """Decide an experiment; False when it is decided already."""
    found = await session.execute(
        insert_new(session, Verdict)
        .values(experiment_id=experiment_id, variant=variant, decided_at=now, decided_by=by)
        .on_conflict_do_nothing()
        .returning(Verdict.experiment_id)
    )
    return found.scalar_one_or_none() is not None


async def reopen(session: AsyncSession, experiment_id: str) -> None:
    """Take a decision back."""
    row = await session.get(Verdict, experiment_id)
    if row is not None:
        await session.delete(row)


async def counts(session: AsyncSession, experiment_id: str) -> dict[str, tuple[int, int]]:
    """Return how many were assigned each variant, and how many of them reached the goal."""
    rows = await session.execute(
        select(Assignment.variant, func.count(), func.count(Assignment.converted_at))
        .where(Assignment.experiment_id == experiment_id)
        .group_by(Assignment.variant)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def first_assigned_at(session: AsyncSession, experiment_id: str) -> datetime | None:
    """Return when an experiment began to be played; None before."""
    return await session.scalar(
        select(func.min(Assignment.assigned_at)).where(Assignment.experiment_id == experiment_id)
    )


async def open_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Assignment]:
    """Return a contact's assignments whose goal is not reached yet."""
    found = await session.scalars(
        select(Assignment).where(
            Assignment.contact_id == contact_id, Assignment.converted_at.is_(None)
        )
    )
    return found.all()


async def of_contact(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Assignment]:
    """Return all assignments of a contact."""
    found = await session.scalars(select(Assignment).where(Assignment.contact_id == contact_id))
    return found.all()


async def convert(
    session: AsyncSession, experiment_id: str, contact_id: uuid.UUID, at: datetime
) -> None:
    """Note that a contact has reached the goal; the first time counts."""
    await session.execute(
        update(Assignment)
        .where(
            Assignment.experiment_id == experiment_id,
            Assignment.contact_id == contact_id,
            Assignment.converted_at.is_(None),
        )
        .values(converted_at=at)
    )
