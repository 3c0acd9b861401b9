"""Which messages' conditions hold for a claimed batch: one statement a distinct condition.

Asked only in scenarios that have conditions, and only about messages that may come next; a batch
without any costs a look at an empty set.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import segments
from dripline.content.document import Message, Scenario
from dripline.content.store import Library
from dripline.database import dump_json
from dripline.scenarios.state import EnrollmentState

log = structlog.get_logger()
Holding = Mapping[uuid.UUID, Mapping[str, bool]]


async def holding(
    session: AsyncSession,
    library: Library,
    states: Iterable[EnrollmentState],
    sent: Mapping[tuple[uuid.UUID, int], Collection[str]],
    now: datetime,
) -> Holding:
    """Return, by enrollment, which messages that may come next may be sent to the contact.

    `sent` are the messages that will be passed over, by enrollment and run.
    """
    if not library.conditional:
        return {}
    asked = [
        (state, message)
        for state in states
        if state.scenario_id in library.conditional
        for message in _next_ones(
            library.scenario(state.scenario_id), state, sent.get((state.id, state.run), ())
        )
    ]
    people: dict[str, set[uuid.UUID]] = {}
    conditions: dict[str, object] = {}
    for state, message in asked:
        written = dump_json(message.condition)
        conditions[written] = message.condition
        people.setdefault(written, set()).add(state.contact_id)
    members = {
        written: await _members(session, library, conditions[written], ids, now)
        for written, ids in people.items()
    }
    found: dict[uuid.UUID, dict[str, bool]] = {}
    for state, message in asked:
        holds = state.contact_id in members[dump_json(message.condition)]
        found.setdefault(state.id, {})[message.id] = holds
    return found


def _next_ones(
    scenario: Scenario | None, state: EnrollmentState, sent: Collection[str]
) -> Iterator[Message]:
    """Yield the messages ahead that have conditions, up to the first one that has none."""
    if scenario is None:
        return
    for message in scenario.messages[scenario.next_after(state.last_message_id) :]:
        if message.id in sent:
            continue
        if not message.condition:
            return
        yield message


def _names(library: Library) -> segments.Names:
    return segments.Names(library.attribute_types, rooms=library.rooms)


async def _members(
    session: AsyncSession,
    library: Library,
    condition: object,
    contact_ids: Iterable[uuid.UUID],
    now: datetime,
) -> set[uuid.UUID]:
    try:
        segment = segments.parse(condition, _names(library))
    except segments.SegmentError as error:
        # Content is checked when it is pushed; this one was pushed before a word was taken away.
        # Nobody gets a message that we cannot tell is meant for them.
        log.error("condition.unreadable", reason=error.message)
        return set()
    return await segments.members(session, segment, now, contact_ids)
