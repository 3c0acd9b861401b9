"""Gather what a decision asks, for a claimed batch: one statement a question."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import Library
from dripline.deliveries import queries as deliveries
from dripline.deliveries.choice import Way
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import Claimed
from dripline.deliveries.routing import Reach, Route, Routing, trail_of
from dripline.deliveries.windows import NO_HABITS, Habits
from dripline.scenarios.conditions import holding
from dripline.scenarios.decide import Facts
from dripline.scenarios.rows import Person
from dripline.scenarios.state import HURRY, ORIGIN

_NO_CONDITIONS: Mapping[str, bool] = {}
_NOTHING: frozenset[str] = frozenset()


async def gather(
    session: AsyncSession,
    routing: Routing,
    library: Library,
    claimed: Sequence[Claimed],
    people: Mapping[uuid.UUID, Person],
    now: datetime,
) -> dict[uuid.UUID, Facts]:
    """Return facts by enrollment.

    What was sent is looked up only where the plan or the content has changed; ways, hours and caps
    only where there is more than one way, or somebody has hours, or there is a cap.
    """
    contact_ids = {person.contact_id for person in people.values()}
    reaches = await routing.reaches(session, contact_ids)
    spent = await routing.spent(session, contact_ids, now)
    rows = {
        row.ref: row
        for row in claimed
        if row.ref in people and people[row.ref].state.turn == row.turn
    }
    revisions = {key: scenario.revision for key, scenario in library.scenarios.items()}
    unsure = [
        state
        for state in (person.state for person in people.values())
        if state.recheck or revisions.get(state.scenario_id, state.revision) != state.revision
    ]
    sent = await deliveries.sent_messages(session, {state.contact_id for state in unsure})
    flying = await deliveries.in_flight_refs(session, {state.id for state in unsure}, ORIGIN)
    by_enrollment: dict[tuple[uuid.UUID, int], set[str]] = {}
    for origin_id, run, message_id in sent:
        by_enrollment.setdefault((origin_id, run), set()).add(message_id)
    states = (person.state for person in people.values())
    conditions = await holding(session, library, states, by_enrollment, now)
    facts = {}
    for key, row in rows.items():
        person, state = people[key], people[key].state
        reach = reaches.get(state.contact_id)
        facts[key] = Facts(
            reachability=person.reachability,
            habits=_habits(person, reach),
            sent=frozenset(by_enrollment.get((key, state.run), ())) if by_enrollment else _NOTHING,
            conditions=conditions.get(key, _NO_CONDITIONS),
            on_its_way=key in flying,
            hurry=state.recheck == HURRY,
            prompted=row.priority == PROMPTED,
            route=_route(row, person, reach),
            spent=spent.get(state.contact_id),
        )
    return facts


def _habits(person: Person, reach: Reach | None) -> Habits:
    if reach is not None:
        return reach.habits(person.timezone)
    return NO_HABITS if person.timezone is None else Habits(person.timezone)


def _route(row: Claimed, person: Person, reach: Reach | None) -> Route | None:
    if reach is None:
        return None
    home = Way(person.address, person.reachability)
    return Route(reach, home, "sequences", trail_of(row), person.state.asked_channel)
