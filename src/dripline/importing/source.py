"""Read the files of another bot: JSON with its places, times, an `.env`."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from posixpath import normpath
from typing import Final

from dotenv import dotenv_values

from dripline.content.folder import Folder
from dripline.content.json_source import line_and_column
from dripline.content.shape import Node
from dripline.errors import Invalid
from dripline.importing.report import Report

MOST_BYTES: Final = 256 * 1024 * 1024
IMPORT_INVALID: Final = "IMPORT_INVALID"
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of files, and the report that what is odd in them goes to."""

    folder: Folder
    report: Report

    def objects(self, name: str, *, needed: bool = True) -> Node | None:
        """Return the object a JSON file holds; None for a missing one that is not needed."""
        if not needed and not self.folder.exists(name):
            return None
        self.folder.text(name, MOST_BYTES)  # people may be many more bytes than messages
        return Node.of_file(self.folder, name)

    def refuse_errors(self) -> None:
        """Raise Invalid (IMPORT_INVALID) when anything read so far cannot be used."""
        refuse(self.folder)

    def odd(self, kind: str, node: Node, what: str) -> None:
        """Note something about a value that is left out; the rest is imported."""
        self.report.note(kind, f"{place(node)}: {what}")

    def moment(self, node: Node, key: str) -> datetime | None:
        """Return the time under a key; what is none is noted. Without a zone it counts as UTC."""
        if not node.has(key):
            return None
        value = node.value[key]
        found = moment_of(value)
        if found is None:
            self.odd("Not a time, left out", node.at(key), f"{key} is {shown(value)}")
        elif found.tzinfo is None:
            self.odd("Times without a zone, taken as UTC", node.at(key), f"{key} {value}")
            found = found.replace(tzinfo=UTC)
        return found.astimezone(UTC) if found is not None else None

    def text(self, node: Node, key: str, most: int = 2_048) -> str | None:
        """Return the text under a key, or None; what is no text, or too long, is noted."""
        if not node.has(key):
            return None
        value = node.value[key]
        if isinstance(value, str) and len(value) <= most:
            return value or None
        why = "too long" if isinstance(value, str) else shown(value)
        self.odd("Not a text, left out", node.at(key), f"{key} is {why}")
        return None

    def flag(self, node: Node, key: str, *, default: bool = False) -> bool:
        """Return the true or false under a key; anything else is noted and counts as missing."""
        if not node.has(key):
            return default
        value = node.value[key]
        if isinstance(value, bool):
            return value
        self.odd("Neither true nor false, left out", node.at(key), f"{key} is {shown(value)}")
        return default


def moment_of(value: object) -> datetime | None:
    """Return an RFC 3339 time, naive if it has no zone; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if _EARLIEST <= aware.astimezone(UTC) < _LATEST else None


def utc_moment_of(value: object) -> datetime | None:
    """Return an RFC 3339 time in UTC, also for one without a zone; None for anything else."""
    found = moment_of(value)
    if found is None:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def written(moment: datetime | None) -> str | None:
    """Return a moment as files have it: `2024-01-15T10:00:00Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown(value: object) -> str:
    """Return a value short enough for a line."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def place(node: Node) -> str:
    """Return where a value stands, as `file:line:column`."""
    text = node.folder.texts.get(node.file, "")
    line, column = line_and_column(text, node.offset)
    return f"{normpath(node.file)}:{line}:{column}"


def refuse(folder: Folder) -> None:
    """Raise Invalid (IMPORT_INVALID) with every error of a folder, each in its line."""
    errors = [one for one in folder.problems.sorted() if one.severity == "error"]
    if errors:
        lines = [
            f"{folder.root / normpath(e.file)}:{e.line}:{e.column}: {e.message}" for e in errors
        ]
        more = [f"… and {len(lines) - 20} more"] if len(lines) > 20 else []
        raise Invalid(
            "Nothing was imported.\n" + "\n".join([*lines[:20], *more]), code=IMPORT_INVALID
        )


def read_env(file: Path | None) -> dict[str, str]:
    """Return the settings of an `.env` file; none without a file. Raises Invalid."""
    if file is None:
        return {}
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Invalid(
            f"Nothing was imported.\n{file}:{line}: this is not UTF-8.", code=IMPORT_INVALID
        ) from None
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {key: value for key, value in found.items() if value}
