"""How fast, how late, at what cost: the installed program sends through the stub."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench.databases import Store, shift
from bench.machine import percentile
from bench.processes import Product, Stub, product, stub
from bench.seed import FIRST_CHAT, Crowd

COMMAND = {"SQLite": "run", "PostgreSQL": "worker"}
_FIRST_NEW_CHAT = 5_000_000_000
_LATER = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Messages a second, and whether each was sent and written down exactly once."""

    rate: float
    cpu_share: float
    sent: int
    settled: int
    repeated: int
    busy_mb: float

    @property
    def is_exact(self) -> bool:
        """Whether what the Bot API got is what the log says, each message once."""
        return self.sent == self.settled and self.repeated == 0


def throughput(store: Store, seconds: float, *, latency_ms: float = 50.0) -> Throughput:
    """Send as fast as it goes for `seconds` after a warm-up."""
    url = store.copy()
    with stub(latency_ms=latency_ms) as api, product(COMMAND[store.name], url, api.base) as ours:
        _wait_for(api, 2_000)
        time.sleep(2.0)
        rate, share = _rate(api, ours, seconds)
        busy = ours.memory_mb()
        ours.stop()
        chats = [chat for _at, chat in api.arrivals()]
        settled = int(store.query("SELECT count(*) FROM message_deliveries")[0][0])
    repeated = len(chats) - len(set(chats))
    return Throughput(rate, share, len(chats), settled, repeated, busy)


def _rate(api: Stub, ours: Product, seconds: float) -> tuple[float, float]:
    before, cpu, began = api.sent(), ours.cpu_s(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return (api.sent() - before) / took, (ours.cpu_s() - cpu) / took


@dataclass(frozen=True, slots=True)
class Punctuality:
    """A thousand messages due a second: how late they were, and what they cost."""

    p50_s: float
    p99_s: float
    due: int
    came: int
    cpu_share: float


def punctuality(store: Store, crowd: Crowd, seconds: int) -> Punctuality:
    """Let a thousand a second come due, and compare the stub's arrivals with the due times."""
    url = store.copy()
    first = datetime.now(UTC) + timedelta(seconds=20)
    shift(store, crowd, first)
    first_us = int(first.timestamp() * 1e6)
    wall_minus_monotonic = time.time() - time.monotonic()
    with stub() as api, product(COMMAND[store.name], url, api.base) as ours:
        time.sleep(max(0.0, first.timestamp() - time.time()))
        cpu, began = ours.cpu_s(), time.monotonic()
        time.sleep(seconds)
        share = (ours.cpu_s() - cpu) / (time.monotonic() - began)
        time.sleep(2.0)
        ours.stop()
        arrivals = api.arrivals()
    place_of = {number: place for place, number in enumerate(crowd.places())}
    due = {FIRST_CHAT + n: crowd.due_us(place) for n, place in place_of.items()}
    moved = first_us - int(crowd.first_due.timestamp() * 1e6)
    until = first_us + seconds * 1_000_000
    late = [
        at + wall_minus_monotonic - (due[chat] + moved) / 1e6
        for at, chat in arrivals
        if due[chat] + moved < until
    ]
    expected = sum(1 for moment in due.values() if moment + moved < until)
    return Punctuality(percentile(late, 0.5), percentile(late, 0.99), expected, len(late), share)


@dataclass(frozen=True, slots=True)
class Greeting:
    """From an update at the Bot API to the request that answers it, in seconds; and the memory."""

    p50_s: float
    p99_s: float
    unanswered: int
    ready_s: float
    memory_mb: float
    rate: float
    cpu_share: float


def greeting(store: Store, crowd: Crowd, people: int, *, rate: float | None) -> Greeting:
    """Press /start `people` times; with a rate, while so many a second go out from a backlog."""
    url = store.copy()
    if rate is None:
        shift(store, crowd, datetime.now(UTC) + _LATER)
    with stub() as api, product("run", url, api.base, rate=rate or 1_000_000) as ours:
        time.sleep(5.0)
        memory = ours.memory_mb()
        outgoing, cpu = _rate(api, ours, 5.0 if rate is None else 15.0)
        asked = {}
        for number in range(people):
            chat = _FIRST_NEW_CHAT + number
            asked[chat] = time.monotonic()
            api.ask("updates", [_start(number + 1, chat)])
            time.sleep(0.05 + 0.013 * (number % 7))  # in no step with any of our ticks
        time.sleep(1.0)
        arrivals = {chat: at for at, chat in reversed(api.arrivals()) if chat in asked}
    took = [arrivals[chat] - at for chat, at in asked.items() if chat in arrivals]
    return Greeting(
        percentile(took, 0.5),
        percentile(took, 0.99),
        people - len(took),
        ours.ready_s,
        memory,
        outgoing,
        cpu,
    )


def _start(update_id: int, chat: int) -> dict[str, object]:
    person = {"id": chat, "is_bot": False, "first_name": "Boris", "language_code": "en"}
    message = {
        "message_id": update_id,
        "date": int(time.time()),
        "chat": {"id": chat, "type": "private", "first_name": "Boris"},
        "from": person,
        "text": "/start",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    return {"update_id": update_id, "message": message}


def waiting_memory(store: Store, crowd: Crowd) -> float:
    """Return the megabytes of a worker beside which everybody waits."""
    url = store.copy()
    shift(store, crowd, datetime.now(UTC) + _LATER)
    with stub() as api, product(COMMAND[store.name], url, api.base) as ours:
        time.sleep(8.0)
        return ours.memory_mb()


def _wait_for(api: Stub, messages: int) -> None:
    deadline = time.monotonic() + 30
    while api.sent() < messages and time.monotonic() < deadline:
        time.sleep(0.1)
