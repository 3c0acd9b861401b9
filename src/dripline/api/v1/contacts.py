"""Contacts: who they are, what is known of them, what happened to them and why."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics import lists
from dripline.analytics.why import timeline
from dripline.api.auth import Role
from dripline.api.guarded import GuardedRoute, Here, Now, Session, Who, needs
from dripline.api.throttle import source_of
from dripline.api.v1.consent import ask
from dripline.api.v1.events import EventLine, event_line
from dripline.api.v1.pages import Page, Pages
from dripline.api.v1.shapes import ERRORS, Free, Given, Id, Moment, Told
from dripline.api.v1.who import Ref, contact_of
from dripline.contacts import consent, describe, email, wishes
from dripline.contacts import queries as contacts
from dripline.contacts.consent import Evidence
from dripline.contacts.erase import erase
from dripline.contacts.export import export
from dripline.contacts.identify import TelegramPerson, by_telegram
from dripline.contacts.models import Contact as Row
from dripline.errors import Conflict
from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.lifecycle import move
from dripline.lifecycle.document import rules_of

routes = APIRouter(
    prefix="/api/v1/contacts", tags=["contacts"], route_class=GuardedRoute, responses=ERRORS
)
Name = Annotated[str | None, Field(max_length=256)]
TagName = Annotated[str, Field(min_length=1, max_length=64, examples=["warm"])]


class Address(Told):
    """Where a contact is reached."""

    id: Id
    channel: str = Field(examples=["telegram"])
    bot: str = Field(examples=["main"])
    value: str = Field(examples=["123456789"])
    reachability: str = Field(examples=["reachable"])
    reachability_since: Moment
    reachability_reason: str | None = Field(examples=[None])


class Contact(Told):
    """A person."""

    id: Id
    created_at: Moment
    username: str | None = Field(examples=["anna"])
    first_name: str | None = Field(examples=["Anna"])
    last_name: str | None = Field(examples=[None])
    language: str | None = Field(examples=["en"])
    timezone: str | None = Field(examples=["Europe/Berlin"])
    state: str = Field(examples=["REGISTERED"])
    registered_at: Moment | None
    last_seen_at: Moment | None
    addresses: list[Address] = []
    tags: list[str] = Field(default=[], examples=[["warm"]])


class WholeContact(Contact):
    """A person with everything that is set on them."""

    attributes: Free = Field(default={}, examples=[{"city": "Berlin"}])


class Changes(Given):
    """What to change; what is not given stays. An attribute of null is removed."""

    username: Annotated[str | None, Field(max_length=200)] = None
    first_name: Name = None
    last_name: Name = None
    language: Annotated[str | None, Field(max_length=35, examples=["en"])] = None
    timezone: Annotated[str | None, Field(max_length=64, examples=["Europe/Berlin"])] = None
    attributes: Annotated[Free, Field(max_length=100, examples=[{"city": "Berlin"}])] = {}
    add_tags: Annotated[list[TagName], Field(max_length=100)] = []
    remove_tags: Annotated[list[TagName], Field(max_length=100)] = []


class NewContact(Changes):
    """A contact to create; with a Telegram id, they are known by it at this bot."""

    telegram_id: Annotated[int | None, Field(gt=0, le=2**53, examples=[123456789])] = None
    bot: Annotated[str, Field(min_length=1, max_length=40)] = "main"
    email: Annotated[
        str | None,
        Field(max_length=320, description="Written to once they have confirmed it."),
    ] = None


class Preferences(Told):
    """What a contact wants to get, where and when; null is no wish."""

    sequences: bool = True
    announcements: bool = True
    preferred_channel: str | None = Field(default=None, examples=["telegram"])
    preferred_time: str | None = Field(default=None, examples=["morning"])
    quiet_from: int | None = Field(default=None, description="Minutes of the day.", examples=[1320])
    quiet_to: int | None = Field(default=None, description="Minutes of the day.", examples=[480])
    weekdays: str | None = Field(default=None, examples=["1,2,3,4,5"])
    engaged_channel: str | None = Field(default=None, description="Where they engage more.")
    best_hour: int | None = Field(default=None, description="The hour they answer most.")


class Wishes(Given):
    """Wishes to store; what is not given stays."""

    sequences: bool = True
    announcements: bool = True
    preferred_channel: Annotated[str | None, Field(max_length=20, examples=["email"])] = None
    preferred_time: Annotated[str | None, Field(max_length=20, examples=["morning"])] = None
    quiet_from: Annotated[str | int | None, Field(examples=["22:00"])] = None
    quiet_to: Annotated[str | int | None, Field(examples=["08:00"])] = None
    weekdays: Annotated[str | list[int] | None, Field(examples=["1,2,3,4,5"])] = None
    timezone: Annotated[str | None, Field(max_length=64, examples=["Europe/Berlin"])] = None


class WhyLine(Told):
    """One thing that happened, or will, and why."""

    at: Moment
    kind: str = Field(examples=["sent"])
    title: str = Field(examples=["Sent by telegram"])
    detail: str = Field(examples=["its time has come"])
    scenario: str = Field(examples=["Course"])
    message_id: str = Field(examples=["msg_1"])
    due: Moment | None


class StateWanted(Given):
    """The state to put a contact into."""

    state: Annotated[str, Field(min_length=1, max_length=40, examples=["VIP"])]


class Erased(Told):
    """How many rows went, by table."""

    rows: dict[str, int] = Field(examples=[{"contacts": 1, "addresses": 1}])


@routes.get("", summary="List and search contacts")
async def list_contacts(
    session: Session,
    pages: Pages,
    query: Annotated[
        str | None,
        Query(max_length=200, description="A name's beginning, or a whole address."),
    ] = None,
    state: Annotated[str | None, Query(max_length=40)] = None,
    tag: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[Contact]:
    """Return contacts, newest first."""
    rows = await lists.contacts_page(
        session, pages.behind, pages.limit + 1, query=query, state=state, tag=tag
    )
    told = {one.id: one for one in await shown(session, rows)}
    return pages.page(rows, lambda row: told[row.id], lambda row: row.id)


@routes.post("", summary="Create a contact", status_code=201)
async def create(
    body: NewContact, session: Session, here: Here, now: Now, request: Request
) -> WholeContact:
    """Create a contact, or return a conflict when the Telegram id is known at this bot."""
    if body.telegram_id is not None:
        contact = await _by_telegram(session, body, now)
    else:
        contact = Row(id=new_id(), created_at=now, state="VISITOR")
        session.add(contact)
        await session.flush()
        event = NewEvent("contact.created", contact.id, "contact", contact.id.hex, now, {})
        await append(session, event)
    if body.email is not None:
        given = await email.give(session, contact.id, body.email, _evidence(request), now)
        await ask(session, here, given, now)
    return await _changed(session, here, contact, body, now)


@routes.get("/{contact}", summary="Get a contact")
async def get(contact: Ref, session: Session) -> WholeContact:
    """Return a contact with addresses, attributes and tags."""
    return await _whole(session, await contact_of(session, contact))


@routes.patch("/{contact}", summary="Change a contact")
async def change(
    contact: Ref, body: Changes, session: Session, here: Here, now: Now
) -> WholeContact:
    """Change fields, attributes and tags; what is not given stays."""
    return await _changed(session, here, await contact_of(session, contact), body, now)


@routes.delete("/{contact}", summary="Erase a contact")
@needs(Role.ADMIN)
async def erase_contact(contact: Ref, session: Session, now: Now) -> Erased:
    """Erase everything that names a contact; it cannot be undone."""
    found = await contact_of(session, contact)
    done = await erase(session, found.id, now)
    return Erased(rows=done.rows)


@routes.put("/{contact}/state", summary="Put a contact into a lifecycle state")
async def set_state(
    contact: Ref, body: StateWanted, session: Session, here: Here, who: Who, now: Now
) -> WholeContact:
    """Put a contact into a state by hand; counts will not take it away."""
    found = await contact_of(session, contact)
    rules = rules_of(await here.store.current(session))
    await move.give(session, rules, found.id, body.state, who.name, now)
    return await _whole(session, found)


@routes.get("/{contact}/preferences", summary="What a contact wants to get, where and when")
async def preferences(contact: Ref, session: Session) -> Preferences:
    """Return a contact's preferences."""
    found = await contact_of(session, contact)
    return Preferences.model_validate(await consent.preferences(session, found.id))


@routes.patch("/{contact}/preferences", summary="Change what a contact wants")
async def change_preferences(
    contact: Ref, body: Wishes, session: Session, now: Now, request: Request
) -> Preferences:
    """Store wishes; each change goes on the contact's record of consent."""
    found = await contact_of(session, contact)
    given = wishes.checked(body.model_dump(exclude_unset=True))
    await consent.change(session, found.id, given, _evidence(request), now)
    return Preferences.model_validate(await consent.preferences(session, found.id))


@routes.get("/{contact}/timeline", summary="What happened to a contact")
async def events(contact: Ref, session: Session, pages: Pages) -> Page[EventLine]:
    """Return a contact's events other than of messages, newest first."""
    found = await contact_of(session, contact)
    rows = await lists.events_page(session, pages.behind, pages.limit + 1, contact_id=found.id)
    return pages.page(rows.rows, event_line, lambda row: row.id)


@routes.get("/{contact}/why", summary="Every decision about a contact, with its reason")
async def why(
    contact: Ref,
    session: Session,
    here: Here,
    now: Now,
    message: Annotated[
        str | None, Query(max_length=120, description="Only what concerns this message.")
    ] = None,
    language: Annotated[str, Query(max_length=8, examples=["en"])] = "en",
) -> list[WhyLine]:
    """Return what was sent, waits, was skipped or blocked, and why; what is to come stands last."""
    found = await contact_of(session, contact)
    library = await here.store.current(session)
    lines = await timeline(
        session, found.id, library=library, language=language, message_id=message, now=now
    )
    return [WhyLine.model_validate(line) for line in lines]


@routes.get("/{contact}/export", summary="Everything that is held of a contact")
@needs(Role.EDITOR)
async def export_contact(contact: Ref, session: Session, now: Now) -> Free:
    """Return all rows that are about a contact, by table: what they may ask for."""
    found = await contact_of(session, contact)
    return await export(session, found.id, now)


async def shown(session: AsyncSession, rows: Sequence[Row]) -> list[Contact]:
    """Return contacts as lists show them."""
    ids = [row.id for row in rows]
    addresses = await lists.addresses_of(session, ids)
    tags = await lists.tags_of(session, ids)
    return [
        Contact(
            **_fields(row),
            addresses=[Address.model_validate(one) for one in addresses.get(row.id, ())],
            tags=tags.get(row.id, []),
        )
        for row in rows
    ]


def _fields(row: Row) -> dict[str, Any]:
    names = Contact.model_fields.keys() - {"addresses", "tags"}
    return {name: getattr(row, name) for name in names}


async def _whole(session: AsyncSession, row: Row) -> WholeContact:
    await session.flush()
    await session.refresh(row)
    [one] = await shown(session, [row])
    attributes = (await contacts.attributes_of(session, [row.id])).get(row.id, {})
    return WholeContact(**dict(one), attributes=attributes)


async def _changed(
    session: AsyncSession, here: Here, contact: Row, body: Changes, now: Now
) -> WholeContact:
    library = await here.store.current(session)
    describe.describe(contact, body.model_dump(exclude_unset=True, include=set(describe.FIELDS)))
    await session.flush()
    await describe.set_attributes(session, contact, body.attributes, library.attribute_types, now)
    await describe.set_tags(session, contact, body.add_tags, body.remove_tags, now)
    return await _whole(session, contact)


async def _by_telegram(session: AsyncSession, body: NewContact, now: Now) -> Row:
    person = TelegramPerson(
        body.telegram_id or 0, body.first_name or "", body.last_name, body.username, body.language
    )
    known = await contacts.address_of_value(session, "telegram", body.bot, str(person.id))
    if known is not None:
        raise Conflict(
            f"The Telegram id {person.id} is known at the bot {body.bot} already.",
            code="CONTACT_EXISTS",
            contact_id=str(known.contact_id),
        )
    made = await by_telegram(session, body.bot, person, now)
    return await session.get_one(Row, made.contact_id)


def _evidence(request: Request) -> Evidence:
    return Evidence("api", ip=source_of(request), user_agent=request.headers.get("user-agent"))
