"""Reaction: operators hear in their chat that a referral waits for them, and not too often.

A flood of fake referrals is one message, and another at most every ten minutes: it says how many
there are by then.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin.errands import REVIEW, WAKE_JOBS
from dripline.contacts import queries as contacts
from dripline.contacts.identify import TELEGRAM
from dripline.database import wake
from dripline.events import Happened, subscribe
from dripline.operators import queries as operators

CONSUMER: Final = "operators"
_FLAGGED: Final = "referral.flagged"
_GATHERED: Final = timedelta(seconds=20)  # what comes together is told together
APART: Final = timedelta(minutes=10)
NEVER: Final = timedelta(days=36_500)
_ONE_EACH: Final = uuid.UUID("6d1d2a0e-8a57-4b51-9a3b-2f1de8b3a5f0")

subscribe(CONSUMER, {_FLAGGED})


class OperatorsHear:
    """Plans a word to each operator, at each bot they have written to."""

    def __init__(self, bots: Iterable[str], operators_: Sequence[int]) -> None:
        self._bots = tuple(bots)
        self._operators = operators_

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        for operator in self._operators:
            bot = await self._bot_of(session, operator)
            if bot is not None:
                await self._plan(session, bot, operator, now)

    async def _bot_of(self, session: AsyncSession, operator: int) -> str | None:
        for bot in self._bots:
            if await contacts.address_of_value(session, TELEGRAM, bot, str(operator)):
                return bot
        return None  # who has never written to a bot cannot be written to

    async def _plan(self, session: AsyncSession, bot: str, operator: int, now: datetime) -> None:
        job_id = uuid.uuid5(_ONE_EACH, f"{bot}:{operator}")
        known = await operators.job(session, job_id)
        if known is None:
            await operators.add_job(
                session,
                {"id": job_id, "bot": bot, "telegram_id": operator, "kind": REVIEW,
                 "detail": {}, "due_at": now + _GATHERED},
            )  # fmt: skip
        elif known.due_at > now + APART:  # it has been told; this is news
            told = datetime.fromisoformat(known.detail["told"])
            await operators.change_job(session, job_id, max(now + _GATHERED, told + APART), {})
        else:
            return
        await wake(session, WAKE_JOBS)
