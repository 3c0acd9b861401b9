"""A bot's queue of updates: numbered, kept until the bot confirms them."""

from __future__ import annotations

import asyncio
from collections import deque

from dripline.sandbox.world.messages import Json

# The Bot API sends these only to bots that ask for them by name.
_ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}


class UpdateQueue:
    """Updates of one bot; ids rise by one. At most `size` wait, the oldest are dropped."""

    def __init__(self, first_id: int, size: int = 100_000) -> None:
        self._next_id = first_id
        self._waiting: deque[Json] = deque(maxlen=size)
        self._arrived = asyncio.Event()
        self.allowed: frozenset[str] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, kind: str, payload: Json) -> int | None:
        """Queue an update, unless the bot does not want its kind; returns its id."""
        if not self.wants(kind):
            return None
        update_id = self._next_id
        self._next_id += 1
        self._waiting.append({"update_id": update_id, kind: payload})
        self._arrived.set()
        return update_id

    def wants(self, kind: str) -> bool:
        """Whether the bot asked for updates of this kind (`allowed_updates`)."""
        if not self.allowed:
            return kind not in _ON_REQUEST
        return kind in self.allowed

    def confirm(self, offset: int) -> None:
        """Forget all updates before `offset`; a negative one keeps only the last so many."""
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popleft()
        while offset > 0 and self._waiting and self._waiting[0]["update_id"] < offset:
            self._waiting.popleft()

    def first(self, limit: int) -> list[Json]:
        """The oldest updates that wait."""
        return [self._waiting[i] for i in range(min(limit, len(self._waiting)))]

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()

    async def arrival(self) -> None:
        """Return once an update waits."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
