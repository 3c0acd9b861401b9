"""Whose turn it is to ask Resend: a team has a handful of requests a second, over all workers."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dripline.channels.email_resend import OwnTurns
from dripline.clock import RealTime
from dripline.database import Database
from dripline.deliveries import queries

log = structlog.get_logger()
PACE_KEY = "resend"  # of requests; `email` paces emails, of which a request carries many


class SharedTurns:
    """Turns that all processes take in line, from a row of the table of paces.

    Without the database nobody is held up: then each process keeps to the limit by itself, and
    Resend's 429 does the rest.
    """

    def __init__(self, database: Database, real_time: RealTime) -> None:
        self._database = database
        self._real_time = real_time
        self._own = OwnTurns()

    async def take(self, every_s: float, rest_s: float = 0.0) -> float:
        """Take the next turn, `rest_s` seconds from now at the earliest; return its seconds."""
        own = await self._own.take(every_s, rest_s)
        first = self._real_time.now_us() + int(rest_s * 1e6)
        try:
            async with asyncio.timeout(5.0), self._database.transaction(lasts=False) as session:
                turn = await queries.take_turn(session, PACE_KEY, every_s * 1e6, first)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("email.turn_not_shared", error=repr(error)[:200])
            return own
        return max(own, (turn - self._real_time.now_us()) / 1e6)
