"""What left for Resend together, in the database: written before it leaves, gone when settled."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import orjson

from dripline.channels.email_resend import Emails
from dripline.clock import Clock
from dripline.database import Database
from dripline.deliveries import queries

_LASTS = timedelta(hours=24)  # Resend forgets its keys by then
_MOST = 500


class DatabaseJournal:
    """A `Journal`; what is looked for at the same time is looked for at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._asked: dict[uuid.UUID, asyncio.Future[tuple[str, Emails] | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def begin(self, key: str, emails: Emails) -> None:
        """Write down what leaves under a key."""
        members = [uuid.UUID(message_id) for message_id, _ in emails]
        body = orjson.dumps([list(one) for one in emails])
        async with self._database.transaction() as session:
            await queries.insert_email_batch(session, key, body, members, self._clock.now())

    async def find(self, message_id: str) -> tuple[str, Emails] | None:
        """Return the request in which a message has left before, or None."""
        answer = asyncio.get_running_loop().create_future()
        answer = self._asked.setdefault(uuid.UUID(message_id), answer)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(answer)

    async def forget(self, key: str) -> None:
        """Resend has not taken what left under a key."""
        async with self._database.transaction() as session:
            await queries.delete_email_batch(session, key)

    async def prune(self) -> int:
        """Forget requests of which every message is settled, or that Resend has forgotten."""
        async with self._database.transaction() as session:
            await queries.prune_email_batches(session, self._clock.now() - _LASTS)
        return 0

    async def _look(self) -> None:
        while self._asked:
            await asyncio.sleep(0)
            some = {one: self._asked.pop(one) for one in list(self._asked)[:_MOST]}
            try:
                async with self._database.reading() as session:
                    found = await queries.email_batches_of(session, some)
            except Exception as error:  # noqa: BLE001 - it is told to everyone who asked
                for answer in some.values():
                    if not answer.done():
                        answer.set_exception(error)
                        answer.exception()
                continue
            bodies: dict[str, Any] = {}
            for message_id, answer in some.items():
                batch = found.get(message_id)
                if batch is not None and batch.key not in bodies:
                    bodies[batch.key] = [tuple(one) for one in orjson.loads(batch.body)]
                if not answer.done():
                    answer.set_result((batch.key, bodies[batch.key]) if batch else None)
