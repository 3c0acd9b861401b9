"""Fetch a bot's updates by long polling; they are stored before Telegram is told so.

The offset that confirms updates is only ever taken from updates that are durable. After a restart
there is none: Telegram then gives whatever was never confirmed, and what is stored already changes
nothing.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import orjson
import structlog

from dripline import metrics
from dripline.bot.updates import ALLOWED_UPDATES, id_of, source_of
from dripline.clients.telegram import TelegramClient
from dripline.clients.telegram_errors import TwoPollers, WebhookActive
from dripline.database import Database
from dripline.errors import ChannelDown, ChannelRefused, RateLimited, SendFailure
from dripline.events import inbox

log = structlog.get_logger()
POLL_S = 25
_ANSWER_S = POLL_S + 10.0
_LONGEST_PAUSE_S = 30.0
_TWO_POLLERS_PAUSE_S = 20.0
_AT_ONCE_S = 1.0  # a server that answers sooner, with nothing new, does not wait for updates
_BREATH_S = 0.05
_REFUSED_PAUSE_S = 24 * 3600.0
_QUIET_POLLS = 144  # an hour


class Poller:
    """Reads the updates of one bot into the inbox; `pause` waits some real seconds."""

    def __init__(
        self,
        database: Database,
        bot: str,
        client: TelegramClient,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._bot = bot
        self._client = client
        self._pause = pause
        self._offset: int | None = None
        self._quiet = 0
        self._greeted = False
        self._failures = 0
        self._told: str | None = None
        self.refused: str | None = None

    async def run_once(self, now: datetime) -> int:
        """Wait for updates and store them; return how many came.

        A failure is logged and waited out here, longer each time. A refused token stops the bot
        for good: `refused` says why.
        """
        if self.refused is not None:
            await self._pause(_REFUSED_PAUSE_S)
            return 0
        began = time.monotonic()
        try:
            await self._greet()
            updates = await self._fetch()
        except SendFailure as failure:
            await self._recover(failure)
            return 0
        new = await self._store(updates, now)
        self._recovered()
        self._forget_when_quiet(len(updates))
        if not new and time.monotonic() - began < _AT_ONCE_S:
            await self._pause(_BREATH_S)
        return len(updates)

    async def _greet(self) -> None:
        """Ask once who we are: a wrong token is told at the start, by the bot's name."""
        if self._greeted:
            return
        me = await self._client.call("getMe")
        self._greeted = True
        username = me.get("username") if isinstance(me, dict) else None
        log.info("bot.polling", bot=self._bot, username=username)

    async def _fetch(self) -> dict[int, Any]:
        """Return updates by their ids; raises ChannelDown for an answer that has none."""
        fields: dict[str, Any] = {"timeout": POLL_S, "allowed_updates": ALLOWED_UPDATES}
        if self._offset is not None:
            fields["offset"] = self._offset
        found = await self._client.call("getUpdates", fields, timeout=_ANSWER_S)
        if not isinstance(found, list):
            raise ChannelDown("Telegram answered getUpdates with something that is no list")
        known = {number: update for update in found if (number := id_of(update)) is not None}
        if found and not known:
            raise ChannelDown("Telegram answered getUpdates with updates that have no ids")
        return known

    async def _store(self, updates: dict[int, Any], now: datetime) -> int:
        """Store updates; return how many of them are new."""
        if not updates:
            return 0
        items = [(str(number), dumps(updates[number])) for number in sorted(updates)]
        async with self._database.transaction() as session:
            new = await inbox.store(session, source_of(self._bot), items, now)
        metrics.UPDATES.labels(self._bot, "duplicate").inc(len(items) - new)
        self._offset = max(updates) + 1
        return new

    def _forget_when_quiet(self, came: int) -> None:
        """Drop an old offset: all is confirmed, and Telegram counts anew after a week without
        updates; smaller ids than the offset would pass for confirmed, and be lost.
        """
        self._quiet = 0 if came else self._quiet + 1
        if self._quiet >= _QUIET_POLLS:
            self._offset = None

    async def _recover(self, failure: SendFailure) -> None:
        if isinstance(failure, ChannelRefused):
            self.refused = failure.reason
            log.error("bot.refused", bot=self._bot, reason=failure.reason)
            return
        if isinstance(failure, WebhookActive):
            await self._delete_webhook()
            return
        self._failures += 1
        if failure.reason != self._told:  # the same trouble is told once
            self._told = failure.reason
            log.warning("bot.polling_failed", bot=self._bot, reason=failure.reason)
        await self._pause(_pause_after(failure, self._failures))

    async def _delete_webhook(self) -> None:
        log.warning("bot.webhook_deleted", bot=self._bot, reason="TELEGRAM_UPDATES=polling")
        try:
            await self._client.call("deleteWebhook", {"drop_pending_updates": False})
        except SendFailure as failure:
            await self._pause(_pause_after(failure, 3))

    def _recovered(self) -> None:
        if self._told is not None:
            log.info("bot.polling_again", bot=self._bot)
        self._failures, self._told = 0, None


def _pause_after(failure: SendFailure, failures: int) -> float:
    """Return the real seconds to wait after the n-th failure in a row."""
    if isinstance(failure, TwoPollers):
        return float(min(_TWO_POLLERS_PAUSE_S, 2 ** min(failures, 6)))
    if isinstance(failure, RateLimited):
        return failure.after
    return float(min(_LONGEST_PAUSE_S, 2 ** min(failures - 1, 6)))


def dumps(update: Any) -> bytes:
    """Return an update as JSON; the standard writer takes what the fast one refuses."""
    try:
        return orjson.dumps(update)
    except TypeError:
        return json.dumps(update).encode()
