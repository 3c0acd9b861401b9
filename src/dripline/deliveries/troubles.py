"""Operators hear when a way out is held until somebody acts (refused, or its quota is used up), and
when a template fails as it is sent.

Told as an event, at most once in six hours for each pace key and each message; then in Telegram. A
bot that is refused itself cannot say so: the log does.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import EPOCH
from dripline.deliveries.operators import tell_operators
from dripline.deliveries.protocols import Result
from dripline.errors import ChannelRefused, RateLimited, SendFailure
from dripline.events import Happened, NewEvent, append, subscribe
from dripline.texts import gettext as _

log = structlog.get_logger()
CONSUMER: Final = "troubles"
HELD: Final = "channel.held"
WEBHOOK_OFF: Final = "webhook.disabled"
BROKEN: Final = "template.failed"
_OF_OPERATORS: Final = "telegram:"
_LONG_S: Final = 600.0
_APART_S: Final = 6 * 3600

subscribe(CONSUMER, {HELD, WEBHOOK_OFF, BROKEN})


async def tell(session: AsyncSession, key: str, failure: SendFailure, now: datetime) -> None:
    """Append an event when what failed holds a key for longer than people should wait unaware."""
    long = isinstance(failure, RateLimited) and failure.whole_key and failure.after >= _LONG_S
    if key.startswith(_OF_OPERATORS) or not (long or isinstance(failure, ChannelRefused)):
        return
    data = {"key": key, "reason": failure.reason}
    await append(session, NewEvent(HELD, None, "troubles", f"{key}:{_window(now)}", now, data))


async def tell_broken(session: AsyncSession, result: Result, now: datetime) -> None:
    """Append an event when a template has failed for a contact: others may fare the same way."""
    source, reason = result.ready.source, result.failure or ""
    what = f"{source.scenario_id or result.ready.claimed.origin}/{source.message_id}"
    told = f"template:{what[:120]}:{_window(now)}"
    data = {"message": what, "reason": reason[:500], "contact_id": result.ready.contact_id.hex}
    if await append(session, NewEvent(BROKEN, None, "troubles", told, now, data)):
        log.error("template.failed", message=what, reason=reason)


def _window(now: datetime) -> int:
    return int((now - EPOCH).total_seconds() // _APART_S)


class TroubleReactions:
    """Tells operators; `operators` are Telegram ids."""

    def __init__(self, operators: Sequence[int], default_language: str) -> None:
        self._operators = operators
        self._language = default_language

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        await tell_operators(session, self._operators, self._language, partial(_words, event), now)


def _words(event: Happened, language: str) -> str:
    reason = escape(str(event.data.get("reason")))
    if event.name == BROKEN:
        return _(
            "⚠️ The message {message} could not be made for a contact: {reason}\n\nIt was passed "
            "over for them, and goes out to everybody for whom it can be made. Mend its template; "
            "“dripline why {contact}” tells whom it was.",
            language,
            message=escape(str(event.data.get("message"))),
            reason=reason,
            contact=escape(str(event.data.get("contact_id"))),
        )
    if event.name == WEBHOOK_OFF:
        return _(
            "⚠️ The webhook to {url} was switched off: {reason}.\n\nWhen it works again, switch it "
            "on, and send again what it has missed: “dripline webhooks on”, “dripline webhooks "
            "replay”.",
            language,
            url=escape(str(event.data.get("url"))),
            reason=reason,
        )
    return _(
        "⚠️ No emails go out at the moment: {reason}\n\nNothing is lost. Sending goes on by itself "
        "when this is put right.",
        language,
        reason=reason,
    )
