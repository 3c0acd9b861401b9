"""Operators hear once when a chat is lost (kicked, no rights), and once when it is back."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.deliveries.operators import tell_operators
from dripline.events import Happened, subscribe
from dripline.rotations.origin import EVENT_BACK, EVENT_TROUBLE
from dripline.texts import gettext as _

CONSUMER: Final = "rotations"

subscribe(CONSUMER, {EVENT_TROUBLE, EVENT_BACK})


class RotationReactions:
    """Tells operators; `operators` are Telegram ids."""

    def __init__(self, operators: Sequence[int], default_language: str) -> None:
        self._operators = operators
        self._language = default_language

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        await tell_operators(session, self._operators, self._language, partial(_words, event), now)


def _words(event: Happened, language: str) -> str:
    names = {
        "chat": escape(str(event.data.get("title") or event.data.get("chat"))),
        "bot": escape(str(event.data.get("bot"))),
        "rotation": escape(str(event.data.get("rotation"))),
    }
    if event.name == EVENT_BACK:
        return _("✅ “{rotation}” can post into {chat} again (bot “{bot}”).", language, **names)
    return _(
        "⚠️ “{rotation}” cannot post into {chat} (bot “{bot}”): {reason}\n\nMake the bot an "
        "administrator there who may post. It is tried again with every post; other chats go on.",
        language,
        reason=escape(str(event.data.get("reason"))),
        **names,
    )
