"""Column types that read the same on SQLite and PostgreSQL."""

import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import JSON, LargeBinary, String, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from dripline.ids import of_bytes


class Id(TypeDecorator[uuid.UUID]):
    """A UUID: PostgreSQL's own type, sixteen bytes on SQLite."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of this database."""
        return Uuid() if dialect.name == "postgresql" else LargeBinary(16)

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        """Return what the driver stores."""
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        """Return the UUID a driver read."""
        return value if value is None or dialect.name == "postgresql" else of_bytes(value)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond; a text that sorts by time on SQLite.

    Raises ValueError for a moment without a timezone: it would be a guess.
    """

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of this database."""
        return TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(27)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return what the driver stores."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a timezone")
        return value if dialect.name == "postgresql" else utc_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the aware moment a driver read."""
        if value is None:
            return None
        # SQLite stores no timezone, so we attach UTC; PostgreSQL answers in the session's zone.
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


def utc_text(moment: datetime) -> str:
    """Return a moment as SQLite stores it: `2026-01-31T09:00:00.000000Z`, sortable."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    text = moment.replace(tzinfo=None).isoformat()  # half the time of one with its zone
    return f"{text}Z" if moment.microsecond else f"{text}.000000Z"


class Json(TypeDecorator[Any]):
    """JSON: `jsonb` on PostgreSQL, text on SQLite."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of this database."""
        return JSONB() if dialect.name == "postgresql" else JSON()


def dump_json(value: Any) -> str:
    """Return compact JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # keys that are no texts: rare, and looking for them takes twice as long
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def load_json(text: str | bytes | float) -> Any:
    """Return the value of a JSON text.

    Raises ValueError with what is wrong and where.
    """
    # SQLite keeps a column of type JSON that holds only a number as that number.
    return text if isinstance(text, int | float) else orjson.loads(text)


def storable(text: str) -> str:
    """Return a text without what no database keeps: a zero byte, half a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
