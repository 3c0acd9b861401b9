"""Logs: one JSON object a line for machines, or coloured lines for people.

Our own records name an action and its fields: `log.info("delivery.sent", channel=…)`. Records of
libraries (uvicorn, SQLAlchemy, asyncio) pass through the same chain. Secrets are masked in the
finished line, so none slips through in a field, a nested value or a traceback.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable, MutableMapping
from contextlib import suppress
from io import TextIOBase
from typing import Any, Literal, TextIO, cast

import orjson
import structlog

MASK = "•••"
SHORTEST_SECRET = 4  # masking anything shorter would only make lines unreadable
_BOT_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{30,}")
_QUIET = {
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "watchfiles": logging.WARNING,
}

Render = Callable[[Any, str, MutableMapping[str, Any]], str]


class _StandardError(TextIOBase):
    """Standard error as it is when a line is written: loggers live longer than a redirection.

    A line that finds no place (the disk is full, whoever read them has gone) is lost, and that is
    all: what was being logged must go on.
    """

    def write(self, text: str) -> int:
        """Write a text."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is kept."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()


_ERRORS = cast("TextIO", _StandardError())


def configure(level: str, form: Literal["json", "console"], secrets: Iterable[str] = ()) -> None:
    """Send all records from `level` on to standard error, in one form, without `secrets`."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        shared.append(structlog.processors.format_exc_info)
    render = masked(_json if form == "json" else _console(), secrets)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(_ERRORS),
        cache_logger_on_first_use=True,
    )
    _adopt_libraries(number, shared, render)


def masked(render: Render, secrets: Iterable[str]) -> Render:
    """Return `render` with bot tokens and `secrets` replaced in what it makes."""
    pattern = _secret_pattern(secrets)

    def masking(logger: Any, method: str, record: MutableMapping[str, Any]) -> str:
        return pattern.sub(MASK, render(logger, method, record))

    return masking


def _secret_pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    # A line holds a secret as JSON or Python writes it, with quotes and backslashes escaped.
    known = {
        form
        for secret in secrets
        if len(secret) >= SHORTEST_SECRET
        for form in (secret, orjson.dumps(secret).decode()[1:-1], repr(secret)[1:-1])
    }
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join([_BOT_TOKEN.pattern, *map(re.escape, longest_first)]))


def _json(_logger: Any, _method: str, record: MutableMapping[str, Any]) -> str:
    line = {"action": record.pop("event", None), **record}
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console() -> Render:
    # Plain tracebacks: the boxed ones show local variables, and break lines inside a secret.
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return lambda logger, method, record: str(renderer(logger, method, record))


def _adopt_libraries(number: int, shared: list[Any], render: Render) -> None:
    handler = logging.StreamHandler(_ERRORS)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(number, quiet))
    logging.captureWarnings(capture=True)
