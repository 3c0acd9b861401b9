"""Contacts as CSV, in and out: one row a contact, one column a fact.

`telegram_id` or `email` says who it is; `id` too, where an export wrote it. Columns of attributes
are named `attribute.NAME`. Only columns that are there are looked at, and an empty cell changes
nothing. Nothing reacts to an import.
"""

import asyncio
import csv
import os
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.email import REMOVED
from dripline.contacts.email_address import normalise
from dripline.contacts.models import Address, Contact, Preferences
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.deliveries.timing import zone_of
from dripline.errors import Invalid
from dripline.ids import new_id
from dripline.importing import email, queries
from dripline.importing.people import telegram_id_of
from dripline.importing.report import Report
from dripline.importing.source import IMPORT_INVALID, moment_of, shown, utc_moment_of, written

_PLAIN: Final = {"first_name": 256, "last_name": 256, "username": 200, "language": 35}
_AGREED: Final = (email.CONSENT, *email.OPT_INS)
COLUMNS: Final = (
    "id", "telegram_id", "email", *_PLAIN, "timezone", "state", "created_at", *_AGREED, "tags",
)  # fmt: skip
_ATTRIBUTE: Final = "attribute."
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PAGE: Final = 400
_BOM: Final = "utf-8-sig"  # what spreadsheets write, and want to read
# A spreadsheet takes such a cell for a formula: it gets an apostrophe, and loses it on the way in.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")

Progress = Callable[[int], None]


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


async def export_contacts(database: Database, file: Path, progress: Progress) -> int:
    """Write all contacts as CSV, as a whole or not at all; return how many there are."""
    handle, temporary = tempfile.mkstemp(prefix=".dripline-", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding=_BOM, newline="") as out:
            async with database.reading() as session:
                library = await ContentStore(database).current(session)
                done = await _write(
                    session, csv.writer(out), sorted(library.attribute_types), progress
                )
            out.flush()
            os.fsync(out.fileno())
        await asyncio.to_thread(Path(temporary).replace, file)
    except BaseException:
        await asyncio.to_thread(Path(temporary).unlink, missing_ok=True)
        raise
    return done


async def _write(
    session: AsyncSession, out: Any, attributes: Sequence[str], progress: Progress
) -> int:
    out.writerow([*COLUMNS, *(f"{_ATTRIBUTE}{name}" for name in attributes)])
    done, after = 0, None
    while page := await queries.contacts_page(session, after, _PAGE):
        after = page[-1].id
        ids = [one.id for one in page]
        known = await contacts.attributes_of(session, ids)
        tags = await queries.tags_of(session, ids)
        wants = await contacts.preferences_of(session, ids)
        addresses: dict[uuid.UUID, list[Address]] = {}
        for address in await queries.addresses_of(session, ids):
            addresses.setdefault(address.contact_id, []).append(address)
        for one in page:
            facts = _cells(one, addresses.get(one.id, ()), tags.get(one.id, ()), wants.get(one.id))
            own = known.get(one.id, {})
            cells = [*facts, *(own.get(name) for name in attributes)]
            out.writerow([_safe(cell) for cell in cells])
        done += len(page)
        progress(done)
    return done


def _cells(
    one: Contact, addresses: Sequence[Address], tags: Sequence[str], wants: Preferences | None
) -> list[Any]:
    by_channel = {a.channel: a for a in reversed(addresses) if a.reachability != REMOVED}
    telegram, mailbox = by_channel.get("telegram"), by_channel.get("email")
    plain = [getattr(one, name) for name in _PLAIN]
    return [
        one.id,
        telegram.value if telegram else None,
        mailbox.value if mailbox else None,
        *plain,
        one.timezone,
        one.state,
        written(one.created_at),
        email.told(mailbox),
        *(getattr(wants, name) if wants else None for name in email.OPT_INS),
        ";".join(tags),
    ]


def _safe(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


async def import_contacts(
    database: Database, file: Path, *, now: datetime, bot: str, progress: Progress
) -> Report:
    """Import contacts out of a CSV file: all rows or none.

    Raises Invalid (IMPORT_INVALID) with the line of each row that cannot be used.
    """
    report = Report()
    async with database.transaction() as session:
        library = await ContentStore(database).current(session)
        rows = await asyncio.to_thread(read_rows, file, library.attribute_types)
        report.count("rows", len(rows))
        remaining, done = iter(rows), 0
        while page := list(islice(remaining, _PAGE)):
            for row in page:
                await _bring(session, row, bot, now, report)
            done += len(page)
            progress(done)
    return report


def read_rows(file: Path, types: Mapping[str, str]) -> list[Row]:
    """Return the rows of a file; `types` are the declared attributes. Raises Invalid."""
    problems: list[str] = []
    rows: list[Row] = []
    try:
        with file.open(encoding=_BOM, newline="") as source:
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
    if problems:
        told = "\n".join(f"{file}:{one}" for one in problems[:20])
        more = f"\n… and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise Invalid(f"Nothing was imported.\n{told}{more}", code=IMPORT_INVALID)
    return rows


def _by_semicolon(head: str) -> bool:
    return head.count(";") > head.count(",")


def _check_columns(file: Path, names: Sequence[str], types: Mapping[str, str]) -> None:
    wrong = [
        name for name in names if name not in COLUMNS and name.removeprefix(_ATTRIBUTE) not in types
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
        kind = types.get(name.removeprefix(_ATTRIBUTE)) if name.startswith(_ATTRIBUTE) else None
        if kind is not None:
            try:
                attributes[name.removeprefix(_ATTRIBUTE)] = _typed(text, kind)
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
        normalise(given["email"]) if "email" in given else None,
        utc_moment_of(given.get("created_at")),
        {name: given[name] for name in (*_PLAIN, "timezone") if name in given},
        attributes,
        tags,
        {name: _BOOLEANS[given[name].lower()] for name in _AGREED if name in given},
    )


def _plain(text: str) -> str:
    text = text.strip().replace("\0", "")
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


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
    for name, most in _PLAIN.items():
        if len(given.get(name, "")) > most:
            yield f"{name} has more than {most} characters"
    if any(len(tag.strip()) > 64 for tag in given.get("tags", "").split(";")):
        yield "a tag has more than 64 characters"


def _email_fault(text: str) -> str:
    """Return what is wrong with an address; nothing for one that is right."""
    try:
        normalise(text)
    except Invalid as error:
        return error.message
    return ""


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


async def _bring(session: AsyncSession, row: Row, bot: str, now: datetime, report: Report) -> None:
    contact = await _find(session, row, bot)
    if contact is None:
        created = row.created_at or now
        contact = Contact(id=row.contact_id or new_id(), created_at=created, state="VISITOR")
        session.add(contact)
        report.count("contacts made")
    else:
        report.count("contacts known before")
    for name, value in row.facts.items():
        setattr(contact, name, value)
    await session.flush()
    await _reach(session, row, contact.id, bot, now)
    await email.bring(session, contact.id, row.email, row.agreed, now, report)
    for name, value in row.attributes.items():
        await contacts.set_attribute(session, contact.id, name, value, now)
    for tag in row.tags:
        await contacts.add_tag(session, contact.id, tag, now)


async def _find(session: AsyncSession, row: Row, bot: str) -> Contact | None:
    """Return the contact a row is about, or None for a new one. Raises Invalid when it is two."""
    found: dict[uuid.UUID, Contact] = {}
    if row.contact_id is not None and (one := await session.get(Contact, row.contact_id)):
        found[one.id] = one
    for channel, at, value in (("telegram", bot, row.telegram_id), ("email", "", row.email)):
        address = await contacts.address_of_value(session, channel, at, value) if value else None
        if address is None and channel == "telegram" and value:
            address = await contacts.any_telegram_address(session, value)
        if address is not None:
            found[address.contact_id] = await session.get_one(Contact, address.contact_id)
    if len(found) > 1:
        raise Invalid(
            f"Nothing was imported.\nLine {row.line} is about two contacts: its Telegram id, email "
            "and id belong to different ones.",
            code=IMPORT_INVALID,
        )
    return next(iter(found.values()), None)


async def _reach(
    session: AsyncSession, row: Row, contact_id: uuid.UUID, bot: str, now: datetime
) -> None:
    """Add the address at the bot, which may not write first."""
    if not row.telegram_id:
        return
    await contacts.insert_address(
        session,
        {
            "id": new_id(),
            "contact_id": contact_id,
            "channel": "telegram",
            "bot": bot,
            "value": row.telegram_id,
            "reachability": "needs_start",
            "reachability_since": now,
            "next_send_at": 0,
            "created_at": now,
        },
    )
