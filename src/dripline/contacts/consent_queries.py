"""Every statement on consent: suppressed addresses, verifications, the log, questions of a bot."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import (
    Address,
    ConsentEntry,
    Contact,
    Question,
    Suppression,
    Verification,
)
from dripline.database import bulk, insert_new


class Entry(NamedTuple):
    """A new line of the log, about somebody whose name is known."""

    id: uuid.UUID
    contact_id: uuid.UUID
    what: str
    old: str | None
    new: str | None
    source: str
    at: datetime
    ip: str | None
    user_agent: str | None
    wording: str | None


_CONSENT = bulk.Table("consent_log", Entry._fields)
_SUPPRESSED = bulk.Statement(
    sqlite="SELECT value FROM email_suppressions WHERE value IN ({keys})",
    postgresql="SELECT value FROM email_suppressions WHERE value = ANY($1::text[])",
)


async def suppressions(session: AsyncSession, values: Iterable[str]) -> Sequence[Suppression]:
    """Return the suppressions of these values (addresses, or digests of them)."""
    wanted = list(values)
    if not wanted:
        return []
    statement = select(Suppression).where(Suppression.value.in_(wanted))
    statement = statement.execution_options(populate_existing=True)
    return (await session.scalars(statement)).all()


async def suppressed(session: AsyncSession, values: Iterable[str]) -> set[str]:
    """Return which of these values (addresses, or digests of them) are suppressed."""
    return {row[0] for row in await bulk.read(session, _SUPPRESSED, values)}


async def set_suppression(
    session: AsyncSession, value: str, reason: str, now: datetime, detail: str | None
) -> None:
    """Suppress a value, or give another reason for it."""
    given = {"reason": reason, "since": now, "detail": detail}
    statement = insert_new(session, Suppression).values(value=value, **given)
    await session.execute(statement.on_conflict_do_update(index_elements=["value"], set_=given))


async def delete_suppression(session: AsyncSession, value: str) -> None:
    """Suppress a value no more."""
    await session.execute(delete(Suppression).where(Suppression.value == value))


async def rename_suppression(session: AsyncSession, value: str, digest: str) -> None:
    """Let a digest stand for an address from now on."""
    await session.execute(
        update(Suppression).where(Suppression.value == value).values(value=digest, detail=None)
    )


async def lock_contact(session: AsyncSession, contact_id: uuid.UUID) -> Contact | None:
    """Return a contact, whom no other transaction changes meanwhile, or None."""
    return await session.get(Contact, contact_id, with_for_update=True)


async def emails_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Address]:
    """Return a contact's email addresses: the one in use before one that is to be confirmed."""
    statement = select(Address).where(
        Address.contact_id == contact_id,
        Address.channel == "email",
        Address.reachability != "removed",
    )
    in_use_first = statement.order_by(Address.reachability == "unverified", Address.id)
    found = await session.scalars(in_use_first.execution_options(populate_existing=True))
    return found.all()


async def email_of(session: AsyncSession, contact_id: uuid.UUID) -> Address | None:
    """Return a contact's email address, the one in use if there is one, or None."""
    return next(iter(await emails_of(session, contact_id)), None)


async def set_address(session: AsyncSession, address_id: uuid.UUID, values: dict[str, Any]) -> None:
    """Change an address's row."""
    await session.execute(update(Address).where(Address.id == address_id).values(**values))


async def insert_verification(session: AsyncSession, values: dict[str, Any]) -> None:
    """Note that a verification is on its way."""
    await session.execute(insert_new(session, Verification).values(**values))


async def verification(session: AsyncSession, verification_id: uuid.UUID) -> Verification | None:
    """Return a verification as it is now, or None."""
    return await session.get(Verification, verification_id, populate_existing=True)


async def latest_verification(session: AsyncSession, contact_id: uuid.UUID) -> Verification | None:
    """Return what a contact was asked last, or None."""
    statement = (
        select(Verification)
        .where(Verification.contact_id == contact_id)
        .order_by(Verification.asked_at.desc(), Verification.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).first()


async def use_verification(
    session: AsyncSession, verification_id: uuid.UUID, now: datetime
) -> bool:
    """Mark a verification as used; return False when it was so already."""
    statement = (
        update(Verification)
        .where(Verification.id == verification_id, Verification.used_at.is_(None))
        .values(used_at=now)
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def withdraw_verifications(
    session: AsyncSession, contact_id: uuid.UUID, now: datetime
) -> None:
    """Let none of a contact's open verifications be worth anything any more."""
    await session.execute(
        update(Verification)
        .where(Verification.contact_id == contact_id, Verification.used_at.is_(None))
        .values(used_at=now)
    )


class Asked(NamedTuple):
    """How many letters asked for an address, and when the first and the last of them did."""

    times: int
    first: datetime | None
    last: datetime | None


async def asked_by(session: AsyncSession, contact_id: uuid.UUID, since: datetime) -> Asked:
    """Return what letters a contact caused since a moment."""
    return await _asked(session, Verification.contact_id == contact_id, since)


async def asked_of(session: AsyncSession, value: str, since: datetime) -> Asked:
    """Return what letters went to an address since a moment, whoever caused them."""
    return await _asked(session, Verification.value == value, since)


async def _asked(session: AsyncSession, whose: ColumnElement[bool], since: datetime) -> Asked:
    at = Verification.asked_at
    statement = select(func.count(), func.min(at), func.max(at)).where(whose, at > since)
    return Asked(*(await session.execute(statement)).one())


async def open_verification_of(
    session: AsyncSession, contact_id: uuid.UUID, value: str, now: datetime
) -> bool:
    """Whether a contact was asked about an address and may still answer."""
    statement = select(Verification.id).where(
        Verification.contact_id == contact_id,
        Verification.value == value,
        Verification.used_at.is_(None),
        Verification.expires_at > now,
    )
    return (await session.scalars(statement.limit(1))).first() is not None


async def insert_consent(session: AsyncSession, rows: Sequence[Entry]) -> None:
    """Write entries into the log."""
    await bulk.append(session, _CONSENT, rows)


async def consent_of(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[ConsentEntry]:
    """Return a contact's log, oldest first."""
    statement = select(ConsentEntry).where(ConsentEntry.contact_id == contact_id)
    return (await session.scalars(statement.order_by(ConsentEntry.id))).all()


async def said_of(
    session: AsyncSession, contact_id: uuid.UUID, what: Iterable[str]
) -> frozenset[str]:
    """Return of which of these things a contact's log has anything."""
    statement = select(ConsentEntry.what).where(
        ConsentEntry.contact_id == contact_id, ConsentEntry.what.in_(list(what))
    )
    return frozenset((await session.scalars(statement.distinct())).all())


async def forget_consent(
    session: AsyncSession, contact_id: uuid.UUID, kept: Iterable[str], subject: str | None
) -> int:
    """Leave of a contact's log what was agreed to and when, without a name."""
    theirs = ConsentEntry.contact_id == contact_id
    gone = delete(ConsentEntry).where(theirs, ConsentEntry.what.not_in(list(kept)))
    number = cast("CursorResult[Any]", await session.execute(gone)).rowcount
    nameless = {"contact_id": None, "subject": subject, "ip": None, "user_agent": None}
    for entry in await consent_of(session, contact_id):
        # "anna@example.com (verified)": the state stays.
        states = {"old": _state_of(entry.old), "new": _state_of(entry.new)}
        statement = update(ConsentEntry).where(ConsentEntry.id == entry.id)
        await session.execute(statement.values(**nameless, **states))
        number += 1
    return number


def _state_of(word: str | None) -> str | None:
    return word.partition(" ")[2].strip("()") if word and "@" in word else word


async def ask_question(
    session: AsyncSession, address_id: uuid.UUID, kind: str, now: datetime
) -> None:
    """Note what the bot asked last in a chat."""
    given = {"kind": kind, "asked_at": now}
    statement = insert_new(session, Question).values(address_id=address_id, **given)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["address_id"], set_=given)
    )


async def question(session: AsyncSession, address_id: uuid.UUID, since: datetime) -> str | None:
    """Return what the bot waits for in a chat, if it was asked after `since`."""
    statement = select(Question.kind).where(
        Question.address_id == address_id, Question.asked_at > since
    )
    return cast("str | None", await session.scalar(statement))


async def end_question(session: AsyncSession, address_id: uuid.UUID) -> None:
    """Wait for nothing more in a chat."""
    await session.execute(delete(Question).where(Question.address_id == address_id))
