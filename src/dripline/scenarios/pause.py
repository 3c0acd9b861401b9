"""Pause and resume a scenario, and follow an edit: in pages, so that a crowd costs no long lock.

A paused scenario's rows are parked when they come due, so pausing costs nothing. Resuming, or an
edit, puts people back into the queue in their order, spread out: never all at once. A page is one
reaction to one event, and with it, in the same transaction, goes the event that asks for the next
page: whatever is killed in between, it goes on there.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.windows import Habits
from dripline.events import NewEvent, append
from dripline.ids import new_id
from dripline.scenarios import queries
from dripline.scenarios.decide import next_due
from dripline.scenarios.rows import Person
from dripline.scenarios.state import HOLD_ACTION, HOLD_PAUSED, EnrollmentState

NEXT_PAGE = "content.spread"
_PAGE = 500
# A third of what a bot may send: those who were parked leave room for those who are on time.
_APART = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a change has been followed: in which scenario, behind whom, how many were parked.

    `after` is a contact, and their enrollment.
    """

    scenario_ids: Sequence[str]
    after: tuple[uuid.UUID, uuid.UUID] | None
    planned: int
    begun: datetime


async def spread(
    session: AsyncSession, library: Library, data: Mapping[str, Any], now: datetime
) -> int:
    """Plan the next page of those whose plan a change has touched; return how many were planned.

    `data` is that of `content.changed`, or of the event with which the page before has ended.
    """
    place = _place_of(data, now)
    while place.scenario_ids:
        scenario = library.scenario(place.scenario_ids[0])
        if scenario is not None and scenario.is_active and not scenario.paused:
            page = await queries.active_page(session, scenario.id, place.after, _PAGE)
            planned = await _replan(session, scenario, [one for _, one in page], place, now)
            if len(page) == _PAGE:
                following = _Place(place.scenario_ids, page[-1], planned, place.begun)
            else:
                following = _Place(place.scenario_ids[1:], None, 0, place.begun)
            if following.scenario_ids:
                await _ask_for(session, following, now)
            return planned - place.planned
        place = _Place(place.scenario_ids[1:], None, 0, place.begun)
    return 0


def _place_of(data: Mapping[str, Any], now: datetime) -> _Place:
    after, begun = data.get("after"), data.get("begun")
    return _Place(
        data.get("scenario_ids", ()),
        # An older dripline wrote one id: then from the beginning, where all is planned by now.
        (uuid.UUID(hex=after[0]), uuid.UUID(hex=after[1])) if isinstance(after, list) else None,
        int(data.get("planned", 0)),
        datetime.fromisoformat(begun) if begun else now,
    )


async def _ask_for(session: AsyncSession, place: _Place, now: datetime) -> None:
    data = {
        "scenario_ids": list(place.scenario_ids),
        "after": [one.hex for one in place.after] if place.after else None,
        "planned": place.planned,
        "begun": place.begun.isoformat(),
    }
    await append(session, NewEvent(NEXT_PAGE, None, "scenarios", new_id().hex, now, data))


async def _replan(
    session: AsyncSession,
    scenario: Scenario,
    ids: Sequence[uuid.UUID],
    place: _Place,
    now: datetime,
) -> int:
    """Plan these people again; return how many have been planned since the change began."""
    planned = place.planned
    found = await queries.people(session, ids)
    preferred = await deliveries.preferred(session, {p.contact_id for p in found.values()})
    entries, changed, gone = [], [], []
    for person in (found[one] for one in ids if one in found):
        state = person.state
        due = _new_due(state, scenario, now, _habits(person, preferred))
        if due is None:
            continue
        if state.hold == HOLD_PAUSED and due <= now:
            due = max(now, place.begun + planned * _APART)
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


def _habits(person: Person, preferred: Mapping[uuid.UUID, deliveries.Preferred]) -> Habits:
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
