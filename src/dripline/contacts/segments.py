"""Segments: who is meant, said in JSON, and found by one SQL statement.

    segment = parse(["no_active_scenario", {"state": ["VIP"]}, {"not": {"tag": "quiet"}}])
    await count(session, segment, now)

A list joins its members by *and*, so do several fields of one object; `and`, `or` and `not` join
explicitly. Everything else is a word: this room's, or one that another room has registered (see
`segment_words.py`). docs/segments.md lists them for operators.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import segment_counts, segment_words
from dripline.contacts.models import Contact
from dripline.contacts.segment_given import (
    MOST_CONDITIONS,
    MOST_DEPTH,
    Given,
    Names,
    SegmentError,
    shown,
    unknown,
)
from dripline.contacts.segment_tree import (
    EVERYBODY,
    All,
    AnyOf,
    Asked,
    Not,
    Predicate,
    Word,
)
from dripline.database import plan_for_counting

_JOINING = ("and", "or", "not")
_MEMBERS_AT_ONCE = 500


Condition = Predicate


def parse(value: Any, names: Names | None = None) -> Condition:
    """Return the segment that a JSON value describes; None and an empty list mean everybody.

    Raises SegmentError (Invalid) that says what is wrong, where, and what may have been meant.
    """
    if value is None or value == []:
        return EVERYBODY
    return _Reader().condition(Given(value, (), names or Names()), 0)


class _Reader:
    """Counts what it reads, so that nobody has us compile a statement without end."""

    def __init__(self) -> None:
        self._seen = 0

    def condition(self, given: Given, depth: int) -> Condition:
        self._seen += 1
        if self._seen > MOST_CONDITIONS:
            raise given.wrong(f"A segment has at most {MOST_CONDITIONS} conditions.")
        if depth > MOST_DEPTH:
            raise given.wrong(f"A segment is nested at most {MOST_DEPTH} deep.")
        match given.value:
            case str():
                return _bare(given)
            case list():
                return _joined(All, self._members(given, depth))
            case dict() if given.value:
                return _joined(All, [self._field(given, key, depth) for key in given.value])
        raise given.wrong("A condition is a word, an object or a list of conditions.")

    def _members(self, given: Given, depth: int) -> list[Condition]:
        return [self.condition(given.at(n), depth + 1) for n in range(given.length())]

    def _field(self, given: Given, key: Any, depth: int) -> Condition:
        inner = given.at(key)
        match key:
            case "and":
                return _joined(All, self._members(inner, depth))
            case "or":
                return _joined(AnyOf, self._members(inner, depth))
            case "not":
                return Not(self.condition(inner, depth + 1))
        self._seen += 1
        word = segment_words.word(key)
        if word is None:
            raise inner.wrong(unknown(str(key), (*segment_words.words(), *_JOINING), "condition"))
        if word.read is None:
            raise inner.wrong(f"{key} stands alone: write {shown(key)}, not an object.")
        return Word(key, word.read(inner), word.sure)


def _bare(given: Given) -> Condition:
    name = given.text()
    word = segment_words.word(name)
    if word is None:
        raise given.wrong(unknown(name, segment_words.words(), "condition"))
    if word.bare is None:
        raise given.wrong(f"{name} needs to be told more, such as {word.example}.")
    return Word(name, word.bare, word.sure)


def _joined(kind: type[All] | type[AnyOf], parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


async def count(session: AsyncSession, segment: Condition, now: datetime) -> int:
    """Return exactly how many contacts are in a segment."""
    dialect = session.get_bind().dialect.name
    await plan_for_counting(session)
    asked = Asked(now, whole=dialect == "sqlite")
    return int(await session.scalar(segment_counts.counted(segment, asked, dialect)) or 0)


async def page(
    session: AsyncSession, segment: Condition, now: datetime, after: uuid.UUID | None, limit: int
) -> Sequence[uuid.UUID]:
    """Return contacts of a segment in the order of their ids, beginning behind `after`."""
    statement = select(Contact.id).where(segment(Asked(now)))
    if after is not None:
        statement = statement.where(Contact.id > after)
    return (await session.scalars(statement.order_by(Contact.id).limit(limit))).all()


async def members(
    session: AsyncSession, segment: Condition, now: datetime, contact_ids: Iterable[uuid.UUID]
) -> set[uuid.UUID]:
    """Return which of these contacts are in a segment: one statement for a batch."""
    wanted = list(contact_ids)
    found: set[uuid.UUID] = set()
    for at in range(0, len(wanted), _MEMBERS_AT_ONCE):
        batch = wanted[at : at + _MEMBERS_AT_ONCE]
        statement = select(Contact.id).where(Contact.id.in_(batch), segment(Asked(now)))
        found.update((await session.scalars(statement)).all())
    return found


__all__ = [
    "EVERYBODY",
    "Asked",
    "Condition",
    "Names",
    "SegmentError",
    "count",
    "members",
    "page",
    "parse",
]
