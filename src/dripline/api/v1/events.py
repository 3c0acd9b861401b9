"""Events: what happened to contacts; custom ones are appended here."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from dripline.analytics import lists
from dripline.api.guarded import GuardedRoute, Now, Session
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Id, Moment, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.errors import Invalid
from dripline.events import NewEvent, append
from dripline.events.models import Event
from dripline.ids import new_id

routes = APIRouter(
    prefix="/api/v1/events", tags=["events"], route_class=GuardedRoute, responses=ERRORS
)
INVALID_EVENT: Final = "INVALID_EVENT"
# What only the engine may say happened.
RESERVED: Final = (
    "address.", "bot.", "broadcast.", "callback.", "consent.", "contact.", "content.", "email.",
    "experiment.", "lifecycle.", "link.", "message.", "payment.", "program.", "referral.",
    "rotation.", "scenario.", "webhook.",
)  # fmt: skip
_AHEAD: Final = timedelta(minutes=5)


class EventLine(Told):
    """Something that happened."""

    id: Id
    name: str = Field(examples=["attendance"])
    contact_id: uuid.UUID | None
    source: str = Field(examples=["api"])
    occurred_at: Moment
    data: Free = Field(examples=[{"webinar": "2026-03"}])


class NewCustomEvent(Given):
    """An event of your own. `attendance` and `commitment` feed the scores of those names."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_.-]*$",
            max_length=80,
            description="Any but the engine's own.",
            examples=["attendance"],
        ),
    ]
    contact: Ref
    id: Annotated[
        str | None,
        Field(
            max_length=120,
            description="Your id of the event: the same one again changes nothing.",
            examples=["webinar-7-anna"],
        ),
    ] = None
    occurred_at: Annotated[AwareDatetime | None, Field(description="Now, if not given.")] = None
    data: Annotated[Free, Field(max_length=50, examples=[{"webinar": "2026-03"}])] = {}


class Batch(Given):
    """Up to 1,000 events: all are appended, or none."""

    events: Annotated[list[NewCustomEvent], Field(min_length=1, max_length=1000)]


class Appended(Told):
    """How many events were new, and how many were known by their ids."""

    appended: int = Field(examples=[1])
    known: int = Field(examples=[0])


@routes.get("", summary="List events")
async def list_events(
    session: Session,
    pages: Pages,
    contact: Annotated[str | None, Query(max_length=320, description="Of this contact.")] = None,
    name: Annotated[str | None, Query(max_length=80, description="Of this name.")] = None,
) -> Page[EventLine]:
    """Return events, newest first; of a contact, those of messages are left out."""
    contact_id = (await contact_of(session, contact)).id if contact is not None else None
    found = await lists.events_page(
        session, pages.behind, pages.limit + 1, contact_id=contact_id, name=name
    )
    return pages.page(found.rows, event_line, lambda row: row.id, found.further)


@routes.post("", summary="Append events of your own", status_code=201)
async def append_events(body: Batch, session: Session, now: Now) -> Appended:
    """Append custom events: reactions, scores, entry rules and segments follow from them."""
    known: dict[str, uuid.UUID] = {}
    appended = 0
    for number, event in enumerate(body.events):
        _check(event, number, now)
        if event.contact not in known:
            known[event.contact] = (await contact_of(session, event.contact)).id
        source_id = f"{event.name}:{event.id}"[:160] if event.id else new_id().hex
        occurred = event.occurred_at or now
        new = NewEvent(event.name, known[event.contact], "api", source_id, occurred, event.data)
        appended += await append(session, new)
    return Appended(appended=appended, known=len(body.events) - appended)


def event_line(row: Event) -> EventLine:
    """Return an event as lists show it."""
    return EventLine.model_validate(row)


def _check(event: NewCustomEvent, number: int, now: Now) -> None:
    if event.name.startswith(RESERVED):
        raise Invalid(
            f"events.{number}: {event.name} is an event of the engine; name yours otherwise.",
            code=INVALID_EVENT,
        )
    if event.occurred_at is not None and event.occurred_at > now + _AHEAD:
        raise Invalid(f"events.{number}: it has not happened yet.", code=INVALID_EVENT)
