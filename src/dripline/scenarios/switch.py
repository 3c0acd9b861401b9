"""What happens when a contact asks for a scenario: the switching rules, and a bare `/start`.

the scenario asked for …     then
completed                    its summary only
active                       its last message again (just unblocked: what was due, if anything)
another is active            the other stops where it is; this one goes on, or starts
stopped                      it goes on where it stopped
never started                it starts
"""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.contacts import queries as contacts
from dripline.contacts.models import REACHABLE
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.errors import SCENARIO_NOT_FOUND, NotFound
from dripline.scenarios import queries, variants
from dripline.scenarios.direct import send_again, send_summary
from dripline.scenarios.enroll import enroll, resume, stop
from dripline.scenarios.models import COMPLETED
from dripline.scenarios.state import HOLD_UNREACHABLE, EnrollmentState

_JUST_BACK: Final = timedelta(minutes=1)


class Outcome(StrEnum):
    """What a request led to."""

    STARTED = "started"
    RESUMED = "resumed"
    SENT_AGAIN = "sent_again"
    SUMMARY = "summary"
    ON_ITS_WAY = "on_its_way"
    NOTHING = "nothing"


async def request(
    session: AsyncSession,
    library: Library,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    scenario_id: str,
    now: datetime,
) -> Outcome:
    """Follow the switching rules for a contact who asks for a scenario.

    Raises NotFound (SCENARIO_NOT_FOUND) for an unknown one, or one that is switched off.
    """
    scenario = library.scenario(scenario_id)
    if scenario is None or not scenario.is_active:
        raise NotFound(f"There is no scenario {scenario_id}.", code=SCENARIO_NOT_FOUND)
    scenario = await variants.meant(session, library, scenario, contact_id, now)
    current = await queries.active_in_lane(session, contact_id, scenario.lane)
    if current is not None and current.scenario_id == scenario.id:
        return await _again(session, scenario, current, now)
    latest = await queries.latest_run(session, contact_id, scenario.id)
    if latest is not None and latest.status == COMPLETED:
        return await _summary(session, scenario, latest, now)
    if current is not None:
        await stop(session, current, f"switched_to:{scenario.id}", now)
    if latest is not None:
        await resume(session, scenario, latest, now, reason="asked_for", prompted=True)
        if latest.waiting_for is not None:
            # Whoever comes back to a question must have it before their eyes.
            await send_again(session, scenario, latest, now)
        return Outcome.RESUMED
    await enroll(session, scenario, contact_id, address_id, now, reason="asked_for", prompted=True)
    return Outcome.STARTED


async def start(
    session: AsyncSession,
    library: Library,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
) -> Outcome:
    """Follow the rules of a bare `/start`.

    The default was never started: it starts. It was: what is active says its last message again;
    with nothing active, the switching rules hold for the default.
    """
    default = library.scenario(library.default_scenario_id or "")
    if default is None or not default.is_active:
        return await _without_default(session, library, contact_id, now)
    default = await variants.meant(session, library, default, contact_id, now)
    if await queries.latest_run(session, contact_id, default.id) is not None:
        current = await queries.active_in_lane(session, contact_id, default.lane)
        scenario = library.scenario(current.scenario_id) if current else None
        if current is not None and scenario is not None:
            return await _again(session, scenario, current, now)
    return await request(session, library, contact_id, address_id, default.id, now)


async def _without_default(
    session: AsyncSession, library: Library, contact_id: uuid.UUID, now: datetime
) -> Outcome:
    for current in await queries.active_of(session, contact_id):
        scenario = library.scenario(current.scenario_id)
        if scenario is not None:
            return await _again(session, scenario, current, now)
    return Outcome.NOTHING


async def _again(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> Outcome:
    if await _next_comes_by_itself(session, scenario, state, now):
        return Outcome.ON_ITS_WAY
    sent = await send_again(session, scenario, state, now)
    return Outcome.SENT_AGAIN if sent else Outcome.ON_ITS_WAY


async def _next_comes_by_itself(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> bool:
    """Whether somebody who has just unblocked the bot gets what was due meanwhile anyway.

    Telegram's “Restart” unblocks and sends `/start`: the last message again, and the next one with
    it, would read as if we stuttered.
    """
    address = await contacts.address(session, state.address_id)
    if address is None or address.reachability_reason is None:  # never was away
        return False
    since = address.reachability_since
    if address.reachability != REACHABLE or now - since > _JUST_BACK:
        return False
    if state.hold == HOLD_UNREACHABLE:
        await resume(session, scenario, state, now, reason="reachable_again")
    if state.last_sent_at is not None and state.last_sent_at >= since:
        return True
    return state.queue_due_us is not None and state.queue_due_us <= to_us(now)


async def _summary(
    session: AsyncSession, scenario: Scenario, state: EnrollmentState, now: datetime
) -> Outcome:
    sent = await send_summary(session, scenario, state, now)
    return Outcome.SUMMARY if sent else Outcome.NOTHING
