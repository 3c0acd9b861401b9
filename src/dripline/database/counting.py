"""Have PostgreSQL count from indexes, whatever the server is set to otherwise."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_COUNTING = {
    # What is counted often lies in memory or on an SSD, where order on disk matters little.
    "random_page_cost": "1.1",
    "work_mem": "64MB",  # a hash of a million ids does without files
    # One statement of 0.1 s: to compile it, or to start further processes, would take as long, and
    # the other processors are left to what sends meanwhile.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_custom_plan",  # the values decide how many there are
}
_STATEMENT = text(
    "SELECT " + ", ".join(f"set_config('{name}', '{to}', true)" for name, to in _COUNTING.items())
)


async def plan_for_counting(session: AsyncSession) -> None:
    """Let the rest of this transaction walk through whole indexes; nothing to do on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_STATEMENT)
