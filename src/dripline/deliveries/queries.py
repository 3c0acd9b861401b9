"""Every statement on the queue, on what is in flight, on pace and on the log."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, cast, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import from_us
from dripline.database import bulk, dump_json, insert_new
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.models import (
    MAX_ATTEMPTS,
    PRIORITIES,
    Decision,
    Delivery,
    DeliveryKey,
    InflightRow,
    Pace,
    WorkerRow,
)
from dripline.deliveries.protocols import Claimed

if TYPE_CHECKING:
    from dripline.deliveries.protocols import Result
    from dripline.deliveries.queue import Entry, Key

_ROW = "pace_key, priority, due_at, id, origin, ref, turn, attempt, outages, detail"

_INSERT_QUEUE = Statement(
    sqlite=f"""
        INSERT INTO queue ({_ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
    """,
    postgresql=f"""
        INSERT INTO queue ({_ROW})
        SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::text[],
                             $6::uuid[], $7::bigint[], $8::smallint[], $9::smallint[], $10::text[])
        ON CONFLICT DO NOTHING
    """,
)
_DELETE_QUEUE = Statement(
    sqlite="DELETE FROM queue WHERE pace_key = ? AND priority = ? AND due_at = ? AND id = ?",
    postgresql="""
        DELETE FROM queue q
        USING unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[])
              AS k (pace_key, priority, due_at, id)
        WHERE q.pace_key = k.pace_key AND q.priority = k.priority
          AND q.due_at = k.due_at AND q.id = k.id
    """,
)
# The head of the queue is one step down the index for each key and priority.
_PRIORITY_ROWS = " UNION ALL ".join(f"SELECT {number} AS priority" for number in PRIORITIES)
_HEADS_TEXT = f"""
    SELECT k.key, p.priority, k.hold_until_us,
           (SELECT q.due_at FROM queue q WHERE q.pace_key = k.key AND q.priority = p.priority
            ORDER BY q.due_at LIMIT 1) AS due_at
    FROM pace k CROSS JOIN ({_PRIORITY_ROWS}) p
"""
_HEADS = Statement(sqlite=_HEADS_TEXT, postgresql=_HEADS_TEXT)
_COUNT_DUE = Statement(
    sqlite="""
        SELECT count(*) FROM (SELECT 1 FROM queue
        WHERE pace_key = ? AND priority = ? AND due_at <= ? LIMIT ?)
    """,
    postgresql="""
        SELECT count(*) FROM (SELECT 1 FROM queue
        WHERE pace_key = $1 AND priority = $2 AND due_at <= $3 LIMIT $4) AS due
    """,
)
# SQLite has one writer: the first rows of the range are read, then the range is deleted whole.
_TAKE_DUE = Statement(
    sqlite=f"""
        SELECT {_ROW} FROM queue WHERE pace_key = ? AND priority = ? AND due_at <= ?
        ORDER BY due_at, id LIMIT ?
    """,
    postgresql=f"""
        DELETE FROM queue WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM queue WHERE pace_key = $1 AND priority = $2 AND due_at <= $3
            ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED))
        RETURNING {_ROW}
    """,
)
_DELETE_TAKEN = Statement(
    sqlite="""
        DELETE FROM queue
        WHERE pace_key = ? AND priority = ? AND (due_at < ? OR (due_at = ? AND id <= ?))
    """,
    postgresql="",  # its DELETE … RETURNING has done both
)
_INFLIGHT = bulk.Table("inflight", ("claim", "worker", "lease_until", *_ROW.split(", ")))
_HELD = Statement(
    sqlite="SELECT id, claim FROM inflight WHERE id IN ({keys})",
    postgresql="SELECT id, claim FROM inflight WHERE id = ANY($1::uuid[]) FOR UPDATE",
)
_DELETE_INFLIGHT = Statement(
    sqlite="DELETE FROM inflight WHERE id IN ({keys})",
    postgresql="DELETE FROM inflight WHERE id = ANY($1::uuid[])",
)
_IN_FLIGHT_REFS = Statement(
    sqlite="SELECT ref FROM inflight WHERE ref IN ({keys}) AND origin = ?",
    postgresql="SELECT ref FROM inflight WHERE ref = ANY($1::uuid[]) AND origin = $2",
)
_EXPIRED = Statement(
    sqlite=f"SELECT {_ROW} FROM inflight WHERE lease_until < ? LIMIT ?",
    postgresql=f"""
        SELECT {_ROW} FROM inflight WHERE lease_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    """,
)
_OF_WORKER = Statement(
    sqlite=f"SELECT {_ROW} FROM inflight WHERE worker = ?",
    postgresql=f"SELECT {_ROW} FROM inflight WHERE worker = $1 FOR UPDATE",
)
_LOCK_PACE = Statement(
    sqlite="SELECT key, interval_us, tat_us, hold_until_us FROM pace ORDER BY key",
    postgresql="""
        SELECT key, interval_us, tat_us, hold_until_us FROM pace ORDER BY key FOR UPDATE
    """,
)
_MOVE_PACE = Statement(
    sqlite="UPDATE pace SET tat_us = ?1 WHERE key = ?2",
    postgresql="""
        UPDATE pace p SET tat_us = n.tat FROM unnest($1::bigint[], $2::text[]) AS n (tat, key)
        WHERE p.key = n.key
    """,
)
_CLEAR_OUTAGES = Statement(
    sqlite="UPDATE pace SET outages = 0, hold_reason = NULL WHERE key = ? AND outages > 0",
    postgresql="UPDATE pace SET outages = 0, hold_reason = NULL WHERE key = $1 AND outages > 0",
)
_NEXT_SEND = Statement(
    sqlite="UPDATE addresses SET next_send_at = ? WHERE id = ?",
    postgresql="""
        UPDATE addresses a SET next_send_at = n.at
        FROM unnest($1::bigint[], $2::uuid[]) AS n (at, id) WHERE a.id = n.id
    """,
)
_INSERT_KEYS = Statement(
    sqlite="INSERT INTO delivery_keys VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    postgresql="""
        INSERT INTO delivery_keys
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::text[],
                             $6::bigint[], $7::uuid[])
        ON CONFLICT DO NOTHING
    """,
)
_DELIVERIES = bulk.Table(
    "message_deliveries",
    (
        "id",
        "contact_id",
        "origin",
        "origin_id",
        "scenario_id",
        "message_id",
        "run",
        "resend",
        "channel",
        "bot",
        "address_id",
        "recipient",
        "status",
        "content",
        "scheduled_at",
        "sent_at",
        "failed_at",
        "failure_reason",
        "failure_code",
        "provider_ids",
        "attempt_count",
        "max_attempts",
        "decision",
    ),
)
_SENT_MESSAGES = Statement(
    sqlite="SELECT origin_id, run, message_id FROM delivery_keys"
    " WHERE contact_id IN ({keys}) AND resend = 0",
    postgresql="SELECT origin_id, run, message_id FROM delivery_keys"
    " WHERE contact_id = ANY($1::uuid[]) AND resend = 0",
)


@dataclass(frozen=True, slots=True)
class Head:
    """The earliest row of one pace key and priority; `due_us` None when there is none."""

    pace_key: str
    priority: int
    hold_until_us: int
    due_us: int | None


@dataclass(frozen=True, slots=True)
class KeyPace:
    """The pace of a key, locked by this transaction."""

    key: str
    interval_us: float
    tat_us: int
    hold_until_us: int


async def insert_queue(session: AsyncSession, entries: Sequence["Entry"]) -> None:
    """Insert rows; one that is there already stays as it is."""
    await bulk.write(
        session,
        _INSERT_QUEUE,
        [
            (*key, origin, ref, turn, attempt, outages, detail)
            for key, origin, ref, turn, attempt, outages, detail in entries
        ],
    )


async def delete_queue(session: AsyncSession, keys: Sequence["Key"]) -> None:
    """Delete rows by their keys."""
    await bulk.write(session, _DELETE_QUEUE, keys)


async def heads(session: AsyncSession) -> list[Head]:
    """Return the earliest row of each pace key and priority: what a tick costs when idle."""
    return [Head(row[0], row[1], row[2], row[3]) for row in await bulk.run(session, _HEADS)]


async def count_due(session: AsyncSession, now_us: int, most: int) -> int:
    """Return how many rows are due, counting no further than `most` a pace key and priority."""
    count = 0
    for head in await heads(session):
        if head.due_us is not None and head.due_us <= now_us:
            rows = await bulk.run(session, _COUNT_DUE, head.pace_key, head.priority, now_us, most)
            count += int(rows[0][0])
    return count


async def take_due(
    session: AsyncSession, pace_key: str, priority: int, now_us: int, limit: int
) -> list[Claimed]:
    """Take the earliest due rows of a key and priority out of the queue and return them."""
    rows = await bulk.run(session, _TAKE_DUE, pace_key, priority, now_us, limit)
    if rows and session.get_bind().dialect.name == "sqlite":
        due, last = rows[-1][2], rows[-1][3]
        await bulk.run(session, _DELETE_TAKEN, pace_key, priority, due, due, last)
        return [_claimed(row) for row in rows]
    return sorted((_claimed(row) for row in rows), key=lambda row: (row.due_us, row.id))


async def insert_inflight(
    session: AsyncSession, claimed: Iterable[Claimed], claim: int, worker: str, lease_us: int
) -> None:
    """Remember that this worker holds the rows, until `lease_us` of real time."""
    rows = [(claim, worker, lease_us, *row) for row in claimed]
    await bulk.append(session, _INFLIGHT, rows)


async def held_claims(session: AsyncSession, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return which claim holds each of these rows now; a row that nobody holds is missing."""
    return {as_uuid(row[0]): row[1] for row in await bulk.read(session, _HELD, ids)}


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
    return [_claimed(row) for row in await bulk.run(session, _EXPIRED, real_us, limit)]


async def any_expired(session: AsyncSession, real_us: int) -> bool:
    """Return whether a lease has run out."""
    statement = select(InflightRow.id).where(InflightRow.lease_until < real_us).limit(1)
    return await session.scalar(statement) is not None


async def held_by(session: AsyncSession, worker: str) -> list[Claimed]:
    """Return what a worker holds."""
    return [_claimed(row) for row in await bulk.run(session, _OF_WORKER, worker)]


async def lock_pace(session: AsyncSession) -> list[KeyPace]:
    """Return the pace of all keys, locked until this transaction ends."""
    return [KeyPace(row[0], row[1], row[2], row[3]) for row in await bulk.run(session, _LOCK_PACE)]


async def move_pace(session: AsyncSession, moved: Sequence[tuple[int, str]]) -> None:
    """Set the next free moment of keys, as pairs of moment and key."""
    await bulk.write(session, _MOVE_PACE, moved)


async def ensure_pace(session: AsyncSession, key: str, interval_us: float) -> None:
    """Make a key known with its interval; what holds it is left, for other workers' sake."""
    statement = insert_new(session, Pace).values(key=key, interval_us=interval_us)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"interval_us": interval_us})
    )


async def hold_pace(
    session: AsyncSession, key: str, until_us: int, reason: str, outages: int | None = None
) -> None:
    """Let nothing leave under a key until a moment of real time; never shortens a hold."""
    values: dict[str, Any] = {"hold_until_us": until_us, "hold_reason": reason}
    if outages is not None:
        values["outages"] = outages
    await session.execute(
        update(Pace).where(Pace.key == key, Pace.hold_until_us < until_us).values(values)
    )


async def charge_pace(session: AsyncSession, key: str, requests: int) -> None:
    """Count further requests of messages that took more than one."""
    await session.execute(
        update(Pace)
        .where(Pace.key == key)
        .values(tat_us=Pace.tat_us + cast(Pace.interval_us * requests, BigInteger))
    )


async def count_outage(session: AsyncSession, key: str) -> None:
    """Count an outage of a key without holding it yet."""
    await session.execute(update(Pace).where(Pace.key == key).values(outages=Pace.outages + 1))


async def clear_outages(session: AsyncSession, key: str) -> None:
    """The channel answers again."""
    await bulk.run(session, _CLEAR_OUTAGES, key)


async def outages_of(session: AsyncSession, key: str) -> tuple[int, int]:
    """Return how many outages in a row a key has had, and until when it is held."""
    found = await session.execute(select(Pace.outages, Pace.hold_until_us).where(Pace.key == key))
    row = found.one_or_none()
    return (0, 0) if row is None else (row.outages, row.hold_until_us)


async def held_keys(session: AsyncSession, real_us: int) -> list[tuple[str, str | None]]:
    """Return the keys under which nothing may leave now, with the reason."""
    found = await session.execute(
        select(Pace.key, Pace.hold_reason).where(Pace.hold_until_us > real_us)
    )
    return [(row.key, row.hold_reason) for row in found]


async def set_next_send(session: AsyncSession, moments: Sequence[tuple[int, uuid.UUID]]) -> None:
    """Set from when on addresses take their next message, as pairs of moment and address."""
    await bulk.write(session, _NEXT_SEND, moments)


async def insert_deliveries(session: AsyncSession, results: Sequence["Result"]) -> None:
    """Write the wide rows of messages that have ended."""
    rows = []
    for r in results:
        source, address, claimed = r.ready.source, r.ready.address, r.ready.claimed
        sent = r.status == "sent"
        rows.append(
            (
                r.delivery_id,
                r.ready.contact_id,
                claimed.origin,
                source.origin_id,
                source.scenario_id,
                source.message_id,
                source.run,
                source.resend,
                address.channel,
                address.bot,
                address.id,
                address.value,
                r.status,
                r.content,
                from_us(claimed.due_us),
                r.at if sent else None,
                None if sent else r.at,
                r.failure,
                r.failure_code,
                ",".join(r.provider_ids) or None,
                claimed.attempt + 1,
                MAX_ATTEMPTS,
                dump_json(r.ready.decision),
            )
        )
    await bulk.append(session, _DELIVERIES, rows)


async def insert_delivery_keys(session: AsyncSession, results: Sequence["Result"]) -> None:
    """Write the rows that keep a message from going out twice."""
    await bulk.write(
        session,
        _INSERT_KEYS,
        [
            (
                r.ready.contact_id,
                r.ready.source.origin_id,
                r.ready.source.run,
                r.ready.source.message_id,
                r.ready.address.channel,
                r.ready.source.resend,
                r.delivery_id,
            )
            for r in results
        ],
    )


async def sent_messages(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> set[tuple[uuid.UUID, int, str]]:
    """Return what these contacts were sent, as (origin id, run, message id); repeats left out."""
    rows = await bulk.read(session, _SENT_MESSAGES, contact_ids)
    return {(as_uuid(row[0]), row[1], row[2]) for row in rows}


async def insert_decisions(session: AsyncSession, decisions: Sequence[Decision]) -> None:
    """Write decisions other than to send."""
    session.add_all(decisions)
    await session.flush()


async def decisions_of(
    session: AsyncSession, contact_id: uuid.UUID, limit: int
) -> Sequence[Decision]:
    """Return a contact's latest decisions, newest first."""
    statement = (
        select(Decision)
        .where(Decision.contact_id == contact_id)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def deliveries_of(
    session: AsyncSession, contact_id: uuid.UUID, limit: int
) -> Sequence[Delivery]:
    """Return a contact's latest deliveries, newest first."""
    statement = (
        select(Delivery)
        .join(DeliveryKey, DeliveryKey.delivery_id == Delivery.id)
        .where(DeliveryKey.contact_id == contact_id)
        .order_by(Delivery.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def in_flight_of(session: AsyncSession, ref: uuid.UUID) -> bool:
    """Return whether something of this reference is on its way just now."""
    statement = select(InflightRow.id).where(InflightRow.ref == ref).limit(1)
    return await session.scalar(statement) is not None


async def heartbeat(session: AsyncSession, name: str, started_us: int, now_us: int) -> None:
    """Note that a worker is alive, in real microseconds."""
    statement = insert_new(session, WorkerRow).values(
        name=name, started_us=started_us, seen_us=now_us
    )
    await session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"seen_us": now_us})
    )


async def renew_leases(session: AsyncSession, worker: str, until_us: int) -> None:
    """Hold what a worker holds until a later moment of real time."""
    await session.execute(
        update(InflightRow).where(InflightRow.worker == worker).values(lease_until=until_us)
    )


async def forget_worker(session: AsyncSession, name: str) -> None:
    """A worker has stopped."""
    await session.execute(delete(WorkerRow).where(WorkerRow.name == name))


async def latest_heartbeat(session: AsyncSession) -> int | None:
    """Return when a worker was last known to be alive, in real microseconds."""
    return await session.scalar(
        select(WorkerRow.seen_us).order_by(WorkerRow.seen_us.desc()).limit(1)
    )


def _claimed(row: Any) -> Claimed:
    return Claimed(
        row[0],
        row[1],
        row[2],
        as_uuid(row[3]),
        row[4],
        as_uuid(row[5]),
        row[6],
        row[7],
        row[8],
        row[9],
    )
