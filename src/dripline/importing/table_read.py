"""The rows of a CSV file of contacts: read and looked over before anything is stored.

A file may have millions of rows. So it is read by pages, as often as it takes, and of a row no more
is kept than what tells that another one names the same contact.
"""

import csv
import os
import uuid
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TextIO

from dripline.contacts.email_address import normalise
from dripline.deliveries.timing import zone_of
from dripline.errors import Invalid
from dripline.importing import email
from dripline.importing.people import telegram_id_of
from dripline.importing.source import IMPORT_INVALID, moment_of, shown, utc_moment_of

PLAIN: Final = {"first_name": 256, "last_name": 256, "username": 200, "language": 35}
FACTS: Final = (*PLAIN, "timezone")
_AGREED: Final = (email.CONSENT, *email.OPT_INS)
COLUMNS: Final = (
    "id", "telegram_id", "email", *PLAIN, "timezone", "state", "created_at", *_AGREED, "tags",
)  # fmt: skip
ATTRIBUTE: Final = "attribute."
BOM: Final = "utf-8-sig"  # what spreadsheets write, and want to read
# A spreadsheet takes such a cell for a formula: it gets an apostrophe, and loses it on the way in.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be used: who, and what is said of them."""

    line: int
    contact_id: uuid.UUID | None
    telegram_id: str | None
    email: str | None
    created_at: datetime | None
    facts: Mapping[str, str]
    attributes: Mapping[str, Any]
    tags: tuple[str, ...]
    agreed: Mapping[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Problems:
    """What is wrong with a file: the first of it as words, and how much there is."""

    told: list[str] = field(default_factory=list)
    number: int = 0

    def add(self, problem: str) -> None:
        """Add one."""
        self.number += 1
        if len(self.told) < _SHOWN:
            self.told.append(problem)

    def refuse(self) -> None:
        """Raise Invalid (IMPORT_INVALID) if there are any."""
        if self.number:
            more = self.number - len(self.told)
            lines = [*self.told, *([f"… and {more} more"] if more else [])]
            raise Invalid("\n".join(["Nothing was imported.", *lines]), code=IMPORT_INVALID)


@dataclass(frozen=True, slots=True)
class Table:
    """An open file, and the declared attributes."""

    file: Path
    source: TextIO
    types: Mapping[str, str]

    def version(self) -> tuple[int, int]:
        """Return what is another when somebody has written into the file."""
        now = os.fstat(self.source.fileno())
        return now.st_size, now.st_mtime_ns

    def rows(self, problems: Problems) -> Iterator[Row]:
        """Yield the rows from the first on; what is wrong with others is added to the problems.

        Raises Invalid (IMPORT_INVALID).
        """
        try:
            yield from self._rows(problems)
        except UnicodeDecodeError as error:
            raise Invalid(
                f"Nothing was imported.\n{self.file}: this is not UTF-8 (byte {error.start}).",
                code=IMPORT_INVALID,
            ) from None
        except csv.Error as error:
            raise Invalid(
                f"Nothing was imported.\n{self.file}: {error}.", code=IMPORT_INVALID
            ) from None

    def _rows(self, problems: Problems) -> Iterator[Row]:
        self.source.seek(0)
        head = self.source.readline()
        self.source.seek(0)
        reader = csv.reader(self.source, delimiter=";" if _by_semicolon(head) else ",")
        names = next(reader, [])
        _check_columns(self.file, names, self.types)
        for cells in reader:
            wrong: list[str] = []
            row = _row(names, cells, reader.line_num, self.types, wrong) if cells else None
            for one in wrong:
                problems.add(f"{self.file}:{one}")
            if row is not None:
                yield row


class Named:
    """Who the rows of a file name, in eight bytes a name: to find out who is named twice."""

    def __init__(self) -> None:
        self._hashes = [array("q") for _ in range(256)]

    def note(self, rows: Iterable[Row]) -> None:
        """Take in further rows."""
        for row in rows:
            for name in _names(row):
                found = hash(name)
                self._hashes[found & 255].append(found)

    def add_doubled(self, table: Table, problems: Problems) -> None:
        """Add a problem for each name that a row of the table shares with one before it."""
        twice = {
            one for some in self._hashes for one, next_one in pairwise(sorted(some))
            if one == next_one
        }  # fmt: skip
        if not twice:
            return
        seen: dict[tuple[str, Any], int] = {}
        for row in table.rows(Problems()):
            for name in _names(row):
                if hash(name) in twice and seen.setdefault(name, row.line) != row.line:
                    first = seen[name]
                    problems.add(f"{table.file}:{row.line}: the same {name[0]} as in line {first}")


def _names(row: Row) -> Iterator[tuple[str, Any]]:
    if row.contact_id is not None:
        yield "contact_id", row.contact_id
    if row.telegram_id is not None:
        yield "telegram_id", row.telegram_id
    if row.email is not None:
        yield "email", row.email


def _by_semicolon(head: str) -> bool:
    return head.count(";") > head.count(",")


def _check_columns(file: Path, names: Sequence[str], types: Mapping[str, str]) -> None:
    wrong = [
        name for name in names if name not in COLUMNS and name.removeprefix(ATTRIBUTE) not in types
    ]
    wrong += [name for name in names if name in types and name not in COLUMNS]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Invalid(
            f"Nothing was imported.\n{file}:1: the column {shown(twice[0])} is there twice; leave "
            "one of them.",
            code=IMPORT_INVALID,
        )
    if wrong or not {"id", "telegram_id", "email"} & set(names):
        why = f"unknown columns {', '.join(map(shown, wrong))}" if wrong else "nobody is named"
        raise Invalid(
            f"Nothing was imported.\n{file}:1: {why}. There are {', '.join(COLUMNS)}, of which id, "
            "telegram_id or email is needed, and attribute.NAME for each attribute declared in "
            "templates/attributes.json.",
            code=IMPORT_INVALID,
        )


def _row(
    names: Sequence[str],
    cells: Sequence[str],
    line: int,
    types: Mapping[str, str],
    problems: list[str],
) -> Row | None:
    if len(cells) != len(names):
        problems.append(f"{line}: this row has another number of cells than the first line")
        return None
    given = {name: text for name, text in zip(names, map(_plain, cells), strict=True) if text}
    if not given:
        return None
    wrong = [f"{line}: {why}" for why in _wrong(given)]
    attributes = {}
    for name, text in given.items():
        kind = types.get(name.removeprefix(ATTRIBUTE)) if name.startswith(ATTRIBUTE) else None
        if kind is not None:
            try:
                attributes[name.removeprefix(ATTRIBUTE)] = _typed(text, kind)
            except ValueError:
                wrong.append(f"{line}: {name} is {shown(text)}, which is no {kind}")
    problems += wrong
    if wrong:
        return None
    tags = tuple(dict.fromkeys(filter(None, map(str.strip, given.get("tags", "").split(";")))))
    return Row(
        line,
        uuid.UUID(given["id"]) if "id" in given else None,
        given.get("telegram_id"),
        _normalised(given["email"]) if "email" in given else None,
        utc_moment_of(given.get("created_at")),
        {name: given[name] for name in FACTS if name in given},
        attributes,
        tags,
        {name: _BOOLEANS[given[name].lower()] for name in _AGREED if name in given},
    )


def _plain(text: str) -> str:
    text = text.strip().replace("\0", "")
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def _wrong(given: Mapping[str, str]) -> Iterator[str]:
    if not {"id", "telegram_id", "email"} & given.keys():
        yield "this row names nobody: id, telegram_id or email"
    if "id" in given and not _is_id(given["id"]):
        yield f"id is {shown(given['id'])}; leave it empty for somebody new"
    if "telegram_id" in given and telegram_id_of(given["telegram_id"]) is None:
        yield f"telegram_id is {shown(given['telegram_id'])}, which is no Telegram id"
    if "email" in given and (fault := _email_fault(given["email"])):
        yield f"email is {shown(given['email'])}: {fault}"
    if "timezone" in given and zone_of(given["timezone"]).key != given["timezone"]:
        yield f"timezone is {shown(given['timezone'])}; write one such as Europe/Berlin"
    if "created_at" in given and moment_of(given["created_at"]) is None:
        yield f"created_at is {shown(given['created_at'])}, which is no time"
    for name in _AGREED:
        if given.get(name, "no").lower() not in _BOOLEANS:
            yield f"{name} is {shown(given[name])}; write yes or no"
    for name, most in PLAIN.items():
        if len(given.get(name, "")) > most:
            yield f"{name} has more than {most} characters"
    if any(len(tag.strip()) > 64 for tag in given.get("tags", "").split(";")):
        yield "a tag has more than 64 characters"


def _email_fault(text: str) -> str:
    """Return what is wrong with an address; nothing for one that is right."""
    try:
        _normalised(text)
    except Invalid as error:
        return error.message
    return ""


@lru_cache(maxsize=1)
def _normalised(text: str) -> str:
    """Return an address as we keep it; a row asks twice in a row. Raises Invalid."""
    return normalise(text)


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _typed(text: str, kind: str) -> Any:
    """Return a cell as its attribute's type. Raises ValueError."""
    match kind:
        case "number":
            number = float(text)
            if not abs(number) < 2**53:
                raise ValueError(text)
            return int(number) if number.is_integer() else number
        case "boolean":
            if text.lower() not in _BOOLEANS:
                raise ValueError(text)
            return _BOOLEANS[text.lower()]
        case "date":
            return date.fromisoformat(text).isoformat()
        case _:
            return text
