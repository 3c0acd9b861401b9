"""Tracked links of a web process: around its application, into its spool, out into the database."""

import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from starlette.types import ASGIApp

from dripline.api.tracking import Tracking
from dripline.clock import Clock
from dripline.database import Database
from dripline.engagement import queries
from dripline.engagement.drain import DrainSpool
from dripline.engagement.spool import Spool
from dripline.engagement.tokens import Seal
from dripline.errors import Invalid
from dripline.settings import Settings
from dripline.worker import Duty

log = structlog.get_logger()
_EVERY_S: Final = 0.5


class WebTracking:
    """What a process needs that answers tracked links."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._seal = Seal(settings.signing_key)
        if settings.spool_dir is not None:
            _see_to(settings.spool_dir)
        self._spool = Spool(settings.spool_folder)
        self._drain = DrainSpool(database, self._seal, self._spool)

    def around(self, app: ASGIApp) -> Tracking:
        """Return the application with tracked links before it."""
        return Tracking(
            app,
            self._seal,
            self._spool,
            self._clock,
            self._stored,
            devices=self._settings.track_devices,
            secure=(self._settings.public_url or "").startswith("https:"),
        )

    def duty(self) -> Duty:
        """Return the duty that drains the spool."""
        return Duty("spool", lambda: self._drain.run_once(self._clock.now()), _EVERY_S)

    async def finish(self) -> None:
        """Drain what is left; what cannot be drained now waits in its file for the next process."""
        with suppress(Exception):
            while await self._drain.run_once(self._clock.now(), everything=True):
                pass

    async def _stored(self, name: uuid.UUID) -> str | None:
        async with self._database.reading() as session:
            return await queries.url_of(session, name)


def _see_to(folder: Path) -> None:
    """Make the folder of clicks; raises Invalid now rather than losing the first click."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise Invalid(
            f"Clicks cannot be kept in {folder}: {error.strerror}. Check SPOOL_DIR.",
            code="NO_SPOOL",
        ) from None
