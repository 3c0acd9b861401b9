"""Keys: UUID version 7, so that rows made one after another lie one after another on disk."""

import os
import struct
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_62 = (1 << 62) - 1
_MILLISECOND = 1_000_000  # in nanoseconds
_PAGE = "512Q"
_new_uuid = uuid.UUID.__new__
_set = object.__setattr__
_UNKNOWN = uuid.SafeUUID.unknown


class _Noise:
    """Random bytes, fetched from the system by the page: a call for each id costs more than the id.

    A child process must not go on with its parent's.
    """

    def __init__(self) -> None:
        self.left: list[int] = []
        os.register_at_fork(after_in_child=self.left.clear)

    def fetch(self) -> None:
        """Fetch the next ones."""
        self.left.extend(struct.unpack(_PAGE, os.urandom(struct.calcsize(_PAGE))))


_noise = _Noise()


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: milliseconds since 1970, a fraction of them, 62 random bits.

    The fraction (RFC 9562 §6.2, method 3) keeps the order of what one process makes within a
    millisecond.
    """
    milliseconds, rest = divmod(time.time_ns(), _MILLISECOND)
    fraction = (rest << 12) // _MILLISECOND
    if not _noise.left:
        _noise.fetch()
    noise = _noise.left.pop() & _RANDOM_62
    # UUID(int=…) takes three times as long, for checks that this number has no need of.
    return _of_int(milliseconds << 80 | _VERSION_7 | fraction << 64 | _VARIANT | noise)


def at_moment(microseconds: int) -> uuid.UUID:
    """Return the key before all that are made from a moment on, in microseconds since 1970."""
    return _of_int(microseconds // 1000 << 80 | _VERSION_7 | _VARIANT)


def of_bytes(stored: bytes) -> uuid.UUID:
    """Return a key as SQLite stores it: sixteen bytes of our own, so nothing is checked."""
    return _of_int(int.from_bytes(stored, "big"))


def _of_int(number: int) -> uuid.UUID:
    made: uuid.UUID = _new_uuid(uuid.UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _UNKNOWN)
    return made
