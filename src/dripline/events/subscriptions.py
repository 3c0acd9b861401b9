"""Who reacts to what. Rooms subscribe when they are imported; every process imports all rooms."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, as a consumer reads it."""

    id: uuid.UUID
    name: str
    contact_id: uuid.UUID | None
    occurred_at: datetime
    data: dict[str, Any]


Handler = Callable[[AsyncSession, Happened, datetime], Awaitable[None]]

_consumers: dict[str, frozenset[str]] = {}


# The engine's own events, by the thousand a second: only who names them reacts to them.
_OWN = (
    "message.sent",
    "message.failed",
    "message.fell_back",
    "message.delivered",
    "email.delayed",
    "address.",
    "scenario.",
    "content.",
)
ANY_OTHER = "*"
EVERYTHING = "**"


def subscribe(consumer: str, names: Iterable[str]) -> None:
    """Let `consumer` have an outbox row for each event of these names.

    `ANY_OTHER` stands for every event that is not the engine's own, custom ones among them;
    `message.*` for all whose names begin so; `EVERYTHING` for the engine's own as well.
    """
    _consumers[consumer] = frozenset(names)
    consumers_of.cache_clear()


@lru_cache(maxsize=4096)
def consumers_of(name: str) -> Sequence[str]:
    """Return the consumers that react to events of this name."""
    wanted = {name, EVERYTHING, *_beginnings(name)}
    if not name.startswith(_OWN):
        wanted.add(ANY_OTHER)
    return tuple(consumer for consumer, names in _consumers.items() if not names.isdisjoint(wanted))


def _beginnings(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join([*parts[:length], "*"]) for length in range(1, len(parts)))
