"""Whom a request means: a contact by our id, a Telegram id, or an email address of theirs."""

import re
import uuid
from typing import Annotated, Final

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.email import CHANNEL, UNVERIFIED
from dripline.contacts.email_address import normalise
from dripline.contacts.models import REACHABLE, Address, Contact
from dripline.errors import USER_NOT_FOUND, Invalid, NotFound

_TELEGRAM: Final = re.compile(r"^-?\d{1,20}$", re.ASCII)

Ref = Annotated[
    str,
    Field(
        min_length=1,
        max_length=320,
        description="The contact's id, a Telegram id, or an email address they have confirmed.",
        examples=["123456789"],
    ),
]


async def contact_of(session: AsyncSession, ref: str | int) -> Contact:
    """Return the contact meant. Raises NotFound (USER_NOT_FOUND)."""
    words = str(ref).strip()
    found = await _found(session, words)
    if found is None:
        raise NotFound(f"There is no contact {words[:64]}.", code=USER_NOT_FOUND)
    return found


async def _found(session: AsyncSession, words: str) -> Contact | None:
    if _TELEGRAM.match(words):
        address = await contacts.any_telegram_address(session, words)
    elif "@" in words:
        address = await _by_email(session, words)
    else:
        try:
            return await contacts.contact(session, uuid.UUID(words))
        except ValueError:
            return None
    return await contacts.contact(session, address.contact_id) if address else None


async def _by_email(session: AsyncSession, words: str) -> Address | None:
    """Return the address, unless somebody only claims it: it may be a stranger's."""
    try:
        value = normalise(words)
    except Invalid:
        return None
    address = await contacts.address_of_value(session, CHANNEL, "", value)
    return None if address is None or address.reachability == UNVERIFIED else address


async def address_for(
    session: AsyncSession, contact: Contact, channel: str | None = None
) -> Address:
    """Return the address something goes to: on this channel if one is named and there is one; the
    first that can be reached, or the first. Raises Invalid (NO_ADDRESS) when there is none.

    What a channel is asked for goes out on another where the contact has none of it.
    """
    every = await contacts.addresses_of(session, contact.id)
    addresses = [one for one in every if one.channel == channel] or list(every)
    if not addresses:
        raise Invalid("This contact has no address.", code="NO_ADDRESS")
    telegram_first = sorted(addresses, key=lambda one: one.channel != "telegram")
    reachable = [one for one in telegram_first if one.reachability == REACHABLE]
    return (reachable or telegram_first)[0]
