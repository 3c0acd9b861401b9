"""Broadcasts: write one, plan it, test it, send it, follow it."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who, only_looks
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.scenarios import Problem
from dripline.api.v1.shapes import ERRORS, Given, Moment, Slug, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.broadcasts import plan as plans
from dripline.broadcasts import queries as broadcasts
from dripline.broadcasts import switch
from dripline.broadcasts.models import PAUSED, RUNNING
from dripline.broadcasts.models import Broadcast as Row
from dripline.broadcasts.switch import BROADCAST_NOT_FOUND, INVALID_BROADCAST_STATE
from dripline.contacts import queries as contacts
from dripline.content import edit, queries
from dripline.content.rendered import Rendered
from dripline.content.save import INVALID_CONTENT, broadcast_of, save_broadcast
from dripline.content.store import Library
from dripline.errors import Conflict, Invalid, NotFound, PermanentFailure

routes = APIRouter(
    prefix="/api/v1/broadcasts", tags=["broadcasts"], route_class=GuardedRoute, responses=ERRORS
)
_LONGEST_AHEAD = timedelta(days=3650)


class Broadcast(Told):
    """A broadcast: written in the content, and how far it is."""

    id: str = Field(examples=["news"])
    name: str = Field(examples=["News"])
    status: str = Field(examples=["draft"])
    starts_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    sent: int = Field(examples=[0])
    failed: int = Field(examples=[0])
    skipped: int = Field(examples=[0])
    queued: int = Field(examples=[0])


class Write(Given):
    """A broadcast's message and whom it means."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["News"])]
    texts: dict[str, str] = Field(
        min_length=1, max_length=32, examples=[{"": "We are back, {{ user.first_name }}!"}]
    )
    format: Literal["html", "markdown"] = "html"
    inline_keyboard: dict[str, Any] | None = Field(default=None, examples=[None])
    conditions: list[Any] = Field(
        default=[],
        max_length=100,
        description="A segment; an empty list means everybody.",
        examples=[["has_not_paid"]],
    )
    audience: Literal["frozen", "live"] = "frozen"
    bot: Annotated[str, Field(min_length=1, max_length=40)] = "main"


class Person(Told):
    """Somebody a broadcast would reach."""

    contact_id: str
    name: str = Field(examples=["Anna"])
    address: str = Field(examples=["123456789"])


class Message(Told):
    """A message as somebody would get it."""

    text: str = Field(examples=["We are back, Anna!"])
    media: list[str] = Field(examples=[[]])
    buttons: list[list[str]] = Field(examples=[[["More"]]])


class Plan(Told):
    """Whom it would reach, what they would see, how long it takes and may cost."""

    count: int = Field(description="How many can be reached and have not got it.", examples=[1200])
    meant: int = Field(description="How many are in the segment.", examples=[1350])
    sample: list[Person]
    preview: Message | None
    duration_seconds: float = Field(examples=[40.0])
    paid_duration_seconds: float = Field(examples=[2.0])
    stars: int = Field(description="What Telegram's paid broadcast would cost.", examples=[114])


class Progress(Told):
    """How far it is."""

    status: str = Field(examples=["running"])
    queued: int
    sent: int
    failed: int
    skipped: int
    left: int
    queueing: bool
    eta: Moment | None
    missed: dict[str, int] = Field(examples=[{"blocked": 12}])


class To(Given):
    """Who gets a test."""

    contact: Ref


class Start(Given):
    """When to begin; at once if not given."""

    at: AwareDatetime | None = None
    audience: Annotated[
        Literal["frozen", "live"] | None,
        Field(description="frozen: whom it means now; live: asked again for each message."),
    ] = None


@routes.get("", summary="List broadcasts")
async def list_broadcasts(session: Session, here: Here, pages: Pages) -> Page[Broadcast]:
    """Return broadcasts of the content and those that were sent, in the order of their ids."""
    library = await here.store.current(session)
    rows = {row.key: row for row in await broadcasts.every(session)}
    behind = pages.behind_text
    ids = sorted(one for one in {*library.broadcasts, *rows} if behind is None or one > behind)
    return pages.page(
        ids[: pages.limit + 1], lambda one: _shown(one, library, rows.get(one)), lambda one: one
    )


@routes.get("/{broadcast}", summary="Get a broadcast")
async def get(broadcast: Slug, session: Session, here: Here) -> Broadcast:
    """Return a broadcast."""
    return await _told(session, here, broadcast)


@routes.put("/{broadcast}", summary="Write a broadcast")
async def put(broadcast: Slug, body: Write, session: Session, who: Who, now: Now) -> Broadcast:
    """Write a broadcast, or change one that is not on its way. 422 with the linter's problems."""
    await queries.lock(session)
    row = await broadcasts.by_key(session, broadcast, lock=True)
    if row is not None and row.status in (RUNNING, PAUSED):
        raise Conflict(f"{broadcast} is {row.status}.", code=INVALID_BROADCAST_STATE)
    state = await edit.read_state(session)
    given = body.model_dump(exclude={"conditions", "inline_keyboard"})
    given["targeting"] = {"conditions": body.conditions}
    if body.inline_keyboard is not None:
        given["inline_keyboard"] = body.inline_keyboard
    entry, problems = broadcast_of(state, broadcast, given, now)
    if any(one.severity == "error" for one in problems):
        told = [Problem.model_validate(one).model_dump() for one in problems]
        raise Invalid("The broadcast has errors.", code=INVALID_CONTENT, problems=told)
    await save_broadcast(session, state, entry, who.name, "api", now)
    return _row(broadcast, body.name, row)


@routes.get("/{broadcast}/progress", summary="How far a broadcast is")
async def progress(broadcast: Slug, session: Session, here: Here, now: Now) -> Progress:
    """Return counts, what is left, and when it will be done."""
    row = await broadcasts.by_key(session, broadcast)
    if row is None:
        raise _missing(broadcast)
    rate = here.settings.telegram_rate
    return Progress.model_validate(await plans.progress(session, row, rate, now))


@routes.post("/{broadcast}/plan", summary="Whom it would reach", dependencies=[only_looks])
async def plan(broadcast: Slug, session: Session, here: Here, who: Who, now: Now) -> Plan:
    """Return the exact count, a sample, the message for a real contact, duration and price."""
    row = await _ours(session, here, broadcast, who, now)
    try:
        made = await plans.plan(
            session, row, here.broadcast_renderer, here.settings.telegram_rate, now
        )
    except PermanentFailure as failure:
        raise Invalid(failure.reason, code="TEMPLATE_RENDER_FAILED") from None
    return Plan(
        count=made.count,
        meant=made.meant,
        sample=[
            Person(
                contact_id=str(contact.id),
                name=contact.first_name or contact.username or "",
                address=address.value,
            )
            for contact, address in made.sample
        ],
        preview=message_of(made.preview) if made.preview else None,
        duration_seconds=made.duration.total_seconds(),
        paid_duration_seconds=made.paid_duration.total_seconds(),
        stars=made.stars,
    )


@routes.post("/{broadcast}/test", summary="Send it to one person", status_code=202)
async def test(
    broadcast: Slug, body: To, session: Session, here: Here, who: Who, now: Now
) -> dict[str, str]:
    """Send the message to one contact, as it would go out; it counts for nothing."""
    row = await _ours(session, here, broadcast, who, now)
    contact = await contact_of(session, body.contact)
    addresses = await contacts.addresses_of(session, contact.id)
    own = next((a for a in addresses if a.channel == "telegram" and a.bot == row.bot), None)
    if own is None:
        raise Invalid("This contact has no chat with the bot.", code="NO_ADDRESS")
    await switch.test(session, row, own, now)
    return {"status": "queued"}


@routes.post("/{broadcast}/start", summary="Send it now, or at a time")
async def start(
    broadcast: Slug, body: Start, session: Session, here: Here, who: Who, now: Now
) -> Broadcast:
    """Start it; one that was done or cancelled goes to those who have not got it."""
    row = await _ours(session, here, broadcast, who, now)
    if body.at is not None and body.at > now + _LONGEST_AHEAD:
        raise Invalid("That is more than ten years ahead.")
    await switch.send(session, row, now, at=body.at, audience=body.audience)
    return _row(broadcast, row.name, row)


@routes.post("/{broadcast}/pause", summary="Stop sending at once; nothing is lost")
async def pause(broadcast: Slug, session: Session, here: Here, who: Who, now: Now) -> Broadcast:
    """Put aside what waits."""
    row = await _ours(session, here, broadcast, who, now)
    await switch.pause(session, row, now)
    return _row(broadcast, row.name, row)


@routes.post("/{broadcast}/resume", summary="Go on where it was paused")
async def resume(broadcast: Slug, session: Session, here: Here, who: Who, now: Now) -> Broadcast:
    """Bring back what was put aside."""
    row = await _ours(session, here, broadcast, who, now)
    await switch.resume(session, row, now)
    return _row(broadcast, row.name, row)


@routes.post("/{broadcast}/cancel", summary="Send nothing more of it")
async def cancel(broadcast: Slug, session: Session, here: Here, who: Who, now: Now) -> Broadcast:
    """Take it out of the queue for good."""
    row = await _ours(session, here, broadcast, who, now)
    await switch.cancel(session, row, now)
    return _row(broadcast, row.name, row)


def message_of(rendered: Rendered) -> Message:
    """Return a message as the API shows it."""
    return Message(
        text=rendered.text,
        media=[one.filename for one in rendered.media],
        buttons=[[button.text for button in row] for row in rendered.keyboard],
    )


async def _ours(session: AsyncSession, here: Here, key: str, who: Who, now: Now) -> Row:
    library = await here.store.current(session)
    return await switch.draft(session, library, key, who.name, now)


async def _told(session: AsyncSession, here: Here, key: str) -> Broadcast:
    library = await here.store.current(session)
    row = await broadcasts.by_key(session, key)
    if row is None and key not in library.broadcasts:
        raise _missing(key)
    return _shown(key, library, row)


def _shown(key: str, library: Library, row: Row | None) -> Broadcast:
    name = str(library.broadcasts[key]["name"]) if key in library.broadcasts else ""
    return _row(key, name or (row.name if row else key), row)


def _row(key: str, name: str, row: Row | None) -> Broadcast:
    counted = ("starts_at", "started_at", "finished_at", "sent", "failed", "skipped", "queued")
    moments = counted[:3]
    own = {one: getattr(row, one) if row else (None if one in moments else 0) for one in counted}
    return Broadcast(id=key, name=name, status=row.status if row else "draft", **own)


def _missing(key: str) -> NotFound:
    return NotFound(f"There is no broadcast {key}.", code=BROADCAST_NOT_FOUND)
