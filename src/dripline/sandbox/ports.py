"""What the sandbox's page needs to know of the engine; wiring supplies it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Due:
    """The next message that will go out by itself: when (aware, UTC) and to whom."""

    at: datetime
    contact: str


@dataclass(frozen=True, slots=True)
class WhyEntry:
    """One thing that happened to a contact, or will, and why.

    `kind` chooses its sign on the page: sent, waiting, skipped, switched, capped, blocked, parked,
    failed, retry, completed, entered, resumed, stopped, event; any other is shown plainly. `due` is
    set for what is still to come. `message_id` is the message's id in its scenario.
    """

    at: datetime
    kind: str
    title: str
    detail: str = ""
    scenario: str = ""
    message_id: str = ""
    due: datetime | None = None


# Posts to an email's List-Unsubscribe as mail programs do (RFC 8058); returns the status.
OneClick = Callable[[str], Awaitable[int]]


class ClockControl(Protocol):
    """The sandbox's clock, and the queue's next due message."""

    def now(self) -> datetime:
        """The present moment of the sandbox, aware, UTC."""
        ...

    @property
    def speed(self) -> float:
        """How many sandbox seconds pass in a real one; 0 when it is paused."""
        ...

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; 0 pauses."""
        ...

    async def next_due(self) -> Due | None:
        """The next message that is due; None when nothing waits."""
        ...

    async def jump_to_next(self) -> datetime | None:
        """Move to the moment when the next message is due; None when nothing waits."""
        ...

    async def advance(self, by: timedelta) -> None:
        """Move ahead by a duration."""
        ...


class WhyReader(Protocol):
    """Tells what happened to a contact and why."""

    async def timeline(self, bot: str, chat_id: int, language: str) -> list[WhyEntry]:
        """What happened in a chat and what will, oldest first, in the reader's language.

        `bot` is the bot's numeric id as text (its token up to the colon), `language` en or ru.
        """
        ...
