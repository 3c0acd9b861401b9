"""Statements that one test has compiled serve the next, as they do in a process that goes on.

Each test has an engine of its own, and each engine would compile every statement anew: a third of
the time of a test that asks the database anything.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

STATEMENTS = 3000
_known: dict[type, tuple[Any, LRUCache[Any, Any]]] = {}


def share() -> None:
    """Let all engines of this process share what they compile, each kind of driver its own."""
    event.listen(Engine, "engine_connect", _shares)


def _shares(connection: Connection) -> None:
    # A statement is remembered with the dialect that it was compiled for: that is shared as well.
    engine = connection.engine
    dialect, cache = _known.setdefault(
        type(connection.dialect), (connection.dialect, LRUCache(STATEMENTS))
    )
    engine.dialect = connection.dialect = dialect
    engine._compiled_cache = cache
