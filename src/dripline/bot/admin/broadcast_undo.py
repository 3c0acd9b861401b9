"""Take the last change of a broadcast back; whoever else's broadcast stands beside it stays.

All broadcasts are one document, so a broadcast's own history is where it differs from one revision
of the document to the next.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin import broadcasting, queries
from dripline.bot.admin.changing import UNDO, before_last
from dripline.bot.admin.desk import Desk, Row, shown
from dripline.bot.admin.document import entry_of
from dripline.content import edit
from dripline.content import queries as content
from dripline.content.models import Revision
from dripline.texts import gettext as _

ACTION: Final = "i"
_MARKED_BY: Final = 8  # digits that tell which of several broadcasts of a revision is meant


@dataclass(frozen=True, slots=True)
class Step:
    """What a broadcast became by one change; `entry` is None when it was deleted."""

    revision: uuid.UUID
    entry: dict[str, Any] | None
    author: str
    via: str
    created_at: datetime


async def button(session: AsyncSession, key: str, language: str | None) -> Row:
    """Return the button that takes the last change back; nothing where there is none."""
    history = steps(await queries.revisions_of_broadcasts(session), key)
    if _before(history) is None:
        return ()
    return ((_("↩️ Undo the last change", language), f"~{ACTION}:{_mark(history[-1], key)}"),)


async def act(desk: Desk, value: str) -> None:
    """Follow the button, if the change it was made for is still the last one."""
    await content.lock(desk.session)
    revision, _dot, digits = value.partition(".")
    wanted = edit.as_id(revision)
    history = await queries.revisions_of_broadcasts(desk.session)
    for key in {one["id"]: None for revision in history for one in _entries(revision.body)}:
        found = steps(history, key)
        if _digits(key) == digits and found[-1].revision == wanted:
            await _undo(desk, key, found)
            return
    await desk.say(
        _("This has changed since, so that button does not fit any more.", desk.language)
    )


async def undo_latest(desk: Desk, key: str) -> bool:
    """Go back by one change of a broadcast; False when there never was one of this id."""
    await content.lock(desk.session)
    found = steps(await queries.revisions_of_broadcasts(desk.session), key)
    if found:
        await _undo(desk, key, found)
    return bool(found)


async def _undo(desk: Desk, key: str, history: Sequence[Step]) -> None:
    if await broadcasting.is_on_its_way(desk, key):
        return
    before = _before(history)
    if before is None or before.entry is None:
        await desk.say(_("There is nothing before this.", desk.language))
        return
    was_deleted = history[-1].entry is None
    await broadcasting.put(desk, await edit.read_state(desk.session), before.entry, UNDO)
    name = shown(str(before.entry.get("name") or key))
    text = _("↩️ “{name}” is back.", desk.language, name=name)
    if not was_deleted:
        text = _("↩️ Undone: it is again as {author} saved it on {when} UTC.", desk.language,
                 author=shown(before.author),
                 when=before.created_at.strftime("%Y-%m-%d %H:%M"))  # fmt: skip
    await desk.say(text)
    await broadcasting.ask_card(desk, key, renew=True)


def steps(history: Sequence[Revision], key: str) -> list[Step]:
    """Return what a broadcast was, change by change, oldest first: a pure function."""
    found: list[Step] = []
    entry: Mapping[str, Any] | None = None
    for revision in history:
        now = entry_of(revision.body, key)
        if now != entry:
            made = revision.created_at
            found.append(Step(revision.id, now, revision.author, revision.via, made))
        entry = now
    return found


def _before(history: Sequence[Step]) -> Step | None:
    before = before_last(history)
    return before if before is not None and before.entry is not None else None


def _entries(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in body.get("broadcasts") or () if one.get("id")]


def _mark(last: Step, key: str) -> str:
    return f"{last.revision.hex}.{_digits(key)}"


def _digits(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_MARKED_BY]
