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
_MANY: Final = 500  # bursts, beyond which those that are over are let go


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


class Bursts:
    """Chats into which a message of several requests is on its way: the next one leaves behind it.

    Only rendering tells how many requests a message takes, and its claim is over by then. When it
    has ended, all workers hear of it (`settle`); until then its own worker knows.
    """

    def __init__(self) -> None:
        self._until: dict[uuid.UUID, int] = {}

    def __contains__(self, address_id: uuid.UUID) -> bool:
        """Whether a chat may be in the middle of such a message."""
        return address_id in self._until

    def slot(self, address_id: uuid.UUID, slot_us: int, takes_us: int, now_us: int) -> int:
        """Return when a message may leave that wants to at `slot_us`, and takes so long."""
        free_us = min(self._until.get(address_id, 0), now_us + _LONGEST_US)
        slot_us = max(slot_us, free_us)
        if len(self._until) > _MANY:
            self._until = {chat: us for chat, us in self._until.items() if us > now_us}
        self._until[address_id] = slot_us + takes_us
        return slot_us

    def forget(self) -> None:
        """Let all chats take their next message at once."""
        self._until.clear()
