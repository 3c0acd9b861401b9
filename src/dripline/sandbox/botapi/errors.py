"""Errors of the Bot API: a code, a description, sometimes parameters."""

from __future__ import annotations

from dripline.sandbox.world.messages import Json


class BotApiError(Exception):
    """The call fails; the bot gets `{"ok": false, …}` with this."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters or {}


def bad_request(reason: str) -> BotApiError:
    """400. Telegram writes the first letter small, unless it is a CODE_LIKE_THIS."""
    code_like = len(reason) > 1 and (reason[1] == "_" or "A" <= reason[1] <= "Z")
    words = reason if code_like else reason[:1].lower() + reason[1:]
    return BotApiError(400, f"Bad Request: {words}")


def forbidden(reason: str) -> BotApiError:
    """403: the bot may not write there."""
    return BotApiError(403, f"Forbidden: {reason}")


def too_many_requests(seconds: int) -> BotApiError:
    """429: wait so many seconds."""
    return BotApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
