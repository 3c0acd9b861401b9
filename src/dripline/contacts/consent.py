"""What a person agreed to, refused or wishes: changed in one place, each change on record.

`change` is the only way in: it compares with what is there, writes the rows, a line of the log for
each thing that is different, and one event `consent.changed`.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent_queries, queries
from dripline.contacts.consent_queries import Entry
from dripline.contacts.models import Contact, Preferences
from dripline.contacts.timezones import ASKED, guess_for
from dripline.errors import USER_NOT_FOUND, NotFound
from dripline.events import NewEvent, append
from dripline.ids import new_id

CHANGED: Final = "consent.changed"
SEQUENCES, ANNOUNCEMENTS, EMAIL = "sequences", "announcements", "email"
OPT_INS: Final = (SEQUENCES, ANNOUNCEMENTS)
# What an erasure leaves of the log, without a name: the proof that we were allowed to write.
CONSENTS: Final = (*OPT_INS, EMAIL)
SOURCES: Final = ("bot", "page", "link", "api", "import", "complaint", "bounce")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a wish was said, and what the person read as they said it."""

    source: str
    wording: str | None = None
    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different now, as words."""

    what: str
    old: str | None
    new: str | None


async def preferences(session: AsyncSession, contact_id: uuid.UUID) -> Preferences:
    """Return what a contact wants; what they never said is as by default. Not to be changed."""
    found = (await queries.preferences_of(session, [contact_id])).get(contact_id)
    return found or Preferences(contact_id=contact_id, sequences=True, announcements=True)


async def change(
    session: AsyncSession,
    contact_id: uuid.UUID,
    wishes: Mapping[str, Any],
    evidence: Evidence,
    now: datetime,
) -> list[Difference]:
    """Store wishes that `wishes.py` has checked; return what is different now.

    Raises NotFound (USER_NOT_FOUND).
    """
    contact = await consent_queries.lock_contact(session, contact_id)
    if contact is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    before = await preferences(session, contact_id)
    unsaid = [name for name in OPT_INS if name in wishes]
    if unsaid:
        said = await consent_queries.said_of(session, contact_id, unsaid)
        unsaid = [name for name in unsaid if name not in said]
    differences = _differences(contact, before, wishes, unsaid)
    if wishes.get("timezone"):
        contact.timezone_source = ASKED  # a guess that they leave standing is none any more
    if not differences:
        return []
    own = {name: value for name, value in wishes.items() if hasattr(Preferences, name)}
    if own:
        await queries.set_preferences(session, contact_id, now, **own)
        await session.flush()
        if before in session:
            await session.refresh(before)
    if "language" in wishes:
        contact.language = wishes["language"]
    if "timezone" in wishes:
        contact.timezone = wishes["timezone"]
        contact.timezone_source = ASKED if wishes["timezone"] else None
    elif "language" in wishes:
        guess_for(contact)
    await session.flush()
    await record(session, contact_id, differences, evidence, now)
    return differences


async def record(
    session: AsyncSession,
    contact_id: uuid.UUID,
    differences: Sequence[Difference],
    evidence: Evidence,
    now: datetime,
) -> None:
    """Put differences on record, and tell of them by one event."""
    await consent_queries.insert_consent(session, entries(contact_id, differences, evidence, now))
    await append(session, happened(contact_id, differences, evidence, now))


def entries(
    contact_id: uuid.UUID, differences: Sequence[Difference], evidence: Evidence, now: datetime
) -> list[Entry]:
    """Return the lines of the log that tell of differences."""
    source, ip, wording = evidence.source, evidence.ip, evidence.wording
    user_agent = evidence.user_agent[:500] if evidence.user_agent else None
    return [
        Entry(
            new_id(), contact_id, one.what, one.old, one.new, source, now, ip, user_agent, wording
        )
        for one in differences
    ]


def happened(
    contact_id: uuid.UUID, differences: Sequence[Difference], evidence: Evidence, now: datetime
) -> NewEvent:
    """Return the event that tells of differences."""
    data = {
        "source": evidence.source,
        "changes": {one.what: {"old": one.old, "new": one.new} for one in differences},
    }
    return NewEvent(CHANGED, contact_id, "consent", new_id().hex, now, data)


def opted(
    present: Mapping[str, bool], wishes: Mapping[str, bool], said: frozenset[str]
) -> list[Difference]:
    """Return what is different about opt-ins; what was only assumed is, once it is said."""
    old = {name: present[name] if name in said else None for name in wishes}
    return [
        Difference(name, _word(old[name]), _word(value))
        for name, value in wishes.items()
        if old[name] != value
    ]


def _differences(
    contact: Contact, before: Preferences, wishes: Mapping[str, Any], unsaid: Sequence[str]
) -> list[Difference]:
    found = []
    for name, value in wishes.items():
        holder = before if hasattr(Preferences, name) else contact
        # Who never said so yet agrees by saying what was only assumed: that goes on record.
        old = None if name in unsaid else getattr(holder, name)
        if old != value:
            found.append(Difference(name, _word(old), _word(value)))
    return found


def _word(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
