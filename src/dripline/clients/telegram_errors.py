"""What Telegram's refusals mean: the table of the Bot API's errors, as types.

Telegram has no error codes beyond HTTP's, so its sentences decide. They are compared in lower case
and by their stable parts; a sentence nobody has seen yet fails that one message and says so.
"""

from typing import Any

from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
    Unreachable,
)

BLOCKED, NEEDS_START, DEACTIVATED, KICKED = "blocked", "needs_start", "deactivated", "kicked"

# First match wins. Sources: PROTOCOLS of the Bot API; telegram-bot-api's server sources.
_UNREACHABLE = (
    ("bot was blocked by the user", BLOCKED),
    ("user is deactivated", DEACTIVATED),
    ("user_deactivated", DEACTIVATED),
    ("input_user_deactivated", DEACTIVATED),
    ("can't initiate conversation", NEEDS_START),
    ("can't send messages to bots", DEACTIVATED),
    ("can't send messages to the bot", DEACTIVATED),
    ("bot was kicked", KICKED),
    ("bot is not a member", KICKED),
    ("bot is not a participant", KICKED),
    ("the group chat was deleted", KICKED),
    ("group chat was deactivated", KICKED),
    ("have no rights to send", KICKED),
    ("not enough rights to send", KICKED),
    ("need administrator rights", KICKED),
    ("chat_write_forbidden", KICKED),
    ("channel_private", KICKED),
    ("peer_id_invalid", NEEDS_START),
    ("user not found", NEEDS_START),
)
_CHAT_NOT_FOUND = "chat not found"  # also "private chat not found"
_BAD_FILE = (
    "wrong file identifier",
    "wrong remote file identifier",
    "wrong file_id",
    "invalid file_id",
    "file_id is invalid",
    "file_reference_expired",
    "type of file mismatch",
    "can't use file of type",
)
_TWO_POLLERS = "terminated by other getupdates request"
_DEFAULT_WAIT_S = 1.0


class Migrated(PermanentFailure):
    """The group has become a supergroup; from now on it is `chat_id`."""

    def __init__(self, chat_id: int) -> None:
        super().__init__(f"the group was upgraded to a supergroup, now {chat_id}", code="migrated")
        self.chat_id = chat_id


class BadFile(PermanentFailure):
    """Telegram no longer knows, or never knew, the file id we gave."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, code="bad_file")


class TwoPollers(RetryLater):
    """Another process reads the updates of the same bot."""


class WebhookActive(RetryLater):
    """Updates go to a webhook, so they cannot be polled until it is deleted."""


def failure(status: int, answer: dict[str, Any], chat_id: object = None) -> SendFailure:
    """Return what an answer with `"ok": false` means; `chat_id` is whom the request was for."""
    code = answer.get("error_code")
    code = code if isinstance(code, int) else status
    said = answer.get("description")
    said = said[:500] if isinstance(said, str) else f"HTTP {status} without a description"
    parameters = answer.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if code == 429:
        return RateLimited(said, _seconds(parameters.get("retry_after")))
    if code >= 500:
        return ChannelDown(f"Telegram answered {code}: {said}")
    if code == 401:
        return ChannelRefused(
            "Telegram does not accept the bot's token (401 Unauthorized). "
            "Take a valid one from @BotFather and restart."
        )
    if code == 404 and "method" not in said.lower():
        return ChannelRefused(
            "Telegram knows no such bot (404 Not Found). "
            "Check the token and TELEGRAM_API_BASE, then restart."
        )
    if code == 409:
        return _conflict(said)
    return _refusal(said, parameters, chat_id)


def _refusal(said: str, parameters: dict[str, Any], chat_id: object) -> SendFailure:
    migrated = parameters.get("migrate_to_chat_id")
    if isinstance(migrated, int):
        return Migrated(migrated)
    lower = said.lower()
    for part, reachability in _UNREACHABLE:
        if part in lower:
            return Unreachable(reachability, said)
    if _CHAT_NOT_FOUND in lower:
        # A person we cannot find has never pressed Start; a group has thrown us out or is gone.
        return Unreachable(KICKED if is_group(chat_id) else NEEDS_START, said)
    if lower.startswith("forbidden"):
        return Unreachable(KICKED if is_group(chat_id) else BLOCKED, said)
    if any(part in lower for part in _BAD_FILE):
        return BadFile(said)
    return PermanentFailure(said)


def _conflict(said: str) -> SendFailure:
    if _TWO_POLLERS in said.lower():
        return TwoPollers(
            "another process is polling with this token (409 Conflict). "
            "Stop the other one, or give it a bot of its own."
        )
    if "webhook" in said.lower():
        return WebhookActive(f"a webhook is set for this bot (409): {said}")
    return RetryLater(said)


def is_group(chat_id: object) -> bool:
    """Whether a chat id is a group's or channel's: those are negative, or named by @."""
    return str(chat_id).startswith(("-", "@"))


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return min(float(value), 86_400.0)
    return _DEFAULT_WAIT_S
