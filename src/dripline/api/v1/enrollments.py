"""Enrollments: who is in which scenario; trigger, advance, cancel."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Id, Moment, Slug, Told
from dripline.api.v1.who import Ref, address_for, contact_of
from dripline.clock import from_us
from dripline.content.store import Library
from dripline.errors import INVALID_SCENARIO_STATE, SCENARIO_NOT_FOUND, Conflict, NotFound
from dripline.scenarios import queries as enrollments
from dripline.scenarios import variants
from dripline.scenarios.advance_by_hand import hurry
from dripline.scenarios.enroll import enroll, stop
from dripline.scenarios.models import Enrollment as Row
from dripline.scenarios.state import EnrollmentState

routes = APIRouter(
    prefix="/api/v1/enrollments", tags=["enrollments"], route_class=GuardedRoute, responses=ERRORS
)
Channel = Literal["telegram", "email", "both"]
ENROLLMENT_NOT_FOUND = "ENROLLMENT_NOT_FOUND"


class Enrollment(Told):
    """One contact in one run of one scenario."""

    id: Id
    contact_id: Id
    scenario_id: str = Field(examples=["course"])
    lane: str = Field(examples=["scenario"])
    run: int = Field(examples=[1])
    status: str = Field(examples=["active"])
    reason: str | None = Field(examples=[None])
    hold: str | None = Field(
        description="Why nothing is due: action, unreachable, paused.", examples=[None]
    )
    waiting_for: str | None = Field(examples=[None])
    last_message_id: str | None = Field(examples=["msg_1"])
    next_due_at: Moment | None
    messages_sent: int = Field(description="How many of its messages are behind.", examples=[1])
    messages: int = Field(description="How many the scenario has now.", examples=[5])
    started_at: Moment
    last_sent_at: Moment | None
    completed_at: Moment | None
    stopped_at: Moment | None
    context: Free | None = Field(examples=[{"coupon": "SPRING"}])


class Trigger(Given):
    """A contact to enroll; `context` is there in templates as `{{context.key}}`."""

    contact: Ref
    scenario: Annotated[Slug, Field(examples=["course"])]
    context: Annotated[Free, Field(max_length=50, examples=[{"coupon": "SPRING"}])] = {}
    override_channel: Annotated[
        Channel | None, Field(description="The channel, whatever the contact prefers.")
    ] = None


@routes.get("", summary="List enrollments")
async def list_enrollments(
    session: Session,
    pages: Pages,
    here: Here,
    contact: Annotated[str | None, Query(max_length=320)] = None,
    scenario: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[Literal["active", "completed", "stopped"] | None, Query()] = None,
) -> Page[Enrollment]:
    """Return enrollments, newest first."""
    contact_id = (await contact_of(session, contact)).id if contact is not None else None
    found = await lists.enrollments_page(
        session,
        pages.behind,
        pages.limit + 1,
        contact_id=contact_id,
        scenario_id=scenario,
        status=status,
    )
    library = await here.store.current(session)
    return pages.page(
        found.rows, lambda row: shown(row, library), lambda row: row.id, found.further
    )


@routes.post("", summary="Enroll a contact in a scenario", status_code=201)
async def trigger(body: Trigger, session: Session, here: Here, now: Now) -> Enrollment:
    """Enroll a contact from the start. 409 SCENARIO_ALREADY_ACTIVE while the lane is taken."""
    library = await here.store.current(session)
    state = await enter(
        session,
        library,
        body.contact,
        body.scenario,
        now,
        reason="api",
        context=body.context,
        channel=body.override_channel,
    )
    return await _told(session, library, state.id)


@routes.get("/{enrollment}", summary="Get an enrollment")
async def get(enrollment: uuid.UUID, session: Session, here: Here) -> Enrollment:
    """Return an enrollment: where it stands, what comes next."""
    return await _told(session, await here.store.current(session), enrollment)


@routes.post("/{enrollment}/cancel", summary="Cancel an enrollment")
async def cancel(enrollment: uuid.UUID, session: Session, here: Here, now: Now) -> Enrollment:
    """Stop an active enrollment; its pending message goes with it, its position is kept."""
    state = await _active(session, enrollment)
    await stop(session, state, "cancelled", now)
    return await _told(session, await here.store.current(session), enrollment)


@routes.post("/{enrollment}/advance", summary="Send the next message now")
async def advance(enrollment: uuid.UUID, session: Session, here: Here, now: Now) -> Enrollment:
    """Send an active enrollment's next message now, without waiting for its time."""
    await hurry(session, await _active(session, enrollment), now)
    return await _told(session, await here.store.current(session), enrollment)


async def enter(
    session: AsyncSession,
    library: Library,
    contact: str | int,
    scenario_id: str,
    now: Now,
    *,
    reason: str,
    context: Free | None = None,
    channel: str | None = None,
) -> EnrollmentState:
    """Enroll a contact. Raises NotFound, Conflict, Invalid with the codes of the API."""
    scenario = library.scenario(scenario_id)
    if scenario is None:
        raise NotFound(f"There is no scenario {scenario_id}.", code=SCENARIO_NOT_FOUND)
    found = await contact_of(session, contact)
    scenario = await variants.meant(session, library, scenario, found.id, now)
    only = channel if channel in {"telegram", "email"} else None
    address = await address_for(session, found, only)
    return await enroll(
        session,
        scenario,
        found.id,
        address.id,
        now,
        reason=reason,
        context=context or None,
        channel=channel,
    )


def shown(row: Row, library: Library) -> Enrollment:
    """Return an enrollment as lists show it."""
    scenario = library.scenario(row.scenario_id)
    total = len(scenario.messages) if scenario else 0
    behind = min(scenario.next_after(row.last_message_id), total) if scenario else row.position
    due = from_us(row.queue_due_us) if row.queue_due_us is not None else None
    own = {name: getattr(row, name) for name in Enrollment.model_fields if hasattr(row, name)}
    return Enrollment(**own, next_due_at=due, messages_sent=behind, messages=total)


async def _told(session: AsyncSession, library: Library, enrollment_id: uuid.UUID) -> Enrollment:
    row = await lists.enrollment(session, enrollment_id)
    if row is None:
        raise _missing(enrollment_id)
    return shown(row, library)


async def _active(session: AsyncSession, enrollment_id: uuid.UUID) -> EnrollmentState:
    state = (await enrollments.states(session, [enrollment_id])).get(enrollment_id)
    if state is None:
        raise _missing(enrollment_id)
    if not state.is_active:
        raise Conflict(f"The enrollment is {state.status}.", code=INVALID_SCENARIO_STATE)
    return state


def _missing(enrollment_id: uuid.UUID) -> NotFound:
    return NotFound(f"There is no enrollment {enrollment_id}.", code=ENROLLMENT_NOT_FOUND)
