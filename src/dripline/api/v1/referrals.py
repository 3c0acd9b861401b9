"""Referrals: who brought whom, what speaks against it, the operator's word; the leaderboard."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Id, Moment, Told
from dripline.api.v1.who import contact_of
from dripline.errors import NotFound
from dripline.lifecycle import leaderboard, review
from dripline.lifecycle import referral_queries as queries
from dripline.lifecycle.document import rules_of
from dripline.lifecycle.models import Referral as Row
from dripline.lifecycle.review import REFERRAL_NOT_FOUND, Case

routes = APIRouter(
    prefix="/api/v1/referrals", tags=["referrals"], route_class=GuardedRoute, responses=ERRORS
)


class Flag(Told):
    """One thing that speaks against a referral."""

    kind: str = Field(examples=["velocity"])
    evidence: Free


class Referral(Told):
    """Who brought whom, and whether it counts."""

    id: Id
    referrer_id: Id
    referrer: str = Field(examples=["Anna"])
    referred_id: Id
    referred: str = Field(examples=["Boris"])
    status: str = Field(examples=["VERIFIED"])
    review: str | None = Field(examples=["AUTO_APPROVED"])
    velocity_score: int = Field(examples=[0])
    created_at: Moment
    registered_at: Moment | None
    reviewed_by: str | None
    flags: list[Flag]


class Place(Told):
    """A place on the leaderboard."""

    place: int = Field(examples=[1])
    contact_id: Id
    name: str = Field(examples=["Anna"])
    referrals: int = Field(examples=[51])


@routes.get("", summary="List referrals")
async def list_referrals(
    session: Session,
    pages: Pages,
    referrer: Annotated[str | None, Query(max_length=64, description="Brought by.")] = None,
    status: Annotated[Literal["PENDING", "VERIFIED", "REWARDED"] | None, Query()] = None,
    review: Annotated[
        Literal["AUTO_APPROVED", "APPROVED", "PENDING_REVIEW", "REJECTED"] | None, Query()
    ] = None,
) -> Page[Referral]:
    """Return referrals, newest first; what waits for a decision is `review=PENDING_REVIEW`."""
    referrer_id = (await contact_of(session, referrer)).id if referrer is not None else None
    rows = await lists.referrals_page(
        session,
        pages.behind,
        pages.limit + 1,
        referrer_id=referrer_id,
        status=status,
        review=review,
    )
    told = {one.id: one for one in await _cases(session, rows)}
    return pages.page(rows, lambda row: told[row.id], lambda row: row.id)


@routes.get("/leaderboard", summary="Who has brought most")
async def board(session: Session, here: Here) -> list[Place]:
    """Return the best, in order, without those who have been away for long."""
    rules = rules_of(await here.store.current(session))
    return [
        Place(place=place, contact_id=contact_id, name=name, referrals=count)
        for place, contact_id, name, count in await leaderboard.top(session, rules)
    ]


@routes.post("/{referral}/approve", summary="Let a referral count")
async def approve(
    referral: uuid.UUID, session: Session, here: Here, who: Who, now: Now
) -> Referral:
    """Let a flagged or rejected referral count; the inviter's state follows."""
    rules = rules_of(await here.store.current(session))
    await review.approve(session, rules, referral, who.name, now)
    return await _told(session, referral)


@routes.post("/{referral}/reject", summary="Let a referral never count")
async def reject(referral: uuid.UUID, session: Session, here: Here, who: Who, now: Now) -> Referral:
    """Let a referral count no more; the inviter's state follows."""
    rules = rules_of(await here.store.current(session))
    await review.reject(session, rules, referral, who.name, now)
    return await _told(session, referral)


async def _told(session: AsyncSession, referral_id: uuid.UUID) -> Referral:
    row = await queries.locked(session, referral_id)
    if row is None:
        raise NotFound("There is no such referral.", code=REFERRAL_NOT_FOUND)
    [told] = await _cases(session, [row])
    return told


async def _cases(session: AsyncSession, rows: Sequence[Row]) -> list[Referral]:
    return [_shown(case) for case in await review.cases(session, rows)]


def _shown(case: Case) -> Referral:
    own = {name: getattr(case, name) for name in Referral.model_fields if name != "flags"}
    flags = [Flag(kind=kind, evidence=evidence) for kind, evidence in case.flags]
    return Referral(**own, flags=flags)
