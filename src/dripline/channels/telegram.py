"""Telegram: messages of any number of bots to their chats, one request after another."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from dripline.channels.telegram_files import MediaStore, TelegramFiles
from dripline.channels.telegram_parts import Request, parts, requests_for
from dripline.clients.telegram import File, TelegramClient
from dripline.clients.telegram_errors import BadFile, Migrated
from dripline.content.rendered import Media, Rendered
from dripline.deliveries.protocols import Outgoing, Sent
from dripline.errors import ChannelRefused

log = structlog.get_logger(__name__)

OnMigrated = Callable[[uuid.UUID, str], Awaitable[None]]


class TelegramChannel:
    """Sends for each bot through its client; `on_migrated(address_id, value)` stores a new chat id.

    It knows no limits: the pace is taken before, and a 429 is raised as RateLimited.
    """

    name = "telegram"

    def __init__(
        self,
        clients: Mapping[str, TelegramClient],
        media: MediaStore,
        on_migrated: OnMigrated | None = None,
    ) -> None:
        self._clients = clients
        self._files = TelegramFiles(media)
        self._on_migrated = on_migrated

    async def send(self, outgoing: Outgoing) -> Sent:
        """Send what is left of a message; `parts_done` and `provider_ids` grow with each answer.

        Raises a SendFailure, as `clients.telegram_errors` tells them apart.
        """
        client = self._client(outgoing.address.bot)
        for request in parts(outgoing.message)[outgoing.parts_done :]:
            try:
                answer = await self._send(client, outgoing, request)
            except Migrated as moved:
                await self._follow(outgoing, str(moved.chat_id))
                answer = await self._send(client, outgoing, request)
            outgoing.provider_ids += map(_message_id, _messages(answer))
            outgoing.parts_done += 1
        return Sent(tuple(outgoing.provider_ids))

    def requests_for(self, message: Rendered) -> int:
        """Return how many requests a message takes, one right after the other."""
        return requests_for(message)

    async def close(self) -> None:
        """Give back the connections."""
        for client in self._clients.values():
            await client.close()

    def _client(self, bot: str) -> TelegramClient:
        client = self._clients.get(bot)
        if client is None:
            variable = "TELEGRAM_BOT_TOKEN" + ("" if bot == "main" else f"_{bot.upper()}")
            raise ChannelRefused(f"no token of bot “{bot}” is set: {variable}")
        return client

    async def _follow(self, outgoing: Outgoing, value: str) -> None:
        """Follow a group that has moved."""
        outgoing.address = outgoing.address._replace(value=value)
        if self._on_migrated is None:
            return
        try:
            await self._on_migrated(outgoing.address.id, value)
        except Exception as error:  # noqa: BLE001 - this message knows the way; the next one asks again
            log.warning("telegram.migration_not_kept", error=type(error).__name__)

    def _send(self, client: TelegramClient, outgoing: Outgoing, request: Request) -> Awaitable[Any]:
        """Send one request; what is awaited brings what the Bot API answers."""
        address = outgoing.address
        fields = {"chat_id": chat_id_of(address.value), **request.fields}
        if outgoing.message.topic is not None:
            fields["message_thread_id"] = outgoing.message.topic
        if not request.media:
            return client.call(request.method, fields)
        return self._send_files_again(client, address.bot, fields, request)

    async def _send_files_again(
        self, client: TelegramClient, bot: str, fields: dict[str, Any], request: Request
    ) -> Any:
        try:
            return await self._send_files(client, bot, fields, request)
        except BadFile:
            self._files.forget(bot, request.media)
            return await self._send_files(client, bot, fields, request)

    async def _send_files(
        self, client: TelegramClient, bot: str, fields: dict[str, Any], request: Request
    ) -> Any:
        """Send files by their ids; the first message to need a file uploads it for all."""
        files, media = self._files, request.media
        await files.look_up(bot, media)
        while True:
            ids = files.ids(bot, media)
            if None not in ids:
                return await client.call(request.method, with_files(fields, media, ids))
            upload = files.upload_of(bot, media)
            if upload is None:
                return await self._upload(client, bot, fields, request, ids)
            await _finished(upload)

    async def _upload(
        self,
        client: TelegramClient,
        bot: str,
        fields: dict[str, Any],
        request: Request,
        ids: Sequence[str | None],
    ) -> list[Any]:
        media = request.media
        missing = [one for one, file_id in zip(media, ids, strict=True) if file_id is None]
        with self._files.uploading(bot, missing):
            contents = {one.sha256: await self._files.read(one) for one in missing}
            uploads = [
                File(field_of(media, index), one.filename, contents[one.sha256])
                for index, one in enumerate(media)
                if ids[index] is None
            ]
            answer = await client.upload(request.method, with_files(fields, media, ids), uploads)
            messages = _messages(answer)
            await self._files.learn(bot, media, messages)
        return messages


def with_files(
    fields: dict[str, Any], media: Sequence[Media], ids: Sequence[str | None]
) -> dict[str, Any]:
    """Return a request's fields with its files: by id, or naming the part that uploads them."""
    if len(media) == 1:
        return fields if ids[0] is None else {**fields, media[0].kind: ids[0]}
    album = [
        {**item, "media": ids[index] or f"attach://{field_of(media, index)}"}
        for index, item in enumerate(fields["media"])
    ]
    return {**fields, "media": album}


def field_of(media: Sequence[Media], index: int) -> str:
    """Return the form field that carries a file's bytes."""
    return media[0].kind if len(media) == 1 else f"file{index}"


def chat_id_of(value: str) -> int | str:
    """Return an address's value as Telegram takes it: a number, or a channel's @name."""
    return int(value) if value.lstrip("-").isdecimal() else value


def _messages(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _message_id(message: Any) -> str:
    return str(message.get("message_id", "")) if isinstance(message, dict) else ""


async def _finished(upload: "asyncio.Future[None]") -> None:
    """Wait for another message's upload; to be cancelled meanwhile must not cancel it."""
    await asyncio.shield(upload)
