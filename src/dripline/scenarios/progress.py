"""How far a contact is: what the check-my-progress button tells."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import Library
from dripline.scenarios import queries
from dripline.scenarios.models import ACTIVE, COMPLETED


@dataclass(frozen=True, slots=True)
class Progress:
    """A scenario the contact is in, or has completed: messages had, of how many."""

    name: str
    had: int
    of: int
    completed: bool
    waiting: bool


async def progress(
    session: AsyncSession, library: Library, contact_id: uuid.UUID
) -> list[Progress]:
    """Return where a contact stands in each scenario, latest run only, in order of entry."""
    found: dict[str, Progress] = {}
    for row in await queries.enrollments_of(session, contact_id):
        scenario = library.scenario(row.scenario_id)
        if scenario is None or row.status not in {ACTIVE, COMPLETED}:
            continue
        total = len(scenario.messages)
        done = row.status == COMPLETED
        had = total if done else min(scenario.next_after(row.last_message_id), total)
        waiting = row.waiting_for is not None
        found[row.scenario_id] = Progress(scenario.name, had, total, done, waiting)
    return list(found.values())
