"""Note who changed what: in the transaction of the change, so that neither is without the other."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.ids import new_id
from dripline.operators import key_queries as queries

_MOST_FIELDS = 50


async def note(
    session: AsyncSession,
    *,
    actor: str,
    role: str,
    action: str,
    target: str,
    now: datetime,
    request_id: str = "",
    source: str = "",
    fields: Sequence[str] = (),
) -> None:
    """Add a line to the audit log: an actor did an action to a target."""
    values = {
        "id": new_id(),
        "at": now,
        "actor": actor[:160],
        "role": role[:10],
        "action": action[:200],
        "target": target[:400],
        "request_id": request_id[:64],
        "source": source[:64],
        "fields": [field[:80] for field in fields[:_MOST_FIELDS]],
    }
    await queries.insert_audit(session, values)
