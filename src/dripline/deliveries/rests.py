"""Which chats rest just now: Telegram takes one message a second into each.

Workers that share a database keep it in the table of addresses. Where one process sends, on SQLite,
it knows by itself, which saves a write for each message. It forgets when it ends: until it is back,
every chat has rested.
"""

import uuid
from collections.abc import Mapping
from typing import Final

# No chat is given a slot that is further away, and after it rests for a second.
_LONGEST_US: Final = 5_000_000


class Rests:
    """From when on chats take their next message. Real time, in microseconds.

    Two generations, swapped when the older can only know of rests that are over: nothing is ever
    searched or trimmed.
    """

    def __init__(self) -> None:
        self._now: dict[uuid.UUID, int] = {}
        self._before: dict[uuid.UUID, int] = {}
        self._since_us = 0

    def until(self, address_id: uuid.UUID) -> int:
        """Return until when a chat rests; 0 when nothing is known of it."""
        return self._now.get(address_id) or self._before.get(address_id, 0)

    def note(self, until: Mapping[uuid.UUID, int], real_us: int) -> None:
        """Note until when chats rest."""
        if real_us - self._since_us > _LONGEST_US:
            self._now, self._before, self._since_us = {}, self._now, real_us
        self._now |= until

    def forget(self) -> None:
        """Let all chats take their next message at once."""
        self._now, self._before = {}, {}
