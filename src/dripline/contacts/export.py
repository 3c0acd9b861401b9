"""Everything that is held of a contact, as JSON: what they may ask for.

Which tables hold rows of a contact is read off the schema, as for an erasure, so that a room that
is added later is not forgotten. What tells of somebody else is left out.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping, Table
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import erase_queries as queries
from dripline.contacts import suppression
from dripline.contacts.erase import columns_of, inbox_of
from dripline.contacts.models import Contact
from dripline.database import Base, load_json
from dripline.errors import USER_NOT_FOUND, NotFound

# Of rows that are two people's: whose row it is, and what only that one may read.
_ANOTHERS: Final = {
    "referrals": ("referred_id", ("ip_address", "user_agent", "device_fingerprint"))
}


async def export(session: AsyncSession, contact_id: uuid.UUID, now: datetime) -> dict[str, Any]:
    """Return all that is held of a contact, by table. Raises NotFound (USER_NOT_FOUND)."""
    if await session.get(Contact, contact_id) is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    addresses = await queries.addresses(session, contact_id)
    address_ids = [one.id for one in addresses]
    found: dict[str, Any] = {"exported_at": _plain(now), "contact_id": str(contact_id)}
    for table in Base.metadata.sorted_tables:
        columns = [("id", [contact_id])] if table.name == "contacts" else []
        columns += [(name, [contact_id]) for name in columns_of(table, "contacts", "contact_id")]
        columns += [(name, address_ids) for name in columns_of(table, "addresses", "address_id")]
        rows = await queries.rows_where(session, table, columns)
        if rows:
            found[table.name] = [_row(table, row, contact_id) for row in rows]
    emails = [one.value for one in addresses if one.channel == "email"]
    held_back = await suppression.of(session, emails)
    if held_back:
        found["email_suppressions"] = [
            {"value": value, "reason": one.reason, "since": _plain(one.since)}
            for value, one in held_back.items()
        ]
    if received := [_body(body) async for _id, body in inbox_of(session, addresses)]:
        found["inbox"] = received
    return found


def _row(table: Table, row: RowMapping, contact_id: uuid.UUID) -> dict[str, Any]:
    owner, private = _ANOTHERS.get(table.name, ("", ()))
    hidden = private if owner and row[owner] != contact_id else ()
    return {name: _plain(value) for name, value in row.items() if name not in hidden}


def _plain(value: Any) -> Any:
    match value:
        case uuid.UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _body(body: bytes) -> Any:
    try:
        return load_json(body.decode())
    except ValueError:
        return body.decode(errors="replace")
