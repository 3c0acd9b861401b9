"""The operator's word on referrals: the queue with its evidence, approve, reject."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.errors import Conflict, NotFound
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.models import (
    APPROVED,
    PENDING,
    REJECTED,
    Referral,
)
from dripline.lifecycle.rules import Rules
from dripline.lifecycle.verify import APPROVED_EVENT, REJECTED_EVENT, count, tell, uncount

REFERRAL_NOT_FOUND = "REFERRAL_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Case:
    """A referral as an operator sees it: who brought whom, and what speaks against it."""

    id: uuid.UUID
    referrer_id: uuid.UUID
    referrer: str
    referred_id: uuid.UUID
    referred: str
    status: str
    review: str | None
    velocity_score: int
    created_at: datetime
    registered_at: datetime | None
    reviewed_by: str | None
    flags: tuple[tuple[str, dict[str, Any]], ...]


async def queue(
    session: AsyncSession, limit: int = 50, after: uuid.UUID | None = None
) -> list[Case]:
    """Return what waits for the operator, oldest first, behind the case `after`."""
    return await cases(session, await referrals.waiting(session, limit, after))


async def listed(
    session: AsyncSession, referrer_id: uuid.UUID | None = None, limit: int = 50
) -> list[Case]:
    """Return the latest referrals, of one contact or of all, newest first."""
    return await cases(session, await referrals.listed(session, referrer_id, limit))


async def approve(
    session: AsyncSession, rules: Rules, referral_id: uuid.UUID, by: str, now: datetime
) -> bool:
    """Let a flagged or rejected referral count; False when an operator approved it already.

    Raises NotFound (REFERRAL_NOT_FOUND), and Conflict while nobody has registered.
    """
    referral = await _locked(session, referral_id)
    if referral.review == APPROVED:
        return False
    if referral.registered_at is None:
        raise Conflict("This contact has not registered yet; there is nothing to approve.")
    await _reviewed(session, referral, APPROVED, by, now)
    await tell(session, APPROVED_EVENT, referral, now, by=by)
    if referral.status == PENDING:
        await count(session, rules, referral, now)
    return True


async def reject(
    session: AsyncSession, rules: Rules, referral_id: uuid.UUID, by: str, now: datetime
) -> bool:
    """Let a referral never count; one that did counts no more. False when it was rejected already.

    Raises NotFound (REFERRAL_NOT_FOUND).
    """
    referral = await _locked(session, referral_id)
    if referral.review == REJECTED:
        return False
    await _reviewed(session, referral, REJECTED, by, now)
    await tell(session, REJECTED_EVENT, referral, now, by=by)
    if referral.status != PENDING:
        await uncount(session, rules, referral, now)
    return True


async def own_id(session: AsyncSession, words: str) -> uuid.UUID | None:
    """Return the id of a referral if the words are one."""
    try:
        given = uuid.UUID(words)
    except ValueError:
        return None
    return given if await referrals.locked(session, given) is not None else None


async def referral_of(session: AsyncSession, contact_id: uuid.UUID) -> uuid.UUID:
    """Return the referral that brought a contact. Raises NotFound (REFERRAL_NOT_FOUND)."""
    found = await referrals.of_referred(session, contact_id)
    if found is None:
        raise NotFound("Nobody has brought this contact.", code=REFERRAL_NOT_FOUND)
    return found


async def _locked(session: AsyncSession, referral_id: uuid.UUID) -> Referral:
    referral = await referrals.locked(session, referral_id)
    if referral is None:
        raise NotFound("There is no such referral.", code=REFERRAL_NOT_FOUND)
    return referral


async def _reviewed(
    session: AsyncSession, referral: Referral, review: str, by: str, now: datetime
) -> None:
    await referrals.save(
        session,
        referral.id,
        review=review,
        reviewed_by=by[:120],
        reviewed_at=now,
        check_at=None,
    )


async def cases(session: AsyncSession, rows: Sequence[Referral]) -> list[Case]:
    """Return referrals as an operator sees them."""
    flags = await referrals.flags_of(session, [row.id for row in rows])
    people = [one for row in rows for one in (row.referrer_id, row.referred_id)]
    names = await referrals.names_of(session, people)
    return [
        Case(
            row.id,
            row.referrer_id,
            names.get(row.referrer_id, ""),
            row.referred_id,
            names.get(row.referred_id, ""),
            row.status,
            row.review,
            row.velocity_score,
            row.created_at,
            row.registered_at,
            row.reviewed_by,
            tuple((flag.kind, flag.evidence) for flag in flags.get(row.id, ())),
        )
        for row in rows
    ]
