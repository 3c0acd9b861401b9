"""Which addresses nothing is sent to, asked for many at once: what comes together is one query."""

import asyncio

from dripline.contacts import suppression
from dripline.database import Database

_MOST = 500


class SuppressedAddresses:
    """Looks normalised addresses up in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[str, asyncio.Future[str | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def reason(self, value: str) -> str | None:
        """Return why nothing is sent to an address, or None."""
        answer = self._asked.get(value)
        if answer is None:
            answer = self._asked[value] = asyncio.get_running_loop().create_future()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        # Several may wait for the same answer: one that is cancelled must not cancel it.
        return await asyncio.shield(answer)

    async def _look(self) -> None:
        while self._asked:
            await asyncio.sleep(0)  # whoever asks in this very moment is asked along
            some = {value: self._asked.pop(value) for value in list(self._asked)[:_MOST]}
            try:
                async with self._database.reading() as session:
                    found = await suppression.of(session, some)
            except Exception as error:  # noqa: BLE001 - it is told to everyone who asked
                _fail(some, error)
                continue
            for value, answer in some.items():
                row = found.get(value)
                if not answer.done():
                    answer.set_result(row.reason if row else None)


def _fail(asked: dict[str, "asyncio.Future[str | None]"], error: Exception) -> None:
    for answer in asked.values():
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # somebody may have left; it is no news to the loop
