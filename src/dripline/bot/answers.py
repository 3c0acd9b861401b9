"""Answer a pressed button, so that it stops spinning: at once, and at best effort."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from dripline.clients.telegram import TelegramClient
from dripline.errors import SendFailure

log = structlog.get_logger()
_PATIENCE_S = 10.0  # after that the button has stopped spinning by itself


class Answers(Protocol):
    """Answers callback queries of bots by name."""

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        """Answer soon; nothing is raised, and nothing waits for it."""
        ...


class TelegramAnswers:
    """Answers through each bot's client, beside whatever goes on."""

    def __init__(self, clients: Mapping[str, TelegramClient]) -> None:
        self._clients = clients
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, bot: str, callback_ids: Sequence[str]) -> None:
        """Answer soon."""
        for callback_id in callback_ids:
            task = asyncio.create_task(self._answer(bot, callback_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let the last answers go out."""
        await asyncio.gather(*self._tasks)

    async def _answer(self, bot: str, callback_id: str) -> None:
        client = self._clients.get(bot)
        if client is None:
            return
        try:
            fields = {"callback_query_id": callback_id}
            await client.call("answerCallbackQuery", fields, timeout=_PATIENCE_S)
        except SendFailure as failure:
            log.info("callback.not_answered", bot=bot, reason=failure.reason)
