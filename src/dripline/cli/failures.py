"""The one place where an error becomes a sentence for the operator, and an exit status."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

REFUSED = 1
MISUSED = 2
INTERRUPTED = 130
_NO_RIGHT = "42501"  # insufficient_privilege


@contextmanager
def told() -> Iterator[None]:
    """End the process with a sentence instead of a traceback, for errors a person can act on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(REFUSED)
    except Exception as error:
        sentences, status = explained(error)
        if not sentences:
            raise
        for sentence in sentences:
            print(f"dripline: {sentence}", file=sys.stderr)
        sys.exit(status)


def explained(error: BaseException) -> tuple[list[str], int]:
    """Return what to tell of an error, and the exit status; no sentence for a bug of ours."""
    if isinstance(error, BaseExceptionGroup):
        # What ran side by side failed: the first thing a person can act on explains the rest.
        return next((told for e in error.exceptions if (told := explained(e))[0]), ([], REFUSED))
    from dripline.errors import DriplineError

    if isinstance(error, DriplineError):
        return [error.message], REFUSED
    if _is("pydantic", "ValidationError", error):
        return _settings(error), MISUSED
    if _is("sqlalchemy.exc", "DBAPIError", error):
        return [_database(getattr(error, "orig", error))], REFUSED
    if isinstance(error, OSError):
        return [_os_error(error)], REFUSED
    return [], REFUSED


def _is(module: str, name: str, error: BaseException) -> bool:
    # Without importing it: an error of a library that was never loaded cannot be at hand.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(error, kind)


def _settings(error: BaseException) -> list[str]:
    from pydantic import ValidationError

    assert isinstance(error, ValidationError)  # noqa: S101 - seen by the caller
    # Only the message: the value itself may be a secret.
    return [
        f"{'_'.join(str(part) for part in problem['loc'][:1]).upper()}: "
        f"{problem['msg'].removeprefix('Value error, ')}. See docs/settings.md."
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _database(error: object) -> str:
    reason = f"The database failed: {_first_line(error)}"
    if getattr(error, "sqlstate", None) == _NO_RIGHT:
        return (
            f"{reason}. The role of DATABASE_URL must own the tables, or have all rights on them."
        )
    if "readonly" in reason:
        return f"{reason}. Check DATABASE_URL, and that dripline may write there."
    return reason


def _os_error(error: OSError) -> str:
    import errno

    if error.errno == errno.EADDRINUSE:
        found = re.search(r":(\d+)$|', (\d+)\)", str(error))
        port = f"Port {found[1] or found[2]}" if found else "The port"
        return f"{port} is in use. Choose another one with --port, or PORT in the environment."
    return _first_line(error)


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
