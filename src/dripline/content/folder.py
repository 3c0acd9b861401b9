"""Read files of a content folder: bounded, UTF-8, and never from outside of it."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from dripline.content import limits
from dripline.content.json_source import JsonError, Parsed, parse
from dripline.content.problems import Problems, Severity
from dripline.pictures import size_of

_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MediaSource:
    """A file of the folder that messages send, known by its bytes.

    `sides` are a picture's width and height, 0 for what is none; None where nobody looked.
    """

    path: Path
    sha256: str
    size: int
    sides: tuple[int, int] | None = None


@dataclass(slots=True)
class Folder:
    """A content folder, its texts as they were read, and what is wrong with them."""

    root: Path
    problems: Problems = field(default_factory=Problems)
    texts: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)  # of the bytes that texts were read from
    parsed: dict[str, Parsed | None] = field(default_factory=dict)
    media: dict[str, MediaSource] = field(default_factory=dict)

    def report(self, file: str, offset: int, severity: Severity, code: str, message: str) -> None:
        """Note a problem at an offset of a file."""
        self.problems.add(file, self.texts.get(file, ""), offset, severity, code, message)

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name inside the folder."""
        found = self._inside(name)
        return found is not None and found.is_file()

    def text(self, name: str, most: int) -> str | None:
        """Return a file's text, or None after saying why not."""
        if name in self.texts:
            return self.texts[name]
        found = self._inside(name)
        if found is None or not found.is_file():
            self.report(name, 0, "error", "missing-file", "There is no such file.")
            return None
        if found.stat().st_size > most:
            self.report(
                name, 0, "error", "file-too-big", f"A file here has at most {most:,} bytes."
            )
            return None
        raw = found.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._not_utf8(name, raw, error)
            return None
        self.texts[name] = text
        self.hashes[name] = hashlib.sha256(raw).hexdigest()
        return text

    def json(self, name: str) -> Parsed | None:
        """Return a JSON file's value with its places, or None after saying why not."""
        if name not in self.parsed:
            self.parsed[name] = self._json(name)
        return self.parsed[name]

    def unreadable(self, name: str) -> bool:
        """Whether a JSON file is there but holds no object: what stands in it is not known."""
        parsed = self.json(name) if self.exists(name) else None
        return self.exists(name) and (parsed is None or not isinstance(parsed.value, dict))

    def _json(self, name: str) -> Parsed | None:
        text = self.text(name, limits.JSON_BYTES)
        if text is None:
            return None
        try:
            return parse(text)
        except JsonError as error:
            self.report(name, error.offset, "error", "json", f"This is no JSON: {error.message}.")
            return None

    def media_file(self, name: str) -> MediaSource | None:
        """Return a file to send with its hash, or None when there is none."""
        if name not in self.media:
            found = self._inside(name)
            if found is None or not found.is_file():
                return None
            digest, size, sides = hashlib.sha256(), 0, None
            with found.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    sides = sides or size_of(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    if size > limits.FILE_BYTES:
                        break
            self.media[name] = MediaSource(found, digest.hexdigest(), size, sides)
        return self.media[name]

    def names(self, folder: str, pattern: str) -> list[str]:
        """Return the names of files in a folder of this one, sorted."""
        found = self._inside(folder)
        if found is None or not found.is_dir():
            return []
        return sorted(file.name for file in found.glob(pattern) if file.is_file())

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder of this one, sorted."""
        found = self._inside(folder)
        if found is None or not found.is_dir():
            return []
        return sorted(inner.name for inner in found.iterdir() if inner.is_dir())

    def _inside(self, name: str) -> Path | None:
        """Return the file behind a name; None for one that leads out, by `..` or a link."""
        if not is_plain_path(name):
            return None
        found = self.root / name
        try:
            real = found.resolve()
        except (OSError, RuntimeError):
            return None
        return real if real.is_relative_to(self.root.resolve()) else None

    def _not_utf8(self, name: str, raw: bytes, error: UnicodeDecodeError) -> None:
        good = raw[: error.start].decode("utf-8", "replace")
        self.texts[name] = good
        self.report(
            name,
            len(good),
            "error",
            "not-utf-8",
            f"Byte 0x{raw[error.start]:02x} is not UTF-8; save the file with UTF-8 encoding.",
        )
        del self.texts[name]


def is_plain_path(name: str) -> bool:
    """Whether a name leads down into the folder: no `..`, no drive, no leading slash."""
    if not name or "\\" in name or "\x00" in name or ":" in name or len(name) > 400:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
