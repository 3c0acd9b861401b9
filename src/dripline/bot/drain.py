"""Duty: handle the updates in the inbox, in order, each once.

One drainer at a time per bot: on SQLite there is one writer anyway, on PostgreSQL a lock that ends
with the transaction says who it is. A batch in which an update fails is handled again with a
savepoint for each, so that a poisoned one is marked with its error and holds up nobody. A failure
of the database is no update's fault: then the batch is left for later.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.bot.admin.gate import admit
from dripline.bot.answers import Answers
from dripline.bot.handle import NO_MAIL, Mail, Scene, handle
from dripline.bot.updates import Ignored, Pressed, PressedPost, Update, Wrote, read, source_of
from dripline.content.store import ContentStore, Library
from dripline.database import Database, after_commit
from dripline.database.failures import will_pass
from dripline.engagement.codes import Codes
from dripline.events import inbox
from dripline.events.inbox import Received
from dripline.rotations.control import Rotations

log = structlog.get_logger()
_BATCH = 25
_LONGEST_S = 0.015  # SQLite's other writers wait meanwhile, and what was sent is to be settled soon


class Drain:
    """Handles the updates of all bots by name."""

    def __init__(
        self,
        database: Database,
        store: ContentStore,
        bots: Sequence[str],
        answers: Answers,
        admins: Collection[int] = (),
        mail: Mail = NO_MAIL,
        codes: Codes | None = None,
        rotations: Rotations | None = None,
        currency: str = "RUB",
    ) -> None:
        self._database = database
        self._store = store
        self._bots = tuple(bots)
        self._answers = answers
        self._admins = frozenset(admins)
        self._mail = mail
        self._codes = codes
        self._rotations = rotations
        self._currency = currency

    async def run_once(self, now: datetime) -> int:
        """Handle a batch of each bot; return how many updates were dealt with."""
        return sum([await self._bot(bot, now) for bot in self._bots])

    async def _bot(self, bot: str, now: datetime) -> int:
        if await inbox.is_empty(self._database, source_of(bot)):
            return 0
        try:
            return await self._batch(bot, now, careful=False)
        except Exception as error:
            if will_pass(error):
                raise
        return await self._batch(bot, now, careful=True)

    async def _batch(self, bot: str, now: datetime, *, careful: bool) -> int:
        """Handle a batch in one transaction; `careful`, each update in a savepoint of its own.

        Savepoints cost a tenth of an update, so they are only set once one is known to fail.
        """
        one = self._one_carefully if careful else self._one
        callbacks: list[str] = []
        opening: dict[str, str] = {}
        # What a power cut undid would be taken from the inbox again.
        async with self._database.transaction(lasts=False) as session:
            if not await _is_ours(session, bot):
                return 0
            received = await inbox.pending(session, source_of(bot), limit=_BATCH)
            library = await self._store.current(session)
            until, done = time.monotonic() + _LONGEST_S, 0
            for done, row in enumerate(received, 1):  # noqa: B007 - how many is the answer
                update = read(row.body)
                scene = self._scene(bot, row.source_id, library)
                await one(session, scene, row, update, now)
                if isinstance(update, PressedPost) and self._is_code(update.data):
                    opening[update.callback_id] = update.data
                else:
                    callbacks += _callback_of(update)
                if time.monotonic() > until or self._is_admins(update):
                    break  # what an admin does may change the content for those who come next
        self._answers.answer(bot, callbacks)
        if opening:
            self._answers.open(bot, opening)
        return done

    def _scene(self, bot: str, update_id: str, library: Library) -> Scene:
        return Scene(
            bot, update_id, library, self._mail, self._codes, self._rotations, self._currency
        )

    def _is_code(self, data: str) -> bool:
        return self._codes is not None and self._codes.read(data) is not None

    async def _one(
        self, session: AsyncSession, scene: Scene, row: Received, update: Update, now: datetime
    ) -> None:
        handled = await admit(session, scene, update, self._admins, now)
        handled = handled or await handle(session, scene, update, now)
        await inbox.done(session, row.id, now)
        result = "handled" if handled else "ignored"
        after_commit(session, metrics.UPDATES.labels(scene.bot, result).inc)

    async def _one_carefully(
        self, session: AsyncSession, scene: Scene, row: Received, update: Update, now: datetime
    ) -> None:
        try:
            async with session.begin_nested():
                await self._one(session, scene, row, update, now)
        except Exception as error:
            if will_pass(error):
                raise
            await self._poisoned(session, scene, row, error, now)

    def _is_admins(self, update: Update) -> bool:
        return isinstance(update, Pressed | Wrote) and update.person.id in self._admins

    async def _poisoned(
        self,
        session: AsyncSession,
        scene: Scene,
        row: Received,
        error: Exception,
        now: datetime,
    ) -> None:
        metrics.UPDATES.labels(scene.bot, "failed").inc()
        log.error(
            "update.failed", bot=scene.bot, update_id=scene.update_id, error=repr(error)[:500]
        )
        await inbox.done(session, row.id, now, error=repr(error)[:2000])


async def _is_ours(session: AsyncSession, bot: str) -> bool:
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(
        await session.scalar(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
            {"name": f"dripline.drain:{bot}"},
        )
    )


def _callback_of(update: Update) -> list[str]:
    match update:
        case Pressed(callback_id=found) | PressedPost(callback_id=found):
            return [found]
        case Ignored(callback_id=str(found)):
            return [found]
        case _:
            return []
