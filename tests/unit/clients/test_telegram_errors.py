"""The table of the Bot API's refusals."""

import pytest

from dripline.clients.telegram_errors import BadFile, Migrated, TwoPollers, WebhookActive, failure
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    RetryLater,
    Unreachable,
)

REFUSALS = [
    # code, description, whom for, what it is, which reachability
    (403, "Forbidden: bot was blocked by the user", 7, Unreachable, "blocked"),
    (403, "Forbidden: user is deactivated", 7, Unreachable, "deactivated"),
    (403, "Forbidden: bot can't initiate conversation with a user", 7, Unreachable, "needs_start"),
    (403, "Forbidden: bot can't send messages to bots", 7, Unreachable, "deactivated"),
    (403, "Forbidden: bot was kicked from the supergroup chat", -7, Unreachable, "kicked"),
    (403, "Forbidden: bot is not a member of the channel chat", "@x", Unreachable, "kicked"),
    (403, "Forbidden: the group chat was deleted", -7, Unreachable, "kicked"),
    (403, "Forbidden: something new about a person", 7, Unreachable, "blocked"),
    (403, "Forbidden: something new about a group", -7, Unreachable, "kicked"),
    (400, "Bad Request: chat not found", 7, Unreachable, "needs_start"),
    (400, "Bad Request: chat not found", -7, Unreachable, "kicked"),
    (400, "Bad Request: private chat not found", 7, Unreachable, "needs_start"),
    (400, "Bad Request: PEER_ID_INVALID", 7, Unreachable, "needs_start"),
    (400, "Bad Request: not enough rights to send text messages", -7, Unreachable, "kicked"),
    (400, "Bad Request: wrong file identifier/HTTP URL specified", 7, BadFile, None),
    (400, "Bad Request: wrong remote file identifier specified: x", 7, BadFile, None),
    (400, "Bad Request: wrong file_id or the file is temporarily unavailable", 7, BadFile, None),
    (400, "Bad Request: can't parse entities: Unsupported start tag", 7, PermanentFailure, None),
    (400, "Bad Request: message is too long", 7, PermanentFailure, None),
    (400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", 7, PermanentFailure, None),
    (401, "Unauthorized", 7, ChannelRefused, None),
    (404, "Not Found", 7, ChannelRefused, None),
    (404, "Not Found: method not found", 7, PermanentFailure, None),
    (409, "Conflict: terminated by other getUpdates request; …", None, TwoPollers, None),
    (409, "Conflict: can't use getUpdates while webhook is active", None, WebhookActive, None),
    (409, "Conflict: something else", None, RetryLater, None),
    (413, "Request Entity Too Large", 7, PermanentFailure, None),
    (500, "Internal Server Error", 7, ChannelDown, None),
    (502, "Bad Gateway", 7, ChannelDown, None),
    (420, "FLOOD", 7, PermanentFailure, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said", "chat", "kind", "reachability"), REFUSALS)
def test_what_a_refusal_means(
    code: int, said: str, chat: object, kind: type[Exception], reachability: str | None
) -> None:
    error = failure(code, {"ok": False, "error_code": code, "description": said}, chat)
    assert type(error) is kind
    assert getattr(error, "reachability", None) == reachability
    assert said.split(":", maxsplit=1)[0].split(" ")[0] in error.reason or code in {401, 404, 409}


def test_a_group_that_moved_tells_where() -> None:
    answer = {
        "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1001},
    }
    error = failure(400, answer, -7)
    assert isinstance(error, Migrated)
    assert error.chat_id == -1001


def test_two_pollers_are_told_plainly() -> None:
    said = "Conflict: terminated by other getUpdates request; make sure that only one bot runs"
    reason = failure(409, {"error_code": 409, "description": said}).reason
    assert "another process is polling with this token" in reason


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [
        ({"retry_after": 7}, 7.0),
        ({"retry_after": 0.5}, 0.5),
        ({"retry_after": 10**9}, 86_400.0),  # nobody waits for longer than a day unasked
        ({"retry_after": -3}, 1.0),
        ({"retry_after": "soon"}, 1.0),
        ({"retry_after": True}, 1.0),
        ({}, 1.0),
        ("what", 1.0),
    ],
)
def test_how_long_a_limit_lasts(parameters: object, seconds: float) -> None:
    answer = {"error_code": 429, "description": "Too Many Requests", "parameters": parameters}
    error = failure(429, answer, 7)
    assert isinstance(error, RateLimited)
    assert error.after == seconds


@pytest.mark.parametrize(
    "answer",
    [{}, {"error_code": "x"}, {"description": 5}, {"description": None, "parameters": [1]}],
)
def test_an_odd_refusal_still_is_one(answer: dict[str, object]) -> None:
    assert isinstance(failure(400, answer), PermanentFailure)
