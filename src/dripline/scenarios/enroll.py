"""Enter a scenario, leave it, and go on where one left: each in the caller's transaction."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.clock import to_us
from dripline.content.document import Scenario
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.decisions import decision
from dripline.deliveries.models import PROMPTED
from dripline.errors import (
    INVALID_SCENARIO_STATE,
    SCENARIO_ALREADY_ACTIVE,
    USER_NOT_FOUND,
    Conflict,
    NotFound,
)
from dripline.events import NewEvent, append
from dripline.scenarios import queries
from dripline.scenarios.decide import next_due
from dripline.scenarios.models import ACTIVE, COMPLETED, STOPPED
from dripline.scenarios.state import HOLD_ACTION, OVERRIDE, EnrollmentState


async def enroll(
    session: AsyncSession,
    scenario: Scenario,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
    *,
    reason: str,
    prompted: bool = False,
    context: dict[str, Any] | None = None,
    channel: str | None = None,
) -> EnrollmentState:
    """Enroll a contact from the start and schedule the first message.

    With `prompted`, the contact asked for it just now, and the first message goes ahead of others.
    `channel` (telegram, email, both) goes before what its messages and the contact say.
    Raises Conflict (SCENARIO_ALREADY_ACTIVE, INVALID_SCENARIO_STATE), NotFound (USER_NOT_FOUND).
    """
    if not scenario.is_active:
        raise Conflict(f"The scenario {scenario.id} is switched off.", code=INVALID_SCENARIO_STATE)
    await _refuse_second(session, scenario, contact_id)
    if channel is not None:
        context = {**(context or {}), OVERRIDE: channel}
    state = await _new_state(session, scenario, contact_id, address_id, now, context)
    entry = await _plan_next(session, scenario, state, now, prompted=prompted)
    if not await queries.insert(session, state):
        raise _already_active(scenario)
    if entry:
        await queue.push(session, [entry], now_us=to_us(now))
    await note(session, state, "enrolled", reason, now)
    await tell(session, state, "scenario.started", now, reason)
    if not state.is_active:
        await tell(session, state, "scenario.completed", now, "no_messages")
    return state


async def stop(session: AsyncSession, state: EnrollmentState, reason: str, now: datetime) -> None:
    """Stop an active enrollment, keeping its position; its pending message goes with it."""
    if state.queue_key:
        await queue.cancel(session, [state.queue_key])
    state.status, state.reason, state.stopped_at = STOPPED, reason, now
    state.hold = None
    state.unplan()
    await queries.save(session, [state])
    await note(session, state, "stopped", reason, now)
    await tell(session, state, "scenario.stopped", now, reason)


async def resume(
    session: AsyncSession,
    scenario: Scenario,
    state: EnrollmentState,
    now: datetime,
    *,
    reason: str,
    prompted: bool = False,
) -> None:
    """Go on with a stopped or held enrollment: its next unsent message, when its delay is over.

    Raises Conflict (SCENARIO_ALREADY_ACTIVE) when the contact is active elsewhere in the lane.
    """
    if state.queue_key:
        await queue.cancel(session, [state.queue_key])
    state.status, state.reason, state.hold, state.stopped_at = ACTIVE, None, None, None
    state.recheck = 1
    entry = await _plan_next(session, scenario, state, now, prompted=prompted)
    try:
        async with session.begin_nested():
            await queries.save(session, [state])
    except IntegrityError:
        raise _already_active(scenario) from None
    if entry:
        await queue.push(session, [entry], now_us=to_us(now))
    await note(session, state, "resumed", reason, now)


def complete(state: EnrollmentState, now: datetime) -> None:
    """Mark an enrollment as completed; it changes nothing else about the contact."""
    state.status, state.completed_at, state.hold = COMPLETED, now, None
    state.waiting_for = state.wait_until = None
    state.unplan()


async def note(
    session: AsyncSession, state: EnrollmentState, kind: str, reason: str, now: datetime
) -> None:
    """Note a decision about an enrollment."""
    row = decision(
        contact_id=state.contact_id,
        origin_id=state.id,
        scenario_id=state.scenario_id,
        message_id=state.last_message_id,
        kind=kind,
        reason=reason,
        now=now,
    )
    await deliveries.insert_decisions(session, [row])


async def tell(
    session: AsyncSession, state: EnrollmentState, name: str, now: datetime, reason: str
) -> None:
    """Append an event about an enrollment, and count it."""
    metrics.ENROLLMENTS.labels(name.removeprefix("scenario.")).inc()
    data = {"scenario_id": state.scenario_id, "run": state.run, "reason": reason}
    source_id = f"{state.id.hex}:{state.turn}:{name}"
    await append(session, NewEvent(name, state.contact_id, "scenarios", source_id, now, data))


async def _refuse_second(session: AsyncSession, scenario: Scenario, contact_id: uuid.UUID) -> None:
    if await queries.active_in_lane(session, contact_id, scenario.lane):
        raise _already_active(scenario)


def _already_active(scenario: Scenario) -> Conflict:
    return Conflict(
        f"The contact is active in the lane {scenario.lane} already; "
        f"{scenario.id} cannot run beside it.",
        code=SCENARIO_ALREADY_ACTIVE,
    )


async def _new_state(
    session: AsyncSession,
    scenario: Scenario,
    contact_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
    context: dict[str, Any] | None,
) -> EnrollmentState:
    address = await queries.address_ref(session, address_id)
    if address is None or address.contact_id != contact_id:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    earlier = await queries.latest_run(session, contact_id, scenario.id)
    pace_key = queue.pace_key(address.channel, address.bot)
    run = earlier.run + 1 if earlier else 1
    return EnrollmentState.begun(
        scenario, contact_id, address_id, pace_key, now, run=run, context=context
    )


async def _plan_next(
    session: AsyncSession,
    scenario: Scenario,
    state: EnrollmentState,
    now: datetime,
    *,
    prompted: bool,
) -> queue.Entry | None:
    """Plan the next step, and return the row to queue; an enrollment without one is completed."""
    if state.waiting_for is not None:
        state.hold = HOLD_ACTION
        if state.wait_until is None:
            state.unplan()
            return None
        return state.plan(max(now, state.wait_until), PROMPTED)
    habits = await queries.habits_of(session, state.contact_id)
    following = next_due(state, scenario, now, habits)
    if following is None:
        complete(state, now)
        return None
    due, message = following
    return state.plan(due, PROMPTED if prompted and due <= now else message.priority)
