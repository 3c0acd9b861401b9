"""Every statement on content."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.models import (
    ContentState,
    Document,
    MediaFile,
    MediaFileId,
    Revision,
    ScenarioSwitch,
)
from dripline.database import Database, bulk, insert_new

_VERSION = bulk.same("SELECT version FROM content_state WHERE id = 1")


CHANGED = "content_changed"


async def version(session: AsyncSession) -> int:
    """Return the version of the content; 0 while there is none."""
    rows = await bulk.run(session, _VERSION)  # asked at every claim and settle
    return int(rows[0][0]) if rows else 0


async def glance_at_version(database: Database) -> int:
    """Return the version of the content as it is now, outside of any transaction."""
    rows = await database.glance(_VERSION)
    return int(rows[0][0]) if rows else 0


async def default_scenario_id(session: AsyncSession) -> str | None:
    """Return the id of the default scenario, or None."""
    found: str | None = await session.scalar(
        select(ContentState.default_scenario_id).where(ContentState.id == 1)
    )
    return found


async def bump(session: AsyncSession) -> None:
    """Raise the version: every process reads again what has changed.

    Who has read it must never meet the same version with other content. So the commit waits for the
    disk, also where others don't, and a transaction that may yet be undone is marked.
    """
    session.info[CHANGED] = True
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SET LOCAL synchronous_commit TO on"))
    statement = insert_new(session, ContentState).values(id=1, version=1)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"version": ContentState.version + 1}
        )
    )


async def set_default(session: AsyncSession, scenario_id: str | None) -> None:
    """Make a scenario the default one."""
    await session.execute(
        update(ContentState).where(ContentState.id == 1).values(default_scenario_id=scenario_id)
    )


async def documents(session: AsyncSession) -> Sequence[Document]:
    """Return what is current, deleted documents left out."""
    statement = select(Document).where(Document.deleted_at.is_(None))
    return (await session.scalars(statement.order_by(Document.kind, Document.key))).all()


async def revisions(session: AsyncSession, ids: Sequence[uuid.UUID]) -> Sequence[Revision]:
    """Return revisions by their ids."""
    if not ids:
        return []
    return (await session.scalars(select(Revision).where(Revision.id.in_(list(ids))))).all()


async def paused(session: AsyncSession) -> set[str]:
    """Return the ids of paused scenarios."""
    statement = select(ScenarioSwitch.scenario_id).where(ScenarioSwitch.paused_at.is_not(None))
    return set((await session.scalars(statement)).all())


async def set_paused(session: AsyncSession, scenario_id: str, at: datetime | None) -> None:
    """Pause a scenario, or let it go on with None."""
    statement = insert_new(session, ScenarioSwitch).values(scenario_id=scenario_id, paused_at=at)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["scenario_id"], set_={"paused_at": at})
    )


async def lock(session: AsyncSession) -> None:
    """Have the content to ourselves until the end of the transaction."""
    statement = insert_new(session, ContentState).values(id=1, version=0)
    await session.execute(statement.on_conflict_do_nothing())
    await session.execute(select(ContentState.id).where(ContentState.id == 1).with_for_update())


async def heads(session: AsyncSession) -> Sequence[tuple[Document, Revision]]:
    """Return every document with its current revision, deleted ones too."""
    statement = (
        select(Document, Revision)
        .join(Revision, Revision.id == Document.revision_id)
        .order_by(Document.kind, Document.key)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in (await session.execute(statement)).all()]


async def has_revision(session: AsyncSession, ids: Sequence[uuid.UUID]) -> bool:
    """Whether any of these revisions is ours."""
    if not ids:
        return False
    found = await session.scalar(select(Revision.id).where(Revision.id.in_(list(ids))).limit(1))
    return found is not None


async def insert_revision(session: AsyncSession, values: dict[str, Any]) -> None:
    """Add a revision and make it the current one of its document."""
    await session.execute(insert_new(session, Revision).values(values))
    current = {"revision_id": values["id"], "number": values["number"], "deleted_at": None}
    statement = insert_new(session, Document).values(
        kind=values["kind"], key=values["key"], **current
    )
    await session.execute(
        statement.on_conflict_do_update(index_elements=["kind", "key"], set_=current)
    )


async def delete_document(session: AsyncSession, kind: str, key: str, at: datetime) -> None:
    """Take a document out of the content; its revisions stay."""
    await session.execute(
        update(Document).where(Document.kind == kind, Document.key == key).values(deleted_at=at)
    )


async def media_present(session: AsyncSession, hashes: Sequence[str]) -> set[str]:
    """Return which of these files are stored."""
    found: set[str] = set()
    for at in range(0, len(hashes), 500):
        page = list(hashes[at : at + 500])
        found |= set(
            (
                await session.scalars(select(MediaFile.sha256).where(MediaFile.sha256.in_(page)))
            ).all()
        )
    return found


async def media_body(session: AsyncSession, sha256: str) -> bytes | None:
    """Return a file's bytes, or None."""
    found: bytes | None = await session.scalar(
        select(MediaFile.body).where(MediaFile.sha256 == sha256)
    )
    return found


async def insert_media(session: AsyncSession, values: dict[str, Any]) -> None:
    """Store a file, unless its bytes are there."""
    await session.execute(insert_new(session, MediaFile).values(values).on_conflict_do_nothing())


async def media_file_id(session: AsyncSession, sha256: str, bot: str) -> str | None:
    """Return what a bot's Telegram calls a file, or None."""
    found: str | None = await session.scalar(
        select(MediaFileId.file_id).where(MediaFileId.sha256 == sha256, MediaFileId.bot == bot)
    )
    return found


async def set_media_file_id(session: AsyncSession, sha256: str, bot: str, file_id: str) -> None:
    """Keep what a bot's Telegram calls a file."""
    statement = insert_new(session, MediaFileId).values(sha256=sha256, bot=bot, file_id=file_id)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["sha256", "bot"], set_={"file_id": file_id})
    )
