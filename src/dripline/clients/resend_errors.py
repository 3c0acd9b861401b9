"""What an answer of Resend's means for the email and for the channel.

| answer | meaning |
|---|---|
| 401, 403, 404, 405, 451 | our key, our domain or our address of the API: the channel is held |
| 409 `invalid_idempotent_request` | this email went out before, in another wording |
| 409 `concurrent_idempotent_requests` | the same email is on its way just now: ask again soon |
| 422 `invalid_from_address`, a domain that is not verified | our problem, as above |
| 400, 413, 422 | this email never will |
| 429 `rate_limit_exceeded` | the channel rests as long as is said |
| 429 `daily_quota_exceeded`, `monthly_quota_exceeded` | the channel rests, operators are told |
| 5xx, no answer, no JSON | Resend has an outage: the channel is left alone for a while |
"""

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

from dripline.clients.http import Answer
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
)

_OURS = {401, 403, 404, 405, 451}
_OUR_NAMES = {
    "invalid_from_address",
    "missing_api_key",
    "invalid_api_key",
    "restricted_api_key",
    "invalid_region",
    "security_error",
}
_QUOTAS = {"daily_quota_exceeded", "monthly_quota_exceeded"}
_QUOTA_S = 3600.0
_RATE_S = 1.0
_LONGEST_S = 24 * 3600.0
_NOT_VERIFIED = re.compile(r"domain.{0,80}not verified|verify.{0,40}domain", re.IGNORECASE)


class AlreadySent(SendFailure):
    """An email has gone out under this idempotency key, within the last 24 hours."""


class QuotaUsedUp(RateLimited):
    """The plan's emails of the day or the month are used up; an operator can change that."""


class BadEmail(PermanentFailure):
    """Resend says that an email is malformed; of a batch it does not say which."""


def failure(answer: Answer, said: Any) -> SendFailure:
    """Return what a bad answer means; `said` is its JSON, or None."""
    name, message = _said(said)
    reason = f"Resend: {answer.status} {name}: {message}" if name else f"Resend: {answer.status}"
    match answer.status:
        case 409:
            return _conflict(name, reason)
        case 429:
            return _limited(answer, name, reason)
        case status if status in _OURS or name in _OUR_NAMES or _NOT_VERIFIED.search(message):
            return ChannelRefused(reason)
        case 400 | 413 | 415 | 422:
            return BadEmail(reason)
        case _:
            return ChannelDown(reason)


def _conflict(name: str, reason: str) -> SendFailure:
    if name == "invalid_idempotent_request":
        return AlreadySent(reason)
    if name == "concurrent_idempotent_requests":
        return RateLimited(reason, 2.0, whole_key=False)
    return RetryLater(reason)


def _limited(answer: Answer, name: str, reason: str) -> RateLimited:
    said = seconds_of(answer.header("retry-after")) or seconds_of(answer.header("ratelimit-reset"))
    if name in _QUOTAS:
        return QuotaUsedUp(reason, min(said or _QUOTA_S, _LONGEST_S))
    return RateLimited(reason, min(said or _RATE_S, _LONGEST_S))


def seconds_of(text: str | None) -> float:
    """Return seconds, of a number or a date of HTTP; 0 when nothing usable was said."""
    if text is None:
        return 0.0
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return max(0.0, until - time.time())


def _said(said: Any) -> tuple[str, str]:
    if not isinstance(said, dict):
        return "", ""
    name, message = said.get("name"), said.get("message")
    return (
        name[:80] if isinstance(name, str) else "",
        " ".join(message.split())[:300] if isinstance(message, str) else "",
    )
