"""Engine, transactions and column types: what differs between SQLite and PostgreSQL stays here."""

from dripline.database.base import Base
from dripline.database.engine import Database, after_commit, database_us
from dripline.database.types import Id, Json, UtcDateTime, dump_json, load_json, utc_text

__all__ = [
    "Base",
    "Database",
    "Id",
    "Json",
    "UtcDateTime",
    "after_commit",
    "database_us",
    "dump_json",
    "load_json",
    "utc_text",
]
