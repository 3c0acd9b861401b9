"""Every statement on what operators have under way."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, insert_new
from dripline.operators.models import AdminJob, Wizard

_ANY_DUE_JOB = bulk.same("SELECT 1 FROM admin_jobs WHERE due_at <= ? LIMIT 1")
_ANY_EXPIRED_WIZARD = bulk.same("SELECT 1 FROM wizards WHERE expires_at <= ? LIMIT 1")


async def wizard(
    session: AsyncSession, bot: str, telegram_id: int, *, lock: bool = True
) -> Wizard | None:
    """Return what an admin has under way, or None; locked until this transaction ends."""
    statement = select(Wizard).where(Wizard.bot == bot, Wizard.telegram_id == telegram_id)
    if lock:
        statement = statement.with_for_update()
    found: Wizard | None = await session.scalar(statement.execution_options(populate_existing=True))
    return found


async def save_wizard(
    session: AsyncSession,
    bot: str,
    telegram_id: int,
    draft: dict[str, Any],
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep how far an admin is."""
    values = {"draft": draft, "changed_at": now, "expires_at": expires_at}
    statement = insert_new(session, Wizard).values(bot=bot, telegram_id=telegram_id, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["bot", "telegram_id"], set_=values)
    )


async def end_wizard(session: AsyncSession, bot: str, telegram_id: int) -> None:
    """Forget what an admin had under way."""
    await session.execute(
        delete(Wizard).where(Wizard.bot == bot, Wizard.telegram_id == telegram_id)
    )


async def any_expired_wizard(database: Database, now: datetime) -> bool:
    """Return whether a wizard has been silent for too long."""
    return bool(await database.glance(_ANY_EXPIRED_WIZARD, now))


async def expired_wizards(
    session: AsyncSession, now: datetime, limit: int
) -> Sequence[tuple[str, int]]:
    """Return whose wizards have been silent for too long: bot and Telegram id."""
    rows = await session.execute(
        select(Wizard.bot, Wizard.telegram_id).where(Wizard.expires_at <= now).limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


async def add_job(session: AsyncSession, values: dict[str, Any]) -> None:
    """Ask for something to be done outside of a transaction; nothing happens to one that waits."""
    statement = insert_new(session, AdminJob).values(attempts=0, **values)
    await session.execute(statement.on_conflict_do_nothing())


async def due_jobs(session: AsyncSession, now: datetime, limit: int) -> Sequence[AdminJob]:
    """Return what is to be done now, oldest first."""
    statement = select(AdminJob).where(AdminJob.due_at <= now).order_by(AdminJob.id).limit(limit)
    return (await session.scalars(statement)).all()


async def any_due_job(database: Database, now: datetime) -> bool:
    """Return whether there is anything to be done now."""
    return bool(await database.glance(_ANY_DUE_JOB, now))


async def end_job(session: AsyncSession, job_id: uuid.UUID) -> bool:
    """Take a job out; return False when someone else has finished it."""
    done = await session.execute(delete(AdminJob).where(AdminJob.id == job_id))
    return bool(cast("CursorResult[Any]", done).rowcount)


async def job(session: AsyncSession, job_id: uuid.UUID) -> AdminJob | None:
    """Return a job, locked until this transaction ends, or None."""
    statement = select(AdminJob).where(AdminJob.id == job_id).with_for_update()
    found: AdminJob | None = await session.scalar(
        statement.execution_options(populate_existing=True)
    )
    return found


async def change_job(
    session: AsyncSession, job_id: uuid.UUID, due_at: datetime, detail: dict[str, Any]
) -> None:
    """Let a job that is done again and again be due at another time."""
    await session.execute(
        update(AdminJob).where(AdminJob.id == job_id).values(due_at=due_at, detail=detail)
    )


async def put_off_job(session: AsyncSession, job_id: uuid.UUID, due_at: datetime) -> None:
    """Try a job again later."""
    await session.execute(
        update(AdminJob)
        .where(AdminJob.id == job_id)
        .values(due_at=due_at, attempts=AdminJob.attempts + 1)
    )
