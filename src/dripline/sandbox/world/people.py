"""People and bots, and their standing in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(slots=True)
class User:
    """A person or a bot, as the Bot API knows it."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    is_bot: bool = False
    deleted: bool = False
    email: str = ""  # the address of their mailbox, which no bot is told

    @property
    def name(self) -> str:
        """The name people see."""
        return f"{self.first_name} {self.last_name}".strip()


class Standing(StrEnum):
    """Status of a ChatMember (https://core.telegram.org/bots/api#chatmember)."""

    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    LEFT = "left"
    KICKED = "kicked"

    @property
    def inside(self) -> bool:
        """Whether someone of this standing belongs to the chat."""
        return self not in (Standing.LEFT, Standing.KICKED)

    @property
    def rules(self) -> bool:
        """Whether someone of this standing may manage the chat."""
        return self in (Standing.CREATOR, Standing.ADMINISTRATOR)
