"""From state to state: each change is an event with its cause, in the caller's transaction.

What a change leads to (a program, a menu) is `reactions.py`'s: it follows from the event, so that
a change made at the command line leads to the same.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.errors import USER_NOT_FOUND, Invalid, NotFound
from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.lifecycle import queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.queries import CHANGED, Present
from dripline.lifecycle.rules import (
    BESIDE,
    CHURNED,
    VISITOR,
    Facts,
    Idle,
    Rules,
    judge_idle,
    state_for,
)

REGISTERED, REFERRALS, FEWER_REFERRALS = "registered", "referrals", "fewer_referrals"
OPERATOR, INACTIVE, RETURNED, NEW_RULES = "operator", "inactive", "returned", "new_rules"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a state changes: a kind, and who or what (an operator, a referral)."""

    kind: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A change that was made."""

    before: str
    after: str


async def settle(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    cause: Cause,
    now: datetime,
) -> Moved | None:
    """Bring a contact's state to what the rules say of them now; None when it is so already."""
    present = await queries.lock(session, contact_id)
    if present is None:
        return None
    wanted = state_for(
        rules, facts_of(present), down=cause.kind == FEWER_REFERRALS, back=cause.kind == RETURNED
    )
    return await change(session, rules, present, wanted, cause, now)


async def change(
    session: AsyncSession,
    rules: Rules,
    present: Present,
    wanted: str,
    cause: Cause,
    now: datetime,
) -> Moved | None:
    """Put a contact into a state, tell it by an event, and plan the next look at inactivity."""
    if wanted == present.state:
        await plan_look(session, rules, present, now)
        return None
    await queries.set_state(session, present.contact_id, wanted)
    data: dict[str, Any] = {"from": present.state, "to": wanted, "cause": cause.kind}
    if cause.by:
        data["by"] = cause.by
    await append(
        session, NewEvent(CHANGED, present.contact_id, "lifecycle", new_id().hex, now, data)
    )
    if cause.kind == REFERRALS:
        await referrals.reward(session, present.contact_id, now)
    await plan_look(session, rules, present._replace(state=wanted), now)
    return Moved(present.state, wanted)


async def plan_look(session: AsyncSession, rules: Rules, present: Present, now: datetime) -> None:
    """Note when a contact's inactivity is to be looked at next."""
    verdict = judge_idle(rules, idle_of(present), now)
    await queries.save(session, present.contact_id, check_at=verdict.again_at)


def facts_of(present: Present) -> Facts:
    """Return what decides a contact's state."""
    return Facts(
        present.state,
        present.registered_at is not None,
        present.referral_count,
        present.given_state,
    )


def idle_of(present: Present) -> Idle:
    """Return what inactivity is judged by."""
    return Idle(
        present.state,
        present.last_active_at,
        present.decay_warned_at is not None,
        present.decay_hidden_at is not None,
    )


async def give(
    session: AsyncSession,
    rules: Rules,
    contact_id: uuid.UUID,
    state: str,
    by: str,
    now: datetime,
) -> Moved | None:
    """Put a contact into a state by an operator's hand; counts will not take it away.

    Raises NotFound (USER_NOT_FOUND) and Invalid (UNKNOWN_STATE).
    """
    known = (*(one.id for one in rules.states), *BESIDE)
    if state not in {*known, VISITOR}:
        raise Invalid(
            f"There is no state {state}. There are: {', '.join(dict.fromkeys(known))}.",
            code="UNKNOWN_STATE",
        )
    present = await queries.lock(session, contact_id)
    if present is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    if state != CHURNED:  # whoever comes back is what they were given before
        given = None if state == VISITOR else state
        await queries.save(session, contact_id, given_state=given)
    return await change(session, rules, present, state, Cause(OPERATOR, by), now)
