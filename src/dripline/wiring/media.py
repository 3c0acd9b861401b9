"""The content's files, as channels want them."""

from dripline.content import media
from dripline.database import Database


class StoredMedia:
    """Reads files from the database, and keeps what each bot calls them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def file_id(self, sha256: str, bot: str) -> str | None:
        """Return the id under which Telegram knows a file, for this bot; None before its upload."""
        async with self._database.reading() as session:
            return await media.file_id(session, sha256, bot)

    async def read(self, sha256: str) -> bytes:
        """Return a file's bytes. Raises NotFound."""
        async with self._database.reading() as session:
            return await media.read(session, sha256)

    async def remember(self, sha256: str, bot: str, file_id: str) -> None:
        """Keep the id that Telegram gave a file; a newer one replaces it."""
        async with self._database.transaction() as session:
            await media.remember_file_id(session, sha256, bot, file_id)
