"""Bots: token, commands, webhook, and the updates that wait for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.people import User
from dripline.sandbox.world.updates import UpdateQueue


@dataclass(slots=True)
class Webhook:
    """Where a bot's updates go. Empty url: nowhere, the bot polls."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    ip_address: str = ""
    last_error: str = ""
    last_error_at: int = 0


@dataclass(slots=True)
class CallbackQuery:
    """A button was pressed. `answer` is None until the bot answers."""

    id: str
    user: User
    chat_id: int
    message_id: int
    data: str
    pressed_at: int
    answer: Json | None = None


@dataclass(slots=True, eq=False)
class Bot:
    """A bot. Its id is the number before the colon of its token."""

    token: str
    user: User
    updates: UpdateQueue
    webhook: Webhook = field(default_factory=Webhook)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    descriptions: dict[tuple[str, str], str] = field(default_factory=dict)
    menu_button: Json = field(default_factory=lambda: {"type": "commands"})
    queries: dict[str, CallbackQuery] = field(default_factory=dict)
    poller: asyncio.Future[None] | None = None
    conflict_at: float = -1e9

    @property
    def id(self) -> int:
        """The bot's user id."""
        return self.user.id
