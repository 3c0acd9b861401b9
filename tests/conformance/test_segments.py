"""Segments on each database: every word finds exactly whom it means, however it is asked."""

from datetime import timedelta
from typing import Any

import pytest

from dripline.clock import VirtualClock
from dripline.contacts import segments
from dripline.contacts.models import Address, Attribute, Contact, Tag
from dripline.contacts.segments import Names, SegmentError, parse
from dripline.database import Database
from dripline.deliveries.models import Delivery, DeliveryKey
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.payments.models import Payment
from dripline.scenarios.models import Enrollment
from dripline.wiring import import_models

import_models()
DAY = timedelta(days=1)
NAMES = Names(
    attributes={"city": "text", "age": "number", "keen": "boolean", "birthday": "date"},
    scenarios=("course", "club"),
    broadcasts=("bc_1",),
)


class Crowd:
    """Contacts by their first names, and what is known of them."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database = database
        self.now = clock.now()
        self.ids: dict[str, Any] = {}
        self.rows: list[Any] = []

    def contact(self, name: str, **fields: Any) -> None:
        """Add a contact, known for ten days and seen a day ago unless told otherwise."""
        self.ids[name] = new_id()
        given = {"created_at": self.now - 10 * DAY, "last_seen_at": self.now - DAY, **fields}
        self.rows.append(Contact(id=self.ids[name], first_name=name, **given))

    def add(self, model: type, who: str, /, **fields: Any) -> Any:
        """Add a row about a contact."""
        row = model(contact_id=self.ids[who], **fields)
        self.rows.append(row)
        return row

    def address(self, name: str, state: str = "reachable", channel: str = "telegram") -> Any:
        return self.add(
            Address,
            name,
            id=new_id(),
            channel=channel,
            bot="main" if channel == "telegram" else "",
            value=f"{name}@{channel}",
            reachability=state,
            reachability_since=self.now,
            created_at=self.now,
        )

    def attribute(self, name: str, key: str, value: Any) -> None:
        self.add(Attribute, name, name=key, value=value, changed_at=self.now)

    def event(self, who: str, event: str, ago: timedelta) -> None:
        fields = {"source": "test", "source_id": new_id().hex, "data": {}}
        self.add(Event, who, id=new_id(), name=event, occurred_at=self.now - ago, **fields)

    def enrollment(self, name: str, scenario: str, status: str, address: Any, run: int = 1) -> Any:
        return self.add(
            Enrollment,
            name,
            id=new_id(),
            address_id=address.id,
            scenario_id=scenario,
            lane="scenario",
            run=run,
            status=status,
            started_at=self.now,
            base_at=self.now,
            pace_key="telegram:main",
        )

    def delivery(self, name: str, enrollment: Any, message: str, status: str) -> None:
        about = {"origin_id": enrollment.id, "run": 1, "message_id": message, "resend": 0}
        delivery = self.add(
            Delivery,
            name,
            id=new_id(),
            origin="enrollment",
            channel="telegram",
            bot="main",
            address_id=enrollment.address_id,
            recipient="1",
            status=status,
            scheduled_at=self.now,
            attempt_count=1,
            **about,
        )
        self.add(DeliveryKey, name, channel="telegram", delivery_id=delivery.id, **about)

    def payment(self, name: str, product: str, ago: timedelta) -> None:
        self.add(
            Payment,
            name,
            id=new_id(),
            provider="manual",
            provider_event_id=new_id().hex,
            product=product,
            amount=100,
            currency="RUB",
            paid_at=self.now - ago,
            recorded_at=self.now,
        )

    async def save(self) -> None:
        async with self.database.transaction() as session:
            for kind in (Contact, Address):
                session.add_all([row for row in self.rows if isinstance(row, kind)])
                await session.flush()
            session.add_all([row for row in self.rows if not isinstance(row, Contact | Address)])

    async def found(self, value: Any) -> str:
        """Return the names of who is in a segment, however it is asked: all must agree."""
        segment = parse(value, NAMES)
        names = {contact_id: name for name, contact_id in self.ids.items()}
        async with self.database.reading() as session:
            counted = await segments.count(session, segment, self.now)
            members = await segments.members(session, segment, self.now, self.ids.values())
            paged: list[Any] = []
            while page := await segments.page(
                session, segment, self.now, paged[-1] if paged else None, 2
            ):
                paged += page
        assert paged == sorted(members)
        assert counted == len(members)
        return " ".join(sorted(names[contact_id] for contact_id in members))


@pytest.fixture
async def crowd(database: Database, clock: VirtualClock) -> Crowd:
    made = Crowd(database, clock)
    made.contact("anna", state="VIP", language="ru")
    made.contact("ben", state="VISITOR", language="pt-br", created_at=made.now - DAY)
    made.contact("cleo", state="SUPER_VIP", last_seen_at=made.now - 20 * DAY)
    made.contact("dora", state="VISITOR", language="en", last_seen_at=None)
    anna, ben = made.address("anna"), made.address("ben", "blocked")
    made.address("ben", channel="email")
    cleo = made.address("cleo")
    made.add(Tag, "anna", tag="buyer", added_at=made.now)
    made.add(Tag, "anna", tag="quiet", added_at=made.now)
    made.add(Tag, "cleo", tag="quiet", added_at=made.now)
    made.attribute("anna", "city", "Париж")
    made.attribute("ben", "city", "100% Rome_")
    made.attribute("anna", "age", 30)
    made.attribute("ben", "age", 41.5)
    made.attribute("cleo", "age", "forty")
    made.attribute("anna", "keen", True)
    made.attribute("ben", "keen", False)
    made.attribute("anna", "birthday", f"{made.now - 3 * DAY:%Y-%m-%d}")
    made.attribute("ben", "birthday", "1990-05-01")
    made.event("anna", "webinar", 2 * DAY)
    made.event("anna", "webinar", 30 * DAY)
    made.event("cleo", "webinar", 30 * DAY)
    course = made.enrollment("anna", "course", "active", anna)
    old = made.enrollment("cleo", "course", "completed", cleo)
    made.enrollment("ben", "club", "stopped", ben)
    made.delivery("anna", course, "msg_1", "sent")
    made.delivery("cleo", old, "msg_1", "failed")
    made.payment("cleo", "course", 3 * DAY)
    made.payment("ben", "club", 300 * DAY)
    await made.save()
    return made


EVERYBODY = "anna ben cleo dora"
FOUND: list[tuple[Any, str]] = [
    (None, EVERYBODY),
    ([], EVERYBODY),
    ({"state": "VIP"}, "anna"),
    ({"state": ["VIP", "SUPER_VIP"]}, "anna cleo"),
    ([{"state": "VISITOR"}, {"language": "en"}], "dora"),
    ({"state": "VISITOR", "language": "en"}, "dora"),
    ({"language": "pt"}, "ben"),
    ({"language": ["pt_BR", "RU"]}, "anna ben"),
    ({"language": "p"}, ""),
    ({"not": {"language": "ru"}}, "ben cleo dora"),  # cleo's is unknown, so it is not Russian
    ({"not": [{"language": "ru"}, {"state": "VIP"}]}, "ben cleo dora"),
    ({"not": {"not": {"language": "ru"}}}, "anna"),
    ({"or": [{"language": "ru"}, {"tag": "quiet"}]}, "anna cleo"),
    ({"and": [{"tag": "buyer"}, {"tag": "quiet"}]}, "anna"),
    ({"tag": ["buyer", "quiet"]}, "anna cleo"),
    ({"not": {"tag": "quiet"}}, "ben dora"),
    ({"tag": "qui%"}, ""),
    ("no_active_scenario", "ben cleo dora"),
    (["no_active_scenario", "has_not_paid"], "dora"),
    ("has_not_paid", "anna dora"),
    ("has_paid", "ben cleo"),
    ({"paid": True}, "ben cleo"),
    ({"paid": "course"}, "cleo"),
    ({"paid": ["course", "club"]}, "ben cleo"),
    ({"paid": {"within": {"days": 30}}}, "cleo"),
    ({"paid": {"product": "club", "within": {"days": 30}}}, ""),
    ({"not": {"paid": {"product": "club"}}}, "anna cleo dora"),
    ({"scenario": "course"}, "anna cleo"),
    ({"scenario": {"id": "course", "status": "active"}}, "anna"),
    ({"scenario": {"id": ["course", "club"], "status": ["completed", "stopped"]}}, "ben cleo"),
    ({"scenario": {"id": "course", "status": "not_started"}}, "ben dora"),
    ({"scenario": {"id": "course", "status": ["not_started", "active"]}}, "anna ben dora"),
    ({"got_message": {"scenario": "course"}}, "anna"),
    ({"got_message": {"scenario": "course", "message": ["msg_1", "msg_2"]}}, "anna"),
    ({"got_message": {"scenario": "course", "message": "msg_2"}}, ""),
    ({"not": {"got_message": {"scenario": "course", "message": "msg_1"}}}, "ben cleo dora"),
    ("reachable", "anna ben cleo"),
    ({"reachable": "telegram"}, "anna cleo"),
    ({"reachable": ["telegram", "email"]}, "anna ben cleo"),
    ({"reachable": {"channel": "telegram", "bot": "main"}}, "anna cleo"),
    ({"reachable": {"channel": "telegram", "bot": "second"}}, ""),
    ({"reachable": {"channel": "telegram", "is": "blocked"}}, "ben"),
    ({"not": "reachable"}, "dora"),
    ({"created": {"within": {"days": 7}}}, "ben"),
    ({"created": {"longer_ago": {"days": 7}}}, "anna cleo dora"),
    ({"created": {"before": "2026-02-25"}}, "anna cleo dora"),
    ({"created": {"after": "2026-02-25T00:00:00+03:00"}}, "ben"),
    ({"created": {"longer_ago": {"days": 7}, "within": {"weeks": 3}}}, "anna cleo dora"),
    ({"last_seen": {"longer_ago": {"days": 14}}}, "cleo"),
    ({"last_seen": {"longer_ago": {"days": 9}}}, "cleo dora"),  # dora never: since she is known
    ({"event": "webinar"}, "anna cleo"),
    ({"event": {"name": "webinar", "within": {"days": 7}}}, "anna"),
    ({"event": {"name": "webinar", "longer_ago": {"days": 7}}}, "cleo"),
    ({"not": {"event": {"name": "webinar", "longer_ago": {"days": 7}}}}, "anna ben dora"),
    ({"event": "Webinar"}, ""),
    ({"attribute": {"name": "city", "is": "Париж"}}, "anna"),
    ({"attribute": {"name": "city", "is": ["Париж", "Rome"]}}, "anna"),
    ({"attribute": {"name": "city", "contains": "% rome_"}}, "ben"),
    ({"attribute": {"name": "city", "contains": "0_ Rome"}}, ""),
    ({"attribute": {"name": "city", "begins_with": "100%"}}, "ben"),
    ({"not": {"attribute": {"name": "city", "is": "Париж"}}}, "ben cleo dora"),
    ({"attribute": {"name": "city", "exists": False}}, "cleo dora"),
    ({"attribute": {"name": "age", "exists": True}}, "anna ben cleo"),
    ({"attribute": {"name": "age", "above": 30}}, "ben"),
    ({"attribute": {"name": "age", "at_least": 30, "below": 41}}, "anna"),
    ({"attribute": {"name": "age", "is": [30, 41.5]}}, "anna ben"),
    ({"attribute": {"name": "age", "at_most": 1}}, ""),
    ({"attribute": {"name": "keen", "is": True}}, "anna"),
    ({"attribute": {"name": "keen", "is": False}}, "ben"),
    ({"attribute": {"name": "birthday", "within": {"days": 7}}}, "anna"),
    ({"attribute": {"name": "birthday", "before": "2000-01-01"}}, "ben"),
    ({"attribute": {"name": "birthday", "is": "1990-05-01"}}, "ben"),
]


async def test_every_word_finds_whom_it_means(crowd: Crowd) -> None:
    wrong = [
        f"{value}: {found}, not {expected}"
        for value, expected in FOUND
        if (found := await crowd.found(value)) != expected
    ]
    assert wrong == []


async def test_a_segment_is_one_statement(crowd: Crowd, database: Database) -> None:
    from sqlalchemy import event

    seen: list[str] = []

    def keep(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.reader.sync_engine, "before_cursor_execute", keep)
    value = ["no_active_scenario", {"or": [{"paid": "club"}, {"tag": "quiet"}]}]
    async with database.reading() as session:
        await segments.count(session, parse(value, NAMES), crowd.now)
        await segments.page(session, parse(value, NAMES), crowd.now, None, 10)
        await segments.members(session, parse(value, NAMES), crowd.now, crowd.ids.values())
    assert len([text for text in seen if "FROM" in text]) == 3


@pytest.mark.parametrize(
    "hostile", ["'; DROP TABLE contacts; --", "\\", "%", "{}", "\u202eabc", "💥"]
)
async def test_values_are_parameters(crowd: Crowd, hostile: str) -> None:
    for value in (
        {"tag": hostile},
        {"state": hostile},
        {"language": hostile},
        {"event": hostile},
        {"attribute": {"name": "city", "contains": hostile}},
    ):
        await crowd.found(value)
    assert await crowd.found([]) == EVERYBODY


async def test_a_segment_of_the_most_allowed_size_works(crowd: Crowd) -> None:
    assert await crowd.found({"or": [{"tag": f"t{n}"} for n in range(45)] + ["has_paid"]}) == (
        "ben cleo"
    )
    with pytest.raises(SegmentError):
        parse({"or": [{"tag": "t"}] * 101})
