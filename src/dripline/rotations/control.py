"""What operators do with rotations: start, stop, run now, skip; and how each stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import Library
from dripline.errors import Conflict, NotFound
from dripline.rotations import queries
from dripline.rotations.document import Rotation
from dripline.rotations.duty import begin, plan_anew
from dripline.rotations.models import RotationState
from dripline.rotations.post import post
from dripline.rotations.protocols import Sources

ROTATION_NOT_FOUND: Final = "ROTATION_NOT_FOUND"
NOTHING_TO_POST: Final = "NOTHING_TO_POST"


@dataclass(frozen=True, slots=True)
class Status:
    """How a rotation stands: whether it runs, what it posts next, when and into how many chats."""

    rotation: Rotation
    running: bool
    next_at: datetime | None
    next_message_id: str | None
    last_message_id: str | None
    sent: int = 0
    failed: int = 0
    pending: int = 0


class Rotations:
    """The operator's hands on rotations, in the caller's transaction.

    Each raises NotFound (ROTATION_NOT_FOUND) for one that neither content nor environment knows.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def all(self, session: AsyncSession, library: Library) -> list[Status]:
        """Return how every rotation stands."""
        states = await queries.states(session)
        outcomes = await queries.outcomes(session)
        return [
            _status(one, states.get(one.id), outcomes.get(one.id, {}))
            for one in self._sources.of(library).values()
        ]

    async def status(self, session: AsyncSession, library: Library, rotation_id: str) -> Status:
        """Return how a rotation stands."""
        rotation = self._rotation(library, rotation_id)
        state = (await queries.states(session)).get(rotation_id)
        return _status(rotation, state, (await queries.outcomes(session)).get(rotation_id, {}))

    async def start(
        self, session: AsyncSession, library: Library, rotation_id: str, now: datetime
    ) -> None:
        """Let it post from the next slot on; one that runs already goes on as it does."""
        rotation, state = await self._locked(session, library, rotation_id, now)
        if not rotation.is_active:
            raise Conflict(
                f"The content switches {rotation_id} off (is_active); switch it on there.",
                code="ROTATION_OFF",
            )
        if not state.running:
            state.running, state.anchor_at, state.changed_at = True, now, now
        plan_anew(state, rotation, now)

    async def stop(
        self, session: AsyncSession, library: Library, rotation_id: str, now: datetime
    ) -> None:
        """Post nothing more until it is started; what is queued already goes out."""
        _rotation, state = await self._locked(session, library, rotation_id, now)
        state.running, state.next_at, state.changed_at = False, None, now

    async def run_now(
        self, session: AsyncSession, library: Library, rotation_id: str, by: str, now: datetime
    ) -> str:
        """Post the next message at once, beside the schedule; return the message's id.

        Raises Conflict (NOTHING_TO_POST) without messages or chats.
        """
        rotation, state = await self._locked(session, library, rotation_id, now)
        if not await post(session, rotation, state, now, by[:80], now):
            raise Conflict(
                f"{rotation_id} has nothing to post, or nowhere: it needs messages and chats.",
                code=NOTHING_TO_POST,
            )
        return str(state.last_message_id)

    async def skip(
        self, session: AsyncSession, library: Library, rotation_id: str, now: datetime
    ) -> str:
        """Pass the next message over; return its id. The time of the next slot stays."""
        rotation, state = await self._locked(session, library, rotation_id, now)
        if not rotation.messages:
            raise Conflict(f"{rotation_id} has no messages.", code=NOTHING_TO_POST)
        state.last_message_id = rotation.after(state.last_message_id).id
        state.changed_at = now
        return state.last_message_id

    def _rotation(self, library: Library, rotation_id: str) -> Rotation:
        rotations = self._sources.of(library)
        if rotation_id not in rotations:
            known = ", ".join(rotations) or "none"
            raise NotFound(
                f"There is no rotation {rotation_id}; there are: {known}.", code=ROTATION_NOT_FOUND
            )
        return rotations[rotation_id]

    async def _locked(
        self, session: AsyncSession, library: Library, rotation_id: str, now: datetime
    ) -> tuple[Rotation, RotationState]:
        rotation = self._rotation(library, rotation_id)
        await begin(session, rotation, now)
        state = await queries.lock(session, rotation_id)
        assert state is not None  # noqa: S101 - it was made a line above
        return rotation, state


def _status(rotation: Rotation, state: RotationState | None, outcomes: dict[str, int]) -> Status:
    last = state.last_message_id if state else None
    return Status(
        rotation,
        running=rotation.is_active and (state is None or state.running),
        next_at=state.next_at if state else None,
        next_message_id=rotation.after(last).id if rotation.messages else None,
        last_message_id=last,
        sent=outcomes.get("sent", 0),
        failed=outcomes.get("failed", 0),
        pending=outcomes.get("pending", 0),
    )
