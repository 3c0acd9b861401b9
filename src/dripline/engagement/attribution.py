"""What came of what brought a contact: a goal is credited to their first and their last touch.

scenario.completed   ─▶ a goal
payment.succeeded    ─▶ a goal, with its amount

Both credits are kept, for each answers a question of its own: what finds people, what convinces
them. The touches themselves are noted as people come, in `arrive.py`.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement import touch_queries as touches
from dripline.events import Happened, subscribe

CONSUMER: Final = "attribution"
COMPLETED: Final = "scenario.completed"
PAID: Final = "payment.succeeded"
COMPLETION, PAYMENT = "completion", "payment"

subscribe(CONSUMER, {COMPLETED, PAID})


class Attribution:
    """Reacts to events: credits goals. `window` is how long a touch counts."""

    def __init__(self, window: timedelta) -> None:
        self._window = window

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        if event.contact_id is None:
            return
        if event.name == COMPLETED:
            values = {"kind": COMPLETION, "reached_at": event.occurred_at}
            await self._credit(session, event.contact_id, event, values)
        elif event.name == PAID:
            values = {
                "kind": PAYMENT,
                "reached_at": _moment(event.data.get("paid_at")) or event.occurred_at,
                "amount": event.data.get("amount"),
                "currency": event.data.get("currency"),
            }
            await self._credit(session, event.contact_id, event, values)

    async def _credit(
        self, session: AsyncSession, contact_id: uuid.UUID, event: Happened, values: dict[str, Any]
    ) -> None:
        until = values["reached_at"]
        first, last = await touches.ends(session, contact_id, until - self._window, until)
        if first is None or last is None:
            return
        values |= {f"first_{name}": getattr(first, name) for name in ("kind", "ref", "post_id")}
        values |= {f"last_{name}": getattr(last, name) for name in ("kind", "ref", "post_id")}
        values |= {"contact_id": contact_id, "scenario_id": event.data.get("scenario_id")}
        await touches.insert_goal(session, {"event_id": event.id, **values})


def _moment(written: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else None
