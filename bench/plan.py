"""What is measured, against which goals: the issue's table."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import audiences, redirects, sending, starting, ticking
from bench.databases import Postgres, Sqlite, Store, crowd_due, postgres_server
from bench.processes import peer, stub
from bench.rows import Row, at_least, at_most
from bench.seed import Crowd

_SENDS = {"SQLite": 6_000, "PostgreSQL": 5_000}
_MEMORY_MB = {"SQLite": 300, "PostgreSQL": 120}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    waiting: int = 1_000_000
    seconds: int = 20
    ticks: tuple[int, ...] = (10_000, 1_000_000, 5_000_000)
    greeted: int = 200
    jobs: int = 10_000
    many_jobs: int = 100_000
    times: int = 7
    emails: int = 40_000
    scores: int = 100_000
    crowd: int = 1_000_000
    deliveries: int = 10_000_000


FULL = Sizes()
QUICK = Sizes(
    100_000, 6, (10_000, 200_000), 60, 10_000, 20_000, 3, 8_000, 20_000, 100_000, 1_000_000
)


@dataclass(frozen=True, slots=True)
class Peers:
    """What others did, as the table says it."""

    sends: str = ""
    late: str = ""
    memory: str = ""


def measure_peers(sizes: Sizes) -> Peers:
    """Run the peers: the usual bot, and a queue of jobs in memory."""
    with stub() as api, tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/peer.db"
        orm = peer("aiogram_orm", api.base, url, str(sizes.seconds))
        before = api.sent()
        jobs = peer("job_queue", api.base, str(sizes.jobs), "10")
        dropped = sizes.jobs - (api.sent() - before)
        many = peer("job_queue", api.base, str(sizes.many_jobs), "1000000")
    return Peers(
        sends=f"aiogram, a commit per message: {orm['rate']:,.0f}/s; "
        f"JobQueue: {jobs['rate']:,.0f}/s",
        late=f"JobQueue, {sizes.jobs:,} due in 10 s: p99 {jobs['p99_s']:.1f} s, "
        f"{dropped:,} never sent",
        memory=f"JobQueue, {sizes.many_jobs:,} jobs: {many['memory_mb']:,.0f} MB",
    )


def measure_stores(sizes: Sizes, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure the product on each kind of database, beside its peers."""
    peers = measure_peers(sizes)
    for kind in kinds:
        crowd = crowd_due(sizes.waiting)
        with _store(kind, crowd) as store:
            yield from _sending(store, crowd, sizes, peers)
            yield from _waiting(store, crowd, sizes, peers)
        if kind == "SQLite":
            with _store(kind, crowd_due(sizes.waiting, shuffled=True)) as store:
                yield _shuffled(store, sizes)


def _sending(store: Store, crowd: Crowd, sizes: Sizes, peers: Peers) -> Iterator[Row]:
    fast = sending.throughput(store, sizes.seconds)
    yield at_least(
        f"durable tracked sends, one process on one core, {sizes.waiting:,} waiting, "
        f"50 ms latency: {_name(store)}",
        _SENDS[store.name],
        fast.rate,
        note=f" at {fast.cpu_share:.0%} of the core, {_exactness(fast)}",
        peer=peers.sends,
    )
    yield at_most(f"memory while it does: {_name(store)}", None, fast.busy_mb, "MB")
    steady = sending.punctuality(store, crowd, sizes.seconds)
    yield at_most(
        f"CPU at 1,000 sends/s: {_name(store)}", 20, steady.cpu_share * 100, "% of a core"
    )
    yield at_most(
        f"lateness of due messages at 1,000/s, p99: {_name(store)}",
        300,
        steady.p99_s * 1_000,
        "ms",
        note=f"; p50 {steady.p50_s * 1_000:,.0f} ms, {steady.came:,} of {steady.due:,} sent",
        and_also=steady.came == steady.due,
        peer=peers.late,
    )


def _waiting(store: Store, crowd: Crowd, sizes: Sizes, peers: Peers) -> Iterator[Row]:
    what = f"memory with {sizes.waiting:,} waiting: {_name(store)}"
    if store.name == "PostgreSQL":
        megabytes = sending.waiting_memory(store, crowd)
        yield at_most(what, _MEMORY_MB[store.name], megabytes, "MB", peer=peers.memory)
        return
    idle = sending.greeting(store, crowd, sizes.greeted, rate=None)
    yield at_most(what, _MEMORY_MB[store.name], idle.memory_mb, "MB", peer=peers.memory)
    what, share = f"CPU with nothing due, a bot polling: {_name(store)}", idle.cpu_share * 100
    yield at_most(
        f"CPU with nothing due, a bot polling: {_name(store)}", None, share, "% of a core"
    )
    yield _greeted("idle", 50, idle)
    busy = sending.greeting(store, crowd, sizes.greeted, rate=1_000)
    yield _greeted(f"while {busy.rate:,.0f}/s go out", 300, busy)


def _shuffled(store: Store, sizes: Sizes) -> Row:
    fast = sending.throughput(store, sizes.seconds)
    return Row(
        f"the same, neighbours in the queue strangers on disk: {_name(store)}",
        "",
        f"{fast.rate:,.0f}/s at {fast.cpu_share:.0%} of the core, {_exactness(fast)}",
    )


def _exactness(fast: sending.Throughput) -> str:
    if fast.is_exact:
        return f"{fast.settled:,} sent and logged, each once"
    return f"**{fast.sent:,} sent, {fast.settled:,} logged, {fast.repeated:,} repeated**"


def _greeted(when: str, goal_ms: float, found: sending.Greeting) -> Row:
    return at_most(
        f"`/start` to the first message's request, {when}, p99",
        goal_ms,
        found.p99_s * 1_000,
        "ms",
        note=f"; p50 {found.p50_s * 1_000:,.0f} ms"
        + (f", {found.unanswered} unanswered" if found.unanswered else ""),
        and_also=not found.unanswered,
    )


def measure_ticks(sizes: Sizes, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure an empty tick, the more waiting the longer the queue."""
    for kind in kinds:
        found = [_empty_tick(kind, waiting) for waiting in sizes.ticks]
        counts = " / ".join(f"{waiting:,}" for waiting in sizes.ticks)
        yield Row(
            f"empty tick with {counts} waiting: {kind}",
            "≤ 1 ms, flat",
            " / ".join(f"{ms:.2f}" for ms in found) + " ms",
            max(found) <= 1.0,
        )


def _empty_tick(kind: str, waiting: int) -> float:
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as name:
        folder = Path(name)
        if kind == "SQLite":
            return ticking.empty_tick_ms(f"sqlite:///{folder / 'tick.db'}", waiting)
        folder.chmod(0o711)
        with postgres_server(folder) as server:
            return ticking.empty_tick_ms(server.create_database("tick"), waiting)


def measure_starts(sizes: Sizes, _kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure how long the program takes to begin."""
    yield at_most("`dripline --help`", 0.4, starting.help_s(sizes.times), "s")
    yield at_most("`dripline run` until ready", 4, starting.ready_s(max(3, sizes.times // 2)), "s")


def measure_redirects(sizes: Sizes, _kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure tracked links."""
    yield from redirects.measure(max(3.0, sizes.seconds / 4))


def measure_audiences(sizes: Sizes, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure segments and broadcasts."""
    yield from audiences.measure(sizes.crowd, kinds)


@contextlib.contextmanager
def _store(kind: str, crowd: Crowd) -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as name:
        folder = Path(name)
        if kind == "SQLite":
            yield Sqlite(folder, crowd)
            return
        folder.chmod(0o711)  # PostgreSQL runs as somebody else when we are root
        with postgres_server(folder) as server:
            yield Postgres(server, crowd)


def _name(store: Store) -> str:
    return f"`dripline {sending.COMMAND[store.name]}`, {store.name}"
