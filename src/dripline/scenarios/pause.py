"""Pause and resume a scenario, and follow an edit: in pages, so that a crowd costs no long lock.

A paused scenario's rows are parked when they come due, so pausing costs nothing. Resuming, or an
edit, puts people back into the queue in their order, spread out: never all at once.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.windows import Habits
from dripline.scenarios import queries
from dripline.scenarios.decide import next_due
from dripline.scenarios.state import HOLD_ACTION, HOLD_PAUSED, EnrollmentState

_PAGE = 500
# A third of what a bot may send: those who were parked leave room for those who are on time.
_APART = timedelta(milliseconds=100)


async def spread(
    session: AsyncSession, library: Library, scenario_ids: Iterable[str], now: datetime
) -> int:
    """Plan again everyone in these scenarios whose plan has changed; return how many."""
    planned = 0
    for scenario_id in scenario_ids:
        scenario = library.scenario(scenario_id)
        if scenario is not None and scenario.is_active and not scenario.paused:
            planned += await _replan(session, scenario, now)
    return planned


async def _replan(session: AsyncSession, scenario: Scenario, now: datetime) -> int:
    planned, after = 0, None
    while ids := await queries.active_ids(session, scenario.id, after, _PAGE):
        after = ids[-1]
        people = await queries.people(session, ids)
        preferred = await deliveries.preferred(session, {p.contact_id for p in people.values()})
        entries, changed, gone = [], [], []
        for person in people.values():
            state = person.state
            due = _new_due(state, scenario, now, _habits(person, preferred))
            if due is None:
                continue
            if state.hold == HOLD_PAUSED and due <= now:
                due = now + planned * _APART
            if state.queue_key:
                gone.append(state.queue_key)
            state.hold = None if state.waiting_for is None else HOLD_ACTION
            state.recheck = 1
            entries.append(state.plan(due, _priority(scenario, state)))
            changed.append(state)
            planned += 1
        await queue.cancel(session, gone)
        await queries.save(session, changed)
        await queue.push(session, entries, now_us=to_us(now))
    return planned


def _habits(person: queries.Person, preferred: Mapping[uuid.UUID, deliveries.Preferred]) -> Habits:
    theirs = preferred.get(person.contact_id)
    if theirs is None:
        return Habits(person.timezone)
    return Habits(person.timezone, preferred=theirs.time, best_hour=theirs.best_hour)


def _new_due(
    state: EnrollmentState, scenario: Scenario, now: datetime, habits: Habits
) -> datetime | None:
    """Return when the next step is due now, or None when the plan stands as it is."""
    if state.waiting_for is not None:
        # Parked when its time-out came due in the pause: that is what is still to come.
        timed_out = state.hold == HOLD_PAUSED and state.wait_until is not None
        return state.wait_until if timed_out else None
    if state.hold not in {None, HOLD_PAUSED}:
        return None
    if state.hold is None and state.queue_due_us is None:
        return None
    following = next_due(state, scenario, now, habits)
    if following is None:
        return now  # the next decision completes it
    due = following[0]
    if state.hold is None and max(state.queue_due_us or 0, to_us(now)) == to_us(due):
        return None
    return due


def _priority(scenario: Scenario, state: EnrollmentState) -> int:
    index = scenario.next_after(state.last_message_id)
    messages = scenario.messages
    return messages[min(index, len(messages) - 1)].priority if messages else 3
