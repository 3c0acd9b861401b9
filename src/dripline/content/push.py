"""Bring a folder into the installation: validated, all or nothing, in one transaction.

    pushed = await push(database, Path("data"), author="anna", now=clock.now())

`edit.py` has the rules that push shares with every other way of editing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit, queries, sync
from dripline.content.check import examine
from dripline.content.diff import Change, Key, changes
from dripline.content.edit import VIA_FILES, State
from dripline.content.parse import Content
from dripline.content.problems import Problem
from dripline.database import Database
from dripline.errors import Conflict, Invalid

log = structlog.get_logger()
CONTENT_INVALID = "CONTENT_INVALID"
CONTENT_CONFLICT = "CONTENT_CONFLICT"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: the content's version now, what changed, and the linter's warnings."""

    version: int
    changes: tuple[Change, ...]
    warnings: tuple[Problem, ...]


async def push(
    database: Database, root: Path, *, author: str, now: datetime, force: bool = False
) -> Pushed:
    """Make the installation's content what the folder says.

    What is not in the folder is removed; what did not change makes no revision. Raises Invalid
    (CONTENT_INVALID, with `details["problems"]`) for content with errors, and Conflict
    (CONTENT_CONFLICT, with `details["changes"]`) when content was edited elsewhere since the
    folder was last pushed or pulled; `force` overrides that.
    """
    content = await asyncio.to_thread(examine, root)
    refuse_errors(content)
    marker = sync.read(root)
    async with database.transaction() as session:
        await queries.lock(session)
        state = await edit.read_state(session)
        if not force:
            refuse_conflicts(content, state, marker, await knows(session, marker))
        found = changes(state.documents, content.documents)
        if found:
            await store_media(session, content, now)
            await edit.apply(session, state, content.documents, author, VIA_FILES, now)
        state = await edit.read_state(session)
        version = await queries.version(session)
    await asyncio.to_thread(mark, root, content, state)
    warnings = tuple(problem for problem in content.problems if problem.severity == "warning")
    return Pushed(version, tuple(found), warnings)


def refuse_errors(content: Content) -> None:
    """Raise Invalid for content with errors; it names the first ones."""
    errors = [problem for problem in content.problems if problem.severity == "error"]
    if not errors:
        return
    word = "error" if len(errors) == 1 else "errors"
    shown = "\n".join(str(problem) for problem in errors[:20])
    more = f"\n… and {len(errors) - 20} more" if len(errors) > 20 else ""
    raise Invalid(
        f"The content has {len(errors)} {word}; nothing was changed.\n{shown}{more}",
        code=CONTENT_INVALID,
        problems=content.problems,
    )


def refuse_conflicts(
    content: Content,
    state: State,
    marker: sync.Marker | None,
    knows: bool,  # noqa: FBT001
) -> None:
    """Raise Conflict, with the difference, where a push would undo what others wrote."""
    keys = edited_elsewhere(content, state, marker if knows else None)
    if not keys:
        return
    mine = {key: body for key, body in content.documents.items() if key in keys}
    theirs = {key: body for key, body in state.documents.items() if key in keys}
    found = changes(theirs, mine)
    shown = "\n\n".join(
        f"{change.title}: {change.how} by this push\n{change.diff}" for change in found
    )
    raise Conflict(
        "Content was edited elsewhere since this folder was last pushed or pulled. "
        "Pull first, or use --force to override what was written there.\n\n" + shown,
        code=CONTENT_CONFLICT,
        changes=found,
    )


def edited_elsewhere(content: Content, state: State, marker: sync.Marker | None) -> list[Key]:
    """Return the documents that a push would change and that others have changed before it."""
    found = []
    for key, head in state.heads.items():
        mine = content.documents.get(key)
        theirs = state.documents.get(key)
        if edit.same_or_both_missing(mine, theirs):
            continue
        if marker is None:
            elsewhere = head.via != VIA_FILES
        else:
            known = marker.revisions.get(sync.document_name(*key))
            elsewhere = known != (None if head.deleted else head.revision_id.hex)
        if elsewhere:
            found.append(key)
    return found


async def knows(session: AsyncSession, marker: sync.Marker | None) -> bool:
    """Whether the marker speaks of this installation: another one has other revisions."""
    return marker is not None and await queries.has_revision(
        session, [edit.as_id(one) for one in marker.revisions.values()]
    )


async def store_media(session: AsyncSession, content: Content, now: datetime) -> None:
    """Keep the files that a content's messages send; what is kept already is not read again."""
    present = await queries.media_present(session, list(content.media))
    for sha256, source in content.media.items():
        if sha256 in present:
            continue
        body = await asyncio.to_thread(source.path.read_bytes)
        if sync.digest(body) != sha256:
            raise Conflict(f"{source.path.name} changed while it was read; push again.")
        await queries.insert_media(
            session,
            {
                "sha256": sha256,
                "filename": source.path.name,
                "size": len(body),
                "body": body,
                "created_at": now,
            },
        )


def mark(root: Path, content: Content, state: State) -> None:
    """Note in the folder what it and the installation agree on now.

    A folder that cannot be written to, such as one of a container's image, goes without.
    """
    folder = content.folder
    assert folder is not None  # noqa: S101 - a content that was read has its folder
    media = {name: source.sha256 for name, source in folder.media.items()}
    try:
        sync.write(root, sync.Marker(revisions_of(state), {**folder.hashes, **media}))
    except OSError as error:
        log.warning("content.not_marked", folder=root.name, reason=error.strerror)


def revisions_of(state: State) -> dict[str, str]:
    """Return the current revisions, as a marker keeps them."""
    return {
        sync.document_name(*key): head.revision_id.hex
        for key, head in state.heads.items()
        if key in state.documents
    }
