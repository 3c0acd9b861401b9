"""How many are in a segment, exactly, as one statement that walks sets of contacts side by side.

A segment is taken apart into sets (those who have paid, those with a tag) that the contact has to
be in or out of, and conditions on the contact's own row. Indexes have each set in the order of
contacts' ids, so sets are joined by going through them once, next to each other: nothing is looked
up contact by contact, and nothing is sorted. docs/decisions/0018-segments-as-sorted-sets.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    except_,
    func,
    intersect,
    literal_column,
    select,
    text,
    union,
)

from dripline.contacts.models import Contact
from dripline.contacts.segment_tree import All, Among, AnyOf, Asked, Not, Predicate, Word

_Ids = Select[Any] | CompoundSelect[Any]


@dataclass(slots=True)
class Taken:
    """A segment taken apart: all of these hold.

    `base`, if there is one, is a union of sets that we begin with; else we begin with all contacts.
    """

    rows: list[Predicate] = field(default_factory=list)
    base: tuple[Among, ...] = ()
    inside: list[Among] = field(default_factory=list)
    outside: list[Among] = field(default_factory=list)


def taken_apart(segment: Predicate) -> Taken:
    """Return a segment as sets of contacts, and conditions for what is none."""
    taken, several = Taken(), []
    for part in _conjuncts(segment):
        sets = _sets(part)
        if isinstance(part, Not) and isinstance(part.part, Among):
            taken.outside.append(part.part)
        elif not sets:
            taken.rows.append(part)
        elif len(sets) == 1:
            taken.inside += sets
        else:
            several.append(sets)
    _choose_base(taken, several)
    taken.rows += [AnyOf(sets) for sets in several]
    return taken


def _choose_base(taken: Taken, several: list[tuple[Among, ...]]) -> None:
    """Begin with a set, when no contact's own row has to be looked at."""
    if taken.rows:
        return
    kept = next((one for one in taken.inside if one.is_kept), None)
    if kept is not None and not several:
        taken.inside.remove(kept)
        taken.base = (kept,)
    elif not taken.inside and len(several) == 1 and all(one.is_kept for one in several[0]):
        taken.base = several.pop()


def _conjuncts(condition: Predicate) -> Iterator[Predicate]:
    """Yield conditions that hold together exactly when this one does; `not` goes inwards."""
    condition = _plain(condition)
    match condition:
        case All(parts):
            for part in parts:
                yield from _conjuncts(part)
        case Not(AnyOf(parts)):
            for part in parts:
                yield from _conjuncts(Not(part))
        case _:
            yield condition


def _sets(condition: Predicate) -> tuple[Among, ...]:
    """Return the sets of which this is the union; none if it is no such thing."""
    condition = _plain(condition)
    match condition:
        case Among():
            return (condition,)
        case AnyOf(parts):
            found = [_sets(part) for part in parts]
        case Not(All(parts)):
            found = [_sets(Not(part)) for part in parts]
        case _:
            return ()
    return tuple(one for sets in found for one in sets) if all(found) else ()


def _plain(condition: Predicate) -> Predicate:
    """Return a condition without words around it, joins of one part, and twice not."""
    match condition:
        case Word(predicate=Among() | All() | AnyOf() | Not() as inner):
            return _plain(inner)
        case All((one,)) | AnyOf((one,)):
            return _plain(one)
        case Not(part):
            opposite = _plain(part)
            return _plain(opposite.part) if isinstance(opposite, Not) else Not(opposite)
    return condition


def counted(segment: Predicate, asked: Asked, dialect: str) -> Select[tuple[int]]:
    """Return the statement that counts a segment, as this database is quickest at it."""
    taken = taken_apart(segment)
    return _merged(taken, asked) if dialect == "sqlite" else _joined(taken, asked)


def _merged(taken: Taken, asked: Asked) -> Select[tuple[int]]:
    """For SQLite, which merges sorted sets as INTERSECT and EXCEPT, and cannot join otherwise."""
    if not taken.base and not taken.inside and not taken.outside:
        return _count().select_from(Contact).where(*(row(asked) for row in taken.rows))
    ids = _base(taken, asked)
    for one in taken.inside:
        ids = _chained(intersect, ids, one.ids(asked))
    for one in taken.outside:
        ids = _chained(except_, ids, one.ids(asked))
    if isinstance(ids, CompoundSelect):
        # The order is what has SQLite merge; the limit, what has it keep the order.
        ids = ids.order_by(text("1")).limit(literal_column("-1"))
    return _count().select_from(ids.subquery())


def _joined(taken: Taken, asked: Asked) -> Select[tuple[int]]:
    """For PostgreSQL, which merges sorted sets as (anti-)joins."""
    if not taken.base:
        parts: list[Predicate] = [*taken.rows, *taken.inside]
        wanted = [part(asked) for part in parts]
        unwanted = [~one(asked) for one in taken.outside]
        return _count().select_from(Contact).where(*wanted, *unwanted)
    who = _base(taken, asked).subquery("who")
    wanted = [one.about(who.c.id, who, asked) for one in taken.inside]
    unwanted = [~one.about(who.c.id, who, asked) for one in taken.outside]
    return _count().select_from(who).where(*wanted, *unwanted)


def _base(taken: Taken, asked: Asked) -> _Ids:
    """Return the ids to begin with, each once."""
    if not taken.base:
        return select(Contact.id).where(*(row(asked) for row in taken.rows))
    sets = [one.ids(asked) for one in taken.base]
    return union(*sets) if len(sets) > 1 else sets[0].distinct()


def _chained(join: Any, left: _Ids, right: Select[Any]) -> CompoundSelect[Any]:
    made: CompoundSelect[Any] = join(left, right)
    # SQLite knows no brackets here, and needs none: it reads such chains from the left.
    made.selects = [left, right]
    return made


def _count() -> Select[tuple[int]]:
    return select(func.count())
