"""What enrollments do when something happens to their contact: an action, or the way back.

An action that comes while its message is still on its way (people are fast) is remembered on the
enrollment, and counts when the message settles.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.store import ContentStore, Library
from dripline.deliveries import late, queue
from dripline.deliveries import queries as deliveries
from dripline.deliveries.models import PROMPTED
from dripline.events import Happened, subscribe
from dripline.events.subscriptions import ANY_OTHER
from dripline.scenarios import paid, queries
from dripline.scenarios.decide import next_due
from dripline.scenarios.direct import send_after_bounce
from dripline.scenarios.enroll import complete, note, resume, tell
from dripline.scenarios.models import ACTIVE
from dripline.scenarios.pause import NEXT_PAGE, spread
from dripline.scenarios.state import HOLD_UNREACHABLE, EnrollmentState

CONSUMER = "scenarios"
_PRESSED = "callback.pressed"
_BACK = "address.reachable"
_EDITED = "content.changed"
_CONSENT = "consent.changed"

subscribe(CONSUMER, {_PRESSED, _BACK, _EDITED, NEXT_PAGE, ANY_OTHER})


class ScenarioReactions:
    """Reacts to events on behalf of enrollments."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        library = await self._store.current(session)
        if event.name in {_EDITED, NEXT_PAGE}:
            await spread(session, library, event.data, now)
            return
        if event.name == paid.SUCCEEDED:
            await paid.claim(session, library, event, now)
        if event.contact_id is None:
            return
        if event.name == late.BOUNCED:
            await send_after_bounce(session, event, now)
        if event.name == _BACK or _wants_again(event):
            await _come_back(session, library, event.contact_id, now)
        else:
            action = action_of(event.name, event.data)
            await _act(session, library, event.contact_id, action, now)


async def _come_back(
    session: AsyncSession, library: Library, contact_id: uuid.UUID, now: datetime
) -> None:
    for state in await queries.active_of(session, contact_id):
        scenario = library.scenario(state.scenario_id)
        if state.hold == HOLD_UNREACHABLE and scenario is not None:
            await resume(session, scenario, state, now, reason="reachable_again")
    await paid.owed(session, library, contact_id, now)


async def _act(
    session: AsyncSession, library: Library, contact_id: uuid.UUID, action: str, now: datetime
) -> None:
    for state in await queries.active_of(session, contact_id):
        if state.waiting_for == action:
            await _move_on(session, library, state, action, now)
        elif state.waiting_for is None and _next_asks_for(library, state, action):
            await _remember(session, state, action)


def _wants_again(event: Happened) -> bool:
    """Whether a contact who had ended courses takes them up again."""
    changes = event.data.get("changes", {}) if event.name == _CONSENT else {}
    return bool(changes.get("sequences", {}).get("new") == "yes")


def action_of(name: str, data: Mapping[str, object]) -> str:
    """Return how a wait names this event: `callback:DONE`, or `event:NAME`."""
    return f"callback:{data.get('data')}" if name == _PRESSED else f"event:{name}"


async def _move_on(
    session: AsyncSession, library: Library, state: EnrollmentState, action: str, now: datetime
) -> None:
    if state.queue_key:
        await queue.cancel(session, [state.queue_key])
    state.waiting_for = state.wait_until = state.hold = None
    state.base_at = now
    scenario = library.scenario(state.scenario_id)
    habits = await queries.habits_of(session, state.contact_id)
    following = next_due(state, scenario, now, habits) if scenario else (now, None)
    if following is None:
        complete(state, now)
    else:
        due, message = following
        priority = PROMPTED if due <= now or message is None else message.priority
        await queue.push(session, [state.plan(due, priority)], now_us=to_us(now))
    await queries.save(session, [state])
    await note(session, state, "resumed", f"action:{action}", now)
    if state.status != ACTIVE:
        await note(session, state, "completed", "last_action_done", now)
        await tell(session, state, "scenario.completed", now, "last_action_done")


def _next_asks_for(library: Library, state: EnrollmentState, action: str) -> bool:
    scenario = library.scenario(state.scenario_id)
    if scenario is None:
        return False
    index = scenario.next_after(state.last_message_id)
    wait = scenario.messages[index].wait if index < len(scenario.messages) else None
    return wait is not None and f"{wait.kind}:{wait.name}" == action


async def _remember(session: AsyncSession, state: EnrollmentState, action: str) -> None:
    if await deliveries.in_flight_of(session, state.id):
        state.early_action = action
        await queries.save(session, [state])
