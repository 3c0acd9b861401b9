"""What a segment's JSON says, read strictly: every mistake is named with where it stands.

A place is a JSON pointer (RFC 6901) such as `/0/scenario/id`; the linter turns it into a line.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from dripline.errors import Invalid

INVALID_SEGMENT = "INVALID_SEGMENT"
MOST_DEPTH: Final = 10
MOST_CONDITIONS: Final = 100
MOST_CHOICES: Final = 200
_MOST_CHARACTERS: Final = 256
_MOST_DAYS: Final = 36_500
_SHOWN: Final = 60
_UNITS: Final = ("weeks", "days", "hours", "minutes")
_NAMES: Final = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}
Path = tuple[str | int, ...]


class SegmentError(Invalid):
    """A segment cannot be read; `path` and `pointer` say which part of it."""

    def __init__(self, message: str, path: Path) -> None:
        pointer = pointer_of(path)
        where = f" (at {pointer})" if pointer else ""
        super().__init__(f"{message}{where}", code=INVALID_SEGMENT, pointer=pointer)
        self.plain = message
        self.path = path
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Names:
    """What a segment may refer to. None: not known here, so any name will do.

    `attributes` are the declared ones with their types: text, number, boolean or date. `rooms` is
    what the content says of other rooms, by which their words go.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    scenarios: Collection[str] | None = None
    broadcasts: Collection[str] | None = None
    rooms: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """A value of the JSON, where it stands, and the names it may use."""

    value: Any
    path: Path
    names: Names

    def wrong(self, message: str) -> SegmentError:
        """Return the error that says what is wrong here."""
        return SegmentError(message, self.path)

    def at(self, key: str | int) -> "Given":
        """Return a part of an object or a list."""
        return Given(self.value[key], (*self.path, key), self.names)

    def expect(self, kind: type) -> None:
        """Raise unless the value is of a type."""
        if not isinstance(self.value, kind) or (kind is not bool and isinstance(self.value, bool)):
            raise self.wrong(f"This must be {_NAMES[kind]}, not {shown(self.value)}.")

    def text(self) -> str:
        """Return a text that is not empty."""
        self.expect(str)
        if not self.value.strip() or len(self.value) > _MOST_CHARACTERS or "\x00" in self.value:
            raise self.wrong(f"A text here has 1 to {_MOST_CHARACTERS} characters.")
        return str(self.value)

    def texts(self) -> tuple[str, ...]:
        """Return one text, or the texts of a list."""
        if not isinstance(self.value, list):
            return (self.text(),)
        return tuple(self.at(n).text() for n in range(self.length()))

    def length(self) -> int:
        """Return the length of a list that is neither empty nor too long."""
        self.expect(list)
        if not self.value:
            raise self.wrong("This list is empty.")
        if len(self.value) > MOST_CHOICES:
            raise self.wrong(f"A list here has at most {MOST_CHOICES} members.")
        return len(self.value)

    def choice(self, allowed: Iterable[str], what: str) -> str:
        """Return a text that is one of those allowed."""
        found = self.text()
        if found not in (options := list(allowed)):
            raise self.wrong(unknown(found, options, what))
        return found

    def choices(self, allowed: Iterable[str] | None, what: str) -> tuple[str, ...]:
        """Return one text or several, each one of those allowed; None allows any."""
        found = self.texts()
        if allowed is not None:
            options = list(allowed)
            for number, one in enumerate(found):
                if one not in options:
                    place = self.at(number) if isinstance(self.value, list) else self
                    raise place.wrong(unknown(one, options, what))
        return found

    def number(self) -> float:
        """Return a number, as a float: so a list of whole and broken ones is of one type."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong(f"This must be a number, not {shown(self.value)}.")
        if not abs(self.value) <= 1e15:
            raise self.wrong("This number is too big.")
        return float(self.value)

    def fields(self, allowed: Sequence[str], needed: str | None = None) -> None:
        """Raise unless this is an object with some of these keys, and the needed one."""
        self.expect(dict)
        for key in self.value:
            if key not in allowed:
                raise Given(None, (*self.path, key), self.names).wrong(
                    unknown(str(key), allowed, "field")
                )
        if needed is not None and needed not in self.value:
            raise self.wrong(f"“{needed}” is missing here.")

    def duration(self) -> timedelta:
        """Return a duration such as `{"days": 7}`; longer than nothing, at most a century."""
        self.fields(_UNITS)
        parts = {key: self.at(key).number() for key in self.value}
        days = sum(parts[unit] * days for unit, days in _IN_DAYS.items() if unit in parts)
        if not 0 < days <= _MOST_DAYS or min(parts.values()) < 0:
            raise self.wrong('This must be a duration such as {"days": 7}.')
        return timedelta(**parts)

    def moment(self) -> datetime:
        """Return a date or a moment such as `2026-01-31` or `2026-01-31T09:00:00Z`; UTC."""
        written = self.text()
        try:
            found = datetime.fromisoformat(written)
        except ValueError:
            raise self.wrong(
                "This must be a date such as 2026-01-31, or 2026-01-31T09:00:00Z."
            ) from None
        try:
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except OverflowError:
            raise self.wrong("This date is out of reach.") from None


_IN_DAYS: Final = {"weeks": 7, "days": 1, "hours": 1 / 24, "minutes": 1 / 1440}


def unknown(found: str, options: Iterable[str], what: str) -> str:
    """Return the sentence about a name that is not known, with the nearest one that is."""
    known = sorted(options)
    near = get_close_matches(found, known, 1, 0.6)
    if near:
        return f"There is no {what} {shown(found)}; did you mean {near[0]}?"
    some = f"; there are {', '.join(known[:20])}" if known else ""
    return f"There is no {what} {shown(found)}{some}."


def shown(value: Any) -> str:
    """Return a value as an error shows it: short."""
    text = re.sub(r"\s+", " ", str(value))
    return f"“{text[:_SHOWN]}…”" if len(text) > _SHOWN else f"“{text}”"


def pointer_of(path: Path) -> str:
    """Return the JSON pointer of a path; empty for the whole."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)
