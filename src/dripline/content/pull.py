"""Write the installation's content into a folder: what a push took, a pull gives back.

Each file is replaced as a whole or not at all, those that name others last; the marker comes at
the very end. So a crash in the middle leaves a folder that the next pull completes. A file that
says the same already is left as its author formatted it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dripline.content import edit, files, queries, sync
from dripline.content.json_source import JsonError, parse
from dripline.content.push import CONTENT_CONFLICT, revisions_of
from dripline.content.unparse import FolderFiles, unparse
from dripline.database import Database
from dripline.errors import Conflict


@dataclass(frozen=True, slots=True)
class Pulled:
    """Which files a pull has written and removed."""

    written: tuple[str, ...]
    removed: tuple[str, ...]


async def pull(database: Database, root: Path, *, force: bool = False) -> Pulled:
    """Make a folder say what the installation's content is.

    Files that no push or pull knows are left alone. Raises Conflict (CONTENT_CONFLICT, with
    `details["files"]`) when a file was edited here and not pushed; `force` overwrites it.
    """
    async with database.reading() as session:
        state = await edit.read_state(session)
    work = await asyncio.to_thread(_compare, root, unparse(state.documents))
    if not force:
        await asyncio.to_thread(_refuse_to_lose, root, work)
    for name, sha256 in work.media.items():
        await asyncio.to_thread(files.write, root, name, await _bytes(database, sha256))
    await asyncio.to_thread(_finish, root, work, revisions_of(state))
    return Pulled((*work.media, *work.texts), work.gone)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a pull has to do: files to write and to remove, out of all that should be there."""

    marker: sync.Marker
    texts: Mapping[str, str]
    media: Mapping[str, str]
    gone: tuple[str, ...]
    present: frozenset[str]


def _compare(root: Path, wanted: FolderFiles) -> _Work:
    root.mkdir(parents=True, exist_ok=True)
    files.sweep(root)
    marker = sync.read(root) or sync.Marker()
    present = frozenset({*wanted.texts, *wanted.media})
    return _Work(
        marker,
        {name: text for name, text in wanted.texts.items() if not _says(root, name, text)},
        {name: sha for name, sha in wanted.media.items() if _hash(root, name) != sha},
        tuple(name for name in marker.files if name not in present and (root / name).is_file()),
        present,
    )


def _finish(root: Path, work: _Work, revisions: Mapping[str, str]) -> None:
    for name, text in sorted(work.texts.items(), key=lambda item: item[0].endswith(".json")):
        files.write(root, name, text.encode())
    for name in work.gone:
        files.remove(root, name)
    hashes = {name: found for name in work.present if (found := _hash(root, name)) is not None}
    sync.write(root, sync.Marker(revisions, hashes))


def _refuse_to_lose(root: Path, work: _Work) -> None:
    lost = [
        name
        for name in (*work.texts, *work.media, *work.gone)
        if (found := _hash(root, name)) is not None and found != work.marker.files.get(name)
    ]
    if lost:
        shown = "\n".join(f"  {name}" for name in sorted(lost)[:20])
        raise Conflict(
            f"These files were edited here and not pushed; a pull would overwrite them:\n{shown}\n"
            "Push them first, or use --force to lose the edits.",
            code=CONTENT_CONFLICT,
            files=sorted(lost),
        )


async def _bytes(database: Database, sha256: str) -> bytes:
    async with database.reading() as session:
        body = await queries.media_body(session, sha256)
    if body is None:
        raise Conflict(f"The file {sha256[:12]}… of the content is missing in the database.")
    return body


def _hash(root: Path, name: str) -> str | None:
    try:
        return sync.digest(files.inside(root, name).read_bytes())
    except OSError:
        return None


def _says(root: Path, name: str, text: str) -> bool:
    """Whether a file says this already; JSON counts by its values."""
    try:
        found = files.inside(root, name).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    if found == text:
        return True
    if not name.endswith(".json"):
        return False
    try:
        return bool(_plain(parse(found).value) == _plain(parse(text).value))
    except JsonError:
        return False


def _plain(value: Any) -> Any:
    """Return a value in which true is not 1, as Python has it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return (isinstance(value, bool), value)
