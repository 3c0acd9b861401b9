"""Files of the content, and what each bot's Telegram calls them."""

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content import queries
from dripline.errors import NotFound


async def read(session: AsyncSession, sha256: str) -> bytes:
    """Return a file's bytes. Raises NotFound."""
    body = await queries.media_body(session, sha256)
    if body is None:
        raise NotFound(f"There is no file {sha256}.")
    return body


async def file_id(session: AsyncSession, sha256: str, bot: str) -> str | None:
    """Return what a bot's Telegram calls a file; None before its first upload."""
    return await queries.media_file_id(session, sha256, bot)


async def remember_file_id(session: AsyncSession, sha256: str, bot: str, found: str) -> None:
    """Keep what a bot's Telegram calls a file; a newer name replaces the old one."""
    await queries.set_media_file_id(session, sha256, bot, found)
