"""The programs and layouts that ship as content, and their way into an operator's folder.

Each scenario's files come first, the registry last: a crash in the middle leaves files that no
registry names, and the next try goes on from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from dripline.content import files as folder_files
from dripline.content.email.layout import shipped
from dripline.content.json_source import JsonError, parse
from dripline.content.parse import LAYOUTS, REGISTRY
from dripline.content.unparse import json_text
from dripline.errors import Conflict, Invalid

CONTENT_CONFLICT: Final = "CONTENT_CONFLICT"
_BESIDE: Final = "lifecycle.json"  # which state enters which program; copied where there is none
_GIFTS: Final = "lifecycle/messages"  # what it sends besides


@dataclass(frozen=True, slots=True)
class Added:
    """Which scenarios came into a folder, which stayed as they were, and what else was said."""

    scenarios: tuple[str, ...]
    kept: tuple[str, ...]
    lifecycle: bool
    default: str | None  # the scenario of a bare /start, where the folder had none


def add_programs(root: Path) -> Added:
    """Copy the programs that a folder does not have yet into it.

    A scenario of the folder is left as it is, whatever it says. Raises Conflict
    (CONTENT_CONFLICT) when an unlisted file would be overwritten, Invalid when the folder's
    registry cannot be read; nothing is written then.
    """
    with as_file(files("dripline.content") / "programs") as source:
        return _add(source, root)


def add_layouts(root: Path) -> dict[str, bool]:
    """Copy the layouts that ship into a folder; return their files, and whether each is new."""
    done = {}
    for name, by_language in shipped().items():
        place = f"{LAYOUTS}/{name}.mjml"
        done[place] = not folder_files.inside(root, place).exists()
        if done[place]:
            folder_files.write(root, place, by_language[""].encode())
    return done


def _add(source: Path, root: Path) -> Added:
    ours, theirs = _registry(source), _registry(root)
    present = {entry.get("id") for entry in theirs["scenarios"]}
    new = [entry for entry in ours["scenarios"] if entry["id"] not in present]
    copies = {
        name: data for entry in new for name, data in _scenario_files(source, entry["id"]).items()
    }
    lifecycle = bool(new) and not (root / _BESIDE).exists()
    if lifecycle:
        copies |= _files(source, source / _GIFTS)
    _refuse_to_overwrite(root, copies)
    default = None if theirs.get("default_scenario_id") else ours["default_scenario_id"]
    _write(root, copies)
    if new:
        merged = {**theirs, "scenarios": [*theirs["scenarios"], *new]}
        if default:
            merged["default_scenario_id"] = default
        if lifecycle:
            folder_files.write(root, _BESIDE, (source / _BESIDE).read_bytes())
        folder_files.write(root, REGISTRY, json_text(merged).encode())
    added = tuple(entry["id"] for entry in new)
    kept = tuple(entry["id"] for entry in ours["scenarios"] if entry["id"] in present)
    return Added(added, kept, lifecycle, default if new else None)


def _registry(root: Path) -> dict[str, Any]:
    """Return a folder's registry with its list of scenarios; an empty one where there is none."""
    place = root / REGISTRY
    if not place.exists():
        return {"scenarios": []}
    try:
        value = parse(place.read_text("utf-8-sig")).value
    except (JsonError, UnicodeDecodeError) as error:
        raise Invalid(f"{REGISTRY} is no JSON: {error}. See `dripline content check`.") from error
    entries = value.get("scenarios", []) if isinstance(value, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Invalid(f"{REGISTRY} has no list of scenarios. See `dripline content check`.")
    return {**value, "scenarios": entries}


def _scenario_files(source: Path, scenario_id: str) -> dict[str, bytes]:
    return _files(source, source / "scenarios" / scenario_id)


def _files(source: Path, base: Path) -> dict[str, bytes]:
    places = sorted(place for place in base.rglob("*") if place.is_file())
    return {place.relative_to(source).as_posix(): place.read_bytes() for place in places}


def _refuse_to_overwrite(root: Path, copies: Mapping[str, bytes]) -> None:
    lost = [
        name
        for name, data in copies.items()
        if (place := folder_files.inside(root, name)).exists()
        and not (place.is_file() and place.read_bytes() == data)
    ]
    if lost:
        shown = "\n".join(f"  {name}" for name in lost)
        raise Conflict(
            f"These files are there already and say something else:\n{shown}\n"
            f"List their scenario in {REGISTRY} to keep it, or move them away.",
            code=CONTENT_CONFLICT,
            files=lost,
        )


def _write(root: Path, copies: Mapping[str, bytes]) -> None:
    for name, data in copies.items():
        if not (root / name).exists():
            folder_files.write(root, name, data)
