"""Change what is known of a contact: names, language, timezone, attributes, tags."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries
from dripline.contacts.models import Contact
from dripline.contacts.timezones import ASKED, guess_for
from dripline.database import dump_json
from dripline.errors import Invalid

FIELDS: Final = ("username", "first_name", "last_name", "language", "timezone")
INVALID_CONTACT: Final = "INVALID_CONTACT"
_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
_LONGEST_VALUE: Final = 4096
_NAMES_ARE_TAKEN: Final = frozenset({"user_name", "first_name", "last_name", "language", "state"})
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "date": (str,),
    "number": (int, float),
    "boolean": (bool,),
}


def describe(contact: Contact, given: Mapping[str, Any]) -> None:
    """Set fields of a contact. Raises Invalid for a timezone that is none."""
    zone = given.get("timezone")
    if zone is not None and zone not in available_timezones():
        raise Invalid(
            f"“{zone[:64]}” is no timezone; write one such as Europe/Berlin.", code=INVALID_CONTACT
        )
    for name in FIELDS:
        if name in given:
            setattr(contact, name, given[name] or None)
    if "timezone" in given:
        contact.timezone_source = ASKED if zone else None
    elif "language" in given:
        guess_for(contact)


async def set_attributes(
    session: AsyncSession,
    contact: Contact,
    given: Mapping[str, Any],
    declared: Mapping[str, str],
    now: datetime,
) -> None:
    """Set attributes; None removes one. `declared` are the types of those that templates use.

    Raises Invalid for a name or a value that cannot be one.
    """
    for name, value in given.items():
        if not _NAME.match(name) or name in _NAMES_ARE_TAKEN:
            raise Invalid(
                f"“{name[:64]}” is no name of an attribute: letters, digits and _, and no name "
                "that every contact has.",
                code=INVALID_CONTACT,
            )
        _check(name, value, declared.get(name))
        if value is None:
            await queries.remove_attribute(session, contact.id, name)
        else:
            await queries.set_attribute(session, contact.id, name, value, now)


async def set_tags(
    session: AsyncSession,
    contact: Contact,
    add: Sequence[str],
    remove: Sequence[str],
    now: datetime,
) -> None:
    """Put tags on a contact, and take tags off."""
    for tag in add:
        await queries.add_tag(session, contact.id, tag, now)
    for tag in remove:
        await queries.remove_tag(session, contact.id, tag)


def _check(name: str, value: Any, kind: str | None) -> None:
    if value is None:
        return
    if not _is_of(value, kind):
        raise Invalid(f"The attribute {name} is declared as a {kind}.", code=INVALID_CONTACT)
    if len(dump_json(value)) > _LONGEST_VALUE:
        raise Invalid(
            f"The attribute {name} has more than {_LONGEST_VALUE} characters.",
            code=INVALID_CONTACT,
        )


def _is_of(value: Any, kind: str | None) -> bool:
    wanted = _TYPES.get(kind or "")
    if isinstance(value, bool):  # a number, to Python
        return wanted is None or kind == "boolean"
    return wanted is None or isinstance(value, wanted)
