"""Ask for something that no transaction may do: a file to be fetched, a lot to be counted."""

from typing import Any, Final

from dripline.bot.admin.desk import Desk
from dripline.database import wake
from dripline.ids import new_id
from dripline.operators import queries as operators

WAKE_JOBS: Final = "admin_jobs"
FILE, STATISTICS, BROADCAST_CARD, AUDIENCE = "file", "stats", "broadcast", "audience"
REVIEW: Final = "review"


async def send_for(desk: Desk, kind: str, detail: dict[str, Any]) -> None:
    """Have a job done for this admin, once this transaction is over."""
    await operators.add_job(
        desk.session,
        {
            "id": new_id(),
            "bot": desk.bot,
            "telegram_id": desk.telegram_id,
            "kind": kind,
            "detail": detail,
            "due_at": desk.now,
        },
    )
    await wake(desk.session, WAKE_JOBS)
