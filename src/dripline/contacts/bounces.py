"""What comes back of an email: its address goes, is counted, or is fine again.

Hard (nobody there, a complaint): suppressed at once, for whoever has that address. Soft (a mailbox
that is full): counted by the day, and suppressed when it was so on several days.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import bounce_queries as queries
from dripline.contacts import reachability, suppression
from dripline.contacts.consent import EMAIL, Difference, Evidence, record
from dripline.contacts.suppression import BOUNCED, COMPLAINED

MAILBOX_FULL: Final = "mailbox_full"
SOFT_DAYS: Final = 3
_FORGOTTEN_AFTER: Final = timedelta(days=30)
_SOURCES: Final = {BOUNCED: "bounce", COMPLAINED: "complaint"}
_STRONGER: Final = {BOUNCED: {COMPLAINED}, COMPLAINED: set[str]()}


async def hard(
    session: AsyncSession,
    value: str,
    now: datetime,
    detail: str | None = None,
    *,
    reason: str = BOUNCED,
) -> bool:
    """Send nothing more to a normalised address: it bounced, or somebody complained.

    Returns whether that is news. A complaint is never made lighter by a bounce. It is put on record
    with what people agreed to.
    """
    news = await suppression.suppress(session, value, reason, now, _short(detail))
    for address in await queries.addresses_of_value(session, value):
        before = address.reachability
        if before not in _STRONGER[reason] and await reachability.change(
            session, address.id, reason, _short(detail), now
        ):
            difference = Difference(EMAIL, f"{value} ({before})", f"{value} ({reason})")
            evidence = Evidence(_SOURCES[reason], _short(detail))
            await record(session, address.contact_id, [difference], evidence, now)
    await queries.forget_soft(session, value)
    return news


async def soft(session: AsyncSession, value: str, now: datetime, detail: str | None = None) -> bool:
    """Count a bounce that may pass; return whether the address is suppressed for it now.

    Several a day count once; after a month of silence it begins anew.
    """
    known = await queries.soft_of(session, value)
    days, since = 1, now
    if known is not None and now - known.last_at < _FORGOTTEN_AFTER:
        days, since = known.days, known.first_at
        days += now.date() > known.last_at.date()
    if days >= SOFT_DAYS:
        return await hard(session, value, now, f"soft bounces on {days} days: {detail or ''}")
    await queries.set_soft(session, value, days, since, max(now, known.last_at) if known else now)
    return False


async def fine(session: AsyncSession, value: str) -> None:
    """An email arrived: what bounced softly before counts no more."""
    await queries.forget_soft(session, value)


async def is_known(session: AsyncSession, value: str) -> bool:
    """Return whether some contact has this address."""
    return bool(await queries.addresses_of_value(session, value))


def _short(detail: str | None) -> str | None:
    return " ".join(detail.split())[:500] if detail else None
