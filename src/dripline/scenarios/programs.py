"""Programs: scenarios of one lane, entered by a rule or a state change, one day after another.

enroll    refused (False) while the contact is in a program, unless forced by a higher priority
advance   the next day's message now, without waiting for its time
complete  end it as done; the contact's state is nobody's business here
cancel    end it; its pending message goes with it
status    which program, which day, of how many
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.models import REACHABLE
from dripline.content.document import Scenario
from dripline.content.store import Library
from dripline.deliveries import queue
from dripline.errors import (
    INVALID_SCENARIO_STATE,
    SCENARIO_NOT_FOUND,
    USER_NOT_FOUND,
    Conflict,
    NotFound,
)
from dripline.scenarios import queries, variants
from dripline.scenarios.advance_by_hand import hurry
from dripline.scenarios.enroll import complete as mark_completed
from dripline.scenarios.enroll import enroll as enter
from dripline.scenarios.enroll import note, stop, tell
from dripline.scenarios.state import EnrollmentState

log = structlog.get_logger()
LANE = "program"


@dataclass(frozen=True, slots=True)
class Status:
    """Where a contact stands in a program; `day` is 0 until day 1's message is sent."""

    enrolled: bool
    program_id: str | None = None
    day: int = 0
    of: int = 0

    @property
    def progress(self) -> int:
        """How much of the program is done, in percent."""
        return round(100 * self.day / self.of) if self.of else 0


async def enroll(
    session: AsyncSession,
    library: Library,
    contact_id: uuid.UUID,
    program_id: str,
    now: datetime,
    *,
    force: bool = False,
    reason: str = "rule",
) -> bool:
    """Enroll a contact in a program; False when they are in one already.

    With `force`, a program of higher priority takes the place of the present one, whose pending
    message goes with it. Raises NotFound (SCENARIO_NOT_FOUND, USER_NOT_FOUND) and Conflict
    (INVALID_SCENARIO_STATE) for a program that is switched off.
    """
    asked_for = _program(library, program_id)
    program = await variants.unless_held_out(session, library, asked_for, contact_id, now)
    if program is None:
        log.info("program.held_out", contact_id=str(contact_id), program=program_id)
        return False
    current = await queries.active_in_lane(session, contact_id, program.lane)
    if current is not None:
        present = library.scenario(current.scenario_id)
        if not force or (present is not None and program.priority <= present.priority):
            log.info(
                "program.refused",
                contact_id=str(contact_id),
                program=program_id,
                present=current.scenario_id,
                force=force,
            )
            await note(session, current, "skip", f"refused:{program_id}"[:60], now)
            return False
    address_id = await _address(session, contact_id)
    if current is not None:
        await stop(session, current, f"overridden_by:{program_id}", now)
    await enter(session, program, contact_id, address_id, now, reason=reason)
    return True


async def advance(
    session: AsyncSession, library: Library, contact_id: uuid.UUID, now: datetime
) -> Status:
    """Bring a contact to the next day now. Raises Conflict (INVALID_SCENARIO_STATE) outside one."""
    state = await _current(session, contact_id)
    program = library.scenario(state.scenario_id)
    await hurry(session, state, now)
    return _status(state, program)


async def complete(session: AsyncSession, contact_id: uuid.UUID, now: datetime) -> None:
    """End the present program as completed. Raises Conflict outside of one."""
    state = await _current(session, contact_id)
    if state.queue_key:
        await queue.cancel(session, [state.queue_key])
    mark_completed(state, now)
    await queries.save(session, [state])
    await note(session, state, "completed", "completed_by_hand", now)
    await tell(session, state, "scenario.completed", now, "completed_by_hand")


async def cancel(
    session: AsyncSession, contact_id: uuid.UUID, now: datetime, *, reason: str = "cancelled"
) -> bool:
    """Cancel the present program with its pending message; False when there is none."""
    state = await queries.active_in_lane(session, contact_id, LANE)
    if state is None:
        return False
    await stop(session, state, reason, now)
    return True


async def status(session: AsyncSession, library: Library, contact_id: uuid.UUID) -> Status:
    """Return where a contact stands in their program."""
    state = await queries.active_in_lane(session, contact_id, LANE)
    if state is None:
        return Status(enrolled=False)
    return _status(state, library.scenario(state.scenario_id))


def _status(state: EnrollmentState, program: Scenario | None) -> Status:
    of = len(program.messages) if program else 0
    return Status(enrolled=True, program_id=state.scenario_id, day=min(state.position, of), of=of)


def _program(library: Library, program_id: str) -> Scenario:
    program = library.scenario(program_id)
    if program is None:
        raise NotFound(f"There is no program {program_id}.", code=SCENARIO_NOT_FOUND)
    if program.lane != LANE:
        raise Conflict(
            f"{program_id} is no program: its lane is “{program.lane}”, not “{LANE}”.",
            code=INVALID_SCENARIO_STATE,
        )
    return program


async def _current(session: AsyncSession, contact_id: uuid.UUID) -> EnrollmentState:
    state = await queries.active_in_lane(session, contact_id, LANE)
    if state is None:
        raise Conflict("The contact is in no program.", code=INVALID_SCENARIO_STATE)
    return state


async def _address(session: AsyncSession, contact_id: uuid.UUID) -> uuid.UUID:
    """Return the address a program goes to: the first that can be reached, or the first."""
    addresses = await contacts.addresses_of(session, contact_id)
    if not addresses:
        raise NotFound("There is no such contact.", code=USER_NOT_FOUND)
    reachable = [address for address in addresses if address.reachability == REACHABLE]
    return (reachable or addresses)[0].id
