"""Tells whoever watches (the page) that something changed in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dripline.sandbox.world.bots import CallbackQuery
from dripline.sandbox.world.chats import Chat
from dripline.sandbox.world.messages import Json, Message
from dripline.sandbox.world.people import User

if TYPE_CHECKING:
    from dripline.sandbox.world.mail import Mail


@dataclass(slots=True, frozen=True)
class Change:
    """What changed.

    `kind`: sent, edited, deleted, chat, contact, answered, pressed, action, mail.
    """

    kind: str
    chat: Chat | None = None
    message: Message | None = None
    message_ids: tuple[int, ...] = ()
    query: CallbackQuery | None = None
    user: User | None = None
    detail: Json = field(default_factory=dict)
    mail: Mail | None = None


Watcher = Callable[[Change], None]


class Changes:
    """Those who watch."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` with each change; returns what ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def tell(self, change: Change) -> None:
        """Tell everyone."""
        for watcher in tuple(self._watchers):
            watcher(change)
