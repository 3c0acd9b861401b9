"""What a folder and the installation last agreed on: `.dripline-sync.json` in the folder.

It says which revisions were current when the folder was last pushed or pulled, and what its files
were. So we see who has changed what since: we never overwrite what somebody else has written.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dripline.content import files
from dripline.content.json_source import JsonError, parse
from dripline.content.unparse import json_text

NAME: Final = ".dripline-sync.json"


@dataclass(frozen=True, slots=True)
class Marker:
    """Revisions by document (`scenario/default`), and hashes of files by name."""

    revisions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def read(root: Path) -> Marker | None:
    """Return the marker of a folder; None when there is none that can be read."""
    try:
        value = parse((root / NAME).read_text("utf-8")).value
        return Marker(_texts(value["revisions"]), _texts(value["files"]))
    except (OSError, UnicodeDecodeError, JsonError, KeyError, TypeError, AttributeError):
        return None


def write(root: Path, marker: Marker) -> None:
    """Keep the marker of a folder."""
    value = {"revisions": dict(marker.revisions), "files": dict(sorted(marker.files.items()))}
    files.write(root, NAME, json_text(value).encode())


def document_name(kind: str, key: str) -> str:
    """Return how a marker calls a document."""
    return f"{kind}/{key}"


def digest(data: bytes) -> str:
    """Return the hash by which a file is known."""
    return hashlib.sha256(data).hexdigest()


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(inner) for key, inner in value.items()}
