"""Duty: fold events into scores, a batch at a time with a few statements.

1. Read the oldest events that nobody has folded in, with the few facts that matter.
2. Read the scores of the contacts they are about; who was erased meanwhile is missing.
3. Let what was there fade to now, add what the events bring (faded likewise, by their own age).
4. Write the scores, and take the events off the list, in the same transaction: each counts once.

Events of machines count nothing, nor does what nobody weighs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from dripline.clock import to_us
from dripline.content.store import ContentStore
from dripline.database import Database, dump_json, load_json
from dripline.engagement import score_queries as queries
from dripline.engagement.rules import Points, ScoreRules, rules_of
from dripline.engagement.score import left, written
from dripline.engagement.score_queries import Key, OpenEvent, Present, moment_of
from dripline.events import subscribe
from dripline.events.subscriptions import ANY_OTHER

CONSUMER: Final = "scores"
# The more at once, the more events share a contact, and so a row that is read and written.
_BATCH: Final = 2_000  # SQLite's other writers wait meanwhile: some fifty milliseconds
_BATCH_OF_MANY: Final = 20_000  # PostgreSQL's do not
_BATCHES: Final = 10
_AT_A_STRETCH: Final = 250  # contacts, before others have their turn
_NOTHING_LEFT: Final = 0.01
_MOST_FACTORS: Final = 30
_NO: Final = (0, "false")  # as SQLite and PostgreSQL read a false

subscribe(CONSUMER, {ANY_OTHER})

Factors = dict[str, list[float]]  # by event: points, and how often it came


class FoldScores:
    """Keeps scores current; `most` is how many events a transaction folds in."""

    def __init__(self, database: Database, store: ContentStore, most: int | None = None) -> None:
        self._database = database
        self._store = store
        self._most = most or (_BATCH if database.is_sqlite else _BATCH_OF_MANY)

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
        # A power cut that undoes this undoes both: the events are still on the list.
        async with self._database.transaction(lasts=False) as session:
            if not await queries.is_ours(session):
                return 0
            events = await queries.open_events(session, CONSUMER, self._most)
            if not events:
                return 0
            rules = rules_of(await self._store.current(session))
            weighed = _weighed(rules, events)
            known = await queries.present(session, weighed)
            rows = await _rows(known, weighed, _Fading(rules.half_lives, now))
            await queries.write(session, rows)
            await queries.done(session, CONSUMER, [event.id for event in events])
        return len(events)


def _weighed(
    rules: ScoreRules, events: Sequence[OpenEvent]
) -> dict[Key, list[tuple[OpenEvent, Points]]]:
    found: dict[Key, list[tuple[OpenEvent, Points]]] = {}
    for event in events:
        if event.contact_id is None or event.human in _NO:
            continue
        points = rules.points(event.name, event.channel)
        if points:
            found.setdefault(event.contact_id, []).append((event, points))
    return found


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


async def _rows(
    known: Mapping[Key, Sequence[Present]],
    weighed: Mapping[Key, Sequence[tuple[OpenEvent, Points]]],
    fading: _Fading,
) -> list[tuple[Any, ...]]:
    """Return the rows of the scores that events change, of the contacts who are there."""
    rows = []
    for number, (contact_id, scores) in enumerate(known.items(), 1):
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        factors = _added(scores, weighed[contact_id], fading)
        for kind, theirs in factors.items():
            row = _row(contact_id, kind, theirs, fading)
            if row is not None:
                rows.append(row)
    return rows


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
