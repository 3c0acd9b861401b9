"""Duties: fold tallies into days every few seconds; count what there is every minute or so."""

import time
import uuid
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from dripline.analytics import rollup_queries as queries
from dripline.clock import to_us
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.deliveries.tallies import COUNTED
from dripline.engagement.rules import rules_of

_PAGE: Final = 2_000
_COUNTS: Final = 1 + len(queries.KIND)  # where they begin in a row
_WEEKS: Final = 12
_WEEK: Final = timedelta(days=7)
_PATIENCE: Final = 200  # a count that takes a second is made every two hundred at most
_FRESH_S: Final = 600.0  # with nothing new; scores fade all the same


class Fold:
    """Adds tallies to the days: each once, in the transaction that deletes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """Fold a page; return how many tallies there were."""
        if not await queries.open_tallies_exist(self._database):
            return 0
        # What a power cut undid would be folded again.
        async with self._database.transaction(lasts=False) as session:
            rows = await queries.open_tallies(session, _PAGE)
            sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(COUNTED))
            for row in rows:
                known = sums[tuple(row[1:_COUNTS])]
                for place, count in enumerate(row[_COUNTS:]):
                    known[place] += count
            await queries.add_to_days(session, sums)
            await queries.delete_tallies(session, [row[0] for row in rows])
        return len(rows) if len(rows) == _PAGE else 0


class CountUp:
    """Counts contacts, addresses, enrollments, cohorts, scores; reading waits for nobody.

    Scores are kept for each day as they were counted last on it.
    """

    def __init__(self, database: Database, store: ContentStore | None = None) -> None:
        self._database = database
        self._store = store or ContentStore(database)
        self._rest_until = self._fresh_until = 0.0
        self._counted: object = None

    async def run_once(self, now: datetime) -> int:
        """Count, unless nothing has happened since, or the last count was long and short ago."""
        started = time.monotonic()
        if started < self._rest_until:
            return 0
        newest = await queries.newest(self._database)
        if newest == self._counted and started < self._fresh_until:
            return 0
        async with self._database.reading() as session:
            found = {
                "contacts": await queries.contacts_by_state(session),
                "addresses": await queries.addresses_by_reachability(session),
                "enrollments": await queries.enrollments_by_status(session),
                "cohorts": {
                    f"{week:%Y-%m-%d}:{name}": value
                    for week in weeks(now)
                    for name, value in (
                        await queries.cohort(session, first_id(week), first_id(week + _WEEK))
                    ).items()
                },
            }
            scores = await queries.scores_by_level(
                session, now, rules_of(await self._store.current(session)).levels
            )
        day = f"{now:%Y-%m-%d}:"
        async with self._database.transaction(lasts=False) as session:
            today = {f"{day}{key}": value for key, value in scores.items()}
            await queries.replace_counts(session, "scores", today, now, only=day)
            for name, values in found.items():
                await queries.replace_counts(session, name, values, now)
        ended = time.monotonic()
        self._counted, self._fresh_until = newest, ended + _FRESH_S
        self._rest_until = ended + _PATIENCE * (ended - started)
        return 0


def weeks(now: datetime) -> list[datetime]:
    """Return the Mondays (UTC) with which the latest weeks begin, oldest first."""
    monday = (now - timedelta(days=now.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return [monday - _WEEK * back for back in range(_WEEKS - 1, -1, -1)]


def first_id(moment: datetime) -> uuid.UUID:
    """Return the least id that is made at a moment: ids rise with time."""
    return uuid.UUID(int=(to_us(moment) // 1000) << 80)
