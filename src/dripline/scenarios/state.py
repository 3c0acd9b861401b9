"""An enrollment's state, as the pure functions of this room read and change it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from dripline.clock import to_us
from dripline.content.document import Scenario
from dripline.deliveries.queue import Entry, Key
from dripline.ids import new_id
from dripline.scenarios.models import ACTIVE

ORIGIN = "enrollment"

HOLD_ACTION = "action"
HOLD_UNREACHABLE = "unreachable"
HOLD_PAUSED = "paused"

# Under this name of the context stands the channel that was asked for at the start.
OVERRIDE = "override_channel"

# Values of `recheck`: look up what was sent; and send the next message whatever its time.
RECHECK, HURRY = 1, 2


@dataclass(slots=True)
class EnrollmentState:
    """The mutable part of an enrollment, and what identifies it."""

    id: uuid.UUID
    contact_id: uuid.UUID
    address_id: uuid.UUID
    scenario_id: str
    lane: str
    run: int
    pace_key: str
    started_at: datetime
    context: dict[str, Any] | None
    status: str
    reason: str | None
    hold: str | None
    position: int
    last_message_id: str | None
    revision: int
    base_at: datetime
    last_sent_at: datetime | None
    completed_at: datetime | None
    stopped_at: datetime | None
    waiting_for: str | None
    wait_until: datetime | None
    early_action: str | None
    turn: int
    recheck: int
    resends: int
    queue_priority: int | None
    queue_due_us: int | None
    # As it was read: how often it had been changed, and what stands in the columns that seldom are.
    version: int = 0
    seldom: tuple[Any, ...] = ()

    @classmethod
    def begun(
        cls,
        scenario: Scenario,
        contact_id: uuid.UUID,
        address_id: uuid.UUID,
        pace_key: str,
        at: datetime,
        *,
        run: int = 1,
        context: dict[str, Any] | None = None,
    ) -> Self:
        """Return the state of somebody who enters a scenario at this moment, nothing planned."""
        return cls(
            id=new_id(),
            contact_id=contact_id,
            address_id=address_id,
            scenario_id=scenario.id,
            lane=scenario.lane,
            run=run,
            pace_key=pace_key,
            started_at=at,
            context=context,
            status=ACTIVE,
            reason=None,
            hold=None,
            position=0,
            last_message_id=None,
            revision=scenario.revision,
            base_at=at,
            last_sent_at=None,
            completed_at=None,
            stopped_at=None,
            waiting_for=None,
            wait_until=None,
            early_action=None,
            turn=0,
            recheck=0,
            resends=0,
            queue_priority=None,
            queue_due_us=None,
        )

    @property
    def is_active(self) -> bool:
        """Whether the contact is in it now."""
        return self.status == ACTIVE

    @property
    def asked_channel(self) -> str | None:
        """The channel that whoever started it asked for, or None."""
        asked = self.context.get(OVERRIDE) if self.context else None
        return asked if isinstance(asked, str) else None

    @property
    def queue_key(self) -> Key | None:
        """Where its row stands in the queue, as far as it knows; None when it has none."""
        if self.queue_due_us is None or self.queue_priority is None:
            return None
        return Key(self.pace_key, self.queue_priority, self.queue_due_us, self.id)

    def plan(self, due: datetime, priority: int) -> Entry:
        """Plan the next step for `due`; the returned row is to be queued, any earlier one gone."""
        self.turn += 1
        self.queue_priority = priority
        self.queue_due_us = to_us(due)
        key = Key(self.pace_key, priority, self.queue_due_us, self.id)
        return Entry(key, ORIGIN, self.id, self.turn)

    def unplan(self) -> None:
        """Plan nothing; what is queued or in flight becomes a leftover."""
        self.turn += 1
        self.queue_priority = None
        self.queue_due_us = None
