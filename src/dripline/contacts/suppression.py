"""Addresses that no email goes to, whoever they belong to.

Kept by the normalised address itself, so that a complaint holds for whoever brings that address
later. A complaint is for good; what the person left by themselves, they take back by themselves; a
mailbox that bounced may be let in again by an operator.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent_queries as queries
from dripline.contacts.models import Suppression

COMPLAINED: Final = "complained"
BOUNCED: Final = "bounced"
UNSUBSCRIBED: Final = "unsubscribed"
_WEIGHT: Final = {UNSUBSCRIBED: 0, BOUNCED: 1, COMPLAINED: 2}


async def suppress(
    session: AsyncSession, value: str, reason: str, now: datetime, detail: str | None = None
) -> bool:
    """Send nothing more to an address; return False when it was so for as good a reason.

    Reasons: unsubscribed, bounced, complained; a weightier one takes the place of a lighter.
    """
    known = (await of(session, [value])).get(value)
    if known is not None and _WEIGHT[known.reason] >= _WEIGHT[reason]:
        return False
    await queries.set_suppression(session, known.value if known else value, reason, now, detail)
    return True


async def lift(session: AsyncSession, value: str, reasons: Iterable[str] = (UNSUBSCRIBED,)) -> bool:
    """Let an address be written to again if it was suppressed for one of these reasons.

    A complaint is never lifted.
    """
    known = (await of(session, [value])).get(value)
    if known is None or known.reason == COMPLAINED or known.reason not in reasons:
        return False
    await queries.delete_suppression(session, known.value)
    return True


async def of(session: AsyncSession, values: Iterable[str]) -> dict[str, Suppression]:
    """Return the suppressed ones among normalised addresses, each with why and since when."""
    asked = {name: value for value in values for name in (value, digest(value))}
    found = await queries.suppressions(session, asked)
    return {asked[row.value]: row for row in found}


async def among(session: AsyncSession, values: Iterable[str]) -> set[str]:
    """Return the suppressed ones among many normalised addresses: `of` without the why."""
    asked = {name: value for value in values for name in (value, digest(value))}
    return {asked[name] for name in await queries.suppressed(session, asked)}


def digest(value: str) -> str:
    """Return what stands for an address whose owner was erased."""
    return f"sha256:{sha256(value.encode()).hexdigest()}"
