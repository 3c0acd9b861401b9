"""Files that were sent: one copy of the bytes, and a file_id of its own for each bot."""

from __future__ import annotations

import hashlib
import mimetypes
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from dripline.pictures import size_of

mimetypes.add_type("image/webp", ".webp")  # stickers; not every machine knows it


@dataclass(slots=True)
class StoredFile:
    """The bytes of a file. Width and height are 0 unless it is an image."""

    unique_id: str
    body: bytes
    name: str
    mime: str
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class FileReference:
    """What a file_id stands for: a file, as one bot sent or received it, as one kind of media."""

    file_id: str
    bot_id: int
    kind: str
    file: StoredFile
    path: str


# The first letters of a real file_id tell its kind; people recognise files by them.
_PREFIXES = {
    "photo": "AgACAgIAAxk",
    "video": "BAACAgIAAxk",
    "document": "BQACAgIAAxk",
    "animation": "CgACAgIAAxk",
    "audio": "CQACAgIAAxk",
    "voice": "AwACAgIAAxk",
    "video_note": "DQACAgIAAxk",
    "sticker": "CAACAgIAAxk",
}
_FOLDERS = {
    "photo": "photos",
    "video": "videos",
    "animation": "animations",
    "audio": "music",
    "video_note": "video_notes",
    "sticker": "stickers",
}


@dataclass
class FileStore:
    """All files of the sandbox."""

    _files: dict[str, StoredFile] = field(default_factory=dict)
    _references: dict[str, FileReference] = field(default_factory=dict)
    _paths: dict[tuple[int, str], FileReference] = field(default_factory=dict)

    def keep(self, body: bytes, name: str, mime: str = "") -> StoredFile:
        """Keep the bytes; the same bytes under the same name are kept once."""
        digest = hashlib.sha256(body + b"\0" + name.encode()).digest()
        unique_id = "AQAD" + urlsafe_b64encode(digest[:9]).decode()
        if unique_id not in self._files:
            width, height = size_of(body)
            mime = _honest_mime(mime, name)
            self._files[unique_id] = StoredFile(unique_id, body, name, mime, width, height)
        return self._files[unique_id]

    def reference(self, bot_id: int, kind: str, file: StoredFile, part: str = "") -> FileReference:
        """The file_id under which this bot may use the file. `part` tells photo sizes apart."""
        seed = f"{bot_id}:{kind}:{file.unique_id}:{part}".encode()
        tail = urlsafe_b64encode(hashlib.sha256(seed).digest()[:30]).decode()
        file_id = _PREFIXES.get(kind, "BQACAgIAAxk") + tail
        if file_id not in self._references:
            self._add(FileReference(file_id, bot_id, kind, file, ""))
        return self._references[file_id]

    def _add(self, reference: FileReference) -> None:
        folder = _FOLDERS.get(reference.kind, "documents")
        suffix = mimetypes.guess_extension(reference.file.mime) or ""
        reference.path = f"{folder}/file_{len(self._references)}{suffix}"
        self._references[reference.file_id] = reference
        self._paths[reference.bot_id, reference.path] = reference

    def find(self, bot_id: int, file_id: str) -> FileReference | None:
        """What a file_id stands for; None if it is unknown or belongs to another bot."""
        reference = self._references.get(file_id)
        return reference if reference and reference.bot_id == bot_id else None

    def at_path(self, bot_id: int, path: str) -> StoredFile | None:
        """The file behind a file_path of getFile."""
        reference = self._paths.get((bot_id, path))
        return reference.file if reference else None

    def by_unique_id(self, unique_id: str) -> StoredFile | None:
        """The file itself, for the page."""
        return self._files.get(unique_id)


def _honest_mime(mime: str, name: str) -> str:
    if mime and mime != "application/octet-stream":
        return mime
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
