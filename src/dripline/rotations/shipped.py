"""The rotations that ship, `guides` and `promos`: as values, and their way into a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from dripline.content import files as folder_files
from dripline.content import room_files
from dripline.content.compile import Making, scopes
from dripline.content.folder import Folder
from dripline.content.json_source import JsonError, parse
from dripline.content.unparse import json_text
from dripline.content.variables import fallbacks
from dripline.errors import Conflict, Invalid
from dripline.rotations.check import FILE
from dripline.rotations.document import KIND, Rotation, make

CONTENT_CONFLICT: Final = "CONTENT_CONFLICT"
_PLACE: Final = "content"


@dataclass(frozen=True, slots=True)
class Added:
    """Which rotations came into a folder, and which were there."""

    added: tuple[str, ...]
    kept: tuple[str, ...]


@cache
def shipped() -> Mapping[str, Rotation]:
    """Return the shipped rotations, without chats."""
    with as_file(files("dripline.rotations") / _PLACE) as source:
        room_file = room_files.of_kind(KIND)
        assert room_file is not None  # noqa: S101 - `check` has registered it
        document = room_files.parse(Folder(source), room_file)
    making = Making({}, scopes({"id": "", "name": ""}, {}), fallbacks({}))
    return make(document or {"file": {}, "messages": {}}, making)


def add_rotations(root: Path) -> Added:
    """Copy the rotations that a folder does not have yet into it.

    Raises Conflict (CONTENT_CONFLICT) when a message or file of the same name says something else,
    Invalid when the folder's registry cannot be read; nothing is written then.
    """
    with as_file(files("dripline.rotations") / _PLACE) as source:
        return _add(source, root)


def _add(source: Path, root: Path) -> Added:
    ours, theirs = _registry(source), _registry(root)
    present = {entry.get("id") for entry in theirs["rotations"]}
    new = [entry for entry in ours["rotations"] if entry["id"] not in present]
    wanted = {key: ours["messages"][key] for entry in new for key in entry["posts"]}
    copies = {
        place.relative_to(source).as_posix(): place.read_bytes()
        for key in wanted
        for place in sorted((source / KIND / "messages").glob(f"{key}.*"))
    }
    lost = [key for key, spec in wanted.items() if theirs["messages"].get(key, spec) != spec]
    lost += [name for name, data in copies.items() if _differs(root, name, data)]
    if lost:
        raise Conflict(
            "These are there already and say something else: " + ", ".join(lost),
            code=CONTENT_CONFLICT,
            files=lost,
        )
    for name, data in copies.items():
        folder_files.write(root, name, data)
    if new:
        merged = {
            **theirs,
            "rotations": [*theirs["rotations"], *new],
            "messages": {**theirs["messages"], **wanted},
        }
        folder_files.write(root, FILE, json_text(merged).encode())
    kept = tuple(entry["id"] for entry in ours["rotations"] if entry["id"] in present)
    return Added(tuple(entry["id"] for entry in new), kept)


def _differs(root: Path, name: str, data: bytes) -> bool:
    place = folder_files.inside(root, name)
    return place.exists() and place.read_bytes() != data


def _registry(root: Path) -> dict[str, Any]:
    place = root / FILE
    if not place.exists():
        return {"rotations": [], "messages": {}}
    try:
        value = parse(place.read_text("utf-8-sig")).value
    except (JsonError, UnicodeDecodeError) as error:
        raise Invalid(f"{FILE} is no JSON: {error}. See `dripline content check`.") from error
    rotations = value.get("rotations", []) if isinstance(value, dict) else None
    messages = value.get("messages", {}) if isinstance(value, dict) else None
    if not isinstance(rotations, list) or not isinstance(messages, dict):
        raise Invalid(f"{FILE} has no list of rotations. See `dripline content check`.")
    return {**value, "rotations": rotations, "messages": messages}
