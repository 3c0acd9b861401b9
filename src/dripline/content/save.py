"""A scenario that somebody brings as a document: checked, compared with what is there, saved.

A document names no files: the texts and files of a message that was there keep their names, new
ones get names from the message's id. So nobody can write outside of the folder by a pull.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit
from dripline.content.check_documents import check_broadcast, check_scenario
from dripline.content.compile import compile_scenario
from dripline.content.diff import changes, retired
from dripline.content.document import Scenario
from dripline.content.edit import State
from dripline.content.finish import finished, finished_broadcast
from dripline.content.problems import Problem
from dripline.errors import Invalid

INVALID_CONTENT: Final = "CONTENT_INVALID"
_ID: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
_BROADCASTS: Final = ("broadcasts", "broadcasts")
_FILES: Final = ("template_file", "places")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as it would be saved; None where it cannot be read at all."""

    scenario_id: str
    problems: Sequence[Problem]
    body: Mapping[str, Any] | None
    compiled: Scenario | None
    added: list[str]
    changed: list[str]
    removed: list[str]

    @property
    def errors(self) -> list[Problem]:
        """What keeps it from being saved."""
        return [one for one in self.problems if one.severity == "error"]


def draft_of(state: State, scenario_id: str, given: Mapping[str, Any]) -> Draft:
    """Check a document of a scenario. Raises Invalid (CONTENT_INVALID) for one without form."""
    before = state.documents.get(("scenario", scenario_id))
    body = _formed(scenario_id, given, before)
    checked = check_scenario(state.documents, scenario_id, finished(body, scenario_id))
    if checked.body is None or checked.errors:
        return Draft(scenario_id, checked.problems, None, None, [], [], [])
    key = ("scenario", scenario_id)
    found = changes({key: before} if before else {}, {key: checked.body})
    change = found[0] if found else None
    edited = {**checked.body, "retired": retired(before, checked.body["order"])}
    compiled = compile_scenario(
        edited, revision=0, button_sets={}, variables={}, paused=False, attributes={}
    )
    return Draft(
        scenario_id,
        checked.problems,
        checked.body,
        compiled,
        list(change.added) if change else [],
        list(change.changed) if change else [],
        list(change.removed) if change else [],
    )


def broadcast_of(
    state: State, broadcast_id: str, given: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], Sequence[Problem]]:
    """Return a broadcast as content lists it, with the linter's problems. Raises Invalid."""
    if not _ID.match(broadcast_id):
        raise _wrong("A broadcast's id has letters, digits, _ and -, 64 at most.")
    before = next((one for one in _broadcasts(state) if one.get("id") == broadcast_id), None)
    message = _message(broadcast_id, given, before)
    created = (before or {}).get("created_at") or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = finished_broadcast({**message, "id": broadcast_id, "created_at": created}, broadcast_id)
    return entry, check_broadcast(state.documents, entry).problems


async def save_broadcast(
    session: AsyncSession,
    state: State,
    entry: Mapping[str, Any],
    author: str,
    via: str,
    now: datetime,
) -> None:
    """Put a broadcast into the content, in its place or at the end. The content is locked."""
    document = state.documents.get(_BROADCASTS, {"extra": {}, "broadcasts": []})
    entries = [dict(one) for one in document["broadcasts"]]
    place = next((at for at, one in enumerate(entries) if one.get("id") == entry["id"]), None)
    if place is None:
        entries.append(dict(entry))
    else:
        entries[place] = dict(entry)
    wanted = {**state.documents, _BROADCASTS: {**document, "broadcasts": entries}}
    await edit.apply(session, state, wanted, author, via, now)


def _broadcasts(state: State) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = state.documents.get(_BROADCASTS, {}).get("broadcasts", ())
    return found


async def save(
    session: AsyncSession, state: State, draft: Draft, author: str, via: str, now: datetime
) -> None:
    """Save a draft without errors as a revision. The caller has locked the content."""
    assert draft.body is not None  # noqa: S101 - without errors there is one
    key = ("scenario", draft.scenario_id)
    registry = state.documents.get(("registry", "registry"), {})
    order = list(registry.get("order", ()))
    if draft.scenario_id not in order:
        order.append(draft.scenario_id)
    default = registry.get("default_scenario_id") or draft.scenario_id
    listed = {**registry, "order": order, "default_scenario_id": default}
    wanted = {**state.documents, key: draft.body, ("registry", "registry"): listed}
    await edit.apply(session, state, wanted, author, via, now)


def _formed(
    scenario_id: str, given: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    if not _ID.match(scenario_id):
        raise _wrong("A scenario's id has letters, digits, _ and -, 64 at most.")
    order, messages = given["order"], given["messages"]
    if len(set(order)) != len(order) or set(order) != set(messages):
        raise _wrong("“order” names each of “messages” once.")
    had = (before or {}).get("messages", {})
    summary = given.get("summary")
    known = before or {"entry": {"is_active": True}, "unlisted": {}, "retired": {}}
    return {
        **known,
        "config": {"name": scenario_id, **given["config"], "id": scenario_id},
        "order": list(order),
        "messages": {name: _message(name, messages[name], had.get(name)) for name in order},
        "summary": _message("summary", summary, known.get("summary")) if summary else None,
    }


def _message(
    name: str, given: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    if not _ID.match(name):
        raise _wrong(f"“{name[:64]}” is no id of a message: letters, digits, _ and -.")
    texts = given.get("texts", {})
    if not isinstance(texts, dict) or not all(isinstance(one, str) for one in texts.values()):
        raise _wrong(f"messages.{name}.texts: a text by language, the default under “”.")
    own = {key: value for key, value in given.items() if key not in _FILES}
    kept = {key: before[key] for key in _FILES if before and key in before}
    media = [_file(name, one, before) for one in _listed(name, given.get("media"))]
    return {**own, **kept, "texts": dict(texts), "media": media}


def _listed(name: str, media: Any) -> list[dict[str, Any]]:
    if media is None:
        return []
    if not isinstance(media, list) or not all(isinstance(one, dict) for one in media):
        raise _wrong(f"messages.{name}.media: a list of files.")
    return media


def _file(name: str, given: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    for known in (before or {}).get("media", ()):
        if known["sha256"] == given.get("sha256"):
            return dict(known)
    raise _wrong(
        f"messages.{name}.media: a file that this message did not have; bring new ones by "
        "`dripline content push`."
    )


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, code=INVALID_CONTENT)
