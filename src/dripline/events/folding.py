"""Whoever folds events into rows of contacts, and whoever erases a contact, take turns.

Without it, a row that is worked out while its contact is being erased would outlive them. SQLite
has one writer; there, whoever folds sees by the events that are gone.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended('dripline.folding', 0))"
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('dripline.folding', 0))"


async def begin(session: AsyncSession) -> bool:
    """Begin to fold; False while somebody else does, or erases. It ends with the transaction."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(await session.scalar(text(_TRY)))


async def keep_off(session: AsyncSession) -> None:
    """Let nobody fold until this transaction ends; waits for whoever does."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(_WAIT))
