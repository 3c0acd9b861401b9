"""Duty: fold events into scores, a batch at a time with four statements.

1. Read the oldest events that nobody has folded in, with the few facts that matter.
2. Read the scores of the contacts they are about; who was erased meanwhile is missing.
3. Let what was there fade to now, add what the events bring (faded likewise, by their own age).
4. Write the scores, and take the events off the list, in the same transaction: each counts once.

Events of machines count nothing, nor does what nobody weighs.
"""

from collections.abc import Sequence
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
_BATCH: Final = 500  # SQLite's other writers wait meanwhile
_BATCH_OF_MANY: Final = 2_000  # PostgreSQL's do not
_BATCHES: Final = 20
_NOTHING_LEFT: Final = 0.01
_MOST_FACTORS: Final = 30

subscribe(CONSUMER, {ANY_OTHER})

Factors = dict[str, list[float]]  # by event: points, and how often it came


class FoldScores:
    """Keeps scores current."""

    def __init__(self, database: Database, store: ContentStore) -> None:
        self._database = database
        self._store = store
        self._most = _BATCH if database.is_sqlite else _BATCH_OF_MANY

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
        # What a power cut undid would be folded in again.
        async with self._database.transaction(lasts=False) as session:
            if not await queries.is_ours(session):
                return 0
            events = await queries.open_events(session, CONSUMER, self._most)
            if not events:
                return 0
            rules = rules_of(await self._store.current(session))
            weighed = _weighed(rules, events)
            known = await queries.present(session, weighed)
            rows = [
                row
                for contact_id, scores in known.items()
                for row in folded(contact_id, scores, weighed[contact_id], rules, now)
            ]
            await queries.write(session, rows)
            await queries.done(session, CONSUMER, [event.id for event in events])
        return len(events)


def _weighed(
    rules: ScoreRules, events: Sequence[OpenEvent]
) -> dict[Key, list[tuple[OpenEvent, Points]]]:
    found: dict[Key, list[tuple[OpenEvent, Points]]] = {}
    for event in events:
        if event.contact_id is None or not event.human:
            continue
        points = rules.points(event.name, event.channel)
        if points:
            found.setdefault(event.contact_id, []).append((event, points))
    return found


def folded(
    contact_id: Key,
    scores: Sequence[Present],
    events: Sequence[tuple[OpenEvent, Points]],
    rules: ScoreRules,
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Return the rows of the scores that events of a contact change."""
    touched = {kind for _event, points in events for kind, _ in points}
    factors = {one.type: _faded(one, now) for one in scores if one.type in touched}
    for event, points in events:
        age = _seconds(now, event.occurred_at)
        for kind, number in points:
            factor = factors.setdefault(kind, {}).setdefault(event.name, [0.0, 0])
            factor[0] += number * left(age, rules.half_lives[kind])
            factor[1] += 1
    rows = (
        _row(contact_id, kind, theirs, rules.half_lives[kind], now)
        for kind, theirs in factors.items()
    )
    return [row for row in rows if row is not None]


def _faded(one: Present, now: datetime) -> Factors:
    """Return the factors of a score as they are by now, by the half-life they were written with."""
    part = left(_seconds(now, one.computed_at), one.half_life)
    factors: Factors = load_json(one.factors)
    for factor in factors.values():
        factor[0] *= part
    return factors


def _seconds(now: datetime, then: datetime | str) -> float:
    """Return how long ago a moment was; one that is still to come is now."""
    since = (now - moment_of(then)).total_seconds()
    return since if since > 0 else 0.0


def _row(
    contact_id: Key, kind: str, factors: Factors, half_life: int, now: datetime
) -> tuple[Any, ...] | None:
    if len(factors) > _MOST_FACTORS:
        factors = dict(sorted(factors.items(), key=lambda item: -item[1][0])[:_MOST_FACTORS])
    kept = {name: factor for name, factor in factors.items() if factor[0] >= _NOTHING_LEFT}
    if not kept:
        return None
    points = sum([factor[0] for factor in kept.values()])
    score, fades_at, stays = written(points, to_us(now), half_life)
    until = None if stays is None else now + timedelta(seconds=stays)
    return (contact_id, kind, score, fades_at, half_life, dump_json(kept), now, until)
