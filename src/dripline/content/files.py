"""Write files so that a crash leaves the old one or the new one, never half of one."""

import os
import tempfile
from pathlib import Path
from typing import Final

from dripline.errors import Invalid

_PREFIX: Final = ".dripline-"
_SUFFIX: Final = ".tmp"


def write(root: Path, name: str, data: bytes) -> None:
    """Put a file in its place: a temporary one, flushed to disk, then renamed.

    Raises Invalid when the name leads out of `root`, by `..` or by a link.
    """
    place = inside(root, name)
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _flush_folder(place.parent)


def remove(root: Path, name: str) -> None:
    """Delete a file, if it is there, and the folders it leaves empty."""
    place = inside(root, name)
    if not place.exists():
        return
    place.unlink()
    _flush_folder(place.parent)
    folder = place.parent
    while folder != root.resolve() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def sweep(root: Path) -> None:
    """Delete what a crash in the middle of a write has left behind."""
    for left in root.rglob(f"{_PREFIX}*{_SUFFIX}"):
        left.unlink(missing_ok=True)


def inside(root: Path, name: str) -> Path:
    """Return the place of a file below `root`. Raises Invalid when it leads elsewhere."""
    base = root.resolve()
    place = base / name
    if not place.parent.resolve().is_relative_to(base) or place.is_symlink():
        raise Invalid(f"{name} leads out of the content folder.", code="CONTENT_PATH")
    return place


def _flush_folder(folder: Path) -> None:
    """Have the rename itself on disk; Windows cannot open folders, and needs no flush."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
