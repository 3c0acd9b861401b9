"""Write a rotation into the content, as a push of files would: checked, and a revision."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import edit
from dripline.content.check_documents import check_room_file
from dripline.content.edit import State
from dripline.content.finish import finished_message
from dripline.content.problems import Problem
from dripline.rotations.document import KIND

_KEY: Final = (KIND, KIND)
_EMPTY: Final[Mapping[str, Any]] = {"file": {"rotations": []}, "order": [], "messages": {}}


def written(
    state: State, spec: Mapping[str, Any], posts: Mapping[str, Mapping[str, Any]]
) -> tuple[Mapping[str, Any], Sequence[Problem]]:
    """Return the document with a rotation written, its posts with it; and the linter's problems.

    Posts are known by their ids; one that is there already and is not given stays as it is.
    """
    before = state.documents.get(_KEY, _EMPTY)
    rotations = [dict(one) for one in before["file"].get("rotations") or ()]
    place = next((at for at, one in enumerate(rotations) if one.get("id") == spec["id"]), None)
    if place is None:
        rotations.append(dict(spec))
    else:
        rotations[place] = dict(spec)
    messages = dict(before["messages"])
    for key, post in posts.items():
        messages[key] = finished_message({**_files_of(messages.get(key)), **post}, KIND, key)
    document = {
        "file": {**before["file"], "rotations": rotations},
        "order": [*before["order"], *(key for key in posts if key not in before["order"])],
        "messages": messages,
    }
    return document, check_room_file(state.documents, KIND, document).problems


async def save(
    session: AsyncSession,
    state: State,
    document: Mapping[str, Any],
    author: str,
    via: str,
    now: datetime,
) -> None:
    """Save the document. The caller has locked the content."""
    await edit.apply(session, state, {**state.documents, _KEY: document}, author, via, now)


async def remove(
    session: AsyncSession, state: State, rotation_id: str, author: str, via: str, now: datetime
) -> bool:
    """Take a rotation out of the content, with the posts that nothing else posts."""
    before = state.documents.get(_KEY, _EMPTY)
    kept = [one for one in before["file"].get("rotations") or () if one.get("id") != rotation_id]
    if len(kept) == len(before["file"].get("rotations") or ()):
        return False
    everything = any(not one.get("posts") for one in kept)
    used = {key for one in kept for key in one.get("posts") or ()}
    messages = {key: spec for key, spec in before["messages"].items() if everything or key in used}
    document = {
        "file": {**before["file"], "rotations": kept},
        "order": [key for key in before["order"] if key in messages],
        "messages": messages,
    }
    await save(session, state, document, author, via, now)
    return True


def _files_of(spec: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return which files a post has had: they keep their names."""
    kept = ("template_file", "places", "media")
    return {key: spec[key] for key in kept if key in spec} if spec else {}
