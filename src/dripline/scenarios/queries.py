"""Every statement on enrollments."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Contact
from dripline.database import bulk, dump_json
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.protocols import AddressRef
from dripline.deliveries.windows import NO_HABITS, Habits
from dripline.scenarios.models import ACTIVE, Enrollment
from dripline.scenarios.rows import STATE, Person, person_row, seldom_of, state_row
from dripline.scenarios.state import EnrollmentState

_COLUMNS = ", ".join(f"e.{name}" for name in STATE)
_CONTACT = """a.channel, a.bot, a.value, a.reachability, a.next_send_at,
    c.username, c.first_name, c.last_name, c.language, c.state, c.timezone, c.registered_at,
    c.created_at"""
_STATES = Statement(
    sqlite=f"SELECT {_COLUMNS} FROM enrollments e WHERE e.id IN ({{keys}})",
    postgresql=f"""
        SELECT {_COLUMNS} FROM enrollments e WHERE e.id = ANY($1::uuid[]) ORDER BY e.id FOR UPDATE
    """,
)
_PEOPLE = Statement(
    sqlite=f"""
        SELECT {_COLUMNS}, {_CONTACT} FROM enrollments e
        JOIN addresses a ON a.id = e.address_id JOIN contacts c ON c.id = e.contact_id
        WHERE e.id IN ({{keys}})
    """,
    postgresql=f"""
        SELECT {_COLUMNS}, {_CONTACT} FROM enrollments e
        JOIN addresses a ON a.id = e.address_id JOIN contacts c ON c.id = e.contact_id
        WHERE e.id = ANY($1::uuid[]) ORDER BY e.id FOR UPDATE OF e
    """,
)
_OFTEN = (
    ("position", "smallint"),
    ("last_message_id", "text"),
    ("base_at", "timestamptz"),
    ("last_sent_at", "timestamptz"),
    ("turn", "bigint"),
    ("recheck", "smallint"),
    ("queue_priority", "smallint"),
    ("queue_due_us", "bigint"),
)
# Most messages change none of these. Some are in indexes, and SQLite rewrites an index whenever a
# column of it is set, changed or not.
_SELDOM = (
    ("status", "text"),
    ("hold", "text"),
    ("reason", "text"),
    ("revision", "bigint"),
    ("completed_at", "timestamptz"),
    ("stopped_at", "timestamptz"),
    ("waiting_for", "text"),
    ("wait_until", "timestamptz"),
    ("early_action", "text"),
    ("resends", "smallint"),
    ("pace_key", "text"),
)


def _saving(columns: Sequence[tuple[str, str]], *, unchanged: bool = False) -> Statement:
    """Return what saves these columns; on PostgreSQL, if `unchanged`, where nobody else has."""
    names = [name for name, _type in columns]
    count = len(names)
    arrays = ", ".join(f"${index}::{kind}[]" for index, (_name, kind) in enumerate(columns, 1))
    same = f", ${count + 2}::bigint[]" if unchanged else ""
    return Statement(
        sqlite=f"""
            UPDATE enrollments SET {", ".join(f"{name} = ?" for name in names)},
                version = version + 1
            WHERE id = ?
        """,
        postgresql=f"""
            UPDATE enrollments e SET {", ".join(f"{name} = n.{name}" for name in names)},
                version = e.version + 1
            FROM unnest({arrays}, ${count + 1}::uuid[]{same})
                AS n ({", ".join(names)}, id{", version" if unchanged else ""})
            WHERE e.id = n.id {"AND e.version = n.version RETURNING e.id" if unchanged else ""}
        """,
    )


_SAVE_OFTEN = _saving(_OFTEN)
_SAVE_ALL = _saving((*_OFTEN, *_SELDOM))
_SAVE_OFTEN_UNCHANGED = _saving(_OFTEN, unchanged=True)
_SAVE_ALL_UNCHANGED = _saving((*_OFTEN, *_SELDOM), unchanged=True)
_SAVE_OFTEN_IF_SAME = f"{_SAVE_OFTEN.sqlite} AND version = ?"
_NUMBERED = ", ".join(
    f"${place}::text::jsonb" if name == "context" else f"${place}"
    for place, name in enumerate(STATE, 1)
)
_INSERT = Statement(
    sqlite=f"""
        INSERT INTO enrollments ({", ".join(STATE)}) VALUES ({", ".join("?" * len(STATE))})
        ON CONFLICT DO NOTHING RETURNING 1
    """,
    postgresql=f"""
        INSERT INTO enrollments ({", ".join(STATE)}) VALUES ({_NUMBERED})
        ON CONFLICT DO NOTHING RETURNING 1
    """,
)
_ACTIVE_IN_LANE = bulk.same(
    f"SELECT id FROM enrollments WHERE contact_id = ? AND lane = ? AND status = '{ACTIVE}'"
)
_ACTIVE_OF = bulk.same(f"SELECT id FROM enrollments WHERE contact_id = ? AND status = '{ACTIVE}'")
_LATEST_RUN = bulk.same(
    """
    SELECT id FROM enrollments WHERE contact_id = ? AND scenario_id = ? ORDER BY run DESC LIMIT 1
    """
)
_HABITS = bulk.same(
    """
    SELECT c.timezone, p.preferred_time, p.best_hour
    FROM contacts c LEFT JOIN user_email_preferences p ON p.contact_id = c.id WHERE c.id = ?
    """
)
_ADDRESS_REF = bulk.same(
    "SELECT id, contact_id, channel, bot, value, next_send_at FROM addresses WHERE id = ?"
)
# SQLite has one writer: what is read in its transaction stays so.
_VERSIONS = Statement(
    sqlite="SELECT id, version FROM enrollments WHERE id IN ({keys})", postgresql=""
)


async def states(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, EnrollmentState]:
    """Return enrollments by id, locked until this transaction ends."""
    rows = await bulk.read(session, _STATES, ids)
    return {state.id: state for state in map(state_row, rows)}


async def people(session: AsyncSession, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Return enrollments with contact and address by enrollment id, the enrollments locked."""
    rows = await bulk.read(session, _PEOPLE, ids)
    return {person.state.id: person for person in map(person_row, rows)}


async def save(session: AsyncSession, changed: Sequence[EnrollmentState]) -> None:
    """Write back the mutable part of enrollments."""
    usual, others = _apart(changed)
    await bulk.write(session, _SAVE_OFTEN, [(*_often(s), s.id) for s in usual])
    await bulk.write(session, _SAVE_ALL, [(*_often(s), *seldom_of(s), s.id) for s in others])


async def save_unchanged(
    session: AsyncSession, changed: Sequence[EnrollmentState]
) -> set[uuid.UUID]:
    """Write back enrollments, but for those that somebody has changed since they were read.

    Returns the ids of the latter.
    """
    if session.get_bind().dialect.name == "sqlite":
        return await _save_unchanged_on_sqlite(session, changed)
    # In one order everywhere, so that no two wait for each other.
    usual, others = _apart(sorted(changed, key=_by_id))
    saved = [
        *await bulk.write(
            session, _SAVE_OFTEN_UNCHANGED, [(*_often(s), s.id, s.version) for s in usual]
        ),
        *await bulk.write(
            session,
            _SAVE_ALL_UNCHANGED,
            [(*_often(s), *seldom_of(s), s.id, s.version) for s in others],
        ),
    ]
    if len(saved) == len(changed):
        return set()
    return {s.id for s in changed}.difference(row[0] for row in saved)


async def _save_unchanged_on_sqlite(
    session: AsyncSession, states: Sequence[EnrollmentState]
) -> set[uuid.UUID]:
    """Hardly ever has one been changed, so they are asked for only then: nobody else writes."""
    usual, others = _apart(states)
    if await bulk.write_if_all(
        session, _SAVE_OFTEN_IF_SAME, [(*_often(s), s.id, s.version) for s in usual]
    ):
        if not others:
            return set()
    else:
        others = list(states)
    rows = await bulk.read(session, _VERSIONS, [s.id for s in others])
    versions = {as_uuid(row[0]): row[1] for row in rows}
    await save(session, [s for s in others if versions.get(s.id) == s.version])
    return {s.id for s in others if versions.get(s.id) != s.version}


def _apart(
    changed: Sequence[EnrollmentState],
) -> tuple[list[EnrollmentState], list[EnrollmentState]]:
    """Return those in which only what changes often has, and the others."""
    usual: list[EnrollmentState] = []
    others: list[EnrollmentState] = []
    for state in changed:
        (usual if seldom_of(state) == state.seldom else others).append(state)
    return usual, others


def _by_id(state: EnrollmentState) -> int:
    return state.id.int


def _often(s: EnrollmentState) -> tuple[Any, ...]:
    return (
        s.position,
        s.last_message_id,
        s.base_at,
        s.last_sent_at,
        s.turn,
        s.recheck,
        s.queue_priority,
        s.queue_due_us,
    )


async def insert(session: AsyncSession, state: EnrollmentState) -> bool:
    """Insert an enrollment; False when the contact is active in the lane, or has this run."""
    values = [getattr(state, name) for name in STATE]
    values[STATE.index("context")] = state.context and dump_json(state.context)
    return bool(await bulk.run(session, _INSERT, *values))


async def active_in_lane(
    session: AsyncSession, contact_id: uuid.UUID, lane: str
) -> EnrollmentState | None:
    """Return what the contact is active in, in this lane, or None."""
    return await _one(session, await bulk.run(session, _ACTIVE_IN_LANE, contact_id, lane))


async def latest_run(
    session: AsyncSession, contact_id: uuid.UUID, scenario_id: str
) -> EnrollmentState | None:
    """Return the contact's latest run of a scenario, or None."""
    return await _one(session, await bulk.run(session, _LATEST_RUN, contact_id, scenario_id))


async def active_of(session: AsyncSession, contact_id: uuid.UUID) -> list[EnrollmentState]:
    """Return everything the contact is active in."""
    found = await bulk.run(session, _ACTIVE_OF, contact_id)
    return list((await states(session, [row[0] for row in found])).values())


async def _one(session: AsyncSession, found: Sequence[Any]) -> EnrollmentState | None:
    return next(iter((await states(session, [row[0] for row in found])).values()), None)


async def enrollments_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Enrollment]:
    """Return all of a contact's enrollments, oldest first."""
    statement = (
        select(Enrollment).where(Enrollment.contact_id == contact_id).order_by(Enrollment.id)
    )
    return (await session.scalars(statement)).all()


async def held_ids(
    session: AsyncSession, scenario_id: str, hold: str, after: uuid.UUID | None, limit: int
) -> Sequence[uuid.UUID]:
    """Return active enrollments of a scenario under this hold, a page by id."""
    statement = select(Enrollment.id).where(
        Enrollment.scenario_id == scenario_id,
        Enrollment.hold == hold,
        Enrollment.status == ACTIVE,
    )
    if after is not None:
        statement = statement.where(Enrollment.id > after)
    return (await session.scalars(statement.order_by(Enrollment.id).limit(limit))).all()


async def active_page(
    session: AsyncSession, scenario_id: str, after: tuple[uuid.UUID, uuid.UUID] | None, limit: int
) -> Sequence[tuple[uuid.UUID, uuid.UUID]]:
    """Return active enrollments of a scenario, each behind its contact: a page in this order."""
    place = (Enrollment.contact_id, Enrollment.id)
    statement = select(*place).where(
        Enrollment.scenario_id == scenario_id, Enrollment.status == ACTIVE
    )
    if after is not None:
        statement = statement.where(tuple_(*place) > after)
    rows = await session.execute(statement.order_by(*place).limit(limit))
    return [(row[0], row[1]) for row in rows]


async def positions(session: AsyncSession, scenario_id: str) -> dict[str | None, int]:
    """Return how many people are active after each message; None: before the first."""
    rows = await session.execute(
        select(Enrollment.last_message_id, func.count())
        .where(Enrollment.scenario_id == scenario_id, Enrollment.status == ACTIVE)
        .group_by(Enrollment.last_message_id)
    )
    return {row[0]: row[1] for row in rows}


async def contact_due_at(session: AsyncSession, due_us: int) -> Contact | None:
    """Return a contact whose next step is due at this moment (microseconds), or None."""
    found: Contact | None = await session.scalar(
        select(Contact)
        .join(Enrollment, Enrollment.contact_id == Contact.id)
        .where(Enrollment.queue_due_us == due_us, Enrollment.status == ACTIVE)
        .limit(1)
    )
    return found


async def habits_of(session: AsyncSession, contact_id: uuid.UUID) -> Habits:
    """Return where a contact is, as far as it is known, and at what time of day they like it."""
    await session.flush()  # what was changed of the contact just now counts
    rows = await bulk.run(session, _HABITS, contact_id)
    return Habits(rows[0][0], preferred=rows[0][1], best_hour=rows[0][2]) if rows else NO_HABITS


async def address_ref(session: AsyncSession, address_id: uuid.UUID) -> AddressRef | None:
    """Return an address as deliveries want it."""
    await session.flush()
    rows = await bulk.run(session, _ADDRESS_REF, address_id)
    if not rows:
        return None
    row_id, contact_id, channel, bot, value, next_send_us = rows[0]
    return AddressRef(as_uuid(row_id), as_uuid(contact_id), channel, bot, value, next_send_us)
