"""The spool: clicks and opens, one line each, appended to a file before they are answered.

A redirect must not wait for the database. So it writes a line with one write(2), after which the
kernel has it: whatever happens to the process then, the click is there. (A power cut may take what
the kernel has not yet written out: the last seconds, for the drain moves lines into the database
within a few.) Each process has a file of its own, locked while it lives; what a dead one left, any
drain finds unlocked and takes over.

Nothing here stops a redirect: when the disk is full, the line is lost, counted and logged.
"""

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from dripline import metrics

log = structlog.get_logger()
SUFFIX: Final = ".spool"
_LARGEST: Final = 4 * 1024 * 1024  # a crash has at most this much read again
_CHUNK: Final = 256 * 1024  # many times the longest line
_COMPLAIN_EVERY_S: Final = 60.0


class Spool:
    """One process's end of the spool; made at the first line, so that idle processes leave none.

    `written` counts the records that were.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._number = 0
        self._file: int | None = None
        self._size = 0
        self._opened_at = 0.0
        self._torn = False
        self._complained_at = float("-inf")
        self.written = 0

    def append(self, record: list[Any]) -> bool:
        """Write one record; return whether the kernel has it. Raises nothing."""
        line = orjson.dumps(record) + b"\n"
        try:
            file = self._file
            if file is None or self._size > _LARGEST:
                file = self._open()
            self._write(file, line)
            self.written += 1
        except OSError as error:
            self._complain(error)
            return False
        return True

    def seal(self, older_than_s: float = 0.0) -> None:
        """Close the present file, if it has lines and is this old; the next line begins another."""
        if self._file is not None and time.monotonic() - self._opened_at >= older_than_s:
            os.close(self._file)  # and with it goes the lock
            self._file = None

    def _open(self) -> int:
        self.seal()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._number += 1
        path = self.folder / f"{self._name}-{self._number:06}{SUFFIX}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file, self._size, self._torn = file, 0, False
        self._opened_at = time.monotonic()
        return file

    def _write(self, file: int, line: bytes) -> None:
        whole = b"\n" + line if self._torn else line  # a line of its own, after half of another
        written = os.write(file, whole)
        self._size += written
        self._torn = written < len(whole)
        if self._torn:
            raise OSError("only a part of the line was written")

    def _complain(self, error: OSError) -> None:
        metrics.SPOOL_LOST.inc()
        if time.monotonic() - self._complained_at > _COMPLAIN_EVERY_S:
            self._complained_at = time.monotonic()
            with suppress(OSError):  # the log may lie on the same full disk
                log.error("spool.not_written", folder=str(self.folder), error=str(error))


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a file, where the next page begins, and whether this was the last."""

    records: list[list[Any]]
    next_offset: int
    is_last: bool


class SealedFile:
    """A file that nobody writes to any more, held by this drain alone."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file

    def page(self, offset: int, most: int) -> Page:
        """Return up to `most` records from an offset on; what is no record is passed over."""
        data = os.pread(self._file, _CHUNK, offset)
        to_the_end = len(data) < _CHUNK
        records: list[list[Any]] = []
        at = 0
        while at < len(data) and len(records) < most:
            end = data.find(b"\n", at)
            if end < 0 and not to_the_end:
                break
            if end < 0:  # the last line, torn when its process was killed before it had answered
                log.warning("spool.torn_line", file=self.path.name)
                return Page(records, offset + len(data), is_last=True)
            records += _record(data[at:end], self.path)
            at = end + 1
        return Page(records, offset + at, is_last=to_the_end and at >= len(data))

    def remove(self) -> None:
        """Delete the file: everything in it is in the database."""
        self.path.unlink(missing_ok=True)


def _record(line: bytes, path: Path) -> list[list[Any]]:
    if not line:
        return []
    with suppress(orjson.JSONDecodeError):
        found = orjson.loads(line)
        if isinstance(found, list):
            return [found]
    log.warning("spool.broken_line", file=path.name)
    return []


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that are there, those that are being written among them, oldest first."""
    found = []
    for file in _entries(folder):
        with suppress(OSError):  # another drain was faster
            found.append((file.stat().st_mtime_ns, file))
    for _, file in sorted(found):
        yield file


def _entries(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry) for entry in entries if entry.name.endswith(SUFFIX)]
    except FileNotFoundError:  # nothing was ever written
        return []


@contextmanager
def held(path: Path) -> Iterator[SealedFile | None]:
    """Hold a file, or None while a living process writes it or another drain has it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return
        # It may have been drained and deleted between the look into the folder and the lock.
        yield SealedFile(path, file) if os.fstat(file).st_nlink else None
    finally:
        os.close(file)
