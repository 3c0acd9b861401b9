"""Every statement on what is in flight, and on the workers that hold it."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, dump_json
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.choice import EMAIL
from dripline.deliveries.models import InflightRow, QueueRow, WorkerRow
from dripline.deliveries.protocols import Claimed
from dripline.deliveries.queries.rows import ROW, claimed_row

_LONGEST_WAIT_US = 3 * 3600 * 1_000_000  # for a full mailbox, an hour at a time

_INFLIGHT = bulk.Table("inflight", ("claim", "worker", "lease_until", *ROW.split(", ")))

_RELEASE = Statement(
    sqlite="DELETE FROM inflight WHERE id = ? AND claim = ?",
    postgresql="""
        DELETE FROM inflight i USING unnest($1::uuid[], $2::bigint[]) AS held (id, claim)
        WHERE i.id = held.id AND i.claim = held.claim RETURNING i.id, i.claim
    """,
)
# Hardly ever has a claim been lost: only then is SQLite asked about each.
_RELEASE_SOME = Statement(
    sqlite="""
        DELETE FROM inflight
        WHERE id IN ({keys}) AND claim IN (SELECT value FROM json_each(?)) RETURNING id, claim
    """,
    postgresql="",
)

_DELETE_INFLIGHT = Statement(
    sqlite="DELETE FROM inflight WHERE id IN ({keys})",
    postgresql="DELETE FROM inflight WHERE id = ANY($1::uuid[])",
)

_IN_FLIGHT_REFS = Statement(
    sqlite="SELECT ref FROM inflight WHERE ref IN ({keys}) AND origin = ?",
    postgresql="SELECT ref FROM inflight WHERE ref = ANY($1::uuid[]) AND origin = $2",
)

_ANY_EXPIRED = bulk.same("SELECT 1 FROM inflight WHERE lease_until < ? LIMIT 1")

_HEARTBEAT = bulk.same(
    """
    INSERT INTO workers (name, started_us, seen_us) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET seen_us = excluded.seen_us
    """
)

_RENEW = bulk.same("UPDATE inflight SET lease_until = ? WHERE worker = ?")

_EXPIRED = Statement(
    sqlite=f"SELECT {ROW} FROM inflight WHERE lease_until < ? LIMIT ?",
    postgresql=f"""
        SELECT {ROW} FROM inflight WHERE lease_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    """,
)

_OF_WORKER = Statement(
    sqlite=f"SELECT {ROW} FROM inflight WHERE worker = ?",
    postgresql=f"SELECT {ROW} FROM inflight WHERE worker = $1 FOR UPDATE",
)


async def insert_inflight(
    session: AsyncSession, claimed: Iterable[Claimed], claim: int, worker: str, lease_us: int
) -> None:
    """Remember that this worker holds the rows, until `lease_us` of real time."""
    rows = [(claim, worker, lease_us, *row) for row in claimed]
    await bulk.append(session, _INFLIGHT, rows)


async def release(session: AsyncSession, claims: Sequence[tuple[uuid.UUID, int]]) -> Sequence[bool]:
    """Hold rows no longer; return for each of these rows and claims whether it was held as such."""
    if session.get_bind().dialect.name == "sqlite":
        if await bulk.write_if_all(session, _RELEASE.sqlite, claims):
            return [True] * len(claims)
        numbers = dump_json(list({claim for _id, claim in claims}))
        rows = await bulk.read(session, _RELEASE_SOME, [row_id for row_id, _ in claims], numbers)
    else:
        rows = await bulk.write(session, _RELEASE, claims)
        if len(rows) == len(claims):
            return [True] * len(claims)
    held = {(as_uuid(row[0]), row[1]) for row in rows}
    return [claim in held for claim in claims]


async def delete_inflight(session: AsyncSession, ids: Iterable[uuid.UUID]) -> None:
    """These rows are held no longer."""
    await bulk.read(session, _DELETE_INFLIGHT, ids)


async def in_flight_refs(
    session: AsyncSession, refs: Iterable[uuid.UUID], origin: str
) -> set[uuid.UUID]:
    """Return which of these references of an origin are on their way just now."""
    return {as_uuid(row[0]) for row in await bulk.read(session, _IN_FLIGHT_REFS, refs, origin)}


async def expired(session: AsyncSession, real_us: int, limit: int) -> list[Claimed]:
    """Return rows whose lease has run out; locked against other rescuers."""
    return [claimed_row(row) for row in await bulk.run(session, _EXPIRED, real_us, limit)]


async def any_expired(database: Database, real_us: int) -> bool:
    """Return whether a lease has run out."""
    return bool(await database.glance(_ANY_EXPIRED, real_us))


async def any_in_flight(session: AsyncSession) -> bool:
    """Return whether anything is on its way just now."""
    return await session.scalar(select(InflightRow.id).limit(1)) is not None


async def held_by(session: AsyncSession, worker: str) -> list[Claimed]:
    """Return what a worker holds."""
    return [claimed_row(row) for row in await bulk.run(session, _OF_WORKER, worker)]


async def in_flight_of(session: AsyncSession, ref: uuid.UUID) -> bool:
    """Return whether something of this reference is on its way just now."""
    statement = select(InflightRow.id).where(InflightRow.ref == ref).limit(1)
    return await session.scalar(statement) is not None


async def tried_again(
    session: AsyncSession, ref: uuid.UUID, pace_key: str, priority: int, due_us: int
) -> QueueRow | None:
    """Return the row of what was due then, failed for now and stands further back; None if none."""
    statement = select(QueueRow).where(
        QueueRow.pace_key.in_((pace_key, EMAIL)),
        QueueRow.priority == priority,
        QueueRow.due_at > due_us,
        QueueRow.due_at <= due_us + _LONGEST_WAIT_US,
        QueueRow.id == ref,
    )
    return (await session.scalars(statement.limit(1))).first()


async def heartbeat(session: AsyncSession, name: str, started_us: int, now_us: int) -> None:
    """Note that a worker is alive, in real microseconds."""
    await bulk.run(session, _HEARTBEAT, name, started_us, now_us)


async def renew_leases(session: AsyncSession, worker: str, until_us: int) -> None:
    """Hold what a worker holds until a later moment of real time."""
    await bulk.run(session, _RENEW, until_us, worker)


async def forget_worker(session: AsyncSession, name: str) -> None:
    """A worker has stopped."""
    await session.execute(delete(WorkerRow).where(WorkerRow.name == name))


async def latest_heartbeat(session: AsyncSession) -> int | None:
    """Return when a worker was last known to be alive, in real microseconds."""
    return await session.scalar(
        select(WorkerRow.seen_us).order_by(WorkerRow.seen_us.desc()).limit(1)
    )
