"""From where a person stands, as a file tells it, to an enrollment: pure functions over values."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from dripline.content.document import Message, Scenario, Timing
from dripline.deliveries.models import NORMAL
from dripline.deliveries.queue import Entry
from dripline.deliveries.timing import due_at
from dripline.deliveries.windows import Habits
from dripline.importing.people import Person, Standing
from dripline.scenarios.decide import next_due
from dripline.scenarios.models import ACTIVE, COMPLETED, STOPPED
from dripline.scenarios.state import HOLD_ACTION, RECHECK, EnrollmentState

IMPORTED: Final = "imported"
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_AT_LEAST, _AT_MOST = timedelta(milliseconds=100), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Who:
    """The contact and address that an enrollment is for."""

    contact_id: uuid.UUID
    address_id: uuid.UUID
    pace_key: str
    timezone: str | None = None


def place(
    standing: Standing,
    scenario: Scenario,
    who: Who,
    reg_time: datetime,
    now: datetime,
    late: Iterator[datetime],
) -> tuple[EnrollmentState, Entry | None]:
    """Return the enrollment of a standing, and the row to queue for its next message.

    Whose time is not told, and turns out to be over, takes the next moment of `late`.
    """
    messages = scenario.messages
    index = min(max(standing.next_index, 0), len(messages))
    before = messages[index - 1] if index else None
    state = _blank(standing, scenario, who, reg_time)
    state.last_message_id = before.id if before else None
    state.position = index
    if standing.had:
        # Of no revision we know: every decision looks up what was sent.
        state.recheck, state.revision = RECHECK, 0
    if standing.status != ACTIVE:
        _end(state, standing, now)
        return state, None
    entry = _plan(state, standing, scenario, before, now, who.timezone, late)
    return state, entry


def _blank(standing: Standing, scenario: Scenario, who: Who, reg_time: datetime) -> EnrollmentState:
    started = standing.started_at or reg_time
    state = EnrollmentState.begun(scenario, who.contact_id, who.address_id, who.pace_key, started)
    state.status, state.last_sent_at = standing.status, standing.last_sent_at
    state.base_at = standing.last_sent_at or started
    return state


def _end(state: EnrollmentState, standing: Standing, now: datetime) -> None:
    if standing.status == COMPLETED:
        state.completed_at = standing.completed_at or standing.last_sent_at or now
    else:
        state.status, state.reason = STOPPED, IMPORTED
        state.stopped_at = standing.last_sent_at or now


def _plan(
    state: EnrollmentState,
    standing: Standing,
    scenario: Scenario,
    before: Message | None,
    now: datetime,
    timezone: str | None,
    late: Iterator[datetime],
) -> Entry | None:
    awaits = _awaited(standing, before)
    if awaits is not None:
        return _await(state, standing, before, awaits, now, timezone)
    if standing.hold is not None:
        state.hold = standing.hold
        return None
    index = state.position
    if index >= len(scenario.messages):
        state.status = COMPLETED
        state.completed_at = standing.completed_at or standing.last_sent_at or now
        return None
    message = scenario.messages[index]
    if standing.due is None:
        if standing.last_sent_at is None:
            state.base_at = now  # the delay counts from the import: nothing else is known
        following = next_due(state, scenario, now, Habits(timezone))
        due = following[0] if following else now
        return state.plan(due if due > now else next(late), message.priority)
    base = base_for(message.timing, standing.due, timezone)
    if message.timing.origin == "start" and standing.started_at is None:
        state.started_at = base
    state.base_at = base
    return state.plan(standing.due, message.priority)


def _awaited(standing: Standing, before: Message | None) -> str | None:
    if standing.awaits is not None:
        return standing.awaits
    wait = before.wait if before else None
    if wait is None or standing.acted or standing.due is not None or standing.hold is not None:
        return None
    return f"{wait.kind}:{wait.name}"


def _await(
    state: EnrollmentState,
    standing: Standing,
    before: Message | None,
    awaits: str,
    now: datetime,
    timezone: str | None,
) -> Entry | None:
    state.waiting_for, state.hold = awaits, HOLD_ACTION
    state.wait_until = standing.due
    timeout = before.wait.timeout if before and before.wait else None
    if state.wait_until is None and timeout is not None:
        state.wait_until = due_at(timeout, standing.last_sent_at or now, timezone)
    if state.wait_until is None:
        return None
    return state.plan(max(now, state.wait_until), NORMAL)


def base_for(timing: Timing, due: datetime, timezone: str | None) -> datetime:
    """Return a moment from which this timing is over at `due`: an edit then plans it as it was."""
    base = due - timedelta(days=timing.days, hours=timing.hours, minutes=timing.minutes)
    for _ in range(8):  # a time of day and weekdays move a moment by at most a week
        if due_at(timing, base, timezone) <= due:
            return base
        base -= _DAY
    return base


def spread(
    people: Sequence[Person], now: datetime
) -> tuple[dict[tuple[int, str], datetime], Iterator[datetime]]:
    """Return new times for what is due already, by person and scenario, and moments after them.

    The oldest goes first. They are a second apart, and closer when there are more than an hour's
    worth: never all at once, and room is left for those who are on time.
    """
    late = sorted(
        (standing.due, person.telegram_id, standing.scenario_id)
        for person in people
        for standing in person.standings
        if standing.due is not None and standing.due <= now and standing.status == ACTIVE
    )
    gap = max(_AT_LEAST, min(_AT_MOST, _HOUR / max(1, len(late))))
    moments = (now + number * gap for number in count(1))
    return {
        (telegram_id, scenario_id): next(moments) for _due, telegram_id, scenario_id in late
    }, moments
