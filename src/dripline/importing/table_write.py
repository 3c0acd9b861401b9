"""A page of a CSV file of contacts becomes rows, in one transaction and with few statements.

Who a row is about is looked up first, then these contacts are locked and read, then everything is
worked out in memory, row after row as if each had come alone, and at last it is stored. Where
somebody came in between, such as a person who starts the bot just now, the page begins anew.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import NEEDS_START
from dripline.database import Database, dump_json
from dripline.database.failures import will_pass
from dripline.errors import Conflict
from dripline.ids import new_id
from dripline.importing import email, queries
from dripline.importing import table_queries as pages
from dripline.importing.queries import TELEGRAM, Known
from dripline.importing.report import Report
from dripline.importing.table_read import FACTS, Row

_TRIES: Final = 10
_TWO: Final = "Rows left out, about two contacts since the file was looked over"

Facts = tuple[str | None, ...]


class _Overtaken(Exception):
    """Somebody else stored what this page was about to."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Whose the ids, Telegram ids and email addresses of a page are."""

    ids: set[uuid.UUID]
    people: Mapping[str, Known]
    emails: Mapping[str, uuid.UUID]

    def owners(self, row: Row) -> set[uuid.UUID]:
        """Return the contacts that a row is about; more than one is too many."""
        person = self.people.get(row.telegram_id or "")
        mail = self.emails.get(row.email or "")
        own = row.contact_id if row.contact_id in self.ids else None
        return {one for one in (own, person and person.contact_id, mail) if one is not None}


async def about_two(session: AsyncSession, page: Sequence[Row], bot: str) -> list[Row]:
    """Return the rows of a page that are about more than one contact."""
    found = await _find(session, page, bot)
    return [row for row in page if len(found.owners(row)) > 1]


async def _find(session: AsyncSession, page: Sequence[Row], bot: str) -> _Found:
    ids = [row.contact_id for row in page if row.contact_id is not None]
    telegram_ids = [row.telegram_id for row in page if row.telegram_id]
    emails = [row.email for row in page if row.email]
    return _Found(
        await pages.there(session, ids),
        await queries.known_people(session, bot, telegram_ids) if telegram_ids else {},
        await pages.email_owners(session, emails) if emails else {},
    )


@dataclass(frozen=True, slots=True)
class Import:
    """Where rows are brought to: the database, the bot, the moment."""

    database: Database
    bot: str
    now: datetime

    async def bring(self, page: Sequence[Row]) -> tuple[Report, float]:
        """Store a page of rows; return for how many seconds it was being stored as well.

        Raises Conflict when others never leave it alone.
        """
        for _ in range(_TRIES):
            try:
                async with self.database.transaction() as session:
                    since = time.monotonic()
                    report = await self._bring(session, page)
                return report, time.monotonic() - since
            except _Overtaken:
                continue
            except DBAPIError as error:
                if self.database.is_sqlite or not _deadlocked(error):
                    raise
        raise Conflict(
            f"Lines {page[0].line} to {page[-1].line} were changed by others again and again. "
            "Those before them were imported; import the file once more.",
            code="IMPORT_OVERTAKEN",
        )

    async def _bring(self, session: AsyncSession, page: Sequence[Row]) -> Report:
        report = Report()
        found = await _find(session, page, self.bot)
        owned = [(row, found.owners(row)) for row in page]
        for row, owners in owned:
            if len(owners) > 1:
                report.note(_TWO, f"line {row.line}")
        rows = [
            (row, next(iter(owners), None) or row.contact_id or new_id(), bool(owners))
            for row, owners in owned
            if len(owners) < 2
        ]
        known = {contact_id for _, contact_id, is_known in rows if is_known}
        facts = await pages.locked(session, known)
        if facts.keys() != known:
            raise _Overtaken
        emails = email.Emails(await _before(session, rows), self.now, report)
        becomes = _Rows(self.bot, self.now, facts, found.people, emails)
        for row, contact_id, is_known in rows:
            report.count("contacts known before" if is_known else "contacts made")
            becomes.bring(row, contact_id, is_known=is_known)
        await becomes.write(session)
        return report


def _deadlocked(error: DBAPIError) -> bool:
    return will_pass(error) and str(getattr(error.orig, "sqlstate", "") or "").startswith("40")


async def _before(
    session: AsyncSession, rows: Sequence[tuple[Row, uuid.UUID, bool]]
) -> email.Before:
    given = [row.email for row, _, _ in rows if row.email]
    known = [(row, contact_id) for row, contact_id, is_known in rows if is_known]
    mailing = {contact_id for row, contact_id in known if row.email}
    wishing = {contact_id for row, contact_id in known if row.agreed.keys() & set(email.OPT_INS)}
    return await email.before(session, given, mailing, wishing)


@dataclass(slots=True)
class _Rows:
    """What one page becomes."""

    bot: str
    now: datetime
    facts: Mapping[uuid.UUID, Facts]
    people: Mapping[str, Known]
    emails: email.Emails
    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    changed: dict[uuid.UUID, Facts] = field(default_factory=dict)
    addresses: list[tuple[Any, ...]] = field(default_factory=list)
    attributes: dict[tuple[uuid.UUID, str], Any] = field(default_factory=dict)
    tags: dict[tuple[uuid.UUID, str], None] = field(default_factory=dict)

    def bring(self, row: Row, contact_id: uuid.UUID, *, is_known: bool) -> None:
        """Add what a row says of a contact."""
        given = tuple(row.facts.get(name) for name in FACTS)
        if not is_known:
            self.contacts.append((contact_id, row.created_at or self.now, *given))
        elif any(given):
            before = self.changed.get(contact_id, (None,) * len(FACTS))
            self.changed[contact_id] = tuple(
                new or old for new, old in zip(given, before, strict=True)
            )
        self._reach(row, contact_id)
        self.emails.bring(contact_id, row.email, row.agreed)
        for name, value in row.attributes.items():
            self.attributes[contact_id, name] = value
        for tag in row.tags:
            self.tags[contact_id, tag] = None

    def _reach(self, row: Row, contact_id: uuid.UUID) -> None:
        """Add the address at the bot, which may not write first."""
        person = self.people.get(row.telegram_id or "")
        if not row.telegram_id or (person and person.address_id):
            return
        self.addresses.append(
            (new_id(), contact_id, TELEGRAM, self.bot, row.telegram_id, NEEDS_START, self.now,
             self.now)
        )  # fmt: skip

    async def write(self, session: AsyncSession) -> None:
        """Store it all. Raises _Overtaken."""
        if not await pages.insert_contacts(session, self.contacts):
            raise _Overtaken
        await pages.change_contacts(session, self._differing())
        if not await pages.insert_addresses(session, self.addresses):
            raise _Overtaken
        if not await self.emails.write(session):
            raise _Overtaken
        attributes = [
            (contact_id, name, dump_json(value), self.now)
            for (contact_id, name), value in self.attributes.items()
        ]
        await pages.set_attributes(session, attributes)
        await pages.add_tags(session, [(*whose, self.now) for whose in self.tags])

    def _differing(self) -> list[tuple[Any, ...]]:
        return [
            (*given, contact_id)
            for contact_id, given in self.changed.items()
            if any(
                new and new != old for new, old in zip(given, self.facts[contact_id], strict=True)
            )
        ]
