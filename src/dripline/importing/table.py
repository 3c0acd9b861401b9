"""Contacts as CSV, in and out: one row a contact, one column a fact.

`telegram_id` or `email` says who it is; `id` too, where an export wrote it. Columns of attributes
are named `attribute.NAME`. Only columns that are there are looked at, and an empty cell changes
nothing.

All of a file is looked over before anything is stored. Then it comes page by page, each in its own
transaction, so that a bot on the same SQLite file goes on in between. An import that ended half way
is completed by the same file: what has come stays as it is.
"""

import asyncio
import csv
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts import queries as contacts
from dripline.contacts.email import REMOVED
from dripline.contacts.models import Address, Contact, Preferences
from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.errors import Conflict, Invalid
from dripline.importing import email, queries
from dripline.importing.report import Report
from dripline.importing.source import written
from dripline.importing.table_read import (
    ATTRIBUTE,
    BOM,
    COLUMNS,
    FORMULA,
    PLAIN,
    Named,
    Problems,
    Row,
    Table,
)
from dripline.importing.table_write import Import, about_two

_EXPORTED: Final = 400
_PAGE: Final = 2_000
# Where nobody else can write meanwhile: pages that take longer are followed by smaller ones.
_HELD_S: Final = 0.15
_LEAST: Final = 250
# Another process looks every tenth of a second whether it may write to a SQLite file.
_REST_S: Final = 0.12

Progress = Callable[[int], None]


async def export_contacts(database: Database, file: Path, progress: Progress) -> int:
    """Write all contacts as CSV, as a whole or not at all; return how many there are.

    Each page is read in a transaction of its own: one for all of them would keep databases from
    clearing up behind a running bot for as long as it lasts.
    """
    handle, temporary = tempfile.mkstemp(prefix=".dripline-", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding=BOM, newline="") as out:
            async with database.reading() as session:
                types = (await ContentStore(database).current(session)).attribute_types
            done = await _write(database, csv.writer(out), sorted(types), progress)
            out.flush()
            os.fsync(out.fileno())
        await asyncio.to_thread(Path(temporary).replace, file)
    except BaseException:
        await asyncio.to_thread(Path(temporary).unlink, missing_ok=True)
        raise
    return done


async def _write(
    database: Database, out: Any, attributes: Sequence[str], progress: Progress
) -> int:
    out.writerow([*COLUMNS, *(f"{ATTRIBUTE}{name}" for name in attributes)])
    done, after = 0, None
    while True:
        async with database.reading() as session:
            page = await queries.contacts_page(session, after, _EXPORTED)
            rows = await _rows(session, page, attributes)
        if not page:
            return done
        after = page[-1].id
        out.writerows(rows)
        done += len(page)
        progress(done)


async def _rows(
    session: AsyncSession, page: Sequence[Contact], attributes: Sequence[str]
) -> list[list[str]]:
    ids = [one.id for one in page]
    known = await contacts.attributes_of(session, ids)
    tags = await queries.tags_of(session, ids)
    wants = await contacts.preferences_of(session, ids)
    addresses: dict[uuid.UUID, list[Address]] = {}
    for address in await queries.addresses_of(session, ids):
        addresses.setdefault(address.contact_id, []).append(address)
    rows = []
    for one in page:
        facts = _cells(one, addresses.get(one.id, ()), tags.get(one.id, ()), wants.get(one.id))
        own = known.get(one.id, {})
        cells = [*facts, *(own.get(name) for name in attributes)]
        rows.append([_safe(cell) for cell in cells])
    return rows


def _cells(
    one: Contact, addresses: Sequence[Address], tags: Sequence[str], wants: Preferences | None
) -> list[Any]:
    by_channel = {a.channel: a for a in reversed(addresses) if a.reachability != REMOVED}
    telegram, mailbox = by_channel.get("telegram"), by_channel.get("email")
    plain = [getattr(one, name) for name in PLAIN]
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
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


async def import_contacts(
    database: Database, file: Path, *, now: datetime, bot: str, progress: Progress
) -> Report:
    """Import contacts out of a CSV file, page by page; none if a row is wrong.

    Raises Invalid (IMPORT_INVALID) with the line of each row that cannot be used.
    """
    async with database.reading() as session:
        types = (await ContentStore(database).current(session)).attribute_types
    source = await asyncio.to_thread(file.open, encoding=BOM, newline="")
    with source:
        table = Table(file, source, types)
        version = table.version()
        report = Report()
        report.count("rows", await _look_over(database, table, bot))
        importing, done = Import(database, bot, now), 0
        rest_s = _REST_S if database.is_sqlite else 0.0
        rows, size = table.rows(Problems()), _PAGE
        while page := await _next_known(rows, size, file, done, rest_s):
            if table.version() != version:
                raise _changed(file, done)
            brought, held_s = await importing.bring(page)
            report.add(brought)
            done += len(page)
            progress(done)
            if database.is_sqlite:
                size = _as_long(len(page), held_s)
    return report


async def _look_over(database: Database, table: Table, bot: str) -> int:
    """Return how many rows there are. Raises Invalid (IMPORT_INVALID) when one cannot be used."""
    problems, two, named, done = Problems(), Problems(), Named(), 0
    rows = table.rows(problems)
    while page := await _next(rows, _PAGE):
        named.note(page)
        async with database.reading() as session:
            for row in await about_two(session, page, bot):
                two.add(
                    f"Line {row.line} is about two contacts: its Telegram id, email and id belong "
                    "to different ones."
                )
        done += len(page)
    await asyncio.to_thread(named.add_doubled, table, problems)
    problems.refuse()
    two.refuse()
    return done


async def _next_known(
    rows: Iterator[Row], size: int, file: Path, done: int, rest_s: float
) -> list[Row]:
    """Read the next page of rows that were good before, and let others write meanwhile."""
    try:
        page, _ = await asyncio.gather(_next(rows, size), asyncio.sleep(rest_s))
    except Invalid:
        raise _changed(file, done) from None
    return page


async def _next(rows: Iterator[Row], size: int) -> list[Row]:
    """Read the next rows, so many of them, in a thread of its own."""
    return await asyncio.to_thread(lambda: list(islice(rows, size)))


def _as_long(size: int, held_s: float) -> int:
    """Return how many rows hold the file up about as long as may be, when so many did so long."""
    return max(min(int(size * _HELD_S / max(held_s, 0.001)), _PAGE), min(_LEAST, _PAGE))


def _changed(file: Path, done: int) -> Conflict:
    return Conflict(
        f"{file} was changed while it was read: its first {done:,} rows were imported. Import it "
        "once more.",
        code="IMPORT_CHANGED",
    )
