"""A link was followed: whoever is new by it is somebody's referral, pending until they register."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.ids import new_id
from dripline.lifecycle import evidence, queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.models import PENDING
from dripline.lifecycle.rules import Rules
from dripline.lifecycle.verify import look, tell

INVITED = "referral.invited"
_LONGEST_CODE = 32


async def followed(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    code: str,
    now: datetime,
    *,
    is_new: bool,
) -> bool:
    """Note that a contact came by a code; False when that makes no referral.

    Nobody brings themselves, nor somebody we know already. A constant number of statements, each
    by an index: a flood of starts costs no more each than the first did.
    """
    referrer_id = await queries.owner_of(session, code[:_LONGEST_CODE])
    if referrer_id is None or referrer_id == contact_id:
        return False
    if not is_new:
        await _maybe_ring(session, contact_id, referrer_id, now)
        return False
    values = {
        "id": new_id(),
        "referrer_id": referrer_id,
        "referred_id": contact_id,
        "referral_code": code[:_LONGEST_CODE],
        "status": PENDING,
        "velocity_score": 0,
        "created_at": now,
    }
    if not await referrals.insert(session, values):
        return False
    present = await queries.present(session, contact_id)
    if present is not None and present.registered_at is not None:
        # Their registration overtook this event, as it may with several workers.
        await registered(session, rules, contact_id, present.registered_at, now)
    return True


async def registered(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    at: datetime,
    now: datetime,
) -> None:
    """An invited contact has registered: it counts, waits out its hold, or is flagged."""
    referral_id = await referrals.of_referred(session, contact_id)
    if referral_id is None:
        return
    traces = await referrals.latest_traces(session, contact_id)
    await referrals.save(
        session,
        referral_id,
        registered_at=at,
        ip_address=traces.get(evidence.IP),
        device_fingerprint=traces.get(evidence.DEVICE),
    )
    referral = await look(session, rules, referral_id, now)
    if referral is not None and referral.status == PENDING and referral.review is None:
        await tell(session, "referral.held", referral, now)


async def _maybe_ring(
    session: AsyncSession, contact_id: uuid.UUID, referrer_id: uuid.UUID, now: datetime
) -> None:
    """Somebody we know followed the link of one whom they brought themselves.

    That counts for nobody; but what does not count yet on the way between the two goes to review.
    """
    path = await evidence.ring(session, referrer_id, contact_id)
    for member in path[:-1]:
        referral = await referrals.referrer_of(session, member)
        if referral is not None and referral.status == PENDING:
            shown = {"contacts": [str(one) for one in path]}
            await referrals.insert_flag(session, referral.id, evidence.RING, shown, now)
