"""Whose turn it is to write: SQLite has one writer, and not everybody can wait equally long.

    first    settles: what was sent must be known within 50 ms
    others   claims, updates, reactions, commands, in the order in which they came

After one that went first, another has its turn, so that nobody waits for ever.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LONGEST_S = 60.0


class Turns:
    """A lock with a line for those who go first."""

    def __init__(self) -> None:
        self._taken = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, first: bool = False) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Raises TimeoutError after a minute: somebody must be waiting for themselves.
        """
        if self._taken:
            await self._wait(self._first if first else self._others)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on(after_first=first)

    async def _wait(self, line: "deque[asyncio.Future[None]]") -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(mine)
        try:
            async with asyncio.timeout(_LONGEST_S):
                await mine
        except BaseException:
            if mine.done() and not mine.cancelled():
                self._pass_on(after_first=False)  # it was given to us in the moment we left
            raise

    def _pass_on(self, *, after_first: bool) -> None:
        lines = (self._others, self._first) if after_first else (self._first, self._others)
        for line in lines:
            while line:
                next_one = line.popleft()
                if not next_one.done():
                    next_one.set_result(None)
                    return
        self._taken = False
