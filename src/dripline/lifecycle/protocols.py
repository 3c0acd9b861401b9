"""What this room needs of a sibling; wiring joins the two."""

import uuid
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class Programs(Protocol):
    """Flows of messages that a change of state enters."""

    async def enroll(
        self,
        session: AsyncSession,
        contact_id: uuid.UUID,
        program_id: str,
        now: datetime,
        *,
        force: bool,
        reason: str,
    ) -> bool:
        """Enroll a contact; False when it was refused, or cannot be. Raises nothing for that."""
        ...

    async def cancel(
        self,
        session: AsyncSession,
        contact_id: uuid.UUID,
        program_id: str,
        now: datetime,
        *,
        reason: str,
    ) -> bool:
        """Take a contact out of a program; False when they are not in it."""
        ...
