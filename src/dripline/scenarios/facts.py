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
from dripline.scenarios.state import HURRY, ORIGIN, EnrollmentState

_NO_CONDITIONS: Mapping[str, bool] = {}


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
    unsure = [
        person.state
        for person in people.values()
        if person.state.recheck or _edited(library, person.state)
    ]
    sent = await deliveries.sent_messages(session, {state.contact_id for state in unsure})
    flying = await deliveries.in_flight_refs(session, {state.id for state in unsure}, ORIGIN)
    by_enrollment: dict[tuple[uuid.UUID, int], set[str]] = {}
    for origin_id, run, message_id in sent:
        by_enrollment.setdefault((origin_id, run), set()).add(message_id)
    states = (person.state for person in people.values())
    conditions = await holding(session, library, states, by_enrollment, now)
    return {
        key: Facts(
            reachability=person.reachability,
            habits=_habits(person, reaches.get(person.contact_id)),
            sent=frozenset(by_enrollment.get((key, person.state.run), ())),
            conditions=conditions.get(key, _NO_CONDITIONS),
            on_its_way=key in flying,
            hurry=person.state.recheck == HURRY,
            prompted=rows[key].priority == PROMPTED,
            route=_route(rows[key], person, reaches.get(person.contact_id)),
            spent=spent.get(person.contact_id),
        )
        for key, person in people.items()
        if key in rows
    }


def _habits(person: Person, reach: Reach | None) -> Habits:
    if reach is not None:
        return reach.habits(person.timezone)
    return NO_HABITS if person.timezone is None else Habits(person.timezone)


def _route(row: Claimed, person: Person, reach: Reach | None) -> Route | None:
    if reach is None:
        return None
    home = Way(person.address, person.reachability)
    return Route(reach, home, "sequences", trail_of(row), person.state.asked_channel)


def _edited(library: Library, state: EnrollmentState) -> bool:
    scenario = library.scenario(state.scenario_id)
    return scenario is not None and scenario.revision != state.revision
