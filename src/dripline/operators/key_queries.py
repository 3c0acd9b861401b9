"""Every statement on API keys, the audit log and kept answers."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import insert_new
from dripline.operators.models import ApiKey, AuditEntry, KeptAnswer


async def key_of_prefix(session: AsyncSession, prefix: str) -> ApiKey | None:
    """Return the key with this prefix, revoked ones too, or None."""
    found: ApiKey | None = await session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    return found


async def keys(session: AsyncSession) -> Sequence[ApiKey]:
    """Return all keys, oldest first."""
    return (await session.scalars(select(ApiKey).order_by(ApiKey.id))).all()


async def insert_key(session: AsyncSession, key: ApiKey) -> None:
    """Add a key."""
    session.add(key)
    await session.flush()


async def revoke_key(session: AsyncSession, key_id: uuid.UUID, now: datetime) -> bool:
    """Let a key open nothing any more; False when it was revoked already."""
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def set_last_used(session: AsyncSession, key_id: uuid.UUID, now: datetime) -> None:
    """Note that a key was used."""
    await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


async def insert_audit(session: AsyncSession, values: dict[str, Any]) -> None:
    """Add a line to the audit log."""
    await session.execute(insert_new(session, AuditEntry).values(values))


async def audit_page(
    session: AsyncSession,
    before: uuid.UUID | None,
    limit: int,
    *,
    actor: str | None = None,
    request_id: str | None = None,
) -> Sequence[AuditEntry]:
    """Return lines of the audit log, newest first, behind the line `before`."""
    statement = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    if actor is not None:
        statement = statement.where(AuditEntry.actor == actor)
    if request_id is not None:
        statement = statement.where(AuditEntry.request_id == request_id)
    return (await session.scalars(statement)).all()


async def kept_answer(session: AsyncSession, owner: str, key: str) -> KeptAnswer | None:
    """Return what was answered under this idempotency key, or None."""
    return await session.get(KeptAnswer, (owner, key))


async def keep_answer(session: AsyncSession, values: dict[str, Any]) -> None:
    """Keep an answer; one of an earlier day gives way."""
    statement = insert_new(session, KeptAnswer).values(values)
    fresh = {name: value for name, value in values.items() if name not in {"owner", "key"}}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["owner", "key"], set_=fresh)
    )


async def prune_answers(session: AsyncSession, before: datetime) -> int:
    """Forget answers kept since before a moment."""
    statement = delete(KeptAnswer).where(KeptAnswer.created_at < before)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def have_to_ourselves(session: AsyncSession, name: str) -> bool:
    """Try to hold a name until the transaction ends; False when another process holds it.

    SQLite has one writing transaction at a time, so there the name is always ours.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    locked = func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0))
    return bool(await session.scalar(select(locked)))
