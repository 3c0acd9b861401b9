"""What a segment is made of: sets of contacts, conditions on their rows, and, or, not.

Every part, called with what is asked, is a condition on the row of `contacts`. A part holds when
SQL says yes: what is unknown (no language) does not hold, so its opposite does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
)

from dripline.contacts.models import Contact


@dataclass(frozen=True, slots=True)
class Asked:
    """When a segment is asked for, and how sets of contacts are best looked up.

    `whole`: of everybody, where it is quicker to make the set once (SQLite); else contact by
    contact, as an index has it.
    """

    now: datetime
    whole: bool = False


Predicate = Callable[[Asked], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """Those about whom another table has a row, under these conditions: a set of contacts.

    `contact_id` is that table's column. A condition may depend on what is asked.
    """

    contact_id: Any
    conditions: tuple[ColumnElement[bool] | Predicate, ...]

    def __call__(self, asked: Asked) -> ColumnElement[bool]:
        """Return this as a condition on the contact's row."""
        if asked.whole:
            return Contact.id.in_(self.ids(asked))
        return self.about(Contact.id, Contact, asked)

    def ids(self, asked: Asked) -> Select[Any]:
        """Return the ids of those in the set; one may come several times."""
        has_one = self.contact_id.is_not(None)
        return select(self.contact_id.label("id")).where(has_one, *self._conditions(asked))

    def about(
        self, contact_id: Any, rows: FromClause | type[Contact], asked: Asked
    ) -> ColumnElement[bool]:
        """Return whether somebody is in the set, whose id is a column of these rows."""
        found = exists().where(self.contact_id == contact_id, *self._conditions(asked))
        # Said, because the statement around it may read the same table for its own ends.
        return found.correlate(rows)

    @property
    def is_kept(self) -> bool:
        """Whether the database sees to it that every id is that of a contact we know."""
        [column] = self.contact_id.property.columns
        return any(key.column.table is Contact.__table__ for key in column.foreign_keys)

    def _conditions(self, asked: Asked) -> list[ColumnElement[bool]]:
        return [one if isinstance(one, ColumnElement) else one(asked) for one in self.conditions]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; of no part: everybody."""

    parts: tuple[Predicate, ...]

    def __call__(self, asked: Asked) -> ColumnElement[bool]:
        """Return this as a condition on the contact's row."""
        return and_(true(), *(part(asked) for part in self.parts))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Predicate, ...]

    def __call__(self, asked: Asked) -> ColumnElement[bool]:
        """Return this as a condition on the contact's row."""
        return or_(false(), *(part(asked) for part in self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Predicate

    def __call__(self, asked: Asked) -> ColumnElement[bool]:
        """Return this as a condition on the contact's row."""
        inner = self.part(asked)
        return not_(func.coalesce(inner, false()) if _may_be_unknown(self.part) else inner)


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its argument, as the room that owns it reads it; `sure`: never unknown."""

    name: str
    predicate: Predicate
    sure: bool = True

    def __call__(self, asked: Asked) -> ColumnElement[bool]:
        """Return this as a condition on the contact's row."""
        return self.predicate(asked)


EVERYBODY = All(())


def _may_be_unknown(condition: Predicate) -> bool:
    """Whether SQL may answer NULL: joins of sure answers are sure, so is what tests existence."""
    match condition:
        case Word(sure=sure):
            return not sure
        case All(parts) | AnyOf(parts):
            return any(_may_be_unknown(part) for part in parts)
    return False
