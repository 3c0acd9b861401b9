"""Duty: what redirects have spooled becomes clicks, opens, statuses and events, each once.

1. This process's file is sealed when it is some seconds old; files of dead processes are taken too.
2. A page of records is looked at together: which message or post, whose, person or machine.
3. Rows, statuses and events are one transaction. A record's id is the row's key, so a page that is
   read again after a crash changes nothing.
4. A file whose last page is in the database is deleted.
"""

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.clock import to_us
from dripline.database import Database
from dripline.database.failures import will_pass
from dripline.engagement import queries
from dripline.engagement.came import TRAP_TARGET, Came, came
from dripline.engagement.human import LONGEST_BURST, TRAPPED_WITHIN, Followed, in_bursts
from dripline.engagement.records import Seen, read
from dripline.engagement.spool import SealedFile, Spool, files, held
from dripline.engagement.tell import tell
from dripline.engagement.tokens import Seal

log = structlog.get_logger()
_PAGE: Final = 200  # some milliseconds: redirects are answered between two of them
_SETTLED_US: Final = 2_000_000  # by then a burst is over, and the message's delivery is written
_SEAL_AFTER_S: Final = 1.0
# With more redirects a second than this they have the core to themselves: a page, and then a rest.
_FLOOD: Final = 2_000.0


class DrainSpool:
    """Drains the files of one folder; `spool` is this process's own end of it."""

    def __init__(self, database: Database, seal: Seal, spool: Spool) -> None:
        self._database = database
        self._seal = seal
        self._spool = spool
        self._offsets: dict[Path, int] = {}
        self._looked_at = time.monotonic()
        self._written = 0

    async def run_once(self, now: datetime, *, everything: bool = False) -> int:
        """Drain a page of each file that is ready; return how many records that were.

        With `everything`, as a process does that stops, what was written just now is not left out.
        """
        self._spool.seal(0.0 if everything else _SEAL_AFTER_S)
        done = 0
        for path in files(self._spool.folder):
            with held(path) as file:
                if file is not None:
                    done += await self._page(file, now, everything=everything)
            if done and not everything and self._is_flood():
                return 0  # the next page is read when the duty has rested
        return done

    def _is_flood(self) -> bool:
        """Whether more is coming in than can be answered and drained at once."""
        now, written = time.monotonic(), self._spool.written
        seconds, came_in = now - self._looked_at, written - self._written
        self._looked_at, self._written = now, written
        return came_in > _FLOOD * max(seconds, 0.001)

    async def _page(self, file: SealedFile, now: datetime, *, everything: bool) -> int:
        page = file.page(self._offsets.get(file.path, 0), _PAGE)
        seen = [one for found in page.records if (one := read(self._seal, found)) is not None]
        if len(seen) < len(page.records):
            log.warning(
                "spool.strangers", file=file.path.name, records=len(page.records) - len(seen)
            )
        latest = max((to_us(one.at) for one in seen), default=0)
        # A clock that was set back must not keep a file for ever: what is far ahead is ready too.
        if not everything and 0 <= latest + _SETTLED_US - to_us(now) <= 2 * _SETTLED_US:
            return 0
        await self._store(seen)
        self._offsets[file.path] = page.next_offset
        if page.is_last:
            file.remove()
            self._offsets.pop(file.path, None)
        return len(page.records)

    async def _store(self, seen: Sequence[Seen]) -> None:
        """Store a page; a record that cannot be stored is told, and harms no other."""
        if not seen:
            return
        try:
            async with self._database.transaction() as session:
                await store(session, self._seal, seen)
        except Exception as error:
            if will_pass(error):
                raise
            if len(seen) == 1:
                log.error("spool.refused", id=seen[0].id.hex, error=repr(error)[:500])
                metrics.SPOOL_LOST.inc()
                return
            for one in seen:
                await self._store([one])


async def store(session: AsyncSession, seal: Seal, seen: Sequence[Seen]) -> None:
    """Write requests as clicks and opens, and tell what people did; one known already is left."""
    found = await came(session, seal, seen)
    new = await queries.insert_opens(session, [one.as_open() for one in found if one.is_open])
    clicks = [one for one in found if not one.is_open]
    new |= await queries.insert_clicks(session, [one.as_click() for one in clicks])
    fresh = [one for one in found if one.seen.id in new]
    bursts = await _bursts(session, [one for one in fresh if not one.is_open])
    for one in fresh:
        one.machine = one.machine or bursts.get(one.seen.id)
    await tell(session, fresh)


async def _bursts(session: AsyncSession, fresh: Sequence[Came]) -> dict[uuid.UUID, str]:
    """Look at all clicks of the messages around these; mark what nobody can have done by hand."""
    ids = {one.seen.mark.delivery_id for one in fresh} - {None}
    if not ids:
        return {}
    span = max(LONGEST_BURST, TRAPPED_WITHIN)
    since = min(one.seen.at for one in fresh) - span
    until = max(one.seen.at for one in fresh) + span
    by_message: dict[uuid.UUID, list[Followed]] = {}
    for row in await queries.clicks_near(session, [one for one in ids if one], since, until):
        if row.delivery_id is not None:
            trap = row.target == TRAP_TARGET
            click = Followed(row.id, row.clicked_at, row.target, trap)
            by_message.setdefault(row.delivery_id, []).append(click)
    found: dict[uuid.UUID, str] = {}
    for clicks in by_message.values():
        found |= in_bursts(clicks)
    await queries.mark_machine(session, found)
    return found
