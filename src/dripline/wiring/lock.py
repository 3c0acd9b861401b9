"""One working process per SQLite file: a lock that ends with the process, however it ends."""

import fcntl
import os
from pathlib import Path

from dripline.database import Database
from dripline.errors import Conflict, Invalid


class SoleWorker:
    """Holds the lock beside a SQLite file; PostgreSQL, and memory, need none."""

    def __init__(self, database: Database) -> None:
        name = database.url.database if database.is_sqlite else None
        in_memory = name in {None, "", ":memory:"}
        # The file itself, whatever names lead to it: a link must not let a second one in.
        self._path = None if in_memory else Path(f"{os.path.realpath(name or '')}.lock")
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return whether this process is now the only one that can be at work.

        Raises Conflict when another process works on the file, Invalid when none can be there.
        """
        if self._path is None:
            return False
        self._handle = _opened(self._path)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            self._handle = None
            raise Conflict(
                "Another dripline process works on this SQLite file. Stop it first, or keep the "
                "data in PostgreSQL (DATABASE_URL=postgresql://…), where any number may work.",
                code="DATABASE_IN_USE",
            ) from None
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _opened(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Invalid(
            f"The database {file.with_suffix('')} cannot be used: its folder {file.parent} "
            f"{_reason(error)}. Check DATABASE_URL, and that dripline may write there.",
            code="DATABASE_UNREACHABLE",
        ) from None


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not there"
    return f"cannot be written to ({error.strerror})"
