"""Operators hear when a way out is held until somebody acts: refused, or its quota is used up.

Told as an event, at most once in six hours for each pace key; then in Telegram. A bot that is
refused itself cannot say so: the log does.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import EPOCH
from dripline.deliveries.operators import tell_operators
from dripline.errors import ChannelRefused, RateLimited, SendFailure
from dripline.events import Happened, NewEvent, append, subscribe
from dripline.texts import gettext as _

CONSUMER: Final = "troubles"
HELD: Final = "channel.held"
WEBHOOK_OFF: Final = "webhook.disabled"
_OF_OPERATORS: Final = "telegram:"
_LONG_S: Final = 600.0
_APART_S: Final = 6 * 3600

subscribe(CONSUMER, {HELD, WEBHOOK_OFF})


async def tell(session: AsyncSession, key: str, failure: SendFailure, now: datetime) -> None:
    """Append an event when what failed holds a key for longer than people should wait unaware."""
    long = isinstance(failure, RateLimited) and failure.whole_key and failure.after >= _LONG_S
    if key.startswith(_OF_OPERATORS) or not (long or isinstance(failure, ChannelRefused)):
        return
    window = int((now - EPOCH).total_seconds()) // _APART_S
    data = {"key": key, "reason": failure.reason}
    await append(session, NewEvent(HELD, None, "troubles", f"{key}:{window}", now, data))


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
