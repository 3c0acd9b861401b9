"""Duty: fold events into scores, a batch at a time with a few statements.

1. Read the oldest events that nobody has folded in, with the few facts that matter.
2. Read the scores of the contacts they are about; who was erased meanwhile is missing.
3. Let what was there fade to now, add what the events bring (faded likewise, by their own age).
4. Take the events off the list and write the scores, in the same transaction: each counts once.

On SQLite, others write while the first three are done, and between the parts of the fourth. When an
event is gone from the list by then (its contact was erased), that part is worked out anew. On
PostgreSQL an erasure waits until all four are done.

Events of machines count nothing, nor does what nobody weighs.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.content.store import ContentStore
from dripline.database import Database, dump_json, load_json
from dripline.engagement import score_queries as queries
from dripline.engagement.rules import Points, ScoreRules, rules_of
from dripline.engagement.score import left, written
from dripline.engagement.score_queries import Key, OpenEvent, Present, moment_of
from dripline.events import folding, subscribe
from dripline.events.subscriptions import ANY_OTHER

CONSUMER: Final = "scores"
# The more at once, the more events share a contact, and so a row that is read and written.
_BATCH: Final = 20_000
_BATCHES: Final = 10
_AT_A_STRETCH: Final = 250  # contacts, before others have their turn
_PART: Final = 4_000  # rows written and events ended: SQLite's other writers wait some 50 ms
_NOTHING_LEFT: Final = 0.01
_MOST_FACTORS: Final = 30
_NO: Final = (0, "false")  # as SQLite and PostgreSQL read a false

subscribe(CONSUMER, {ANY_OTHER})

Factors = dict[str, list[float]]  # by event: points, and how often it came
Weighed = dict[Key, list[tuple[OpenEvent, Points]]]


class _OvertakenError(Exception):
    """Somebody else took events off the list: they belonged to a contact who was erased."""


@dataclass(slots=True)
class _Part:
    """What is written together: rows of scores, and the events that are in them."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[Key] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.events)


class FoldScores:
    """Keeps scores current; `most` is how many events a batch works out."""

    def __init__(self, database: Database, store: ContentStore, most: int = _BATCH) -> None:
        self._database = database
        self._store = store
        self._most = most

    async def run_once(self, now: datetime) -> int:
        """Fold in what has happened; return how many events were dealt with."""
        if not await queries.anything_open(self._database, CONSUMER):
            return 0
        handled = 0
        for _ in range(_BATCHES):
            batch = await self._batch(now)
            handled += batch
            if batch < self._most:
                break
        return handled

    async def _batch(self, now: datetime) -> int:
        if self._database.is_sqlite:
            async with self._database.reading() as session:
                parts = await self._work_out(session, now)
            return sum([await self._keep(part) for part in parts])
        async with self._database.transaction(lasts=False) as session:
            if not await folding.begin(session):
                return 0
            part = _together(await self._work_out(session, now))
            await _write(session, part)
            return len(part.events)

    async def _work_out(self, session: AsyncSession, now: datetime) -> list[_Part]:
        events = await queries.open_events(session, CONSUMER, self._most)
        rules = rules_of(await self._store.current(session))
        weighed, idle = _weighed(rules, events)
        known = await queries.present(session, weighed)
        idle += [event.id for who in weighed.keys() - known.keys() for event, _ in weighed[who]]
        parts = list(_without_rows(idle))
        fading = _Fading(rules.half_lives, now)
        # In the order in which they are stored: a page of scores is written in one part only.
        for number, contact_id in enumerate(sorted(known)):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            if not parts or len(parts[-1]) >= _PART:
                parts.append(_Part())
            parts[-1].rows += _rows(contact_id, known[contact_id], weighed[contact_id], fading)
            parts[-1].events += [event.id for event, _points in weighed[contact_id]]
        return parts

    async def _keep(self, part: _Part) -> int:
        """Write a part in a transaction of its own; return how many events it ended."""
        try:
            # A power cut that undoes this undoes both: the events are still on the list.
            async with self._database.transaction(lasts=False) as session:
                await _write(session, part)
        except _OvertakenError:
            return 0
        return len(part.events)


def _together(parts: Sequence[_Part]) -> _Part:
    whole = _Part()
    for part in parts:
        whole.rows += part.rows
        whole.events += part.events
    return whole


async def _write(session: AsyncSession, part: _Part) -> None:
    if not await queries.done(session, CONSUMER, part.events):
        raise _OvertakenError
    await queries.write(session, part.rows)


def _without_rows(events: Sequence[Key]) -> Iterator[_Part]:
    for start in range(0, len(events), _PART):
        yield _Part(events=list(events[start : start + _PART]))


def _weighed(rules: ScoreRules, events: Sequence[OpenEvent]) -> tuple[Weighed, list[Key]]:
    """Return the events that bring points, by contact, and the ids of the others."""
    found: Weighed = {}
    idle: list[Key] = []
    for event in events:
        counts = event.contact_id is not None and event.human not in _NO
        points = rules.points(event.name, event.channel) if counts else ()
        if points and event.contact_id is not None:
            found.setdefault(event.contact_id, []).append((event, points))
        else:
            idle.append(event.id)
    return found, idle


class _Fading:
    """What is left by now: a batch asks for the same moments and half-lives over and over."""

    def __init__(self, half_lives: Mapping[str, int], now: datetime) -> None:
        self.half_lives = half_lives
        self.now = now
        self.now_us = to_us(now)
        self._known: dict[tuple[Any, int], float] = {}

    def left(self, then: datetime | str, half_life: int) -> float:
        """Return which part is left of what came then; what is still to come is whole."""
        part = self._known.get((then, half_life))
        if part is None:
            since = (self.now - moment_of(then)).total_seconds()
            part = self._known[then, half_life] = left(since, half_life) if since > 0 else 1.0
        return part


def _rows(
    contact_id: Key,
    scores: Sequence[Present],
    events: Sequence[tuple[OpenEvent, Points]],
    fading: _Fading,
) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a contact's scores that events change."""
    for kind, theirs in _added(scores, events, fading).items():
        row = _row(contact_id, kind, theirs, fading)
        if row is not None:
            yield row


def _added(
    scores: Sequence[Present], events: Sequence[tuple[OpenEvent, Points]], fading: _Fading
) -> dict[str, Factors]:
    """Return the factors by now of each score that a contact's events change."""
    touched: dict[str, Factors] = {}
    before = {one.type: one for one in scores}
    half_lives = fading.half_lives
    for event, points in events:
        name, at = event.name, event.occurred_at
        for kind, number in points:
            theirs = touched.get(kind)
            if theirs is None:
                one = before.get(kind)
                theirs = touched[kind] = _faded(one, fading) if one is not None else {}
            number *= fading.left(at, half_lives[kind])
            factor = theirs.get(name)
            if factor is None:
                theirs[name] = [number, 1]
            else:
                factor[0] += number
                factor[1] += 1
    return touched


def _faded(one: Present, fading: _Fading) -> Factors:
    """Return the factors of a score as they are by now, by the half-life they were written with."""
    part = fading.left(one.computed_at, one.half_life)
    factors: Factors = load_json(one.factors)
    for factor in factors.values():
        factor[0] *= part
    return factors


def _row(contact_id: Key, kind: str, factors: Factors, fading: _Fading) -> tuple[Any, ...] | None:
    if len(factors) > _MOST_FACTORS:
        factors = dict(sorted(factors.items(), key=lambda item: -item[1][0])[:_MOST_FACTORS])
    kept, points = {}, 0.0
    for name, factor in factors.items():
        if factor[0] >= _NOTHING_LEFT:
            kept[name] = factor
            points += factor[0]
    if not kept:
        return None
    half_life, now = fading.half_lives[kind], fading.now
    score, fades_at, stays = written(points, fading.now_us, half_life)
    until = None if stays is None else now + timedelta(0, stays)
    return (contact_id, kind, score, fades_at, half_life, dump_json(kept), now, until)
