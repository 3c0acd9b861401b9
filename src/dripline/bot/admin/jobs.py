"""Duties for admins, outside of any transaction: fetch files, count a lot, let silence expire."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.bot.admin import broadcast_cards, broadcast_undo, reviewing
from dripline.bot.admin.aiming import Aiming
from dripline.bot.admin.desk import desk_of
from dripline.bot.admin.draft import AIM, Draft, missing_files, specs
from dripline.bot.admin.errands import AUDIENCE, BROADCAST_CARD, REVIEW, STATISTICS
from dripline.bot.admin.statistics import statistics
from dripline.bot.admin.telling import NEVER
from dripline.bot.admin.wizard import Wizard
from dripline.broadcasts import queries as broadcasts
from dripline.broadcasts import switch
from dripline.broadcasts.plan import plan, progress
from dripline.broadcasts.render import Renderer
from dripline.content import edit, media
from dripline.content import queries as content
from dripline.content.store import ContentStore
from dripline.content.telegram_html import escape
from dripline.database import Database
from dripline.errors import DriplineError, PermanentFailure, SendFailure
from dripline.lifecycle import referral_queries as referrals
from dripline.operators import queries as operators
from dripline.operators.models import AdminJob
from dripline.texts import gettext as _
from dripline.texts import marked

log = structlog.get_logger()
EXPIRED: Final = marked(
    "⌛ Nothing came for 30 minutes, so I dropped what you had begun. Begin again whenever you "
    "like."
)
_ATTEMPTS: Final = 5
_AGAIN: Final = timedelta(seconds=5)
_BATCH: Final = 10


class Downloads(Protocol):
    """What fetches a file that was sent to a bot."""

    async def download(self, file_id: str) -> bytes:
        """Return its bytes. Raises a SendFailure."""
        ...


class AdminJobs:
    """Does what admins asked for and no transaction may do."""

    def __init__(
        self,
        database: Database,
        clients: Mapping[str, Downloads],
        store: ContentStore,
        renderer: Renderer,
        rate: float,
    ) -> None:
        """`renderer` and `rate` (requests a second) are for the plans of broadcasts."""
        self._database = database
        self._clients = clients
        self._store = store
        self._renderer = renderer
        self._rate = rate

    async def run_once(self, now: datetime) -> int:
        """Do what is due; return how many jobs came to an end."""
        if not await operators.any_due_job(self._database, now):
            return 0
        async with self._database.reading() as session:
            jobs = await operators.due_jobs(session, now, _BATCH)
        return sum([await self._do(job, now) for job in jobs])

    async def _do(self, job: AdminJob, now: datetime) -> int:
        if job.kind == STATISTICS:
            await self._statistics(job, now)
            return 1
        if job.kind == BROADCAST_CARD:
            await self._broadcast(job, now)
            return 1
        if job.kind == REVIEW:
            return await self._review(job, now)
        if job.kind == AUDIENCE:
            await self._audience(job, now)
            return 1
        try:
            body = await self._fetched(job)
        except SendFailure as failure:
            gives_up = isinstance(failure, PermanentFailure) or job.attempts + 1 >= _ATTEMPTS
            if not gives_up:
                await self._later(job, now)
                return 0
            log.warning("admin.file_not_fetched", bot=job.bot, reason=failure.reason)
            await self._finish(job, None, now)
            return 1
        await self._finish(job, body, now)
        return 1

    async def _fetched(self, job: AdminJob) -> bytes:
        client = self._clients.get(job.bot)
        if client is None:
            raise PermanentFailure(f"there is no bot {job.bot}")
        body = await client.download(str(job.detail["file_id"]))
        if not body:
            raise PermanentFailure("the file is empty")
        return body

    async def _later(self, job: AdminJob, now: datetime) -> None:
        async with self._database.transaction() as session:
            await operators.put_off_job(session, job.id, now + _AGAIN)

    async def _finish(self, job: AdminJob, body: bytes | None, now: datetime) -> None:
        """Put a file where its draft wants it; whoever waits for it goes on."""
        async with self._database.transaction() as session:
            if not await operators.end_job(session, job.id):
                return
            file_id = str(job.detail["file_id"])
            sha256 = hashlib.sha256(body).hexdigest() if body else ""
            if body:
                values = {"sha256": sha256, "filename": file_id[:40], "size": len(body)}
                await content.insert_media(session, {**values, "body": body, "created_at": now})
                await media.remember_file_id(session, sha256, job.bot, file_id)
            kept = await operators.wizard(session, job.bot, job.telegram_id)
            desk = await desk_of(session, job.bot, job.telegram_id, now)
            if kept is None or desk is None:
                return
            draft = Draft.of(kept.draft)
            _arrived(draft, file_id, sha256)
            wizard = Wizard(desk, await edit.read_state(session), draft)
            if not body:
                await desk.say(
                    _("Telegram did not hand me one of the files. Please send it again.",
                      desk.language)
                )  # fmt: skip
            if draft.waiting and not missing_files(draft.spec):
                draft.waiting = False
                await wizard.pressed(draft.turn, "done")
            await operators.save_wizard(
                session, job.bot, job.telegram_id, draft.kept(), kept.changed_at, kept.expires_at
            )

    async def _broadcast(self, job: AdminJob, now: datetime) -> None:
        """Count a broadcast's audience, and show its card."""
        key = str(job.detail["key"])
        async with self._database.transaction() as session:
            if not await operators.end_job(session, job.id):
                return
            library = await self._store.current(session)
            try:
                author, renew = f"({job.telegram_id})", bool(job.detail.get("renew"))
                await switch.draft(session, library, key, author, now, renew=renew)
            except DriplineError as error:
                log.warning("admin.broadcast_not_read", broadcast=key, error=error.message)
                desk = await desk_of(session, job.bot, job.telegram_id, now)
                if desk is not None:
                    reason = escape(error.message)
                    await desk.say(
                        _("This broadcast cannot be read: {reason}", desk.language, reason=reason)
                    )
                return
        async with self._database.reading() as session:
            broadcast = await broadcasts.by_key(session, key)
            if broadcast is None:
                return
            found = await plan(session, broadcast, self._renderer, self._rate, now)
            far = await progress(session, broadcast, self._rate, now)
        async with self._database.transaction() as session:
            desk = await desk_of(session, job.bot, job.telegram_id, now)
            if desk is not None:
                state = await edit.read_state(session)
                undo = await broadcast_undo.button(session, key, desk.language)
                await broadcast_cards.card(desk, state, broadcast, found, far, undo)

    async def _audience(self, job: AdminJob, now: datetime) -> None:
        """Count whom a broadcast's conditions mean, as far as they are put together."""
        async with self._database.reading() as session:
            aiming = await self._aiming(session, job, now, lock=False)
            count = 0
            if aiming is not None:
                known = await broadcasts.by_key(session, aiming.draft.scenario_id)
                bot = known.bot if known else job.bot
                had = known.id if known and known.launches else None
                count = await broadcasts.audience_count(session, bot, aiming.segment(), now, had)
        async with self._database.transaction() as session:
            if not await operators.end_job(session, job.id):
                return
            aiming = await self._aiming(session, job, now)
            if aiming is not None:
                await aiming.counted(count, [str(note) for note in job.detail["notes"]])

    async def _aiming(
        self, session: AsyncSession, job: AdminJob, now: datetime, *, lock: bool = True
    ) -> Aiming | None:
        """Return the conversation that a count is for, unless it has gone on since."""
        kept = await operators.wizard(session, job.bot, job.telegram_id, lock=lock)
        desk = await desk_of(session, job.bot, job.telegram_id, now)
        if kept is None or desk is None or kept.draft.get("turn") != job.detail["turn"]:
            return None
        draft = Draft.of(kept.draft)
        if draft.section != AIM:
            return None
        return Aiming(desk, await edit.read_state(session), draft)

    async def _review(self, job: AdminJob, now: datetime) -> int:
        """Show what waits for a decision; the job rests until there is news."""
        async with self._database.transaction() as session:
            known = await operators.job(session, job.id)
            if known is None or known.due_at > now:
                return 0
            await operators.change_job(session, job.id, now + NEVER, {"told": now.isoformat()})
            desk = await desk_of(session, job.bot, job.telegram_id, now)
            if desk is not None and await referrals.count_waiting(session):
                await reviewing.show(desk)
        return 1

    async def _statistics(self, job: AdminJob, now: datetime) -> None:
        async with self._database.reading() as session:
            desk = await desk_of(session, job.bot, job.telegram_id, now)
            language = desk.language if desk else None
            text = await statistics(session, language, now)
        async with self._database.transaction() as session:
            if not await operators.end_job(session, job.id):
                return
            desk = await desk_of(session, job.bot, job.telegram_id, now)
            if desk is not None:
                await desk.say(text)


class ExpireWizards:
    """Ends what nobody has gone on with for 30 minutes, and says so."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self, now: datetime) -> int:
        """End what has expired; return how many that were."""
        if not await operators.any_expired_wizard(self._database, now):
            return 0
        async with self._database.reading() as session:
            expired = await operators.expired_wizards(session, now, _BATCH)
        return sum([await self._end(bot, telegram_id, now) for bot, telegram_id in expired])

    async def _end(self, bot: str, telegram_id: int, now: datetime) -> int:
        async with self._database.transaction() as session:
            kept = await operators.wizard(session, bot, telegram_id)
            if kept is None or kept.expires_at > now:
                return 0
            await operators.end_wizard(session, bot, telegram_id)
            desk = await desk_of(session, bot, telegram_id, now)
            if desk is not None:
                await desk.say(_(EXPIRED, desk.language))
        return 1


def _arrived(draft: Draft, file_id: str, sha256: str) -> None:
    """Note a file's bytes in every message it was sent for; one that did not come is left out."""
    for spec in specs(draft.body):
        for one in spec.get("media") or ():
            if one.get("file_id") == file_id and not one.get("sha256"):
                one["sha256"] = sha256
                if not sha256:
                    one["gone"] = True
        spec["media"] = [one for one in spec.get("media") or () if not one.get("gone")]
