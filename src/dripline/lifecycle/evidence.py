"""What speaks against a referral. Whatever is found is kept with it, for the operator to see."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.lifecycle import queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.models import Referral
from dripline.lifecycle.rules import Rules, Velocity

VELOCITY, SAME_IP, SAME_DEVICE = "velocity", "same_ip", "same_device"
RING, NEVER_ACTIVE = "ring", "never_active"
IP, DEVICE = "ip", "device"
_KINDS: Final = {IP: SAME_IP, DEVICE: SAME_DEVICE}
_MOST_SHOWN: Final = 10
_LONGEST_RING: Final = 10


@dataclass(slots=True)
class Found:
    """What was found: how fast the link was followed (0–100), and flags with their evidence."""

    velocity_score: int = 0
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)


async def gather(session: AsyncSession, rules: Rules, referral: Referral, now: datetime) -> Found:
    """Look at everything that may speak against a referral whose contact has registered."""
    found = Found()
    await _velocity(session, rules.referrals.velocity, referral, found)
    await _traces(session, referral, found)
    await _ring(session, referral, found)
    await _activity(session, rules, referral, found, now)
    return found


def velocity_score(count: int, velocity: Velocity) -> int:
    """Return how fast a link is followed: 50 at what is usual at most, 100 at twice that."""
    return min(100, 50 * count // velocity.most)


async def _velocity(
    session: AsyncSession, velocity: Velocity, referral: Referral, found: Found
) -> None:
    """Count those who came by the same link shortly before; beyond twice the limit, who cares."""
    since, until = referral.created_at - velocity.within, referral.created_at
    most = 2 * velocity.most + 1
    count = await referrals.started_since(session, referral.referrer_id, since, until, most)
    found.velocity_score = velocity_score(count, velocity)
    if count > velocity.most:
        found.flags[VELOCITY] = {
            "count": count,
            "most": velocity.most,
            "minutes": int(velocity.within.total_seconds() // 60),
        }


async def _traces(session: AsyncSession, referral: Referral, found: Found) -> None:
    for kind, value, other in await referrals.shared_traces(session, referral, _MOST_SHOWN):
        flag = found.flags.setdefault(_KINDS.get(kind, kind), {"value": value, "contacts": []})
        if value == flag["value"]:
            flag["contacts"].append(str(other))


async def _ring(session: AsyncSession, referral: Referral, found: Found) -> None:
    path = await ring(session, referral.referrer_id, referral.referred_id)
    if path:
        found.flags[RING] = {"contacts": [str(one) for one in path]}


async def ring(
    session: AsyncSession, referrer_id: uuid.UUID, referred_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return how `referred` stands above `referrer` among who brought whom; empty if nowhere."""
    path = [referrer_id]
    for _ in range(_LONGEST_RING):
        above = await referrals.referrer_of(session, path[-1])
        if above is None or above.referrer_id in path:
            return []
        path.append(above.referrer_id)
        if above.referrer_id == referred_id:
            return path
    return []


async def _activity(
    session: AsyncSession, rules: Rules, referral: Referral, found: Found, now: datetime
) -> None:
    within = rules.referrals.must_act_within
    if within is None or referral.registered_at is None or now < referral.registered_at + within:
        return
    present = await queries.present(session, referral.referred_id)
    if present is not None and present.last_active_at <= referral.registered_at:
        found.flags[NEVER_ACTIVE] = {"since": referral.registered_at.isoformat()}
