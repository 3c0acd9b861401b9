"""Segments of any shape count exactly whom they mean: compared with plain Python, by chance."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from dripline.clock import VirtualClock
from dripline.contacts import segments
from dripline.contacts.models import Address, Contact, Tag
from dripline.contacts.segment_counts import taken_apart
from dripline.contacts.segments import parse
from dripline.database import Database
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.payments.models import Payment
from dripline.scenarios.models import Enrollment
from dripline.wiring import import_models

import_models()
DAY = timedelta(days=1)
SIZE, ROUNDS = 80, 60
STATUSES = ("active", "completed", "stopped")


@dataclass
class Person:
    """What the test knows of a contact, in plain Python."""

    state: str
    language: str | None
    seen: int | None  # days ago
    tags: set[str] = field(default_factory=set)
    paid: dict[str, int] = field(default_factory=dict)  # product: days ago
    scenarios: list[tuple[str, str]] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    webinars: list[int] = field(default_factory=list)  # days ago
    id: uuid.UUID = field(default_factory=new_id)


def people(dice: random.Random) -> Iterator[Person]:
    """Make people up; some facts hold of many, some of few, some twice of one."""
    for _ in range(SIZE):
        made = Person(
            dice.choice(("VISITOR", "VIP")),
            dice.choice(("ru", "RU-ru", "en", None)),
            dice.choice((None, 1, 20)),
        )
        made.tags = {tag for tag in ("a", "b", "c") if dice.random() < 0.3}
        made.paid = {name: dice.randint(0, 40) for name in ("x", "y") if dice.random() < 0.2}
        for scenario in ("course", "club"):
            for _run in range(dice.choice((0, 1, 1, 2))):
                made.scenarios.append((scenario, dice.choice(STATUSES[1:])))
        if dice.random() < 0.4:
            made.scenarios.append((dice.choice(("course", "club")), "active"))
        for channel in ("telegram", "email"):
            if dice.random() < 0.7:
                made.addresses.append((channel, dice.choice(("reachable", "blocked"))))
        made.webinars = [dice.randint(0, 20) for _ in range(dice.choice((0, 0, 1, 3)))]
        yield made


def rows(known: list[Person], now: Any) -> Iterator[list[Any]]:
    """Yield the same as rows: contacts, addresses, the rest."""
    yield [
        Contact(
            id=one.id,
            state=one.state,
            language=one.language,
            created_at=now - 10 * DAY,
            last_seen_at=None if one.seen is None else now - one.seen * DAY,
        )
        for one in known
    ]
    home = {one.id: new_id() for one in known}
    telegram = {"channel": "telegram", "bot": "second", "reachability": "blocked"}
    yield [address(one, now, home[one.id], **telegram) for one in known] + [
        address(one, now, new_id(), channel=channel, bot="main", reachability=state)
        for one in known
        for channel, state in one.addresses
    ]
    yield [row for one in known for row in facts(one, now, home[one.id])]


def address(one: Person, now: Any, address_id: uuid.UUID, **given: str) -> Address:
    own = {"value": address_id.hex, "reachability_since": now, "created_at": now}
    return Address(id=address_id, contact_id=one.id, **own, **given)


def facts(one: Person, now: Any, home: uuid.UUID) -> Iterator[Any]:
    for tag in one.tags:
        yield Tag(contact_id=one.id, tag=tag, added_at=now)
    for product, ago in one.paid.items():
        once = {"provider": "test", "provider_event_id": new_id().hex}
        money = {"product": product, "amount": 1, "currency": "RUB"}
        when = {"paid_at": now - ago * DAY, "recorded_at": now}
        yield Payment(id=new_id(), contact_id=one.id, **once, **money, **when)
    for run, (scenario, status) in enumerate(one.scenarios):
        place = {"scenario_id": scenario, "lane": scenario, "run": run, "status": status}
        when = {"started_at": now, "base_at": now, "pace_key": "telegram:main"}
        yield Enrollment(id=new_id(), contact_id=one.id, address_id=home, **place, **when)
    for ago in one.webinars:
        source = {"source": "test", "source_id": new_id().hex, "data": {}}
        yield Event(
            id=new_id(),
            name="webinar",
            contact_id=one.id,
            occurred_at=now - ago * DAY - DAY / 2,
            **source,
        )


Said = tuple[Any, Callable[[Person], bool]]
LEAVES: tuple[Said, ...] = (
    ("no_active_scenario", lambda p: all(status != "active" for _, status in p.scenarios)),
    ("has_not_paid", lambda p: not p.paid),
    ("has_paid", lambda p: bool(p.paid)),
    ("reachable", lambda p: any(state == "reachable" for _, state in p.addresses)),
    ({"reachable": "email"}, lambda p: ("email", "reachable") in p.addresses),
    ({"reachable": {"is": "blocked"}}, lambda _: True),  # all are, at the second bot
    ({"state": "VIP"}, lambda p: p.state == "VIP"),
    ({"language": "ru"}, lambda p: (p.language or "").lower().startswith("ru")),
    ({"last_seen": {"within": {"days": 5}}}, lambda p: p.seen == 1),
    ({"tag": "a"}, lambda p: "a" in p.tags),
    ({"tag": ["b", "c"]}, lambda p: bool(p.tags & {"b", "c"})),
    ({"paid": "x"}, lambda p: "x" in p.paid),
    ({"paid": {"within": {"days": 10}}}, lambda p: any(ago <= 10 for ago in p.paid.values())),
    ({"scenario": "course"}, lambda p: any(name == "course" for name, _ in p.scenarios)),
    (
        {"scenario": {"id": "course", "status": ["completed", "stopped"]}},
        lambda p: bool({("course", "completed"), ("course", "stopped")} & set(p.scenarios)),
    ),
    (
        {"scenario": {"id": "club", "status": ["not_started", "active"]}},
        lambda p: (
            ("club", "active") in p.scenarios or all(name != "club" for name, _ in p.scenarios)
        ),
    ),
    ({"event": "webinar"}, lambda p: bool(p.webinars)),
    (
        {"event": {"name": "webinar", "within": {"days": 7}}},
        lambda p: any(ago < 7 for ago in p.webinars),
    ),
    (
        {"event": {"name": "webinar", "longer_ago": {"days": 7}}},
        lambda p: bool(p.webinars) and min(p.webinars) >= 7,
    ),
    (
        {"event": {"name": "webinar", "longer_ago": {"days": 3}, "within": {"days": 12}}},
        lambda p: bool(p.webinars) and 3 <= min(p.webinars) < 12,
    ),
)


def said(dice: random.Random, depth: int = 0) -> Said:
    """Make a segment up, and the plain Python that answers it."""
    kind = dice.choice(("leaf", "leaf", "and", "or", "not") if depth < 3 else ("leaf",))
    if kind == "leaf":
        return dice.choice(LEAVES)
    if kind == "not":
        value, holds = said(dice, depth + 1)
        return {"not": value}, lambda p: not holds(p)
    parts = [said(dice, depth + 1) for _ in range(dice.randint(1, 4))]
    every = all if kind == "and" else any
    return {kind: [value for value, _ in parts]}, lambda p: every(holds(p) for _, holds in parts)


@pytest.mark.parametrize("seed", [1, 2])
async def test_segments_find_whom_plain_python_finds(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    dice, now = random.Random(seed), clock.now()
    known = list(people(dice))
    for batch in rows(known, now):
        async with database.transaction() as session:
            session.add_all(batch)
    wrong, ids = [], [one.id for one in known]
    async with database.reading() as session:
        for value, holds in [*LEAVES, *(said(dice) for _ in range(ROUNDS))]:
            expected = {one.id for one in known if holds(one)}
            segment = parse(value)
            counted = await segments.count(session, segment, now)
            members = await segments.members(session, segment, now, ids)
            page = await segments.page(session, segment, now, None, SIZE)
            if not (counted == len(expected) and members == expected and set(page) == expected):
                wrong.append((value, counted, len(members), len(page), len(expected)))
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "rows_looked_at", "base", "inside", "outside"),
    [
        ([], 0, 0, 0, 0),
        ("no_active_scenario", 0, 0, 0, 1),
        (["no_active_scenario", "has_not_paid"], 0, 0, 0, 2),
        ({"not": {"or": ["has_paid", {"tag": "a"}]}}, 0, 0, 0, 2),
        ({"not": ["no_active_scenario", "has_not_paid"]}, 0, 2, 0, 0),  # in, or has paid
        ({"or": [{"tag": "a"}, {"not": "has_not_paid"}]}, 0, 2, 0, 0),
        ([{"tag": "a"}, "has_paid", {"not": "reachable"}], 0, 1, 1, 1),
        ([{"state": "VIP"}, "has_paid", "no_active_scenario"], 1, 0, 1, 1),
        ({"event": "webinar"}, 0, 0, 1, 0),  # an event may outlive its contact: so of all contacts
        ([{"or": ["has_paid", {"tag": "a"}]}, {"tag": "b"}], 1, 0, 1, 0),
        ({"or": [{"state": "VIP"}, {"tag": "a"}]}, 1, 0, 0, 0),
        ({"not": {"not": {"language": "ru"}}}, 1, 0, 0, 0),
    ],
)
def test_a_segment_is_taken_apart_into_sets(
    value: Any, rows_looked_at: int, base: int, inside: int, outside: int
) -> None:
    taken = taken_apart(parse(value))
    found = [len(taken.rows), len(taken.base), len(taken.inside), len(taken.outside)]
    assert found == [rows_looked_at, base, inside, outside]
