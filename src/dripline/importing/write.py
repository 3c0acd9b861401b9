"""Store people and where they stand: new ones come in, whoever is there is left where they are.

Nothing reacts to an import: no message is prompted, no program entered, no paid content sent again.
So its events have no outbox rows, and its payments come as claimed.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts.models import REACHABLE
from dripline.content.document import Scenario
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.decisions import decision
from dripline.deliveries.models import Decision
from dripline.errors import Conflict
from dripline.events import NewEvent
from dripline.events import queries as events
from dripline.ids import new_id
from dripline.importing import queries
from dripline.importing.people import Person, Standing
from dripline.importing.place import IMPORTED, Who, place, spread
from dripline.importing.queries import TELEGRAM
from dripline.importing.report import Report
from dripline.importing.users_json import with_due
from dripline.payments.models import CLAIMED
from dripline.scenarios.direct import PAID
from dripline.scenarios.models import ACTIVE, NOT_STARTED, STOPPED, Enrollment
from dripline.scenarios.state import EnrollmentState

_PAGE: Final = 400
_COLUMNS: Final = tuple(column.key for column in Enrollment.__table__.columns)


@dataclass(slots=True)
class _Rows:
    """What one page of people becomes."""

    contacts: list[dict[str, Any]] = field(default_factory=list)
    addresses: list[dict[str, Any]] = field(default_factory=list)
    enrollments: list[dict[str, Any]] = field(default_factory=list)
    access: list[dict[str, Any]] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)
    entries: list[queue.Entry] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    events: list[tuple[uuid.UUID, NewEvent]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Price:
    """What an imported payment was worth, in the smallest unit; 0 where nobody knows."""

    amount: int = 0
    currency: str = "RUB"


@dataclass(frozen=True, slots=True)
class Import:
    """What people are stored with: the bot, the scenarios, the moment, the report."""

    bot: str
    scenarios: Mapping[str, Scenario]
    now: datetime
    report: Report
    price: Price = Price()
    late: set[tuple[int, str]] = field(default_factory=set)

    async def write(self, session: AsyncSession, people: Sequence[Person]) -> None:
        """Store people. Raises Conflict when what is stored is not what was read."""
        times, late = spread(people, self.now)
        self.late.update(times)
        remaining = iter(people)
        while page := list(islice(remaining, _PAGE)):
            await self._page(session, [with_due(one, times) for one in page], late)
        await self._verify(session, people)

    async def _page(
        self, session: AsyncSession, page: Sequence[Person], late: Iterator[datetime]
    ) -> None:
        known = await queries.known_people(session, self.bot, [str(p.telegram_id) for p in page])
        contact_ids = [one.contact_id for one in known.values()]
        entered, lanes = await queries.enrollments_of(session, contact_ids)
        rows = _Rows()
        for person in page:
            who = self._who(rows, person, known.get(str(person.telegram_id)))
            for standing in person.standings:
                self._stand(rows, person, standing, who, entered, lanes, late)
        await self._insert(session, rows)

    async def _insert(self, session: AsyncSession, rows: _Rows) -> None:
        await queries.insert_contacts(session, rows.contacts)
        await queries.insert_addresses(session, rows.addresses)
        await queries.insert_enrollments(session, rows.enrollments)
        await queries.fill_access(session, rows.access)
        await queries.insert_payments(session, rows.payments)
        await queries.insert_attributes(session, rows.attributes)
        await queries.insert_delivery_keys(session, rows.keys)
        await queue.push(session, rows.entries, now_us=to_us(self.now))
        await deliveries.insert_decisions(session, rows.decisions)
        await events.insert_events(session, rows.events)

    def _who(self, rows: _Rows, person: Person, known: queries.Known | None) -> Who:
        """Return the contact and the address of a person, made if they are new."""
        pace_key = queue.pace_key(TELEGRAM, self.bot)
        if known is not None and known.address_id is not None:
            self.report.count("people who were here already")
            return Who(known.contact_id, known.address_id, pace_key, known.timezone)
        contact_id = known.contact_id if known else new_id()
        address_id = new_id()
        self.report.count("people who are new")
        if known is None:
            rows.contacts.append(self._contact(person, contact_id))
            event = NewEvent(
                "contact.created", contact_id, "contact", contact_id.hex, self.now,
                {"bot": self.bot, "reason": IMPORTED},
            )  # fmt: skip
            rows.events.append((new_id(), event))
        rows.addresses.append(self._address(person, contact_id, address_id))
        rows.attributes += [
            {"contact_id": contact_id, "name": name, "value": value, "changed_at": self.now}
            for name, value in person.attributes.items()
        ]
        return Who(contact_id, address_id, pace_key, known.timezone if known else None)

    def _contact(self, person: Person, contact_id: uuid.UUID) -> dict[str, Any]:
        created = person.reg_time or self.now
        return {
            "id": contact_id,
            "created_at": created,
            "username": person.user_name,
            "first_name": person.first_name,
            "language": person.language,
            "state": person.state or ("REGISTERED" if person.registered else "VISITOR"),
            "registered_at": created if person.registered else None,
            "last_seen_at": person.last_seen_at or created,
        }

    def _address(
        self, person: Person, contact_id: uuid.UUID, address_id: uuid.UUID
    ) -> dict[str, Any]:
        return {
            "id": address_id,
            "contact_id": contact_id,
            "channel": TELEGRAM,
            "bot": self.bot,
            "value": str(person.telegram_id),
            "reachability": person.reachability or REACHABLE,
            "reachability_since": self.now,
            "reachability_reason": IMPORTED if person.reachability else None,
            "next_send_at": 0,
            "created_at": self.now,
        }

    def _stand(
        self,
        rows: _Rows,
        person: Person,
        standing: Standing,
        who: Who,
        entered: set[tuple[uuid.UUID, str]],
        lanes: set[tuple[uuid.UUID, str]],
        late: Iterator[datetime],
    ) -> None:
        scenario = self.scenarios[standing.scenario_id]
        self._product(rows, standing, who, is_new=(who.contact_id, scenario.id) not in entered)
        if standing.status == NOT_STARTED:
            self.report.count("not started")
            return
        if (who.contact_id, scenario.id) in entered:
            self.report.count("places that stay as they are here")
            return
        standing = self._one_in_lane(person, standing, scenario, who, lanes)
        since = person.reg_time or self.now
        state, entry = place(standing, scenario, who, since, self.now, late)
        entered.add((who.contact_id, scenario.id))
        rows.enrollments.append({name: getattr(state, name) for name in _COLUMNS})
        rows.entries += [entry] if entry else []
        rows.decisions.append(self._decided(state))
        had = (*standing.had, *((PAID,) if standing.paid_at else ()))
        rows.keys += [_key(state, message_id) for message_id in had]
        self.report.count(_told(state))
        if (person.telegram_id, scenario.id) in self.late:
            self.report.count("messages that were due already, spread out")

    def _one_in_lane(
        self,
        person: Person,
        standing: Standing,
        scenario: Scenario,
        who: Who,
        lanes: set[tuple[uuid.UUID, str]],
    ) -> Standing:
        """Return the standing, stopped where the person is active in the lane already."""
        if standing.status != ACTIVE:
            return standing
        if (who.contact_id, scenario.lane) not in lanes:
            lanes.add((who.contact_id, scenario.lane))
            return standing
        detail = f"{person.telegram_id}: {scenario.id}"
        self.report.note("Active elsewhere in the lane, so stopped here", detail)
        return replace(standing, status=STOPPED, due=None)

    def _decided(self, state: EnrollmentState) -> Decision:
        return decision(
            contact_id=state.contact_id,
            origin_id=state.id,
            scenario_id=state.scenario_id,
            message_id=state.last_message_id,
            kind="enrolled",
            reason=IMPORTED,
            now=self.now,
        )

    def _product(self, rows: _Rows, standing: Standing, who: Who, *, is_new: bool) -> None:
        """Keep what a person has of a product: paid, links, the group."""
        facts = {
            "paid_at": standing.paid_at,
            "payment_link": standing.payment_link,
            "invite_link": standing.invite_link,
            "joined_at": standing.joined_at,
        }
        if not any(facts.values()):
            return
        rows.access.append(
            {"contact_id": who.contact_id, "scenario_id": standing.scenario_id, **facts}
        )
        if standing.paid_at is not None:
            rows.payments.append(self._payment(standing, standing.paid_at, who))
            self.report.count("payments", int(is_new))

    def _payment(self, standing: Standing, paid_at: datetime, who: Who) -> dict[str, Any]:
        return {
            "id": new_id(),
            "provider": IMPORTED,
            "provider_event_id": f"{standing.scenario_id}:{who.contact_id.hex}",
            "contact_id": who.contact_id,
            "scenario_id": standing.scenario_id,
            "product": standing.scenario_id,
            "amount": self.price.amount,
            "currency": self.price.currency,
            "paid_at": paid_at,
            "recorded_at": self.now,
            "outcome": CLAIMED,
            "data": dict(standing.payment) if standing.payment else None,
        }

    async def _verify(self, session: AsyncSession, people: Sequence[Person]) -> None:
        """Raise Conflict, and so undo everything, unless everybody is where they belong."""
        remaining = iter(people)
        while page := list(islice(remaining, _PAGE)):
            ids = [str(one.telegram_id) for one in page]
            there = await queries.count_people(session, self.bot, ids)
            wanted = {
                (str(one.telegram_id), standing.scenario_id)
                for one in page
                for standing in one.standings
                if standing.status != NOT_STARTED
            }
            missing = wanted - await queries.scenarios_of(session, self.bot, ids)
            if there != len(page) or missing:
                raise Conflict(
                    f"Of {len(page)} people {there} would be here, and {len(missing)} places in "
                    "scenarios would be missing; nothing was imported.",
                    code="IMPORT_MISCOUNTED",
                )
        self.report.count("people counted again, all there", len(people))


def _key(state: EnrollmentState, message_id: str) -> dict[str, Any]:
    return {
        "contact_id": state.contact_id,
        "origin_id": state.id,
        "run": state.run,
        "message_id": message_id,
        "channel": TELEGRAM,
        "resend": 0,
        "delivery_id": new_id(),
    }


def _told(state: EnrollmentState) -> str:
    if state.waiting_for is not None:
        return "active, asked for an action"
    return state.status
