"""Fill a fresh database with people who wait, in bulk: a million in half a minute.

Everybody has one address at the bot `main` and is in the scenario `bench`, waiting for its first
message. The queue runs through the crowd as a seven-message course has it: seven groups, each in
the order in which they came. `shuffled` instead makes neighbours in the queue strangers on disk.
"""

import random
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from dripline.clock import to_us
from dripline.content.models import ContentState, Document, Revision
from dripline.database import Database, utc_text
from dripline.database.upgrade import upgrade
from dripline.deliveries.models import NORMAL
from dripline.ids import new_id
from dripline.wiring import import_models

KEY = "telegram:main"
FIRST_CHAT = 1_000_000_000
_CONTACT, _ADDRESS, _ENROLLMENT = 1, 2, 3
_GROUPS = 7
_TEXT = (
    "Day one, {{ user.first_name }}: <b>six jars</b> for your money.\n\n"
    "Put a little into each of them on the day you are paid, before anything else is bought. "
    "By the end of this week you will know what is left, {{ user.user_name }}, "
    "and by the end of the month you will stop being afraid to look."
)
_BODY = {
    "config": {"id": "bench", "name": "Bench"},
    "order": ["one", "two"],
    "messages": {
        "one": {
            "texts": {"": _TEXT},
            "inline_keyboard": {
                "rows": [
                    {"buttons": [{"type": "callback", "text": "Done", "callback_data": "DONE"}]}
                ]
            },
        },
        "two": {"texts": {"": "Day two, {{ user.first_name }}."}, "timing": {"days": 1}},
    },
    "retired": {},
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many people wait, and when their messages are due: from `first_due`, over `over`."""

    size: int
    first_due: datetime
    over: timedelta
    shuffled: bool = False

    def due_us(self, place: int) -> int:
        """Return when the message at this place of the queue is due, in microseconds."""
        return to_us(self.first_due) + int(self.over / timedelta(microseconds=1)) * place // max(
            self.size, 1
        )

    def places(self) -> list[int]:
        """Return who stands where in the queue, everybody once; the same order every time."""
        if self.shuffled:
            numbers = list(range(self.size))
            random.Random(7).shuffle(numbers)
            return numbers
        group = -(-self.size // _GROUPS)
        order = (g * group + n for n in range(group) for g in range(_GROUPS))
        return [number for number in order if number < self.size]


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    rows: Callable[[Crowd, Callable[[datetime], Any]], Iterator[tuple[Any, ...]]]


async def seed(database: Database, crowd: Crowd) -> None:
    """Make the tables, the scenario and the crowd."""
    import_models()
    await upgrade(database)
    await _publish(database)
    await _load(database, crowd, (_CONTACTS, _ADDRESSES, _ENROLLMENTS, _QUEUE))


async def seed_queue(database: Database, crowd: Crowd) -> None:
    """Make the tables and the queue only: what an empty tick looks at."""
    import_models()
    await upgrade(database)
    await _load(database, crowd, (_QUEUE,))


async def _publish(database: Database) -> None:
    revision = new_id()
    async with database.transaction() as session:
        session.add(
            Revision(
                id=revision,
                kind="scenario",
                key="bench",
                number=1,
                body=_BODY,
                author="bench",
                via="bench",
                created_at=datetime.now(UTC),
            )
        )
        session.add(Document(kind="scenario", key="bench", revision_id=revision, number=1))
        session.add(ContentState(id=1, version=1, default_scenario_id="bench"))


async def _load(database: Database, crowd: Crowd, tables: Sequence[_Table]) -> None:
    if database.is_sqlite:
        _load_sqlite(str(database.url.database), crowd, tables)
        return
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        for table in tables:
            await connection.copy_records_to_table(
                table.name, records=table.rows(crowd, lambda moment: moment), columns=table.columns
            )
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _load_sqlite(file: str, crowd: Crowd, tables: Sequence[_Table]) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        # Nobody mourns this file if the power goes now.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        for table in tables:
            marks = ", ".join("?" * len(table.columns))
            connection.execute("BEGIN")
            connection.executemany(
                f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})",
                _as_bytes(table.rows(crowd, utc_text)),
            )
            connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _as_bytes(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield tuple(v.bytes if isinstance(v, uuid.UUID) else v for v in row)


def _id(kind: int, number: int) -> uuid.UUID:
    """Return a UUIDv7 as if this one had been made a millisecond after the one before."""
    return uuid.UUID(int=(1_760_000_000_000 + number << 80) | 0x7 << 76 | 0b10 << 62 | kind)


def _contacts(crowd: Crowd, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    made = moment(crowd.first_due)
    for n in range(crowd.size):
        yield _id(_CONTACT, n), made, f"anna_{n}", "Anna", "Petrova", "en", "VISITOR"


def _addresses(crowd: Crowd, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    made = moment(crowd.first_due)
    for n in range(crowd.size):
        value = str(FIRST_CHAT + n)
        yield _id(_ADDRESS, n), _id(_CONTACT, n), "telegram", "main", value, made, made


def _enrollments(crowd: Crowd, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    made = moment(crowd.first_due)
    place_of = [0] * crowd.size
    for place, n in enumerate(crowd.places()):
        place_of[n] = place
    for n in range(crowd.size):
        yield (
            *(_id(_ENROLLMENT, n), _id(_CONTACT, n), _id(_ADDRESS, n)),
            *("bench", "scenario", 1, "active", 1, made, made),
            *(1, KEY, NORMAL, crowd.due_us(place_of[n])),
        )


def _queue(crowd: Crowd, _moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    for place, n in enumerate(crowd.places()):
        enrollment = _id(_ENROLLMENT, n)
        yield KEY, NORMAL, crowd.due_us(place), enrollment, "enrollment", enrollment, 1


_CONTACTS = _Table(
    "contacts",
    ("id", "created_at", "username", "first_name", "last_name", "language", "state"),
    _contacts,
)
_ADDRESSES = _Table(
    "addresses",
    ("id", "contact_id", "channel", "bot", "value", "reachability_since", "created_at"),
    _addresses,
)
_ENROLLMENTS = _Table(
    "enrollments",
    (
        *("id", "contact_id", "address_id", "scenario_id", "lane", "run", "status", "revision"),
        *("started_at", "base_at", "turn", "pace_key", "queue_priority", "queue_due_us"),
    ),
    _enrollments,
)
_QUEUE = _Table("queue", ("pace_key", "priority", "due_at", "id", "origin", "ref", "turn"), _queue)
