"""Bring an enrollment on by hand: its next message now, whatever its time or what it waits for."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.deliveries import queue
from dripline.deliveries.models import PROMPTED
from dripline.scenarios import queries
from dripline.scenarios.enroll import note
from dripline.scenarios.state import HURRY, EnrollmentState


async def hurry(session: AsyncSession, state: EnrollmentState, now: datetime) -> None:
    """Queue an active enrollment's next message for now."""
    if state.queue_key:
        await queue.cancel(session, [state.queue_key])
    state.waiting_for = state.wait_until = state.hold = None
    state.recheck = HURRY
    await queue.push(session, [state.plan(now, PROMPTED)], now_us=to_us(now))
    await queries.save(session, [state])
    await note(session, state, "resumed", "advanced_by_hand", now)
