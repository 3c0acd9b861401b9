"""Files on Telegram: sent by id once they have been uploaded, and uploaded once.

A file id belongs to one bot. Many messages of one broadcast want the same new file at the same
moment: the first uploads it, the others wait for its id.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

from dripline.content.rendered import Media
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    NotFound,
    PermanentFailure,
    RateLimited,
    RetryLater,
    SendFailure,
)

log = structlog.get_logger(__name__)


class MediaStore(Protocol):
    """Where the content's files are kept, and what Telegram calls them."""

    async def file_id(self, sha256: str, bot: str) -> str | None:
        """Return the id under which Telegram knows a file, for this bot; None before its upload."""
        ...

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes. Raises NotFound."""
        ...

    async def remember(self, sha256: str, bot: str, file_id: str) -> None:
        """Keep the id that Telegram gave a file; a newer one replaces it."""
        ...


class TelegramFiles:
    """The ids of all bots' files: a memory in front of the store, and the uploads under way."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._ids: dict[tuple[str, str], str | None] = {}
        self._uploads: dict[tuple[str, str], asyncio.Future[None]] = {}

    async def look_up(self, bot: str, media: Sequence[Media]) -> None:
        """Have the store's ids of these files in memory.

        Raises RetryLater when the store cannot be read.
        """
        for one in media:
            key = (bot, one.sha256)
            if key not in self._ids:
                self._ids.setdefault(key, await self._stored(bot, one))

    def ids(self, bot: str, media: Sequence[Media]) -> list[str | None]:
        """Return the ids in memory, None for those to be uploaded."""
        return [self._ids.get((bot, one.sha256)) for one in media]

    def upload_of(self, bot: str, media: Sequence[Media]) -> "asyncio.Future[None] | None":
        """Return an upload under way that brings an id we miss."""
        keys = ((bot, one.sha256) for one in media)
        return next((self._uploads[key] for key in keys if key in self._uploads), None)

    @contextmanager
    def uploading(self, bot: str, media: Sequence[Media]) -> Iterator[None]:
        """Be the one who uploads these files; who waits hears how it ended.

        An outage of the channel is everybody's; any other failure is this message's own, and the
        next in line tries for itself.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        keys = [(bot, one.sha256) for one in media]
        self._uploads |= dict.fromkeys(keys, done)
        try:
            yield
        except SendFailure as error:
            if _is_outage(error):
                done.set_exception(error)
                done.exception()  # asyncio would complain if nobody waited for it
            raise
        finally:
            for key in keys:
                self._uploads.pop(key, None)  # a file may stand twice in one album
            if not done.done():
                done.set_result(None)

    def forget(self, bot: str, media: Sequence[Media]) -> None:
        """Trust no known id of these files: Telegram has refused one."""
        self._ids |= {(bot, one.sha256): None for one in media}

    async def read(self, media: Media) -> bytes:
        """Return a file's bytes.

        Raises PermanentFailure when it is not there, RetryLater when the store cannot be read.
        """
        try:
            return await self._store.read(media.sha256)
        except (NotFound, FileNotFoundError):
            raise PermanentFailure(f"the file {media.filename} is missing", "media") from None
        except Exception as error:
            raise RetryLater(f"cannot read {media.filename}: {type(error).__name__}") from error

    async def learn(self, bot: str, media: Sequence[Media], messages: Sequence[Any]) -> None:
        """Keep the ids out of Telegram's answer; the message is sent, so nothing may fail here."""
        for one, message in zip(media, messages, strict=False):
            file_id = file_id_of(message, one.kind)
            if file_id is None or self._ids.get((bot, one.sha256)) == file_id:
                continue
            self._ids[bot, one.sha256] = file_id
            try:
                await self._store.remember(one.sha256, bot, file_id)
            except Exception as error:  # noqa: BLE001 - costs one more upload after a restart
                log.warning("telegram.file_id_not_kept", bot=bot, error=type(error).__name__)

    async def _stored(self, bot: str, media: Media) -> str | None:
        try:
            return await self._store.file_id(media.sha256, bot)
        except Exception as error:
            raise RetryLater(f"cannot look up {media.filename}: {type(error).__name__}") from error


def file_id_of(message: Any, kind: str) -> str | None:
    """Return the id of the file in a message Telegram answered with, if it is of this kind.

    A photo comes in several sizes, the original last; a video without sound may come back as an
    animation, whose id cannot be sent as a video.
    """
    found = message.get(kind) if isinstance(message, dict) else None
    if isinstance(found, list):
        found = found[-1] if found else None
    file_id = found.get("file_id") if isinstance(found, dict) else None
    return file_id if isinstance(file_id, str) and file_id else None


def _is_outage(error: SendFailure) -> bool:
    if isinstance(error, RateLimited):
        return error.whole_key
    return isinstance(error, (ChannelDown, ChannelRefused))
