"""Programs, as lifecycle wants them, made of what the scenarios room offers."""

import uuid
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import ContentStore
from dripline.errors import DriplineError
from dripline.scenarios import programs

log = structlog.get_logger()


class ProgramsOfScenarios:
    """Enrolls and cancels; what cannot be is told in the log, and changes nothing."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store

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
        """Enroll a contact; False when it was refused, or the program is not there."""
        library = await self._store.current(session)
        try:
            return await programs.enroll(
                session, library, contact_id, program_id, now, force=force, reason=reason
            )
        except DriplineError as error:
            log.warning(
                "program.not_entered",
                program=program_id,
                contact_id=str(contact_id),
                reason=error.message,
            )
            return False

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
        library = await self._store.current(session)
        status = await programs.status(session, library, contact_id)
        if status.program_id != program_id:
            return False
        return await programs.cancel(session, contact_id, now, reason=reason)
