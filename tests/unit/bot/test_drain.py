"""What updates lead to: contacts, scenarios, events; each once, and a bad one harms no other."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from dripline.bot import drain as drain_module
from dripline.bot.drain import Drain
from dripline.bot.updates import source_of
from dripline.clock import VirtualClock
from dripline.contacts.models import Address, Contact
from dripline.content.compile import compile_scenario
from dripline.content.store import Library
from dripline.database import Database, load_json
from dripline.database.failures import will_pass
from dripline.deliveries.models import QueueRow
from dripline.events import inbox
from dripline.events.models import Event, InboxRow
from dripline.scenarios.models import Enrollment

ANNA = {"id": 7, "is_bot": False, "first_name": "Anna", "language_code": "en"}
CHAT = {"id": 7, "type": "private"}


class Answers:
    """Remembers which callbacks were answered."""

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        self.given += [(bot, callback_id) for callback_id in callback_ids]

    def open(self, bot: str, payloads: Mapping[str, str]) -> None:
        self.given += [(bot, callback_id) for callback_id in payloads]


class Store:
    """Content that is there without having been pushed."""

    def __init__(self, library: Library) -> None:
        self.library = library

    async def current(self, session: AsyncSession) -> Library:
        return self.library


def scenario(scenario_id: str, **config: Any) -> Any:
    body = {
        "config": {"id": scenario_id, "name": scenario_id, **config},
        "order": ["m1", "m2"],
        "messages": {
            "m1": {"texts": {"": "one"}},
            "m2": {"texts": {"": "two"}, "timing": {"days": 1}},
        },
    }
    return compile_scenario(body, revision=1, button_sets={}, variables={}, paused=False)


LIBRARY = Library(
    version=1,
    default_scenario_id="course",
    scenarios={
        "course": scenario("course"),
        "second": scenario("second"),
        "r_eal": scenario("r_eal"),
        "off": scenario("off", is_active=False),
    },
)


class Bench:
    """A bot whose updates we write by hand."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        self.database, self.clock = database, clock
        self.answers = Answers()
        self.store = Store(LIBRARY)
        self.drain = Drain(database, self.store, ["main", "two"], self.answers)  # type: ignore[arg-type]
        self.number = 0

    async def receive(self, *updates: dict[str, Any], bot: str = "main") -> int:
        items = []
        for update in updates:
            self.number += 1
            numbered = {"update_id": self.number} | update
            items.append((str(numbered["update_id"]), orjson.dumps(numbered)))
        async with self.database.transaction() as session:
            await inbox.store(session, source_of(bot), items, self.clock.now())
        handled = 0
        while done := await self.drain.run_once(self.clock.now()):
            handled += done
        return handled

    async def all(self, model: Any) -> list[Any]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(model)))

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.database.reading() as session:
            rows = await session.scalars(select(Event).order_by(Event.occurred_at, Event.id))
            return [(row.name, row.data) for row in rows]

    async def event_names(self) -> list[str]:
        ours = ("bot.", "callback.", "message.", "address.")
        return sorted(name for name, _ in await self.events() if name.startswith(ours))

    async def scenarios(self) -> dict[str, str]:
        return {row.scenario_id: row.status for row in await self.all(Enrollment)}

    async def texts(self) -> list[str]:
        rows = [row for row in await self.all(QueueRow) if row.origin == "system"]
        return [load_json(row.detail)["text"] for row in rows]

    async def reachability(self) -> str:
        (address,) = await self.all(Address)
        return str(address.reachability)


@pytest.fixture
def bench(database: Database, clock: VirtualClock) -> Bench:
    return Bench(database, clock)


def wrote(text: Any, **sender: Any) -> dict[str, Any]:
    return {"message": {"message_id": 3, "chat": CHAT, "from": ANNA | sender, "text": text}}


def pressed(data: Any, number: str = "q1") -> dict[str, Any]:
    query = {"id": number, "from": ANNA, "data": data, "message": {"chat": CHAT}}
    return {"callback_query": query}


def member(status: str) -> dict[str, Any]:
    change = {"chat": CHAT, "from": ANNA, "new_chat_member": {"status": status}}
    return {"my_chat_member": change}


async def test_start_meets_the_contact_and_starts_the_default(bench: Bench) -> None:
    assert await bench.receive(wrote("/start")) == 1
    (contact,) = await bench.all(Contact)
    (address,) = await bench.all(Address)
    assert (contact.first_name, contact.language) == ("Anna", "en")
    assert (address.bot, address.value, address.reachability) == ("main", "7", "reachable")
    assert await bench.scenarios() == {"course": "active"}
    assert len(await bench.all(QueueRow)) == 1
    assert await bench.texts() == []


PAYLOADS = [
    # payload, scenarios, a word said, code on the event, why
    ("second", {"second"}, False, None, "exactly a scenario's id"),
    ("r_eal", {"r_eal"}, False, None, "an id goes before a code"),
    ("r_AbC", {"course"}, False, {"kind": "referral", "value": "AbC"}, "a referral code"),
    ("p_9-x", {"course"}, True, None, "a post's code that nobody has signed"),
    ("Second", {"course"}, True, None, "ids are exact"),
    ("off", {"course"}, True, None, "switched off is as unknown"),
    ("no_such_thing", {"course"}, True, None, "unknown: told kindly, the default starts"),
    ("x" * 400, {"course"}, True, None, "longer than any deep link"),
]


@pytest.mark.parametrize(
    ("payload", "scenarios", "told", "code", "why"), PAYLOADS, ids=[row[4] for row in PAYLOADS]
)
async def test_deep_links(
    bench: Bench, payload: str, scenarios: set[str], told: bool, code: object, why: str
) -> None:
    await bench.receive(wrote(f"/start {payload}"))
    assert set(await bench.scenarios()) == scenarios
    assert len(await bench.texts()) == told
    (started,) = [data for name, data in await bench.events() if name == "bot.started"]
    assert started["code"] == code
    assert started["payload"] == payload[:65]


async def test_a_kind_word_is_in_the_contacts_language_and_comes_first(bench: Bench) -> None:
    await bench.receive(wrote("/start nowhere", language_code="ru"))
    system, first = sorted(await bench.all(QueueRow), key=lambda row: row.due_at)
    assert system.origin == "system"
    assert system.priority == first.priority
    assert "<" not in (await bench.texts())[0]


async def test_start_again_says_the_last_message_again_or_waits_for_the_first(
    bench: Bench,
) -> None:
    await bench.receive(wrote("/start"), wrote("/start"))
    assert await bench.scenarios() == {"course": "active"}
    assert len(await bench.all(QueueRow)) == 1  # the first is on its way still


async def test_a_button_is_an_event_and_is_answered(bench: Bench) -> None:
    await bench.receive(wrote("/start"), pressed("DONE", "q9"))
    assert ("callback.pressed", {"bot": "main", "data": "DONE"}) in await bench.events()
    assert bench.answers.given == [("main", "q9")]


async def test_a_button_starts_another_scenario(bench: Bench) -> None:
    await bench.receive(wrote("/start"), pressed("go:second"))
    assert await bench.scenarios() == {"course": "stopped", "second": "active"}


@pytest.mark.parametrize("data", ["go:", "go:nowhere", "go:off"])
async def test_a_button_to_nowhere_says_so(bench: Bench, data: str) -> None:
    await bench.receive(wrote("/start"), pressed(data))
    assert await bench.scenarios() == {"course": "active"}
    assert len(await bench.texts()) == 1


async def test_a_message_is_kept_and_help_is_given(bench: Bench) -> None:
    await bench.receive(wrote("hello <b>"), wrote("/help"))
    received = [data for name, data in await bench.events() if name == "message.received"]
    assert [data["text"] for data in received] == ["hello <b>", "/help"]
    assert await bench.scenarios() == {}
    (text_said,) = await bench.texts()
    assert "/start" in text_said


async def test_blocked_and_back(bench: Bench) -> None:
    await bench.receive(wrote("/start"), member("kicked"))
    assert await bench.reachability() == "blocked"
    await bench.receive(member("member"))
    assert await bench.reachability() == "reachable"
    await bench.receive(member("kicked"))
    await bench.receive(wrote("I am back"))
    assert await bench.reachability() == "reachable"


async def test_a_stranger_who_blocks_is_not_remembered(bench: Bench) -> None:
    await bench.receive(member("kicked"))
    assert await bench.all(Contact) == []


async def test_one_person_at_two_bots_is_one_contact(bench: Bench) -> None:
    await bench.receive(wrote("/start"))
    await bench.receive(wrote("hi"), bot="two")
    assert len(await bench.all(Contact)) == 1
    assert {address.bot for address in await bench.all(Address)} == {"main", "two"}


async def test_an_update_that_comes_twice_counts_once(bench: Bench) -> None:
    for _ in range(2):
        await bench.receive({"update_id": 500} | pressed("DONE"))
    assert await bench.event_names() == ["callback.pressed"]


async def test_an_update_that_comes_again_after_the_inbox_was_pruned_counts_once(
    bench: Bench, database: Database
) -> None:
    await bench.receive({"update_id": 500} | wrote("/start nowhere"))
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM inbox"))
    await bench.receive({"update_id": 500} | wrote("/start nowhere"))
    assert len(await bench.texts()) == 1


HOSTILE: list[dict[str, Any]] = [
    {},
    {"message": None},
    {"message": {"chat": CHAT}},
    wrote({"a": 1}, id="7"),
    wrote("/start", is_bot=True),
    {"message": {"chat": {"id": -5, "type": "supergroup"}, "from": ANNA, "text": "/start"}},
    {"channel_post": {"chat": {"id": -100, "type": "channel"}, "text": "/start"}},
    {"pre_checkout_query": {}},
]


@pytest.mark.parametrize("update", HOSTILE)
async def test_what_concerns_no_contact_leaves_nothing(
    bench: Bench, update: dict[str, Any]
) -> None:
    assert await bench.receive(update) == 1
    assert await bench.all(Contact) == []
    assert await bench.drain.run_once(bench.clock.now()) == 0


async def test_odd_people_are_met_all_the_same(bench: Bench) -> None:
    name = "<b>\x00" + "и" * 5000
    await bench.receive(wrote("/start", first_name=name, last_name=7, username="x" * 900))
    (contact,) = await bench.all(Contact)
    assert len(contact.first_name) == 256
    assert contact.last_name is None


async def test_a_poisoned_update_is_marked_and_holds_up_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drain_module.handle

    async def poisoned(session: AsyncSession, scene: Any, update: Any, now: Any) -> bool:
        if scene.update_id == "2":
            await session.execute(text("SELECT 1"))
            raise KeyError("surprise")
        return await real(session, scene, update, now)

    monkeypatch.setattr(drain_module, "handle", poisoned)
    with capture_logs() as logs:
        assert await bench.receive(wrote("/start"), wrote("bad"), pressed("DONE")) == 3
    rows = {row.source_id: row for row in await bench.all(InboxRow)}
    assert "surprise" in rows["2"].error
    assert all(row.done_at for row in rows.values())
    assert await bench.event_names() == ["bot.started", "callback.pressed"]
    assert [log["event"] for log in logs] == ["update.failed"]


async def test_a_failing_statement_is_poison_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drain_module.handle

    async def doubled(session: AsyncSession, scene: Any, update: Any, now: Any) -> bool:
        handled = await real(session, scene, update, now)
        if scene.update_id == "1":
            await session.execute(
                text(
                    "INSERT INTO contact_tags (contact_id, tag, added_at) VALUES (NULL, 'x', NULL)"
                )
            )
        return handled

    monkeypatch.setattr(drain_module, "handle", doubled)
    await bench.receive(wrote("/start"), wrote("hi"))
    assert await bench.event_names() == ["message.received"]
    assert await bench.scenarios() == {}


async def test_a_failing_database_is_no_updates_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drain_module.handle

    async def failing(*_: Any) -> bool:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(drain_module, "handle", failing)
    with pytest.raises(OperationalError):
        await bench.receive(wrote("/start"))
    assert [row.done_at for row in await bench.all(InboxRow)] == [None]
    monkeypatch.setattr(drain_module, "handle", real)
    assert await bench.drain.run_once(bench.clock.now()) == 1
    assert await bench.scenarios() == {"course": "active"}


class Refusal(Exception):
    """A driver's error with a code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "passes"),
    [("40P01", True), ("40001", True), ("53100", True), ("57P01", True), ("22021", False)],
)
def test_which_errors_pass(sqlstate: str, passes: bool) -> None:
    assert will_pass(DBAPIError("x", {}, Refusal(sqlstate))) is passes
    assert not will_pass(ValueError())


async def test_many_updates_are_drained_in_order(bench: Bench) -> None:
    handled = await bench.receive(*(wrote(str(number)) for number in range(60)))
    while (more := await bench.drain.run_once(bench.clock.now())) > 0:
        handled += more
    assert handled == 60
    async with bench.database.reading() as session:
        rows = await session.scalars(select(Event).where(Event.name == "message.received"))
        texts = {int(row.source_id): row.data["text"] for row in rows}
    assert texts == {number + 1: str(number) for number in range(60)}


async def test_several_drainers_handle_each_update_once(bench: Bench) -> None:
    others = [Drain(bench.database, bench.store, ["main"], bench.answers) for _ in range(3)]  # type: ignore[arg-type]
    items = [
        (str(number), orjson.dumps({"update_id": number} | pressed("go:second", f"q{number}")))
        for number in range(1, 41)
    ]
    async with bench.database.transaction() as session:
        await inbox.store(session, source_of("main"), items, bench.clock.now())
    for _ in range(60):
        now = bench.clock.now() + timedelta(seconds=1)
        if not sum(await asyncio.gather(*(one.run_once(now) for one in others))):
            break
    assert sorted(bench.answers.given) == sorted(("main", f"q{n}") for n in range(1, 41))
    assert len(await bench.event_names()) == 40
    assert await bench.scenarios() == {"second": "active"}


async def test_progress_is_told_on_request(database: Database, clock: VirtualClock) -> None:
    bench = Bench(database, clock)
    press = {
        "callback_query": {
            "id": "1",
            "from": ANNA,
            "data": "check_progress",
            "message": {"message_id": 1, "date": 0, "chat": CHAT},
        }
    }
    await bench.receive(press)
    await bench.receive(
        {"message": {"message_id": 1, "from": ANNA, "chat": CHAT, "text": "/start"}}
    )
    await bench.receive(press)

    said = [load_json(row.detail)["text"] for row in await bench.all(QueueRow) if row.detail]
    assert sorted(said) == [
        "You have not begun anything yet. Send /start to begin.",
        "▶️ course: 0 of 2 messages",
    ]
