"""Insert a row unless it is there: the same words on both databases."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database.base import Base


def insert_new(session: AsyncSession, model: type[Base] | Table) -> Any:
    """Return this database's INSERT, on which `.on_conflict_do_nothing()` and its kin work."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)
