"""Whom an edit of a scenario touches, for the plan the operator sees before it is applied."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.document import Scenario
from dripline.scenarios import queries


@dataclass(frozen=True, slots=True)
class Touched:
    """How many are in the scenario, and how many of them will get each new message."""

    people: int
    ahead: dict[str, int]


async def touched(session: AsyncSession, edited: Scenario, new: frozenset[str]) -> Touched:
    """Count who is in a scenario, and who still has each of the `new` messages ahead."""
    after = await queries.positions(session, edited.id)
    ahead = {
        message.id: sum(count for last, count in after.items() if edited.next_after(last) <= index)
        for index, message in enumerate(edited.messages)
        if message.id in new
    }
    return Touched(sum(after.values()), ahead)
