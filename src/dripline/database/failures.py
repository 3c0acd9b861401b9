"""Whose fault a failure is: the database's, which passes, or the row's, which will not."""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

# SQLSTATE classes that say nothing about the statement: connection, rollback (deadlock), resources,
# not in the right state, intervention, system.
_PASSING = frozenset({"08", "40", "53", "55", "57", "58"})


def will_pass(error: BaseException) -> bool:
    """Whether the same work may do well later: the database was away, full, or in a deadlock."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError) or isinstance(error, DataError | IntegrityError):
        return False
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return True
    return str(getattr(error.orig, "sqlstate", None) or "")[:2] in _PASSING
