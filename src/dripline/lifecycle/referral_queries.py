"""Every statement on referrals, what speaks against them, and traces."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from dripline.contacts.models import Contact
from dripline.database import Database, bulk, insert_new
from dripline.lifecycle.models import (
    PENDING_REVIEW,
    REWARDED,
    VERIFIED,
    Referral,
    ReferralFlag,
    Trace,
)

_ANY_DUE = bulk.same("SELECT 1 FROM referrals WHERE check_at <= ? LIMIT 1")


async def insert(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Insert a referral; False when somebody brought this contact before."""
    statement = insert_new(session, Referral).values(values).on_conflict_do_nothing()
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def locked(session: AsyncSession, referral_id: uuid.UUID) -> Referral | None:
    """Return a referral as it is now; others cannot change it until the end."""
    found: Referral | None = await session.scalar(
        select(Referral)
        .where(Referral.id == referral_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def of_referred(session: AsyncSession, contact_id: uuid.UUID) -> uuid.UUID | None:
    """Return the referral that brought a contact, or None."""
    found: uuid.UUID | None = await session.scalar(
        select(Referral.id).where(Referral.referred_id == contact_id)
    )
    return found


async def referrer_of(session: AsyncSession, contact_id: uuid.UUID) -> Referral | None:
    """Return the referral that brought a contact, unlocked."""
    found: Referral | None = await session.scalar(
        select(Referral).where(Referral.referred_id == contact_id)
    )
    return found


async def save(session: AsyncSession, referral_id: uuid.UUID, **values: Any) -> None:
    """Set columns of a referral."""
    await session.execute(
        update(Referral)
        .where(Referral.id == referral_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def note_agent(session: AsyncSession, contact_id: uuid.UUID, agent: str) -> None:
    """Keep which browser an invited contact used."""
    await session.execute(
        update(Referral)
        .where(Referral.referred_id == contact_id)
        .values(user_agent=agent)
        .execution_options(synchronize_session=False)
    )


async def reward(session: AsyncSession, referrer_id: uuid.UUID, now: datetime) -> None:
    """What counts for a contact has brought them a state."""
    await session.execute(
        update(Referral)
        .where(Referral.referrer_id == referrer_id, Referral.status == VERIFIED)
        .values(status=REWARDED, rewarded_at=now)
        .execution_options(synchronize_session=False)
    )


async def started_since(
    session: AsyncSession, referrer_id: uuid.UUID, since: datetime, until: datetime, most: int
) -> int:
    """Return how many followed a contact's link in a time; at most `most`, so it stays cheap."""
    inner = (
        select(Referral.id)
        .where(
            Referral.referrer_id == referrer_id,
            Referral.created_at > since,
            Referral.created_at <= until,
        )
        .limit(most)
        .subquery()
    )
    return int(await session.scalar(select(func.count()).select_from(inner)) or 0)


async def any_due_for_a_look(database: Database, now: datetime) -> bool:
    """Return whether a referral is to be looked at again."""
    return bool(await database.glance(_ANY_DUE, now))


async def due_for_a_look(session: AsyncSession, now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Return referrals to look at again, locked against other workers."""
    statement = (
        select(Referral.id).where(Referral.check_at <= now).order_by(Referral.check_at).limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return (await session.scalars(statement)).all()


async def insert_flag(
    session: AsyncSession,
    referral_id: uuid.UUID,
    kind: str,
    evidence: dict[str, Any],
    now: datetime,
) -> None:
    """Note what speaks against a referral; the latest evidence of a kind stands."""
    statement = insert_new(session, ReferralFlag).values(
        referral_id=referral_id, kind=kind, evidence=evidence, found_at=now
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["referral_id", "kind"],
            set_={"evidence": statement.excluded.evidence, "found_at": now},
        )
    )


async def flags_of(
    session: AsyncSession, referral_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[ReferralFlag]]:
    """Return what speaks against referrals."""
    found: dict[uuid.UUID, list[ReferralFlag]] = {}
    statement = select(ReferralFlag).where(ReferralFlag.referral_id.in_(list(referral_ids)))
    for flag in await session.scalars(statement.order_by(ReferralFlag.kind)):
        found.setdefault(flag.referral_id, []).append(flag)
    return found


async def insert_trace(
    session: AsyncSession, kind: str, value: str, contact_id: uuid.UUID, now: datetime
) -> None:
    """Remember where a click came from."""
    statement = insert_new(session, Trace).values(
        kind=kind, value=value, contact_id=contact_id, seen_at=now
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "value", "contact_id"], set_={"seen_at": now}
        )
    )


async def shared_traces(
    session: AsyncSession, referral: Referral, limit: int
) -> list[tuple[str, str, uuid.UUID]]:
    """Return traces that an invited contact shares with the inviter, or with others invited.

    Columns: kind, value, the other's contact id.
    """
    mine, other = aliased(Trace), aliased(Trace)
    sibling = aliased(Referral)
    statement = (
        select(other.kind, other.value, other.contact_id)
        .join(mine, and_(mine.kind == other.kind, mine.value == other.value))
        .outerjoin(sibling, sibling.referred_id == other.contact_id)
        .where(
            mine.contact_id == referral.referred_id,
            other.contact_id != referral.referred_id,
            or_(
                other.contact_id == referral.referrer_id,
                sibling.referrer_id == referral.referrer_id,
            ),
        )
        .order_by(other.kind, other.value, other.contact_id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def prune_traces(session: AsyncSession, before: datetime) -> None:
    """Forget from which addresses and devices contacts came long ago."""
    await session.execute(delete(Trace).where(Trace.seen_at < before))


async def latest_traces(session: AsyncSession, contact_id: uuid.UUID) -> dict[str, str]:
    """Return the last value of each kind of trace of a contact."""
    rows = await session.execute(
        select(Trace.kind, Trace.value)
        .where(Trace.contact_id == contact_id)
        .order_by(Trace.seen_at)
        .limit(100)
    )
    return {row[0]: row[1] for row in rows}


async def waiting(
    session: AsyncSession, limit: int, after: uuid.UUID | None = None
) -> Sequence[Referral]:
    """Return referrals that wait for the operator, oldest first."""
    statement = select(Referral).where(Referral.review == PENDING_REVIEW)
    if after is not None:
        statement = statement.where(Referral.id > after)
    return (await session.scalars(statement.order_by(Referral.id).limit(limit))).all()


async def count_waiting(session: AsyncSession) -> int:
    """Return how many referrals wait for the operator."""
    statement = select(func.count()).where(Referral.review == PENDING_REVIEW)
    return int(await session.scalar(statement) or 0)


async def waiting_of(
    session: AsyncSession, referrer_id: uuid.UUID, limit: int | None = None
) -> Sequence[uuid.UUID]:
    """Return the referrals of one contact that wait for the operator."""
    statement = (
        select(Referral.id)
        .where(Referral.review == PENDING_REVIEW, Referral.referrer_id == referrer_id)
        .order_by(Referral.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def listed(
    session: AsyncSession, referrer_id: uuid.UUID | None, limit: int
) -> Sequence[Referral]:
    """Return the latest referrals, of one contact or of all, newest first."""
    statement = select(Referral).order_by(Referral.id.desc()).limit(limit)
    if referrer_id is not None:
        statement = statement.where(Referral.referrer_id == referrer_id)
    return (await session.scalars(statement)).all()


async def names_of(session: AsyncSession, contact_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return how contacts are called."""
    rows = await session.execute(
        select(Contact.id, Contact.first_name, Contact.username).where(
            Contact.id.in_(set(contact_ids))
        )
    )
    return {row[0]: row[1] or (f"@{row[2]}" if row[2] else "") for row in rows}


async def brought_by(session: AsyncSession, contact_id: uuid.UUID) -> dict[str, str]:
    """Return whom somebody has brought, by the referral's id as events name it."""
    rows = await session.execute(
        select(Referral.id, Contact.first_name, Contact.username)
        .join(Contact, Contact.id == Referral.referred_id)
        .where(Referral.referrer_id == contact_id)
        .limit(1_000)
    )
    return {row[0].hex: row[1] or row[2] or "somebody without a name" for row in rows}


async def standing_counts(
    session: AsyncSession, referrer_id: uuid.UUID
) -> dict[tuple[str, str | None], int]:
    """Return how many referrals of a contact there are by status and review."""
    rows = await session.execute(
        select(Referral.status, Referral.review, func.count())
        .where(Referral.referrer_id == referrer_id)
        .group_by(Referral.status, Referral.review)
    )
    return {(row[0], row[1]): row[2] for row in rows}
