"""`/admin/api/metrics` and `/admin/api/users`: how it stands, and who is there."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import __version__
from dripline.analytics import lists
from dripline.analytics import numbers as analytics
from dripline.analytics import rollup_queries as rollups
from dripline.api.guarded import GuardedRoute, Here, Now, Session
from dripline.api.v1.analytics import Messages
from dripline.api.v1.contacts import Contact, shown
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Id, Moment, Told
from dripline.clock import to_us
from dripline.deliveries import queries as deliveries

routes = APIRouter(prefix="/admin/api", tags=["admin"], route_class=GuardedRoute, responses=ERRORS)
MOST = 10_000


class Queue(Told):
    """What waits: `due` and `waiting` count no further than 10,000."""

    due: int = Field(description="Waits, though its time has come.", examples=[0])
    waiting: int = Field(examples=[412])
    in_flight: int = Field(examples=[3])
    failed: int = Field(description="Failed since they were cleared last.", examples=[2])


class Metrics(Told):
    """How it stands."""

    version: str = Field(examples=["0.1.0"])
    environment: str = Field(examples=["production"])
    users: int = Field(examples=[1350])
    active_sequences: int = Field(description="People in a scenario now.", examples=[412])
    enrollments: dict[str, int] = Field(examples=[{"active": 412, "completed": 90}])
    queue: Queue
    today: Messages
    last_7_days: Messages
    by_channel: dict[str, Messages]
    as_of: Moment | None


class User(Told):
    """Somebody, as the nurture system shows them."""

    user_id: str = Field(
        description="The Telegram id, or the contact's id.", examples=["123456789"]
    )
    contact_id: Id
    name: str = Field(examples=["Anna"])
    username: str | None = Field(examples=["anna"])
    email: str | None = Field(examples=["anna@example.com"])
    email_status: str | None = Field(examples=["reachable"])
    state: str = Field(examples=["REGISTERED"])
    language: str | None = Field(examples=["en"])
    timezone: str | None = Field(examples=["Europe/Berlin"])
    tags: list[str]
    created_at: Moment
    last_seen_at: Moment | None


@routes.get("/metrics", summary="How it stands")
async def metrics(session: Session, here: Here, now: Now) -> Metrics:
    """Return users, active sequences, the queue, and messages of today and the last seven days."""
    seen = await analytics.overview(session, 7, now)
    today = await analytics.overview(session, 1, now)
    return Metrics(
        version=__version__,
        environment=here.settings.environment,
        users=seen.contacts,
        active_sequences=seen.enrollments.get("active", 0),
        enrollments=seen.enrollments,
        queue=await queue_of(session, now),
        today=Messages.model_validate(today.messages),
        last_7_days=Messages.model_validate(seen.messages),
        by_channel={
            key: Messages.model_validate(one) for key, one in sorted(seen.by_channel.items())
        },
        as_of=seen.as_of,
    )


@routes.get("/users", summary="List users")
async def users(
    session: Session,
    pages: Pages,
    search: Annotated[
        str | None,
        Query(max_length=200, description="A name's beginning, a Telegram id, an email."),
    ] = None,
    state: Annotated[str | None, Query(max_length=40)] = None,
) -> Page[User]:
    """Return users, newest first."""
    rows = await lists.contacts_page(
        session, pages.behind, pages.limit + 1, query=search, state=state
    )
    told = {one.id: _user(one) for one in await shown(session, rows)}
    return pages.page(rows, lambda row: told[row.id], lambda row: row.id)


async def queue_of(session: AsyncSession, now: Now) -> Queue:
    """Return what waits, is on its way, and has failed."""
    return Queue(
        due=await deliveries.count_due(session, to_us(now), MOST),
        waiting=await lists.count_waiting(session, MOST),
        in_flight=await lists.count_in_flight(session),
        failed=await rollups.failed_since(session, await rollups.cleared(session), MOST),
    )


def user_id_of(contact: Contact) -> str:
    """Return what the nurture system calls somebody: the Telegram id, where there is one."""
    known = next((one.value for one in contact.addresses if one.channel == "telegram"), None)
    return known or str(contact.id)


def name_of(contact: Contact) -> str:
    """Return what to call somebody."""
    whole = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return whole or contact.username or ""


def _user(contact: Contact) -> User:
    email = next((one for one in contact.addresses if one.channel == "email"), None)
    same = {name: getattr(contact, name) for name in _SAME}
    return User(
        user_id=user_id_of(contact),
        contact_id=contact.id,
        name=name_of(contact),
        email=email.value if email else None,
        email_status=email.reachability if email else None,
        **same,
    )


_SAME = ("username", "state", "language", "timezone", "tags", "created_at", "last_seen_at")
__all__ = ["Metrics", "Queue", "User", "name_of", "queue_of", "routes", "user_id_of"]
