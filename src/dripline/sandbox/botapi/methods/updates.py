"""getUpdates: long polling, one at a time."""

from __future__ import annotations

import asyncio
import time

from dripline.sandbox.botapi.api import Api
from dripline.sandbox.botapi.call import Call
from dripline.sandbox.botapi.errors import BotApiError, bad_request
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.messages import Json

_MAX_TIMEOUT = 50
_CONFLICT_PAUSE = 3.0  # two pollers that retry at once would otherwise end each other for ever
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the"
    " webhook first"
)
_OTHER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is"
    " running"
)
SET_WEBHOOK = "Conflict: terminated by setWebhook request"


async def get_updates(_api: Api, call: Call) -> list[Json]:
    """getUpdates. A second poller ends the first one's wait with 409."""
    bot = call.bot
    if bot.webhook.url:
        raise BotApiError(409, _WEBHOOK)
    limit = call.integer("limit", 100, 1, 100)
    read_allowed_updates(call)
    offset = call.integer("offset")
    bot.updates.confirm(offset)
    updates = bot.updates.first(limit)
    timeout = call.integer("timeout", 0, 0, _MAX_TIMEOUT)
    if updates or not timeout:
        return updates
    await _wait(bot, timeout)
    return bot.updates.first(limit)


def read_allowed_updates(call: Call) -> None:
    """Remember which kinds the bot wants; an empty list is the default, absent is as before."""
    if "allowed_updates" not in call.params:
        return
    kinds = call.json("allowed_updates", "can't parse allowed updates JSON object") or []
    if not isinstance(kinds, list):
        raise bad_request("expected an Array of String as allowed updates")
    call.bot.updates.allowed = frozenset(str(kind) for kind in kinds)


def end_poll(bot: Bot, reason: str = _OTHER) -> None:
    """End the wait of whoever polls, with 409."""
    if bot.poller and not bot.poller.done():
        bot.poller.set_exception(BotApiError(409, reason))


async def _wait(bot: Bot, timeout: int) -> None:
    end_poll(bot)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    bot.poller = ended
    arrival = asyncio.ensure_future(bot.updates.arrival())
    try:
        await asyncio.wait((ended, arrival), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        arrival.cancel()
        if bot.poller is ended:
            bot.poller = None
    if ended.done():
        await _pause_between_conflicts(bot)
        ended.result()


async def _pause_between_conflicts(bot: Bot) -> None:
    if time.monotonic() - bot.conflict_at < _CONFLICT_PAUSE:
        await asyncio.sleep(_CONFLICT_PAUSE)
    bot.conflict_at = time.monotonic()
