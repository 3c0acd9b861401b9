"""Clicks: who followed which link or pressed which button, how many, and what came of it."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from dripline.api.guarded import GuardedRoute, Now, Session
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Id, Moment, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.engagement import clicks
from dripline.engagement.models import Click as Row
from dripline.errors import Invalid

routes = APIRouter(
    prefix="/api/v1/clicks", tags=["clicks"], route_class=GuardedRoute, responses=ERRORS
)


class Click(Told):
    """A click of a person; `contact_id` is null where a link was nobody's in particular."""

    id: Id
    kind: str = Field(description="link, callback or start.", examples=["callback"])
    clicked_at: Moment
    contact_id: uuid.UUID | None
    delivery_id: uuid.UUID | None = Field(description="Of which message.")
    post_id: int | None = Field(description="Of which post.", examples=[7])
    promo: str | None = Field(examples=["premium"])
    chat: str | None = Field(examples=["-1001234567890"])
    channel: str | None = Field(examples=["telegram"])
    label: str = Field(description="What stands on the button.", examples=["Subscribe"])
    url: str | None = Field(examples=["https://example.com"])
    metadata: Free = Field(examples=[{"plan": "year"}])
    converted_at: Moment | None


class Seen(Given):
    """A click that you have seen yourself, such as in a bot of your own."""

    contact: Ref
    promo: Annotated[str, Field(min_length=1, max_length=64, examples=["premium"])]
    label: Annotated[
        str, Field(max_length=200, description="What stands on the button.", examples=["Subscribe"])
    ] = ""
    chat: Annotated[str | None, Field(max_length=64, examples=["-1001234567890"])] = None
    url: Annotated[str | None, Field(max_length=2048, examples=["https://example.com"])] = None
    metadata: Annotated[Free, Field(max_length=50, examples=[{"plan": "year"}])] = {}
    clicked_at: Annotated[AwareDatetime | None, Field(description="Now, if not given.")] = None


class Changes(Given):
    """What to change: metadata is merged, null removes a key; a click is converted once."""

    metadata: Annotated[Free, Field(max_length=50, examples=[{"plan": "year"}])] = {}
    converted: Annotated[bool, Field(description="True: it led to what it should.")] = False


class Counted(Told):
    """Clicks of a promo, or of all. Machines are left out of all but `machines`."""

    promo: str | None = Field(examples=["premium"])
    clicks: int = Field(description="All clicks of people.", examples=[120])
    unique: int = Field(description="A person once on one link: what counts.", examples=[100])
    people: int = Field(examples=[90])
    converted: int = Field(description="Of the unique ones.", examples=[25])
    conversion_rate: float = Field(description="Percent of the unique ones.", examples=[25.0])
    machines: int = Field(examples=[14])


@routes.get("", summary="List clicks")
async def list_clicks(
    session: Session,
    pages: Pages,
    contact: Annotated[str | None, Query(max_length=320, description="Of this contact.")] = None,
    promo: Annotated[str | None, Query(max_length=64, description="Of this promo.")] = None,
) -> Page[Click]:
    """Return clicks of people, newest first."""
    contact_id = (await contact_of(session, contact)).id if contact is not None else None
    rows = await clicks.page(
        session,
        contact_id=contact_id,
        promo=promo,
        behind=pages.behind,
        limit=pages.limit + 1,
    )
    return pages.page(rows, _told, lambda row: row.id)


@routes.get("/count", summary="Count clicks")
async def count(
    session: Session,
    promo: Annotated[str | None, Query(max_length=64, description="Of this promo.")] = None,
) -> Counted:
    """Return how many clicks there are, of how many people, and how many were converted."""
    found = await clicks.counts(session, promo)
    return Counted(
        promo=promo,
        clicks=found.clicks,
        unique=found.unique,
        people=found.people,
        converted=found.converted,
        conversion_rate=found.conversion_rate,
        machines=found.machines,
    )


@routes.post("", summary="Log a click", status_code=201)
async def log_click(body: Seen, session: Session, now: Now) -> Click:
    """Store a click that you have seen yourself."""
    if body.clicked_at is not None and body.clicked_at > now:
        raise Invalid("It has not happened yet.", code=clicks.INVALID_CLICK)
    new = clicks.NewClick(
        (await contact_of(session, body.contact)).id,
        body.promo,
        body.label,
        body.chat,
        body.url,
        body.metadata,
    )
    return _told(await clicks.log_click(session, new, body.clicked_at or now))


@routes.get("/{click}", summary="Get a click")
async def get(click: uuid.UUID, session: Session) -> Click:
    """Return a click."""
    return _told(await clicks.get(session, click))


@routes.patch("/{click}", summary="Change a click's metadata, mark it converted")
async def change(click: uuid.UUID, body: Changes, session: Session, now: Now) -> Click:
    """Merge metadata; a click that is marked converted twice stays as it was."""
    row = await clicks.update_metadata(session, click, body.metadata)
    if body.converted:
        await clicks.mark_converted(session, click, now)
        await session.refresh(row)
    return _told(row)


def _told(row: Row) -> Click:
    names = Click.model_fields.keys() - {"metadata"}
    return Click(metadata=row.meta or {}, **{name: getattr(row, name) for name in names})
