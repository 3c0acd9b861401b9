"""Delivers updates to bots' webhooks: in order, again until they are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from dripline.sandbox.world.bots import Bot, Webhook
from dripline.sandbox.world.messages import Json

_TIMEOUT = timedelta(seconds=30)
_LONGEST_PAUSE = 60.0

# Carries out a method that a webhook answered with (https://core.telegram.org/bots/api#making-requests-when-getting-updates).
Replier = Callable[[Bot, Json], Awaitable[None]]


async def _ignore(_bot: Bot, _reply: Json) -> None:
    """Without a replier, what a webhook answers is not looked at."""


class Webhooks:
    """One task for each bot with a webhook. `pause`: seconds to wait after a first refusal."""

    def __init__(self, *, pause: float = 1.0, replier: Replier = _ignore) -> None:
        self._pause = pause
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._client: Client | None = None
        self.replier = replier

    def watch(self, bot: Bot, now: Callable[[], int]) -> None:
        """Begin to deliver, or stop if the bot has no webhook any more."""
        if task := self._tasks.pop(bot.id, None):
            task.cancel()
        if bot.webhook.url:
            self._tasks[bot.id] = asyncio.create_task(self._deliver(bot, bot.webhook, now))

    async def close(self) -> None:
        """Stop all deliveries."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client:
            await self._client.close()
            self._client = None

    async def _deliver(self, bot: Bot, hook: Webhook, now: Callable[[], int]) -> None:
        pause = self._pause
        while True:
            await bot.updates.arrival()
            update = bot.updates.first(1)[0]
            problem = await self._post(bot, hook, update)
            if problem is None:
                bot.updates.confirm(update["update_id"] + 1)
                pause = self._pause
                continue
            hook.last_error, hook.last_error_at = problem, now()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _post(self, bot: Bot, hook: Webhook, update: Json) -> str | None:
        """Send one update; None if it was accepted, else what to show in getWebhookInfo."""
        if self._client is None:
            self._client = ClientBuilder().timeout(_TIMEOUT).no_proxy().build()
        request = self._client.post(hook.url).header("content-type", "application/json")
        if hook.secret:
            request = request.header("X-Telegram-Bot-Api-Secret-Token", hook.secret)
        try:
            response = await request.body_bytes(orjson.dumps(update)).build().send()
            body = bytes(await response.bytes())
        except PyreqwestError as error:
            return _reason(error)
        if not 200 <= response.status < 300:
            return f"Wrong response from the webhook: {response.status}"
        await self._reply(bot, body)
        return None

    async def _reply(self, bot: Bot, body: bytes) -> None:
        try:
            reply = orjson.loads(body) if body else None
        except orjson.JSONDecodeError:
            return
        if isinstance(reply, dict) and isinstance(reply.get("method"), str):
            await self.replier(bot, reply)


def _reason(error: PyreqwestError) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "Read timeout expired"
    return "Connection refused" if "Connect" in name else "Connection closed"
