"""What the API needs of rooms it must not know; `wiring` joins them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

Check = Callable[[], Awaitable[str | None]]
"""One thing that must be in order for `/readyz`: answers None, or what is wrong."""


class TelegramWebhook(Protocol):
    """Takes updates that Telegram delivers."""

    async def receive(self, bot: str, secret: str | None, body: bytes) -> None:
        """Store one update of a bot by name; it is durable when this returns.

        Raises NotFound for an unknown bot, Forbidden for a wrong secret token, Invalid for a body
        that is no update.
        """
        ...


class EmailWebhook(Protocol):
    """Takes what the email provider tells."""

    async def receive(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Store what a webhook says; it is durable when this returns. Return whether it was new.

        `headers` are in lower case. Raises Forbidden for a wrong signature.
        """
        ...


class EmailTest(Protocol):
    """Sends a test email, at once."""

    async def __call__(self, address: str, user_name: str, layout: str) -> str | None:
        """Send a test in a layout; return the provider's id of it. Raises SendFailure."""
        ...
