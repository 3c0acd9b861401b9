"""Read a bounce: the message by which a mail server says that it could not deliver one of ours.

Which email it means is told by the address it came back to (`bounces+ID@…`), or by the Message-ID
of ours that it quotes: both hold the delivery's id, which nobody else can guess. A bounce without
it can be anybody's invention; then only the address is known, and it is believed much less.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Final

from flufl.bounce import all_failures

from dripline.channels import email_news
from dripline.clients.smtp_errors import failure
from dripline.clients.smtp_session import Reply
from dripline.contacts.bounces import MAILBOX_FULL
from dripline.contacts.email_address import normalise
from dripline.errors import Invalid, PermanentFailure, SendFailure, Unreachable

COMPLAINT: Final = "complaint"
DELAY: Final = "delay"
ARRIVAL: Final = "arrival"
LARGEST: Final = 20 * 1024 * 1024
_LOOKED_AT = 400_000  # bytes; what a bounce quotes stands further up
_MOST_IDS = 10
_RETURN_PATH = re.compile(r"\+([0-9a-f]{32})@", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"<([0-9a-f]{32})@[A-Za-z0-9.-]{1,253}>")
_STATUS = re.compile(rb"^Status:\s*([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(rb"^Action:\s*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_DIAGNOSTIC = re.compile(
    rb"^Diagnostic-Code:\s*(?:[\w-]+;)?\s*(.+(?:\r?\n[ \t].+)*)", re.IGNORECASE | re.MULTILINE
)
_HANDED_ON = (b"relayed", b"expanded")  # to a server that tells no more: nothing is known
_NO_FAILURES = {b"delayed": DELAY, b"delivered": ARRIVAL}
_ABUSE = re.compile(rb"^Feedback-Type:\s*abuse", re.IGNORECASE | re.MULTILINE)
_CAME_BACK_TO = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a bounce says; `kind` as in `email_news`, or COMPLAINT, DELAY or ARRIVAL.

    `deliveries` are the ids it may mean: programs of others make ids of the same form.
    """

    kind: str
    deliveries: tuple[uuid.UUID, ...]
    addresses: tuple[str, ...]
    reason: str
    told_at: datetime | None


def read(raw: bytes) -> Bounce | None:
    """Return what a message says, None when it is no bounce.

    Raises ValueError when it is no message at all.
    """
    if len(raw) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1024 // 1024} MB")
    message = message_from_bytes(raw)
    if not message.keys() or not any(message.get(name) for name in ("from", "to", "subject")):
        raise ValueError("it is no email: it has no From, To or Subject")
    told_at, deliveries = _moment(message), _deliveries(message, raw)
    if _ABUSE.search(raw[:_LOOKED_AT]) and message.get_content_type() == "multipart/report":
        return Bounce(COMPLAINT, deliveries, (), "marked as spam", told_at)
    addresses, permanent = _failures(message)
    status, action = _STATUS.search(raw[:_LOOKED_AT]), _ACTION.search(raw[:_LOOKED_AT])
    if not addresses and not (status and action):
        return None
    code = status[1].decode() if status else ("5.0.0" if permanent else "4.0.0")
    reason = _reason(raw[:_LOOKED_AT], code)
    done = action[1].lower() if action else b"failed"
    if done in _HANDED_ON:
        return None
    if done in _NO_FAILURES:
        return Bounce(_NO_FAILURES[done], deliveries, addresses, reason, told_at)
    return Bounce(_kind(code, reason), deliveries, addresses, reason, told_at)


def _kind(code: str, reason: str) -> str:
    """Return whether the address is gone, full, or not to blame at all: as when told at once."""
    if code.startswith("4."):  # it was tried for days
        return email_news.TRANSIENT
    if code == "5.0.0":
        return email_news.PERMANENT
    said: SendFailure = failure("", Reply(550, f"{code} {reason}", "rcpt"))
    if isinstance(said, Unreachable):
        return email_news.PERMANENT
    if isinstance(said, PermanentFailure) and said.code == MAILBOX_FULL:
        return email_news.TRANSIENT
    return email_news.FAILED


def _failures(message: Message) -> tuple[tuple[str, ...], bool]:
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001 - guesses at foreign formats; a broken one has none
        return (), False
    found = sorted({*permanent, *temporary})
    return tuple(_addresses(found)), bool(permanent)


def _addresses(found: list[bytes]) -> Iterator[str]:
    for one in found[:20]:
        try:
            yield normalise(one.decode("utf-8", "replace"))
        except Invalid:
            continue


def _deliveries(message: Message, raw: bytes) -> tuple[uuid.UUID, ...]:
    came_back_to = (str(one) for name in _CAME_BACK_TO for one in message.get_all(name, []))
    found = [match[1] for one in came_back_to if (match := _RETURN_PATH.search(one))]
    # Quoted headers of ours: Message-ID in the returned message, In-Reply-To, References.
    found += [one.decode() for one in _MESSAGE_ID.findall(raw[:_LOOKED_AT])]
    return tuple(uuid.UUID(one) for one in list(dict.fromkeys(found))[:_MOST_IDS])


def _reason(raw: bytes, code: str) -> str:
    diagnostic = _DIAGNOSTIC.search(raw)
    text = diagnostic[1].decode("utf-8", "replace") if diagnostic else code
    return " ".join(text.split())[:500]


def _moment(message: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(message.get("date")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
