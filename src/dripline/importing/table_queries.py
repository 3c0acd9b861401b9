"""Every statement that a page of a CSV file needs: many rows at once."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.email import REMOVED
from dripline.database import bulk

Rows = Sequence[tuple[Any, ...]]

# Who is deleted or changed by somebody else meanwhile waits for us, or we for them; nothing that
# merely refers to them does. In the order of ids, so that two imports don't wait for each other.
_LOCKED = bulk.Statement(
    sqlite="""
        SELECT id, first_name, last_name, username, language, timezone FROM contacts
        WHERE id IN ({keys})
    """,
    postgresql="""
        SELECT id, first_name, last_name, username, language, timezone FROM contacts
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
    """,
)
_THERE = bulk.Statement(
    sqlite="SELECT id FROM contacts WHERE id IN ({keys})",
    postgresql="SELECT id FROM contacts WHERE id = ANY($1::uuid[])",
)
# Of all channels: until PostgreSQL has looked at a table that grows, it thinks that there are few
# emails, and would go through all of them.
_ADDRESSES = bulk.Statement(
    sqlite="""
        SELECT contact_id, channel, id, value, reachability FROM addresses
        WHERE contact_id IN ({keys})
    """,
    postgresql="""
        SELECT contact_id, channel, id, value, reachability FROM addresses
        WHERE contact_id = ANY($1::uuid[])
    """,
)
_EMAIL_OWNERS = bulk.Statement(
    sqlite="""
        SELECT value, contact_id FROM addresses
        WHERE channel = 'email' AND bot = '' AND value IN ({keys})
    """,
    postgresql="""
        SELECT value, contact_id FROM addresses
        WHERE channel = 'email' AND bot = '' AND value = ANY($1::text[])
    """,
)
_OPT_INS = bulk.Statement(
    sqlite="""
        SELECT contact_id, sequences, announcements FROM user_email_preferences
        WHERE contact_id IN ({keys})
    """,
    postgresql="""
        SELECT contact_id, sequences, announcements FROM user_email_preferences
        WHERE contact_id = ANY($1::uuid[])
    """,
)
_SAID = bulk.Statement(
    sqlite="""
        SELECT DISTINCT contact_id, what FROM consent_log
        WHERE contact_id IN ({keys}) AND what IN ('sequences', 'announcements')
    """,
    postgresql="""
        SELECT DISTINCT contact_id, what FROM consent_log
        WHERE contact_id = ANY($1::uuid[]) AND what IN ('sequences', 'announcements')
    """,
)
_INSERT_CONTACTS = bulk.Statement(
    sqlite="""
        INSERT INTO contacts
            (id, created_at, first_name, last_name, username, language, timezone, state)
        VALUES (?, ?, ?, ?, ?, ?, ?, 'VISITOR')
    """,
    postgresql="""
        INSERT INTO contacts
            (id, created_at, first_name, last_name, username, language, timezone, state)
        SELECT given.*, 'VISITOR' FROM unnest(
            $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[]
        ) AS given
        ON CONFLICT DO NOTHING RETURNING 1
    """,
)
_CHANGE_CONTACTS = bulk.Statement(
    sqlite="""
        UPDATE contacts SET first_name = COALESCE(?, first_name),
            last_name = COALESCE(?, last_name), username = COALESCE(?, username),
            language = COALESCE(?, language), timezone = COALESCE(?, timezone)
        WHERE id = ?
    """,
    postgresql="""
        UPDATE contacts c SET first_name = COALESCE(n.first_name, c.first_name),
            last_name = COALESCE(n.last_name, c.last_name),
            username = COALESCE(n.username, c.username),
            language = COALESCE(n.language, c.language),
            timezone = COALESCE(n.timezone, c.timezone)
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
            AS n (first_name, last_name, username, language, timezone, id)
        WHERE c.id = n.id
    """,
)
_INSERT_ADDRESSES = bulk.Statement(
    sqlite="""
        INSERT INTO addresses
            (id, contact_id, channel, bot, value, reachability, reachability_since, created_at,
             next_send_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
        ON CONFLICT DO NOTHING
    """,
    postgresql="""
        INSERT INTO addresses
            (id, contact_id, channel, bot, value, reachability, reachability_since, created_at,
             next_send_at)
        SELECT given.*, 0 FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::timestamptz[], $8::timestamptz[]
        ) AS given
        ON CONFLICT DO NOTHING RETURNING 1
    """,
)
_CHANGE_ADDRESSES = bulk.Statement(
    sqlite="""
        UPDATE addresses SET reachability = ?, reachability_reason = ?, reachability_since = ?
        WHERE id = ? AND reachability = ?
    """,
    postgresql="""
        UPDATE addresses a SET reachability = n.state, reachability_reason = n.reason,
            reachability_since = n.since
        FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[])
            AS n (state, reason, since, id, before)
        WHERE a.id = n.id AND a.reachability = n.before RETURNING 1
    """,
)
_SET_ATTRIBUTES = bulk.Statement(
    sqlite="""
        INSERT INTO contact_attributes (contact_id, name, value, changed_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (contact_id, name)
        DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
    """,
    postgresql="""
        INSERT INTO contact_attributes (contact_id, name, value, changed_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]::jsonb[], $4::timestamptz[])
        ON CONFLICT (contact_id, name)
        DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
    """,
)
_ADD_TAGS = bulk.Statement(
    sqlite="""
        INSERT INTO contact_tags (contact_id, tag, added_at) VALUES (?, ?, ?)
        ON CONFLICT DO NOTHING
    """,
    postgresql="""
        INSERT INTO contact_tags (contact_id, tag, added_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
        ON CONFLICT DO NOTHING
    """,
)
_SET_OPT_INS = bulk.Statement(
    sqlite="""
        INSERT INTO user_email_preferences (contact_id, sequences, announcements, updated_at)
        VALUES (?, ?, ?, ?)
        ON CONFLICT (contact_id) DO UPDATE SET sequences = excluded.sequences,
            announcements = excluded.announcements, updated_at = excluded.updated_at
    """,
    postgresql="""
        INSERT INTO user_email_preferences (contact_id, sequences, announcements, updated_at)
        SELECT * FROM unnest($1::uuid[], $2::bool[], $3::bool[], $4::timestamptz[])
        ON CONFLICT (contact_id) DO UPDATE SET sequences = excluded.sequences,
            announcements = excluded.announcements, updated_at = excluded.updated_at
    """,
)


class Email(NamedTuple):
    """An email address of a contact."""

    id: uuid.UUID
    value: str
    reachability: str


async def there(session: AsyncSession, ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these contacts there are."""
    return {bulk.as_uuid(row[0]) for row in await bulk.read(session, _THERE, ids)}


async def email_owners(session: AsyncSession, values: Sequence[str]) -> dict[str, uuid.UUID]:
    """Return whose these email addresses are; nobody's are left out."""
    rows = await bulk.read(session, _EMAIL_OWNERS, values)
    return {value: bulk.as_uuid(owner) for value, owner in rows}


async def locked(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[str | None, ...]]:
    """Return the facts of those of these contacts that there are; nobody else changes them now."""
    rows = await bulk.read(session, _LOCKED, ids)
    return {bulk.as_uuid(row[0]): tuple(row)[1:] for row in rows}


async def emails_of(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[Email]]:
    """Return the email addresses of these contacts that they have not given up."""
    found: dict[uuid.UUID, list[Email]] = {}
    for row in await bulk.read(session, _ADDRESSES, ids):
        owner, channel, address_id, value, reachability = row
        if channel == "email" and reachability != REMOVED:
            email = Email(bulk.as_uuid(address_id), value, reachability)
            found.setdefault(bulk.as_uuid(owner), []).append(email)
    return found


async def opt_ins_of(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[str, bool]]:
    """Return how the opt-ins of contacts stand; who never said any is left out."""
    return {
        bulk.as_uuid(contact_id): {"sequences": bool(one), "announcements": bool(other)}
        for contact_id, one, other in await bulk.read(session, _OPT_INS, ids)
    }


async def said_of(session: AsyncSession, ids: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, str]]:
    """Return of which opt-ins the logs of contacts have anything."""
    rows = await bulk.read(session, _SAID, ids)
    return {(bulk.as_uuid(contact_id), what) for contact_id, what in rows}


async def insert_contacts(session: AsyncSession, rows: Rows) -> bool:
    """Insert contacts: id, created_at, facts. Return False when one was there."""
    return await _all(session, _INSERT_CONTACTS, rows)


async def change_contacts(session: AsyncSession, rows: Rows) -> None:
    """Change facts of contacts: the facts, of which None stays as it is, and the id."""
    await bulk.write(session, _CHANGE_CONTACTS, rows)


async def insert_addresses(session: AsyncSession, rows: Rows) -> bool:
    """Insert addresses. Return False when one was there.

    Columns: id, contact_id, channel, bot, value, reachability, reachability_since, created_at.
    """
    return await _all(session, _INSERT_ADDRESSES, rows)


async def change_addresses(session: AsyncSession, rows: Rows) -> bool:
    """Change reachabilities: new, reason, since, id, before. Return False when one had changed."""
    return await _all(session, _CHANGE_ADDRESSES, rows)


async def set_attributes(session: AsyncSession, rows: Rows) -> None:
    """Set attributes: contact_id, name, value as JSON, changed_at. None of them twice."""
    await bulk.write(session, _SET_ATTRIBUTES, rows)


async def add_tags(session: AsyncSession, rows: Rows) -> None:
    """Put tags on contacts: contact_id, tag, added_at. One that is there stays."""
    await bulk.write(session, _ADD_TAGS, rows)


async def set_opt_ins(session: AsyncSession, rows: Rows) -> None:
    """Set wishes: contact_id, sequences, announcements, updated_at. Nobody's twice."""
    await bulk.write(session, _SET_OPT_INS, rows)


async def _all(session: AsyncSession, statement: bulk.Statement, rows: Rows) -> bool:
    """Return whether every row took effect. SQLite's only writer is us: there each does."""
    done = await bulk.write(session, statement, rows)
    connection = await session.connection()
    return connection.dialect.name == "sqlite" or len(done) == len(rows)
