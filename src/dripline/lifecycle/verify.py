"""Does a referral count? Decided when the invited contact has registered and the hold is over.

A referral counts exactly while its status is not PENDING, and each turn of that changes the
inviter's count, and with it perhaps their state, in the same transaction.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.lifecycle import evidence, queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.models import (
    AUTO_APPROVED,
    PENDING,
    PENDING_REVIEW,
    VERIFIED,
    Referral,
)
from dripline.lifecycle.move import FEWER_REFERRALS, REFERRALS, Cause, Moved, settle
from dripline.lifecycle.rules import Rules

COUNTED, FLAGGED, REJECTED_EVENT, APPROVED_EVENT = (
    "referral.counted",
    "referral.flagged",
    "referral.rejected",
    "referral.approved",
)


async def look(
    session: AsyncSession, rules: Rules, referral_id: uuid.UUID, now: datetime
) -> Referral | None:
    """Look at a referral that may be ripe: count it, flag it, or plan the next look."""
    referral = await referrals.locked(session, referral_id)
    if referral is None or referral.registered_at is None:
        return referral
    if referral.reviewed_by is not None or referral.review == PENDING_REVIEW:
        await referrals.save(session, referral_id, check_at=None)
        return referral
    hold_ends = referral.registered_at + rules.referrals.hold
    if referral.status == PENDING and now < hold_ends:
        await referrals.save(session, referral_id, check_at=hold_ends)
        return referral
    found = await evidence.gather(session, rules, referral, now)
    for flag in (await referrals.flags_of(session, [referral_id])).get(referral_id, ()):
        found.flags.setdefault(flag.kind, flag.evidence)  # what was seen once stays seen
    if referral.status != PENDING:  # counted before: only doing nothing can still speak against it
        never = found.flags.get(evidence.NEVER_ACTIVE)
        found.flags = {evidence.NEVER_ACTIVE: never} if never else {}
    if found.flags:
        await _flag(session, rules, referral, found, now)
    elif referral.status == PENDING:
        await _approve(session, rules, referral, found, now)
    else:
        await referrals.save(session, referral_id, check_at=None)
    return await referrals.locked(session, referral_id)


async def _flag(
    session: AsyncSession,
    rules: Rules,
    referral: Referral,
    found: evidence.Found,
    now: datetime,
) -> None:
    for kind, shown in found.flags.items():
        await referrals.insert_flag(session, referral.id, kind, shown, now)
    await referrals.save(
        session,
        referral.id,
        review=PENDING_REVIEW,
        check_at=None,
        velocity_score=max(found.velocity_score, referral.velocity_score),
    )
    await tell(session, FLAGGED, referral, now, flags=sorted(found.flags))
    if referral.status != PENDING:
        await uncount(session, rules, referral, now)


async def _approve(
    session: AsyncSession,
    rules: Rules,
    referral: Referral,
    found: evidence.Found,
    now: datetime,
) -> None:
    within = rules.referrals.must_act_within
    look_again = referral.registered_at + within if within and referral.registered_at else None
    await referrals.save(
        session,
        referral.id,
        review=AUTO_APPROVED,
        velocity_score=found.velocity_score,
        check_at=look_again if look_again and look_again > now else None,
    )
    await count(session, rules, referral, now)


async def count(
    session: AsyncSession, rules: Rules, referral: Referral, now: datetime
) -> Moved | None:
    """Let a referral count; returns the inviter's change of state."""
    await referrals.save(session, referral.id, status=VERIFIED, counted_at=now)
    await queries.add_to_count(session, referral.referrer_id, 1)
    cause = Cause(REFERRALS, referral.id.hex)
    moved = await settle(session, rules, referral.referrer_id, cause, now)
    await tell(session, COUNTED, referral, now, moved=moved.after if moved else None)
    return moved


async def uncount(
    session: AsyncSession, rules: Rules, referral: Referral, now: datetime
) -> Moved | None:
    """Let a referral count no more; a state that needed it goes with it."""
    await referrals.save(session, referral.id, status=PENDING, counted_at=None, rewarded_at=None)
    await queries.add_to_count(session, referral.referrer_id, -1)
    cause = Cause(FEWER_REFERRALS, referral.id.hex)
    return await settle(session, rules, referral.referrer_id, cause, now)


async def tell(
    session: AsyncSession, name: str, referral: Referral, now: datetime, **more: Any
) -> None:
    """Append an event about a referral, for the contact who invited."""
    data = {"referral_id": referral.id.hex, "referred_id": referral.referred_id.hex, **more}
    event = NewEvent(name, referral.referrer_id, "lifecycle", new_id().hex, now, data)
    await append(session, event)
