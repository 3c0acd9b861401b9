"""Keys: UUID version 7, so that rows made one after another lie one after another on disk."""

import os
import time
import uuid

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_62 = (1 << 62) - 1
_MILLISECOND = 1_000_000  # in nanoseconds


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: milliseconds since 1970, a fraction of them, 62 random bits.

    The fraction (RFC 9562 §6.2, method 3) keeps the order of what one process makes within a
    millisecond.
    """
    milliseconds, rest = divmod(time.time_ns(), _MILLISECOND)
    fraction = (rest << 12) // _MILLISECOND
    noise = int.from_bytes(os.urandom(8), "big") & _RANDOM_62
    return uuid.UUID(int=(milliseconds << 80) | _VERSION_7 | (fraction << 64) | _VARIANT | noise)
