"""A person as a file tells of them, whichever file it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

LARGEST_ID: Final = 2**52  # Telegram: an id has at most 52 significant bits


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands in a scenario, and what they have of its product.

    `next_index` is the message that comes next; `had` names those after it that they have got all
    the same. `due` is when the next one was planned. `awaits` is the action they are asked for;
    with `acted`, none is, whatever the message before says.
    """

    scenario_id: str
    status: str
    next_index: int = 0
    had: tuple[str, ...] = ()
    due: datetime | None = None
    awaits: str | None = None
    acted: bool = False
    hold: str | None = None
    started_at: datetime | None = None
    last_sent_at: datetime | None = None
    completed_at: datetime | None = None
    paid_at: datetime | None = None
    payment_link: str | None = None
    invite_link: str | None = None
    joined_at: datetime | None = None
    payment: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a bot knows by their Telegram id."""

    telegram_id: int
    user_name: str | None
    reg_time: datetime | None
    standings: tuple[Standing, ...] = ()
    registered: bool = False
    reachability: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None
    first_name: str | None = None
    language: str | None = None
    last_seen_at: datetime | None = None


def telegram_id_of(key: str) -> int | None:
    """Return the id that a key is, or None: digits without a sign or leading zeros, 52 bits."""
    if not key.isascii() or not key.isdigit() or key.startswith("0") or len(key) > 16:
        return None
    found = int(key)
    return found if found < LARGEST_ID else None
