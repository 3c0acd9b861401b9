"""Email addresses and consent out of a file: the operator answers for what it says.

An address with `email_consent` is written to at once, and the log says that an import brought it;
without, its owner has to confirm it. An address that must not be written to stays so.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import consent, consent_queries, reachability, suppression
from dripline.contacts import queries as contacts
from dripline.contacts.consent import EMAIL, Difference, Evidence
from dripline.contacts.email import UNVERIFIED
from dripline.contacts.models import REACHABLE, Address
from dripline.ids import new_id
from dripline.importing.report import Report

CONSENT: Final = "email_consent"
OPT_INS: Final = consent.OPT_INS
_SAID: Final = Evidence("import", "a column of the file that was imported")


async def bring(
    session: AsyncSession,
    contact_id: uuid.UUID,
    value: str | None,
    agreed: Mapping[str, bool],
    now: datetime,
    report: Report,
) -> None:
    """Give a contact an address and what they agreed to, by column; what is missing stays."""
    if value:
        await _address(session, contact_id, value, now, report, agreed=agreed.get(CONSENT, False))
    wishes = {name: agreed[name] for name in OPT_INS if name in agreed}
    if wishes:
        await consent.change(session, contact_id, wishes, _SAID, now)


async def _address(
    session: AsyncSession,
    contact_id: uuid.UUID,
    value: str,
    now: datetime,
    report: Report,
    *,
    agreed: bool,
) -> None:
    mine = await consent_queries.emails_of(session, contact_id)
    same = next((one for one in mine if one.value == value), None)
    if same is None and mine:
        report.count("email addresses left out: the contact has another one")
        return
    refused = bool(await suppression.of(session, [value]))
    if refused and agreed:
        report.count("email addresses that must not be written to")
    state = REACHABLE if agreed and not refused else UNVERIFIED
    if same is None:
        await _insert(session, contact_id, value, state, now)
        difference = Difference(EMAIL, None, f"{value} ({state})")
        await consent.record(session, contact_id, [difference], _SAID, now)
    elif same.reachability == UNVERIFIED and state == REACHABLE:
        await reachability.change(session, same.id, REACHABLE, "imported", now)
        difference = Difference(EMAIL, f"{value} ({UNVERIFIED})", f"{value} ({state})")
        await consent.record(session, contact_id, [difference], _SAID, now)


async def _insert(
    session: AsyncSession, contact_id: uuid.UUID, value: str, state: str, now: datetime
) -> None:
    await contacts.insert_address(
        session,
        {
            "id": new_id(),
            "contact_id": contact_id,
            "channel": "email",
            "bot": "",
            "value": value,
            "reachability": state,
            "reachability_since": now,
            "next_send_at": 0,
            "created_at": now,
        },
    )


def told(address: Address | None) -> bool | None:
    """Return what an export writes into the column of consent."""
    return None if address is None else address.reachability == REACHABLE
