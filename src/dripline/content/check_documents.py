"""The linter for who edits documents, not files: a wizard, a dashboard.

    checked = check_scenario(documents, "premium", body)
    checked.problems      # as `content check` would name them, of this scenario only
    checked.body          # as a push of its files would store it, so that pull gives back the same

What differs from a folder is only where the files lie: in memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from dripline.content.check import lint
from dripline.content.diff import Documents, Key
from dripline.content.folder import Folder, MediaSource
from dripline.content.parse import parse_files
from dripline.content.problems import Problem
from dripline.content.unparse import FolderFiles, unparse

_SHARED = frozenset({"buttons", "globals", "attributes", "layouts"})


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a scenario, and its document in the form a push would store."""

    problems: tuple[Problem, ...]
    body: Mapping[str, Any] | None
    texts: Mapping[str, str]

    @property
    def errors(self) -> list[Problem]:
        """What keeps it from being saved."""
        return [problem for problem in self.problems if problem.severity == "error"]


def check_scenario(documents: Documents, scenario_id: str, body: Mapping[str, Any]) -> Checked:
    """Check one scenario among the others, of which only the ids matter here."""
    wanted = _surroundings(documents, scenario_id)
    wanted["scenario", scenario_id] = body
    folder = _Files(unparse(wanted))
    content = lint(parse_files(folder))
    base = f"scenarios/{scenario_id}/"
    problems = tuple(one for one in content.problems if one.file.startswith(base))
    found = content.scenario(scenario_id)
    kept = None if found is None else {**found, "retired": body.get("retired", {})}
    return Checked(problems, kept, folder.texts)


def check_broadcast(documents: Documents, entry: Mapping[str, Any]) -> Checked:
    """Check one broadcast, in the form in which its document lists it."""
    wanted = _surroundings(documents, "none")
    wanted["broadcasts", "broadcasts"] = {"extra": {}, "broadcasts": [entry]}
    folder = _Files(unparse(wanted))
    content = lint(parse_files(folder))
    problems = tuple(one for one in content.problems if one.file.startswith("broadcasts/"))
    return Checked(problems, None, folder.texts)


def check_room_file(documents: Documents, kind: str, document: Mapping[str, Any]) -> Checked:
    """Check the document of a room's own file, such as rotations."""
    wanted = {**_surroundings(documents, "none"), (kind, kind): document}
    folder = _Files(unparse(wanted))
    content = lint(parse_files(folder))
    problems = tuple(one for one in content.problems if one.file.startswith(kind))
    return Checked(problems, content.documents.get((kind, kind)), folder.texts)


def _surroundings(documents: Documents, scenario_id: str) -> dict[Key, Mapping[str, Any]]:
    """Return what a message may refer to: shared documents, and the ids of scenarios."""
    wanted: dict[Key, Mapping[str, Any]] = {
        key: document for key, document in documents.items() if key[0] in _SHARED
    }
    wanted |= {key: _stub(key[1]) for key in documents if key[0] == "scenario"}
    registry = documents.get(("registry", "registry"), {})
    default = registry.get("default_scenario_id") or scenario_id
    wanted["registry", "registry"] = {"order": [], "default_scenario_id": default}
    return wanted


def _stub(scenario_id: str) -> dict[str, Any]:
    config = {"id": scenario_id, "name": scenario_id}
    return {"config": config, "entry": config, "order": [], "messages": {}, "summary": None}


class _Files(Folder):
    """A folder of which nothing lies on a disk."""

    def __init__(self, files: FolderFiles) -> None:
        super().__init__(Path())
        self._contents = files

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._contents.texts

    def text(self, name: str, most: int) -> str | None:
        """Return a file's text, or None after saying why not."""
        text = self._contents.texts.get(name)
        if text is None:
            self.report(name, 0, "error", "missing-file", "There is no such file.")
        elif len(text) > most:
            self.report(name, 0, "error", "file-too-big", f"A text has at most {most:,} bytes.")
            text = None
        else:
            self.texts[name] = text
        return text

    def media_file(self, name: str) -> MediaSource | None:
        """Return a file to send; its size was looked at when it was stored."""
        sha256 = self._contents.media.get(name)
        return MediaSource(Path(name), sha256, 1) if sha256 else None

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder of this one, sorted."""
        inside = (name.removeprefix(f"{folder}/").partition("/") for name in self._contents.texts)
        return sorted({name for name, slash, _ in inside if slash})

    def names(self, folder: str, pattern: str) -> list[str]:
        """Return the names of files in a folder of this one, sorted."""
        inside = (name.rpartition("/") for name in self._contents.texts)
        return sorted(
            name for place, _, name in inside if place == folder and fnmatch(name, pattern)
        )
