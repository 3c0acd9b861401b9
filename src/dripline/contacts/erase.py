"""Erase a contact: everything that names them, in one transaction.

Which tables hold rows of a contact is read off the schema, so that a room that is added later is
not forgotten. What the books need stays without a name: payments, the fact of the erasure, what was
agreed to and when, and that an address must not be written to (as a digest of it).
"""

import re
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent_queries, suppression
from dripline.contacts import erase_queries as queries
from dripline.contacts.consent import CONSENTS
from dripline.contacts.models import Address, Contact
from dripline.database import Base
from dripline.errors import USER_NOT_FOUND, NotFound
from dripline.events import NewEvent, append, folding
from dripline.ids import new_id

ERASED: Final = "contact.erased"
# Kept without a name: accounting outlives the person's wish.
_KEPT: Final = frozenset({"payments"})
_OWNER: Final = "contact_id"
_OPERATOR: Final = "telegram_id"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went, by table; payments are counted as rows that lost their name."""

    rows: dict[str, int]


async def erase(session: AsyncSession, contact_id: uuid.UUID, now: datetime) -> Erased:
    """Erase a contact. Raises NotFound (USER_NOT_FOUND).

    A message that is being sent this second may still arrive; nothing of it is kept.
    """
    contact = await session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    await folding.keep_off(session)
    addresses = await queries.addresses(session, contact_id)
    refs = [contact_id, *(one.id for one in addresses)]
    refs += await queries.ids_of(session, _tables_of_contacts(), contact_id)
    rows: dict[str, int] = {"consent_log": await _forget_consent(session, contact_id, addresses)}
    rows |= await _forget_what_is_due(session, contact_id, refs)
    for table in reversed(Base.metadata.sorted_tables):
        await _erase_from(session, table, contact_id, [one.id for one in addresses], rows)
    rows["inbox"] = await _blank_inbox(session, addresses, now)
    for table in Base.metadata.sorted_tables:
        if _OPERATOR in table.columns:
            ids = [int(one.value) for one in addresses if one.channel == "telegram"]
            rows[table.name] = await queries.delete_where(session, table, _OPERATOR, ids)
    await append(session, NewEvent(ERASED, None, "contacts", new_id().hex, now))
    return Erased({name: number for name, number in rows.items() if number})


async def _forget_what_is_due(
    session: AsyncSession, contact_id: uuid.UUID, refs: Sequence[uuid.UUID]
) -> dict[str, int]:
    """Delete what waits, is on its way or is to be reacted to, wherever a worker moves it.

    On PostgreSQL each statement waits for whoever has one of the rows just now, and the next sees
    what became of it: a message in flight turns into the next one that waits, and into an event.
    """
    rows = {"outbox": await queries.delete_outbox(session, contact_id)}
    for name in ("inflight", "queue", "inflight", "queue"):
        gone = await queries.delete_refs(session, Base.metadata.tables[name], refs)
        rows[name] = rows.get(name, 0) + gone
    rows["outbox"] += await queries.delete_outbox(session, contact_id)
    return rows


async def _forget_consent(
    session: AsyncSession, contact_id: uuid.UUID, addresses: Sequence[Address]
) -> int:
    subject = None
    for address in addresses:
        if address.channel == "email":
            subject = suppression.digest(address.value)
            await consent_queries.rename_suppression(session, address.value, subject)
    return await consent_queries.forget_consent(session, contact_id, CONSENTS, subject)


async def _erase_from(
    session: AsyncSession,
    table: Table,
    contact_id: uuid.UUID,
    address_ids: Sequence[uuid.UUID],
    rows: dict[str, int],
) -> None:
    if table.name == "contacts":
        number = await queries.delete_where(session, table, "id", [contact_id])
    elif table.name in _KEPT:
        number = await queries.forget_owner(session, table, contact_id)
    else:
        number = 0
        for column in columns_of(table, "contacts", _OWNER):
            number += await queries.delete_where(session, table, column, [contact_id])
        for column in columns_of(table, "addresses", "address_id"):
            number += await queries.delete_where(session, table, column, address_ids)
    rows[table.name] = rows.get(table.name, 0) + number


def columns_of(table: Table, target: str, name: str) -> list[str]:
    """Return the columns that say whose a row is: by their name, or by what they refer to."""
    return [
        column.name
        for column in table.columns
        if column.name == name
        or any(key.column.table.name == target for key in column.foreign_keys)
    ]


def _tables_of_contacts() -> list[Table]:
    """Return the tables whose rows belong to a contact and may stand in the queue, by their id."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "id" in table.columns
        and table.name not in _KEPT
        and _OWNER in table.columns
        and any(key.column.table.name == "contacts" for key in table.c[_OWNER].foreign_keys)
    ]


async def _blank_inbox(session: AsyncSession, addresses: Sequence[Address], now: datetime) -> int:
    """Blank what providers told us of this person; that it came stays, so that it counts once."""
    found = [row_id async for row_id, _body in inbox_of(session, addresses)]
    for start in range(0, len(found), 500):
        await queries.blank_inbox(session, found[start : start + 500], now)
    return len(found)


async def inbox_of(
    session: AsyncSession, addresses: Sequence[Address]
) -> AsyncIterator[tuple[uuid.UUID, bytes]]:
    """Return what providers told us of this person: what names one of their addresses."""
    values = sorted({re.escape(one.value).encode() for one in addresses})
    if not values:
        return
    named = re.compile(rb"(?<![\w.-])(?:" + b"|".join(values) + rb")(?![\w.-])", re.IGNORECASE)
    after = None
    while page := await queries.inbox_page(session, after, 500):
        after = page[-1][0]
        for row_id, body in page:
            if named.search(body):
                yield row_id, body
