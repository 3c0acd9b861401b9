"""A flood of fake starts by one referral link: each has to cost what the first one did.

    python -m bench.referrals sqlite:////tmp/flood.db 100000      (or postgresql://…; empty)

Every start is a new contact that follows the same link; it goes through the reaction that a worker
runs. Told for the first and the last tenth of the flood: a start, and the registration of an honest
contact in the midst of it.
"""

import asyncio
import statistics
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dripline.contacts.models import Contact
from dripline.content.store import Library
from dripline.database import Database
from dripline.database.upgrade import upgrade
from dripline.ids import new_id
from dripline.lifecycle import invite, links, queries
from dripline.lifecycle.document import rules_of
from dripline.wiring import import_models

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_BATCH = 200
_TENTHS = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds a start, and milliseconds a registration, in one tenth of the flood."""

    start_us: float
    register_ms: float


async def measure(database: Database, size: int) -> list[Measured]:
    """Flood an empty database; return what each tenth of it took."""
    import_models()
    await upgrade(database)
    code = await _inviter(database)
    found = []
    for tenth in range(_TENTHS):
        each = [
            await _flood(database, code, tenth, batch)
            for batch in range(max(1, size // _TENTHS // _BATCH))
        ]
        found.append(Measured(statistics.median(each), await _register(database, code, tenth)))
    return found


async def _inviter(database: Database) -> str:
    inviter = await _contacts(database, 1)
    async with database.transaction() as session:
        return (await links.codes(session, inviter))[inviter[0]]


async def _contacts(database: Database, count: int) -> list[uuid.UUID]:
    ids = [new_id() for _ in range(count)]
    async with database.transaction() as session:
        session.add_all(
            Contact(id=one, created_at=NOW, last_seen_at=NOW, state="VISITOR") for one in ids
        )
    return ids


async def _flood(database: Database, code: str, tenth: int, batch: int) -> float:
    """Return the microseconds a start took in a transaction of many, commit and all."""
    new = await _contacts(database, _BATCH)
    at = NOW + timedelta(minutes=tenth, milliseconds=batch)
    began = time.perf_counter()
    async with database.transaction() as session:
        for contact_id in new:
            await invite.followed(session, rules_of(Library()), contact_id, code, at, is_new=True)
    return (time.perf_counter() - began) / _BATCH * 1e6


async def _register(database: Database, code: str, tenth: int) -> float:
    """Return the milliseconds it takes to look at one registration, evidence and all."""
    (contact_id,) = await _contacts(database, 1)
    at = NOW + timedelta(minutes=tenth, seconds=30)
    rules = rules_of(Library())
    async with database.transaction() as session:
        await invite.followed(session, rules, contact_id, code, at, is_new=True)
    began = time.perf_counter()
    async with database.transaction() as session:
        await queries.set_registered(session, contact_id, at)
        await invite.registered(session, rules, contact_id, at, at)
    return (time.perf_counter() - began) * 1e3


def told(found: Sequence[Measured]) -> str:
    """Return the figures as an operator reads them."""
    lines = ["| part of the flood | a start | a registration |", "|---|---:|---:|"]
    for number, one in enumerate(found, 1):
        lines.append(f"| {number}/{_TENTHS} | {one.start_us:.0f} µs | {one.register_ms:.1f} ms |")
    return "\n".join(lines)


async def _main(url: str, size: int) -> None:
    database = Database.from_url(url)
    try:
        print(told(await measure(database, size)))
    finally:
        await database.close()


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit("python -m bench.referrals DATABASE_URL SIZE")
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
