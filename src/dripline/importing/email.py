"""Email addresses and consent out of a file: the operator answers for what it says.

An address with `email_consent` is written to at once, and the log says that an import brought it;
without, its owner has to confirm it. An address that must not be written to stays so.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent, consent_queries, reachability, suppression
from dripline.contacts.consent import EMAIL, Difference, Evidence
from dripline.contacts.consent_queries import Entry
from dripline.contacts.email import UNVERIFIED
from dripline.contacts.models import REACHABLE, Address
from dripline.events import NewEvent, append_many
from dripline.ids import new_id
from dripline.importing import table_queries as queries
from dripline.importing.report import Report

CONSENT: Final = "email_consent"
OPT_INS: Final = consent.OPT_INS
_SAID: Final = Evidence("import", "a column of the file that was imported")
_IMPORTED: Final = "imported"

Differences = Sequence[Difference]


@dataclass(slots=True)
class Before:
    """How the contacts of a page stand: kept up to date as the page goes on."""

    emails: dict[uuid.UUID, list[queries.Email]]
    suppressed: set[str]
    opt_ins: dict[uuid.UUID, dict[str, bool]]
    said: set[tuple[uuid.UUID, str]]


async def before(
    session: AsyncSession,
    values: Sequence[str],
    mailing: Iterable[uuid.UUID],
    wishing: Iterable[uuid.UUID],
) -> Before:
    """Read how addresses stand, contacts who get one, and those who have a wish."""
    return Before(
        await queries.emails_of(session, mailing),
        await suppression.among(session, values),
        await queries.opt_ins_of(session, wishing),
        await queries.said_of(session, wishing),
    )


@dataclass(slots=True)
class Emails:
    """What the addresses and wishes of a page's rows become."""

    before: Before
    now: datetime
    report: Report
    addresses: list[tuple[Any, ...]] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    wishes: dict[uuid.UUID, dict[str, bool]] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)

    def bring(self, contact_id: uuid.UUID, value: str | None, agreed: Mapping[str, bool]) -> None:
        """Give a contact an address and what they agreed to; what is missing stays."""
        differences: list[Difference] = []
        if value:
            differences += self._address(contact_id, value, agreed=agreed.get(CONSENT, False))
        wishes = {name: agreed[name] for name in OPT_INS if name in agreed}
        if wishes:
            differences += self._wish(contact_id, wishes)
        if differences:
            self.log += consent.entries(contact_id, differences, _SAID, self.now)
            self.events.append(consent.happened(contact_id, differences, _SAID, self.now))

    def _address(self, contact_id: uuid.UUID, value: str, *, agreed: bool) -> Differences:
        mine = self.before.emails.setdefault(contact_id, [])
        same = next((one for one in mine if one.value == value), None)
        if same is None and mine:
            self.report.count("email addresses left out: the contact has another one")
            return ()
        refused = value in self.before.suppressed
        if refused and agreed:
            self.report.count("email addresses that must not be written to")
        state = REACHABLE if agreed and not refused else UNVERIFIED
        if same is None:
            return self._add(contact_id, value, state)
        if same.reachability == UNVERIFIED and state == REACHABLE:
            return self._open(contact_id, same)
        return ()

    def _add(self, contact_id: uuid.UUID, value: str, state: str) -> Differences:
        made = queries.Email(new_id(), value, state)
        self.before.emails[contact_id].append(made)
        self.addresses.append((made.id, contact_id, "email", "", value, state, self.now, self.now))
        return (Difference(EMAIL, None, f"{value} ({state})"),)

    def _open(self, contact_id: uuid.UUID, same: queries.Email) -> Differences:
        mine = self.before.emails[contact_id]
        mine[mine.index(same)] = same._replace(reachability=REACHABLE)
        self.changed.append((REACHABLE, _IMPORTED, self.now, same.id, UNVERIFIED))
        self.events.append(
            reachability.happened(contact_id, same.id, REACHABLE, _IMPORTED, self.now)
        )
        was, is_now = f"{same.value} ({UNVERIFIED})", f"{same.value} ({REACHABLE})"
        return (Difference(EMAIL, was, is_now),)

    def _wish(self, contact_id: uuid.UUID, wishes: Mapping[str, bool]) -> Differences:
        present = self.before.opt_ins.setdefault(contact_id, dict.fromkeys(OPT_INS, True))
        said = frozenset(name for name in wishes if (contact_id, name) in self.before.said)
        differences = consent.opted(present, wishes, said)
        if differences:
            present.update(wishes)
            self.before.said.update((contact_id, one.what) for one in differences)
            self.wishes[contact_id] = present
        return differences

    async def write(self, session: AsyncSession) -> bool:
        """Store it all. Return False when somebody else came in between."""
        if not await queries.insert_addresses(session, self.addresses):
            return False
        if not await queries.change_addresses(session, self.changed):
            return False
        await queries.set_opt_ins(
            session,
            [
                (contact_id, *(wishes[name] for name in OPT_INS), self.now)
                for contact_id, wishes in self.wishes.items()
            ],
        )
        if self.log:
            await consent_queries.insert_consent(session, self.log)
        if self.events:
            await append_many(session, self.events, fresh=True)
        return True


def told(address: Address | None) -> bool | None:
    """Return what an export writes into the column of consent."""
    return None if address is None else address.reachability == REACHABLE
