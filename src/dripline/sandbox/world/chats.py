"""Chats: private, group, supergroup, channel; who is in them and how one gets in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dripline.sandbox.world.messages import History, Json, Message
from dripline.sandbox.world.people import Standing, User


class Kind(StrEnum):
    """Type of a Chat (https://core.telegram.org/bots/api#chat)."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(slots=True)
class InviteLink:
    """A way into a chat. `expires` is Unix time, sandbox's; 0 is never."""

    url: str
    creator: User
    name: str = ""
    expires: int = 0
    member_limit: int = 0
    by_request: bool = False
    revoked: bool = False
    joined: int = 0


@dataclass(slots=True)
class Chat:
    """A chat. A private one exists once for each bot and person, and its id is the person's."""

    id: int
    kind: Kind
    history: History
    title: str = ""
    username: str = ""
    user: User | None = None
    bot_id: int = 0
    started: bool = False
    blocked: bool = False
    deleted: bool = False
    migrated_to: int = 0
    members: dict[int, Standing] = field(default_factory=dict)
    links: dict[str, InviteLink] = field(default_factory=dict)
    requests: dict[int, InviteLink | None] = field(default_factory=dict)
    menu_button: Json | None = None
    unread: int = 0
    reply_keyboard: Json | None = None
    pinned: list[int] = field(default_factory=list)

    def standing(self, user_id: int) -> Standing:
        """How someone stands to this chat; a stranger has left it."""
        return self.members.get(user_id, Standing.LEFT)

    @property
    def newest_pin(self) -> Message | None:
        """The message pinned on top: the newest of those that are still there."""
        found = (self.history.get(number) for number in sorted(self.pinned, reverse=True))
        return next(filter(None, found), None)

    @property
    def count(self) -> int:
        """How many are in it, bots included."""
        return sum(standing.inside for standing in self.members.values())
