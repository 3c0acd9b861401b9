"""What rotations need of others; `wiring` joins them."""

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import Library
from dripline.rotations.document import Rotation


class MemberCounts(Protocol):
    """Asks how many members a chat has."""

    async def members(self, bot: str, chat: str) -> int | None:
        """Return the number, or None when it cannot be had. Raises RetryLater and its kin."""
        ...


class PostLinks(Protocol):
    """Signs the links of posts, and the codes by which posts lead into a bot."""

    def post_link(self, post: int, url: str, label: str) -> str:
        """Return the tracked form of a link in a post, or the link as it is."""
        ...

    def code(self, post: int, button: int = 0) -> str:
        """Return the payload of a deep link that says which post it stood in."""
        ...


class Sources(Protocol):
    """Knows every rotation: the content's, and those the environment gives chats to."""

    def of(self, library: Library) -> Mapping[str, Rotation]:
        """Return the rotations by their ids."""
        ...


class BotNames(Protocol):
    """Knows under which username people find a bot."""

    async def __call__(self, session: AsyncSession, bot: str) -> str | None:
        """Return the username without @, or None while it is not known."""
        ...
