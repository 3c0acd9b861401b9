"""Folding events into scores, against the obvious way: to compute a contact's score anew.

    python -m bench.engagement 40000 [sqlite] [postgresql]

Both get the same events of the same contacts: clicks, opens, buttons, replies over 60 days. Ours
folds what is on the list, some thousand events a transaction. The peer does what one would write
first: for each event that comes, the contact's events are read and weighed again, and the scores
written.
"""

import asyncio
import math
import os
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bench.rows import Row, at_least
from dripline.clock import to_us
from dripline.contacts.models import Contact
from dripline.content.store import ContentStore
from dripline.database import Database, insert_new
from dripline.database.upgrade import upgrade
from dripline.engagement.fold import FoldScores
from dripline.engagement.models import EngagementScore
from dripline.engagement.rules import ScoreRules
from dripline.engagement.score import left, written
from dripline.events import NewEvent, append_many
from dripline.events.models import Event
from dripline.ids import new_id
from dripline.wiring import import_models
from dripline.worker import calm_collector

if TYPE_CHECKING:
    from bench.plan import Sizes

GOAL = 20_000
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_EACH = 10  # events of one contact
_AT_ONCE = 2_000
_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("callback.pressed", {"bot": "main", "data": "DONE"}),
    ("message.received", {"bot": "main", "kind": "text", "text": "Thanks!", "message_id": 7}),
    ("link.clicked", {"channel": "email", "human": True, "url": "https://example.com/a"}),
    ("message.opened", {"channel": "email", "human": True, "delivery_id": "0" * 32}),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Events a second: folded in by us, and by the peer that computes anew for each."""

    ours: float
    peer: float


async def measure(database: Database, size: int) -> Measured:
    """Let `size` events happen in an empty database; fold them in, then some the other way."""
    import_models()
    await upgrade(database)
    contacts = await _contacts(database, max(1, size // _EACH))
    await _happen(database, contacts, size)
    fold = FoldScores(database, ContentStore(database))
    calm_collector()  # as a worker has it
    started, done = time.perf_counter(), 0
    while handled := await fold.run_once(NOW):
        done += handled
    ours = done / (time.perf_counter() - started)
    assert done == size, f"{done} of {size} events were folded in"
    await _check(database, contacts)
    return Measured(ours, await _anew(database, contacts, min(size // 20, 1_000)))


async def _contacts(database: Database, count: int) -> list[uuid.UUID]:
    ids = [new_id() for _ in range(count)]
    async with database.transaction() as session:
        for start in range(0, count, _AT_ONCE):
            rows = [{"id": one, "created_at": NOW} for one in ids[start : start + _AT_ONCE]]
            await session.execute(insert_new(session, Contact), rows)
    return ids


async def _happen(database: Database, contacts: Sequence[uuid.UUID], size: int) -> None:
    dice = random.Random(7)
    for start in range(0, size, _AT_ONCE):
        events = []
        for _ in range(min(_AT_ONCE, size - start)):
            name, data = dice.choice(_KINDS)
            at = NOW - timedelta(seconds=dice.randrange(60 * 86_400))
            events.append(NewEvent(name, dice.choice(contacts), "bench", new_id().hex, at, data))
        async with database.transaction() as session:
            await append_many(session, events)


async def _anew(database: Database, contacts: Sequence[uuid.UUID], number: int) -> float:
    """Compute scores anew for one event after another, a transaction for each as it comes."""
    rules, dice = ScoreRules(), random.Random(8)
    started = time.perf_counter()
    for _ in range(number):
        async with database.transaction() as session:
            contact_id = dice.choice(contacts)
            points = await _points(session, contact_id, rules)
            await _write(session, contact_id, points, rules)
    return number / (time.perf_counter() - started)


async def _points(session: Any, contact_id: uuid.UUID, rules: ScoreRules) -> dict[str, float]:
    points: dict[str, float] = {}
    for event in await session.scalars(select(Event).where(Event.contact_id == contact_id)):
        if event.data.get("human") is False:
            continue
        for kind, number in rules.points(event.name, event.data.get("channel")):
            age = (NOW - event.occurred_at).total_seconds()
            points[kind] = points.get(kind, 0.0) + number * left(age, rules.half_lives[kind])
    return points


async def _write(
    session: Any, contact_id: uuid.UUID, points: dict[str, float], rules: ScoreRules
) -> None:
    for kind, number in points.items():
        half_life = rules.half_lives[kind]
        score, fades_at, stays = written(number, to_us(NOW), half_life)
        values = {
            "score": score,
            "fades_at": fades_at,
            "half_life": half_life,
            "factors": {},
            "computed_at": NOW,
            "valid_until": None if stays is None else NOW + timedelta(seconds=stays),
        }
        statement = insert_new(session, EngagementScore).values(
            contact_id=contact_id, type=kind, **values
        )
        await session.execute(
            statement.on_conflict_do_update(index_elements=["contact_id", "type"], set_=values)
        )


async def _check(database: Database, contacts: Sequence[uuid.UUID]) -> None:
    """See that what was folded in is what computing anew gives."""
    rules = ScoreRules()
    async with database.reading() as session:
        for contact_id in contacts[:50]:
            points = await _points(session, contact_id, rules)
            statement = select(EngagementScore).where(EngagementScore.contact_id == contact_id)
            rows = {row.type: row for row in await session.scalars(statement)}
            for kind, number in points.items():
                if number < 1:
                    continue
                found = rows[kind].fades_at
                anew = written(number, to_us(NOW), rules.half_lives[kind]).fades_at_us
                assert math.isclose(found, anew, abs_tol=rules.half_lives[kind] * 3e4), kind


def measure_scores(sizes: "Sizes", kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure scores as a part of everything."""
    for kind in kinds:
        yield asyncio.run(_row(kind, sizes.scores))


async def _row(kind: str, size: int) -> Row:
    found = await _on(kind, size)
    return at_least(
        f"events folded into scores, {kind}, {size:,} of {size // _EACH:,} contacts",
        GOAL,
        found.ours,
        peer=f"computed anew for each event: {found.peer:,.0f}/s",
    )


async def _on(kind: str, size: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder:
        if kind.lower() == "sqlite":
            return await _measured(f"sqlite:///{folder}/scores.db", size)
        from bench.databases import PostgresServer

        place = Path(tempfile.mkdtemp(prefix="dripline-bench-pg-"))
        os.chmod(place, 0o711)  # noqa: PTH101, S103 - PostgreSQL is another user
        server = PostgresServer.create(place / "server", durable=True)
        try:
            return await _measured(server.create_database("scores"), size)
        finally:
            server.remove()


async def _measured(url: str, size: int) -> Measured:
    database = Database.from_url(url)
    try:
        return await measure(database, size)
    finally:
        await database.close()


if __name__ == "__main__":
    for asked in sys.argv[2:] or ["sqlite", "postgresql"]:
        figures = asyncio.run(_on(asked, int(sys.argv[1])))
        print(f"{asked}: folded in {figures.ours:,.0f}/s, anew {figures.peer:,.0f}/s")
