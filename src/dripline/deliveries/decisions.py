"""Note a decision with its reason: this is what `why` reads."""

import uuid
from datetime import datetime
from typing import Any

from dripline.deliveries.models import Decision
from dripline.ids import new_id


def decision(
    *,
    contact_id: uuid.UUID,
    origin_id: uuid.UUID,
    kind: str,
    reason: str,
    now: datetime,
    scenario_id: str | None = None,
    message_id: str | None = None,
    until: datetime | None = None,
    detail: dict[str, Any] | None = None,
) -> Decision:
    """Return the row of a decision.

    Kinds: enrolled, resumed, wait, skip, park, stopped, completed. A decision to send stands on
    its delivery.
    """
    return Decision(
        id=new_id(),
        contact_id=contact_id,
        origin_id=origin_id,
        scenario_id=scenario_id,
        message_id=message_id,
        kind=kind,
        reason=reason[:60],
        decided_at=now,
        until=until,
        detail=detail,
    )
