"""A payment came in: the scenario it is for notes the date and sends its paid content.

A payment names its scenario, or its product does, or it is for the one scenario that the contact is
in and that sells something. When nothing of that fits, `payment.unmatched` tells the operator.
"""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.events import Happened, NewEvent, append
from dripline.scenarios import access_queries, direct, queries
from dripline.scenarios.state import EnrollmentState

SUCCEEDED = "payment.succeeded"
CLAIMED = "payment.claimed"
UNMATCHED = "payment.unmatched"


async def claim(session: AsyncSession, library: Library, event: Happened, now: datetime) -> None:
    """Claim a payment for a scenario, or say that nobody does."""
    state = await _paid_for(session, library, event)
    scenario = library.scenario(state.scenario_id) if state is not None else None
    if state is None or scenario is None:
        await _tell(session, UNMATCHED, event, {}, now)
        return
    paid_at = datetime.fromisoformat(event.data["paid_at"])
    await access_queries.note_paid(session, state.contact_id, scenario.id, paid_at)
    await direct.send_paid(session, scenario, state, now)
    await _tell(session, CLAIMED, event, {"scenario_id": scenario.id}, now)


async def owed(
    session: AsyncSession, library: Library, contact_id: uuid.UUID, now: datetime
) -> None:
    """Send the paid content that a contact could not be given while they were unreachable."""
    for access in await access_queries.of_contacts(session, [contact_id]):
        scenario = library.scenario(access.scenario_id)
        if access.paid_at is None or scenario is None:
            continue
        state = await queries.latest_run(session, contact_id, scenario.id)
        if state is None or await access_queries.was_given(
            session, contact_id, state.id, direct.PAID
        ):
            continue
        await direct.send_paid(session, scenario, state, now)


async def _paid_for(
    session: AsyncSession, library: Library, event: Happened
) -> EnrollmentState | None:
    """Return the enrollment that a payment is for, or None when that is not clear."""
    if event.contact_id is None:
        return None
    named = event.data.get("scenario_id") or event.data.get("product")
    if named and library.scenario(named):
        return await queries.latest_run(session, event.contact_id, named)
    if event.data.get("scenario_id"):
        return None
    selling = [
        (state, scenario)
        for state in await queries.active_of(session, event.contact_id)
        if (scenario := library.scenario(state.scenario_id)) is not None and _sells(scenario)
    ]
    exact = [pair for pair in selling if named and pair[1].product_name == named]
    candidates = exact if named else selling
    return candidates[0][0] if len(candidates) == 1 else None


def _sells(scenario: Scenario) -> bool:
    return bool(scenario.product_name or scenario.product_price or scenario.paid_content)


async def _tell(
    session: AsyncSession, name: str, event: Happened, more: dict[str, str], now: datetime
) -> None:
    data = {"payment_id": event.data["payment_id"], **more}
    source_id = f"{event.data['payment_id']}:{name}"
    await append(session, NewEvent(name, event.contact_id, "scenarios", source_id, now, data))
