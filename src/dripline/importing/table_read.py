"""The rows of a CSV file of contacts: read and looked over before anything is stored."""

import csv
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

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


def read_rows(file: Path, types: Mapping[str, str]) -> list[Row]:
    """Return the rows of a file; `types` are the declared attributes. Raises Invalid."""
    problems: list[str] = []
    rows: list[Row] = []
    try:
        with file.open(encoding=BOM, newline="") as source:
            head = source.readline()
            source.seek(0)
            reader = csv.DictReader(source, delimiter=";" if _by_semicolon(head) else ",")
            _check_columns(file, list(reader.fieldnames or ()), types)
            for cells in reader:
                row = _row(cells, reader.line_num, types, problems)
                if row is not None:
                    rows.append(row)
    except UnicodeDecodeError as error:
        raise Invalid(
            f"Nothing was imported.\n{file}: this is not UTF-8 (byte {error.start}).",
            code=IMPORT_INVALID,
        ) from None
    except csv.Error as error:
        raise Invalid(f"Nothing was imported.\n{file}: {error}.", code=IMPORT_INVALID) from None
    problems += _doubled(rows)
    refuse([f"{file}:{one}" for one in problems])
    return rows


def refuse(problems: Sequence[str]) -> None:
    """Raise Invalid (IMPORT_INVALID) if there are any."""
    if problems:
        more = len(problems) - _SHOWN
        told = [*problems[:_SHOWN], *([f"… and {more} more"] if more > 0 else [])]
        raise Invalid("\n".join(["Nothing was imported.", *told]), code=IMPORT_INVALID)


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
    cells: Mapping[str | None, Any], line: int, types: Mapping[str, str], problems: list[str]
) -> Row | None:
    if cells.get(None) or None in cells.values():
        problems.append(f"{line}: this row has another number of cells than the first line")
        return None
    given = {name: _plain(text) for name, text in cells.items() if name and _plain(text)}
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


def _doubled(rows: Sequence[Row]) -> Iterator[str]:
    seen: dict[tuple[str, Any], int] = {}
    for row in rows:
        for name in ("contact_id", "telegram_id", "email"):
            value = getattr(row, name)
            if value is None:
                continue
            first = seen.setdefault((name, value), row.line)
            if first != row.line:
                yield f"{row.line}: the same {name} as in line {first}"
