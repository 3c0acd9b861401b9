"""Engine, transactions and column types: what differs between SQLite and PostgreSQL stays here."""

from dripline.database.base import Base
from dripline.database.counting import plan_for_counting
from dripline.database.engine import Database, after_commit, database_us
from dripline.database.insert import insert_new
from dripline.database.types import Id, Json, UtcDateTime, dump_json, load_json, storable, utc_text
from dripline.database.wake import Wakes, listen, wake

__all__ = [
    "Base",
    "Database",
    "Id",
    "Json",
    "UtcDateTime",
    "Wakes",
    "after_commit",
    "database_us",
    "dump_json",
    "insert_new",
    "listen",
    "load_json",
    "plan_for_counting",
    "storable",
    "utc_text",
    "wake",
]
