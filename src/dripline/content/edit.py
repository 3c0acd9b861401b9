"""Save content, whoever edits it: each save is a revision with its author and time.

`push` comes here with a folder; a dashboard or a wizard comes with documents it has changed.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import queries
from dripline.content.diff import Documents, Key, retired, same
from dripline.errors import SCENARIO_NOT_FOUND, Conflict, NotFound
from dripline.events import NewEvent, append
from dripline.ids import new_id

VIA_FILES: Final = "files"
EVENT_CHANGED: Final = "content.changed"


@dataclass(frozen=True, slots=True)
class Head:
    """The current revision of a document, deleted ones too."""

    revision_id: uuid.UUID
    number: int
    via: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class State:
    """The content as it is: heads of all documents, bodies of those that are not deleted."""

    heads: Mapping[Key, Head]
    documents: Mapping[Key, Mapping[str, Any]]
    buried: Mapping[Key, Mapping[str, Any]]  # bodies of deleted ones: someone may come back


async def read_state(session: AsyncSession) -> State:
    """Return the content as this transaction sees it."""
    heads: dict[Key, Head] = {}
    documents: dict[Key, Mapping[str, Any]] = {}
    buried: dict[Key, Mapping[str, Any]] = {}
    for document, revision in await queries.heads(session):
        key = (document.kind, document.key)
        deleted = document.deleted_at is not None
        heads[key] = Head(document.revision_id, document.number, revision.via, deleted)
        (buried if deleted else documents)[key] = revision.body
    return State(heads, documents, buried)


async def apply(
    session: AsyncSession, state: State, wanted: Documents, author: str, via: str, now: datetime
) -> None:
    """Make the content what `wanted` says: new revisions, removed documents, the default.

    Appends `content.changed` with the scenarios to plan again. The caller has locked the content.
    """
    touched: list[str] = []
    for key, body in wanted.items():
        if not same_or_both_missing(body, state.documents.get(key)):
            await _save(session, state, key, body, author, via, now)
            touched.append(key[1]) if key[0] == "scenario" else None
    for key in state.documents:
        if key not in wanted:
            await queries.delete_document(session, *key, now)
            touched.append(key[1]) if key[0] == "scenario" else None
    registry = wanted.get(("registry", "registry"), {})
    await queries.bump(session)
    await queries.set_default(session, registry.get("default_scenario_id"))
    await tell_changed(session, touched, now)


async def _save(
    session: AsyncSession,
    state: State,
    key: Key,
    body: Mapping[str, Any],
    author: str,
    via: str,
    now: datetime,
) -> None:
    kind, name = key
    if kind == "scenario":
        before = state.documents.get(key) or state.buried.get(key)
        body = {**body, "retired": retired(before, body["order"])}
    head = state.heads.get(key)
    await queries.insert_revision(
        session,
        {
            "id": new_id(),
            "kind": kind,
            "key": name,
            "number": head.number + 1 if head else 1,
            "body": dict(body),
            "author": author[:120],
            "via": via,
            "created_at": now,
        },
    )


async def tell_changed(session: AsyncSession, scenario_ids: list[str], now: datetime) -> None:
    """Tell the other rooms that these scenarios have changed."""
    version = await queries.version(session)
    data = {"scenario_ids": scenario_ids, "version": version}
    await append(session, NewEvent(EVENT_CHANGED, None, "content", new_id().hex, now, data))


async def set_default(
    session: AsyncSession, scenario_id: str, author: str, via: str, now: datetime
) -> None:
    """Make a scenario the one that a bare /start enters. Raises NotFound."""
    await queries.lock(session)
    state = await _existing(session, scenario_id)
    registry = state.documents.get(("registry", "registry"), {})
    changed = {**registry, "default_scenario_id": scenario_id}
    wanted = {**state.documents, ("registry", "registry"): changed}
    await apply(session, state, wanted, author, via, now)


async def set_active(
    session: AsyncSession, scenario_id: str, author: str, via: str, now: datetime, *, active: bool
) -> None:
    """Switch a scenario on or off. Raises NotFound."""
    await queries.lock(session)
    state = await _existing(session, scenario_id)
    body = state.documents["scenario", scenario_id]
    changed = {**body, "entry": {**body.get("entry", {}), "is_active": active}}
    wanted = {**state.documents, ("scenario", scenario_id): changed}
    await apply(session, state, wanted, author, via, now)


async def delete(
    session: AsyncSession, scenario_id: str, author: str, via: str, now: datetime
) -> None:
    """Delete a scenario. Raises NotFound, and Conflict for the default one."""
    await queries.lock(session)
    state = await _existing(session, scenario_id)
    registry = state.documents.get(("registry", "registry"), {})
    if registry.get("default_scenario_id") == scenario_id:
        raise Conflict("The default scenario cannot be deleted; make another one the default.")
    order = [one for one in registry.get("order", ()) if one != scenario_id]
    wanted = {
        key: body for key, body in state.documents.items() if key != ("scenario", scenario_id)
    }
    wanted["registry", "registry"] = {**registry, "order": order}
    await apply(session, state, wanted, author, via, now)


async def _existing(session: AsyncSession, scenario_id: str) -> State:
    state = await read_state(session)
    if ("scenario", scenario_id) not in state.documents:
        raise NotFound(f"There is no scenario {scenario_id}.", code=SCENARIO_NOT_FOUND)
    return state


def same_or_both_missing(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two states of a document say the same; missing equals missing only."""
    if one is None or other is None:
        return one is other
    return same(one, other)


def as_id(text: str) -> uuid.UUID:
    """Return a revision's id out of a marker; one that is no id matches nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
