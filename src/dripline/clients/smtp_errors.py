"""What a mail server's answer means for the message, the address and the channel.

| answer | meaning |
|---|---|
| 421, 4.3.x, 4.4.x at the greeting or MAIL | the server cannot now: it is left alone for a while |
| 4.2.x | this mailbox later |
| too many, too fast (4.7.28, 4.4.5, or in words) | the whole channel rests as long as is said |
| any other 4xx of a recipient (greylisting, full) | this message later: costs an attempt |
| 5.4.5 | our day's quota is used up: the channel rests |
| 5.1.x, 5.2.1, 5.4.1, 5.4.4; a bare 550 of a recipient | bounced |
| 5.2.2 | the mailbox is full: a soft bounce |
| 5.7.x, 530, 535, a bad sender (5.1.7, 5.1.8) | our problem: the channel is held, operators told |
| any other 5xx | this message never will |

Enhanced codes: RFC 3463, RFC 5248 and the registry of IANA.
"""

import re

from dripline.clients.smtp_session import Reply
from dripline.contacts.bounces import MAILBOX_FULL
from dripline.contacts.suppression import BOUNCED
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
    Unreachable,
)

_NOBODY = {"5.2.1", "5.4.1", "5.4.4"}
_BAD_SENDER = {"5.1.7", "5.1.8"}
_TOO_FAST = {"4.7.28", "4.4.5"}
_DAILY_LIMIT = {"5.4.5"}
_NOT_LOGGED_IN = {530, 534, 535, 538}
_RATE_WORDS = re.compile(
    r"too many|too fast|too much mail|rate.?limit|throttl|exceeded.{0,40}(?:rate|limit|quota)",
    re.IGNORECASE,
)
_FULL_WORDS = re.compile(
    r"mailbox.{0,20}full|over.?quota|quota exceeded|insufficient.{0,20}storage", re.IGNORECASE
)
_POLICY_WORDS = re.compile(
    r"spam|block|blacklist|denylist|policy|relay|denied|reputation|dmarc|\bspf\b|dkim|"
    r"not authori[sz]ed|authentication",
    re.IGNORECASE,
)
_RESTS_S = 60.0
_DAY_IS_FULL_S = 3600.0
_GREYLISTED_S = 300.0
_FULL_S = 3600.0


class PolicyRefused(ChannelRefused):
    """The server does not want our mail; perhaps only this recipient's does not."""


def failure(server: str, reply: Reply) -> SendFailure:
    """Return what a bad answer means; `server` is named in the reason."""
    reason = f"{server}: {reply}"
    if 400 <= reply.code < 500:
        return _for_now(reply, reason)
    return _for_good(reply, reason)


def _for_now(reply: Reply, reason: str) -> SendFailure:
    status, at_server = reply.enhanced or "", reply.step not in {"rcpt", "message", "data"}
    if status == "4.2.2" or (not status and _FULL_WORDS.search(reply.text)):
        return RetryLater(reason, _FULL_S)
    if status.startswith("4.2."):  # this mailbox, whatever the words
        return RetryLater(reason, _GREYLISTED_S)
    if status in _TOO_FAST or _RATE_WORDS.search(reply.text):
        return RateLimited(reason, _RESTS_S)
    if reply.code == 421 or at_server or status in {"4.3.1", "4.3.2"}:
        return ChannelDown(reason)
    return RetryLater(reason, _GREYLISTED_S)


def _for_good(reply: Reply, reason: str) -> SendFailure:
    status = reply.enhanced or ""
    if status in _DAILY_LIMIT:
        return RateLimited(reason, _DAY_IS_FULL_S)
    if reply.step == "auth" or reply.code in _NOT_LOGGED_IN or status in _BAD_SENDER:
        return ChannelRefused(reason)
    if reply.step in {"connect", "mail"}:
        return ChannelRefused(reason)
    return _of_recipient(reply, status, reason)


def _of_recipient(reply: Reply, status: str, reason: str) -> SendFailure:
    if status in _NOBODY or status.startswith("5.1."):
        return Unreachable(BOUNCED, reason)
    if status == "5.2.2" or (not status and _FULL_WORDS.search(reply.text)):
        return PermanentFailure(reason, MAILBOX_FULL)
    if status.startswith("5.7.") or (not status and _POLICY_WORDS.search(reply.text)):
        return PolicyRefused(reason)
    if reply.step == "rcpt" and not status and reply.code in {501, 550, 551, 553}:
        return Unreachable(BOUNCED, reason)
    return PermanentFailure(reason)
