"""End what stands still in the middle of sending rows to PostgreSQL.

A process that is stopped between two statements of a transaction is thrown out by the server after
ten seconds (`idle_in_transaction_session_timeout`). One that is stopped within a COPY is not, nor
by any other timeout, for the server is then busy reading. Its locks, perhaps on a bot's pace, would
hold up everybody else until it goes on. So the others look, and end it.
"""

from typing import Final

import structlog

from dripline.database.bulk import Statement
from dripline.database.engine import APPLICATION, Database

log = structlog.get_logger()
LONGEST_S: Final = 10.0  # our rows are there within milliseconds
_END: Final = Statement(
    sqlite="",
    postgresql="""
        SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND application_name = $2
          AND state = 'active' AND wait_event = 'ClientRead'
          AND state_change < clock_timestamp() - make_interval(secs => $1)
          AND pid <> pg_backend_pid()
    """,
)


async def end_stalled(database: Database, longest_s: float = LONGEST_S) -> int:
    """End connections of ours that have owed rows for `longest_s`; return how many there were."""
    if database.is_sqlite:
        return 0
    ended = await database.glance(_END, longest_s, APPLICATION)
    for row in ended:
        log.warning("database.stalled", pid=row[0])
    return len(ended)
