"""A contact's email address, their record of consent, and how much they answer."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.backend import Backend
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.throttle import source_of
from dripline.api.v1.shapes import ERRORS, Given, Moment, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.contacts import consent_queries, email
from dripline.contacts.consent import Evidence
from dripline.contacts.email import Given as GivenEmail
from dripline.deliveries.verification import send_verification
from dripline.engagement.rules import rules_of
from dripline.engagement.scores import level, scores_of

routes = APIRouter(
    prefix="/api/v1/contacts", tags=["contacts"], route_class=GuardedRoute, responses=ERRORS
)


class EmailWanted(Given):
    """An address that a contact has given you."""

    address: Annotated[str, Field(max_length=1000, examples=["anna@example.com"])]


class EmailStanding(Told):
    """The address in use, and one that waits to be confirmed; null where there is none."""

    address: str | None = Field(examples=["anna@example.com"])
    reachability: str | None = Field(examples=["reachable"])
    waiting: str | None = Field(examples=[None])


class ConsentLine(Told):
    """One change on record."""

    what: str = Field(examples=["announcements"])
    old: str | None = Field(examples=["yes"])
    new: str | None = Field(examples=["no"])
    source: str = Field(examples=["page"])
    at: Moment
    ip: str | None = Field(examples=["192.0.2.7"])
    user_agent: str | None = Field(examples=["Mozilla/5.0"])
    wording: str | None = Field(examples=["I want to get news and offers"])


class FactorNow(Told):
    """What one kind of event brings to a score now, and how often it came."""

    points: float = Field(examples=[12.5])
    times: int = Field(examples=[3])


class ScoreNow(Told):
    """A score as it is now, 0 to 100."""

    score: float = Field(examples=[63.2])
    factors: dict[str, FactorNow]
    computed_at: Moment
    valid_until: Moment | None


class Engagement(Told):
    """How much a contact answers; a score that nothing ever brought is missing."""

    level: str = Field(examples=["engaged"])
    scores: dict[str, ScoreNow]


@routes.get("/{contact}/email", summary="A contact's email address")
async def standing(contact: Ref, session: Session, now: Now) -> EmailStanding:
    """Return the address with its state."""
    found = await contact_of(session, contact)
    return await _standing(session, found.id, now)


@routes.put("/{contact}/email", summary="Give a contact an email address")
async def give(
    contact: Ref, body: EmailWanted, session: Session, here: Here, now: Now, request: Request
) -> EmailStanding:
    """Take an address, and send the email that asks whether it is theirs. Again: send it again."""
    found = await contact_of(session, contact)
    given = await email.give(session, found.id, body.address, said(request), now)
    await ask(session, here, given, now)
    return await _standing(session, found.id, now)


@routes.delete("/{contact}/email", summary="Forget a contact's email address")
async def remove(contact: Ref, session: Session, now: Now, request: Request) -> EmailStanding:
    """Forget it; one that must not be written to stays so."""
    found = await contact_of(session, contact)
    await email.remove(session, found.id, said(request), now)
    return await _standing(session, found.id, now)


@routes.post("/{contact}/email/unsubscribe", summary="Send a contact no more emails")
async def unsubscribe(contact: Ref, session: Session, now: Now, request: Request) -> EmailStanding:
    """Unsubscribe somebody who asked you to. Only they themselves can come back."""
    found = await contact_of(session, contact)
    await email.leave(session, found.id, said(request), now)
    return await _standing(session, found.id, now)


@routes.get("/{contact}/consent", summary="What a contact agreed to, and how: every change")
async def consent_log(contact: Ref, session: Session) -> list[ConsentLine]:
    """Return the record of consent, oldest first."""
    found = await contact_of(session, contact)
    rows = await consent_queries.consent_of(session, found.id)
    return [ConsentLine.model_validate(row) for row in rows]


@routes.get("/{contact}/engagement", summary="How much a contact answers")
async def engagement(contact: Ref, session: Session, here: Here, now: Now) -> Engagement:
    """Return the five scores as they are now, with what brought them."""
    found = await contact_of(session, contact)
    scores = (await scores_of(session, [found.id], now)).get(found.id, {})
    shown = {kind: ScoreNow.model_validate(one) for kind, one in scores.items()}
    rules = rules_of(await here.store.current(session))
    return Engagement(level=level(scores, rules), scores=shown)


async def ask(session: AsyncSession, here: Backend, given: GivenEmail, now: datetime) -> None:
    """Send the email that asks, where emails go out and its link would lead somewhere."""
    if here.settings.has_email and here.settings.public_url:
        await send_verification(session, given, now)


def said(request: Request) -> Evidence:
    """Return what goes on record of a call."""
    return Evidence("api", ip=source_of(request))


async def _standing(session: AsyncSession, contact_id: Any, now: datetime) -> EmailStanding:
    present = await consent_queries.email_of(session, contact_id)
    waiting = await email.waiting(session, contact_id, now)
    return EmailStanding(
        address=present.value if present else None,
        reachability=present.reachability if present else None,
        waiting=waiting,
    )
