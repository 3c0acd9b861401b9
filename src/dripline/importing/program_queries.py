"""The statements that only the import of a program bot needs."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Contact
from dripline.database import insert_new
from dripline.lifecycle.models import PENDING, Referral, ReferralCode, Standing, Trace


async def insert_codes(session: AsyncSession, codes: Mapping[uuid.UUID, str]) -> None:
    """Give contacts their codes; who has one keeps it, and nobody gets another's."""
    rows = [{"contact_id": contact_id, "code": code} for contact_id, code in codes.items()]
    if rows:
        await session.execute(insert_new(session, ReferralCode).on_conflict_do_nothing(), rows)


async def already_brought(session: AsyncSession, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these contacts were brought by somebody, as far as we know."""
    statement = select(Referral.referred_id).where(Referral.referred_id.in_(ids))
    return set((await session.scalars(statement)).all())


async def registered(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """Return when these contacts registered, of those who have."""
    rows = await session.execute(
        select(Contact.id, Contact.registered_at).where(
            Contact.id.in_(ids), Contact.registered_at.is_not(None)
        )
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


async def insert_referrals(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert referrals."""
    await session.execute(insert(Referral), list(rows))


async def insert_traces(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert where contacts came from; what is known stays."""
    await session.execute(insert_new(session, Trace).on_conflict_do_nothing(), list(rows))


async def insert_standings(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Insert standings; one that is here stays as it is."""
    await session.execute(insert_new(session, Standing).on_conflict_do_nothing(), list(rows))


async def counted(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many referrals of these contacts count."""
    rows = await session.execute(
        select(Referral.referrer_id, func.count())
        .where(Referral.referrer_id.in_(ids), Referral.status != PENDING)
        .group_by(Referral.referrer_id)
    )
    return {row[0]: row[1] for row in rows if row[1] is not None}


async def save_counts(session: AsyncSession, counts: Mapping[uuid.UUID, int]) -> None:
    """Write how many contacts have brought; who has no standing gets one."""
    for contact_id, count in counts.items():
        statement = insert_new(session, Standing).values(
            contact_id=contact_id, referral_count=count
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["contact_id"], set_={"referral_count": count}
            )
        )
