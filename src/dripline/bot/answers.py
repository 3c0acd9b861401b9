"""Answer a pressed button, so that it stops spinning: at once, and at best effort."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog

from dripline.clients.telegram import TelegramClient
from dripline.engagement.codes import deep_link
from dripline.errors import SendFailure

log = structlog.get_logger()
_LAST_S = 0.5  # for answers under way when we stop
_PATIENCE_S = 10.0  # after that the button has stopped spinning by itself


class Answers(Protocol):
    """Answers callback queries of bots by name."""

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        """Answer soon; nothing is raised, and nothing waits for it."""
        ...

    def open(self, bot: str, payloads: Mapping[str, str]) -> None:
        """Answer soon by opening the bot with a payload, by callback id."""
        ...


class TelegramAnswers:
    """Answers through each bot's client, beside whatever goes on."""

    def __init__(self, clients: Mapping[str, TelegramClient]) -> None:
        self._clients = clients
        self._tasks: set[asyncio.Task[None]] = set()
        self._usernames: dict[str, str] = {}

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        """Answer soon."""
        for callback_id in callback_ids:
            self._soon(self._answer(bot, callback_id))

    def open(self, bot: str, payloads: Mapping[str, str]) -> None:
        """Open the chat with the bot, where Telegram's apps do so for the person."""
        for callback_id, payload in payloads.items():
            self._soon(self._answer(bot, callback_id, payload))

    async def close(self) -> None:
        """Let the last answers go out; what takes longer is given up."""
        answering = asyncio.gather(*self._tasks)
        with suppress(TimeoutError):
            await asyncio.wait_for(answering, _LAST_S)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, bot: str, callback_id: str, payload: str = "") -> None:
        client = self._clients.get(bot)
        if client is None:
            return
        fields = {"callback_query_id": callback_id}
        try:
            if payload and (username := await self._username(bot, client)):
                fields["url"] = deep_link(username, payload)
            await client.call("answerCallbackQuery", fields, timeout=_PATIENCE_S)
        except SendFailure as failure:
            log.info("callback.not_answered", bot=bot, reason=failure.reason)

    async def _username(self, bot: str, client: TelegramClient) -> str:
        if bot not in self._usernames:
            me = await client.call("getMe", timeout=_PATIENCE_S)
            self._usernames[bot] = str(me.get("username") or "") if isinstance(me, dict) else ""
        return self._usernames[bot]
