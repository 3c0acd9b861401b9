"""The content's files as Telegram's channel wants them, each question in its own transaction."""

from dripline.content import media
from dripline.database import Database


class ContentFiles:
    """A `MediaStore` over the content's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def file_id(self, sha256: str, bot: str) -> str | None:
        """Return the id under which Telegram knows a file, for this bot."""
        async with self._database.reading() as session:
            return await media.file_id(session, sha256, bot)

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes. Raises NotFound."""
        async with self._database.reading() as session:
            return await media.read(session, sha256)

    async def remember(self, sha256: str, bot: str, file_id: str) -> None:
        """Keep the id that Telegram gave a file."""
        async with self._database.transaction() as session:
            await media.remember_file_id(session, sha256, bot, file_id)
