"""A contact's email address: given, verified, changed, left, taken up again, removed.

An address is written to once its owner has confirmed it. While a new one waits for that, the one
before it stays in use.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent_queries, queries, reachability, suppression
from dripline.contacts.consent import (
    EMAIL,
    OPT_INS,
    Difference,
    Evidence,
    change,
    preferences,
    record,
)
from dripline.contacts.email_address import normalise
from dripline.contacts.models import REACHABLE, Address, Contact, Verification
from dripline.errors import USER_NOT_FOUND, Conflict, Invalid, NotFound, TooMany
from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.texts import marked

CHANNEL: Final = "email"
UNVERIFIED, UNSUBSCRIBED, REMOVED = "unverified", "unsubscribed", "removed"
LEFT: Final = "email.unsubscribed"
EXPIRES: Final = timedelta(hours=48)
EMAIL_TAKEN, EMAIL_SUPPRESSED = "EMAIL_TAKEN", "EMAIL_SUPPRESSED"
TOO_MANY_VERIFICATIONS: Final = "TOO_MANY_VERIFICATIONS"
_DAY: Final = timedelta(days=1)
_REST: Final = timedelta(minutes=1)
_MOST_A_DAY: Final = 6
_MOST_TO_ONE: Final = 4

TAKEN = marked("This address cannot be used here. Write another one, please.")
REFUSED = marked("Emails to this address are not accepted. Write another one, please.")
LATER = marked("An email was sent a moment ago. Look into the spam folder, or try again later.")
TOO_OFTEN = marked("Too many emails were asked for today. Try again tomorrow.")


@dataclass(frozen=True, slots=True)
class Given:
    """What came of a given address: `verification` is to be sent, or None if it is confirmed."""

    value: str
    address_id: uuid.UUID
    verification: Verification | None


async def give(
    session: AsyncSession, contact_id: uuid.UUID, raw: object, evidence: Evidence, now: datetime
) -> Given:
    """Take an address that a contact gives; it is theirs once they confirm the letter.

    Raises Invalid (EMAIL_INVALID, EMAIL_SUPPRESSED), Conflict (EMAIL_TAKEN), TooMany
    (TOO_MANY_VERIFICATIONS), NotFound (USER_NOT_FOUND).
    """
    value = normalise(raw)
    await _contact(session, contact_id)
    mine = await consent_queries.emails_of(session, contact_id)
    same = next((one for one in mine if one.value == value), None)
    if same is not None and same.reachability == REACHABLE:
        await _forget_pending(session, mine, now)
        await consent_queries.withdraw_verifications(session, contact_id, now)
        return Given(value, same.id, None)
    await _check_suppressed(session, value)
    if same is None:
        await _free(session, value, now)
    await _check_limits(session, contact_id, value, now)
    if same is None:
        old = f"{mine[0].value} ({mine[0].reachability})" if mine else None
        await _forget_pending(session, mine, now)
        same = await _place(session, contact_id, value, now)
        difference = Difference(EMAIL, old, f"{value} ({UNVERIFIED})")
        await record(session, contact_id, [difference], evidence, now)
    return Given(value, same.id, await _ask(session, contact_id, value, now))


async def resend(session: AsyncSession, contact_id: uuid.UUID, now: datetime) -> Given | None:
    """Ask once more about the address that waits to be confirmed; None if none does.

    Raises TooMany (TOO_MANY_VERIFICATIONS), Invalid (EMAIL_SUPPRESSED).
    """
    await _contact(session, contact_id)
    value = await waiting(session, contact_id, now)
    mine = await consent_queries.emails_of(session, contact_id)
    pending = next((one for one in mine if one.value == value), None)
    if pending is None:
        return None
    await _check_suppressed(session, pending.value)
    await _check_limits(session, contact_id, pending.value, now)
    asked = await _ask(session, contact_id, pending.value, now)
    return Given(pending.value, pending.id, asked)


async def waiting(session: AsyncSession, contact_id: uuid.UUID, now: datetime) -> str | None:
    """Return the address of a contact that is not confirmed yet, or None."""
    latest = await consent_queries.latest_verification(session, contact_id)
    if latest is not None and latest.used_at is None and latest.expires_at > now:
        return latest.value
    mine = await consent_queries.emails_of(session, contact_id)
    return next((one.value for one in mine if one.reachability == UNVERIFIED), None)


async def confirm(
    session: AsyncSession, verification_id: uuid.UUID, evidence: Evidence, now: datetime
) -> Address:
    """The owner of the mailbox says it is theirs: once, within 48 hours.

    Raises NotFound (VERIFICATION_GONE: used, too old, or of an address given up meanwhile) and
    Conflict (EMAIL_TAKEN).
    """
    asked = await consent_queries.verification(session, verification_id)
    if asked is None:
        raise gone()
    await _contact(session, asked.contact_id)
    mine = await consent_queries.emails_of(session, asked.contact_id)
    address = next((one for one in mine if one.value == asked.value), None)
    if address is None or asked.expires_at <= now:
        raise gone()
    if not await consent_queries.use_verification(session, asked.id, now):
        raise gone()
    await _check_suppressed(session, asked.value)
    old = f"{mine[0].value} ({mine[0].reachability})"
    await suppression.lift(session, asked.value)
    await reachability.change(session, address.id, REACHABLE, "verified", now)
    for other in mine:
        if other.id != address.id:
            await _vacate(session, other, now)
    verified = Difference(EMAIL, old, f"{asked.value} (verified)")
    await record(session, asked.contact_id, [verified], evidence, now)
    await _set_out(session, asked.contact_id, evidence, now)
    await session.refresh(address)
    return address


async def leave(
    session: AsyncSession,
    contact_id: uuid.UUID,
    evidence: Evidence,
    now: datetime,
    *,
    delivery_id: uuid.UUID | None = None,
) -> bool:
    """Send a contact no more email; return False when it was so already, or they have none.

    `delivery_id` is the message that they left by.
    """
    await _contact(session, contact_id)
    address = await consent_queries.email_of(session, contact_id)
    if address is None:
        return False
    await suppression.suppress(session, address.value, UNSUBSCRIBED, now)
    if address.reachability not in {REACHABLE, UNVERIFIED}:
        return False
    await consent_queries.withdraw_verifications(session, contact_id, now)
    old = address.reachability
    await reachability.change(session, address.id, UNSUBSCRIBED, evidence.source, now)
    difference = Difference(EMAIL, f"{address.value} ({old})", f"{address.value} ({UNSUBSCRIBED})")
    await record(session, contact_id, [difference], evidence, now)
    data = {"address_id": address.id.hex, "source": evidence.source}
    data |= {"delivery_id": delivery_id.hex} if delivery_id else {}
    await append(session, NewEvent(LEFT, contact_id, "consent", new_id().hex, now, data))
    return True


async def come_back(
    session: AsyncSession, contact_id: uuid.UUID, evidence: Evidence, now: datetime
) -> bool:
    """Send email again to a contact who left; False unless it was they who left.

    Whoever holds a link from a letter of ours to that mailbox has shown that it is theirs.
    """
    await _contact(session, contact_id)
    address = await consent_queries.email_of(session, contact_id)
    if address is None or address.reachability != UNSUBSCRIBED:
        return False
    if not await suppression.lift(session, address.value) and await suppression.of(
        session, [address.value]
    ):
        return False
    await reachability.change(session, address.id, REACHABLE, "resubscribed", now)
    back = f"{address.value} (subscribed again)"
    difference = Difference(EMAIL, f"{address.value} ({UNSUBSCRIBED})", back)
    await record(session, contact_id, [difference], evidence, now)
    return True


async def remove(
    session: AsyncSession, contact_id: uuid.UUID, evidence: Evidence, now: datetime
) -> bool:
    """Forget a contact's email address; one that must not be written to stays suppressed."""
    await _contact(session, contact_id)
    mine = await consent_queries.emails_of(session, contact_id)
    if not mine:
        return False
    await consent_queries.withdraw_verifications(session, contact_id, now)
    difference = Difference(EMAIL, f"{mine[0].value} ({mine[0].reachability})", None)
    for address in mine:
        await _vacate(session, address, now)
    await record(session, contact_id, [difference], evidence, now)
    return True


def gone() -> NotFound:
    """Return the error of a verification that is worth nothing any more."""
    return NotFound(
        "This link was used, or is too old. Ask for a new email.", code="VERIFICATION_GONE"
    )


async def _contact(session: AsyncSession, contact_id: uuid.UUID) -> Contact:
    contact = await consent_queries.lock_contact(session, contact_id)
    if contact is None:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    return contact


async def _check_suppressed(session: AsyncSession, value: str) -> None:
    found = (await suppression.of(session, [value])).get(value)
    if found is not None and found.reason != UNSUBSCRIBED:
        raise Invalid(REFUSED, code=EMAIL_SUPPRESSED)


async def _free(session: AsyncSession, value: str, now: datetime) -> None:
    """See that nobody else has an address; who never confirmed it in time loses it."""
    other = await queries.address_of_value(session, CHANNEL, "", value)
    if other is None:
        return
    open_still = await consent_queries.open_verification_of(session, other.contact_id, value, now)
    if other.reachability != UNVERIFIED or open_still or other.created_at > now - EXPIRES:
        raise Conflict(TAKEN, code=EMAIL_TAKEN)
    await _vacate(session, other, now)


async def _forget_pending(session: AsyncSession, mine: Sequence[Address], now: datetime) -> None:
    for address in mine:
        if address.reachability == UNVERIFIED:
            await _vacate(session, address, now)


async def _vacate(session: AsyncSession, address: Address, now: datetime) -> None:
    """Give an address up. Its row stays, nameless: deliveries and enrollments refer to it."""
    await reachability.change(session, address.id, REMOVED, None, now)
    await consent_queries.set_address(session, address.id, {"value": f"removed:{address.id.hex}"})


async def _check_limits(
    session: AsyncSession, contact_id: uuid.UUID, value: str, now: datetime
) -> None:
    """Nobody makes us send letter after letter, be it to themselves or to a stranger."""
    mine = await consent_queries.asked_by(session, contact_id, now - _DAY)
    to_it = await consent_queries.asked_of(session, value, now - _DAY)
    full = [
        asked.first + _DAY
        for asked, most in ((mine, _MOST_A_DAY), (to_it, _MOST_TO_ONE))
        if asked.first is not None and asked.times >= most
    ]
    if full:
        raise TooMany(TOO_OFTEN, (max(full) - now).total_seconds(), code=TOO_MANY_VERIFICATIONS)
    if mine.last is not None and mine.last > now - _REST:
        rest = (mine.last + _REST - now).total_seconds()
        raise TooMany(LATER, rest, code=TOO_MANY_VERIFICATIONS)


async def _place(
    session: AsyncSession, contact_id: uuid.UUID, value: str, now: datetime
) -> Address:
    row = {
        "id": new_id(),
        "contact_id": contact_id,
        "channel": CHANNEL,
        "bot": "",
        "value": value,
        "reachability": UNVERIFIED,
        "reachability_since": now,
        "created_at": now,
        "next_send_at": 0,
    }
    if not await queries.insert_address(session, row):
        raise Conflict(TAKEN, code=EMAIL_TAKEN)
    return await session.get_one(Address, row["id"])


async def _ask(
    session: AsyncSession, contact_id: uuid.UUID, value: str, now: datetime
) -> Verification:
    await consent_queries.withdraw_verifications(session, contact_id, now)
    row = {
        "id": new_id(),
        "contact_id": contact_id,
        "value": value,
        "asked_at": now,
        "expires_at": now + EXPIRES,
    }
    await consent_queries.insert_verification(session, row)
    return await session.get_one(Verification, row["id"])


async def _set_out(
    session: AsyncSession, contact_id: uuid.UUID, evidence: Evidence, now: datetime
) -> None:
    """Begin with both opt-ins and mornings, where the person has not said otherwise."""
    present = await preferences(session, contact_id)
    said = await consent_queries.said_of(session, contact_id, OPT_INS)
    wishes = {name: True for name in OPT_INS if name not in said and getattr(present, name)}
    if wishes:
        await queries.set_preferences(session, contact_id, now, **wishes)
        agreed = [Difference(name, None, "yes") for name in wishes]
        await record(session, contact_id, agreed, evidence, now)
    if present.preferred_time is None:
        await change(session, contact_id, {"preferred_time": "morning"}, evidence, now)
