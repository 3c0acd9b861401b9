"""Duty: what only time brings: the end of a hold, decay, churn, and new rules for everybody.

A run costs what is due. Everybody is paged through once after `lifecycle.json` has changed in what
moves people; how far that is, is kept, so that a restart goes on there.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.events import NewEvent, append
from dripline.lifecycle import queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.document import WARNING, rules_of
from dripline.lifecycle.move import INACTIVE, NEW_RULES, Cause, change, idle_of, plan_look, settle
from dripline.lifecycle.queries import Present
from dripline.lifecycle.rules import CHURN, CHURNED, HIDE, WARN, Rules, judge_idle
from dripline.lifecycle.send import address_of, send
from dripline.lifecycle.verify import look

WARNED, DECAYED = "lifecycle.warned", "lifecycle.decayed"
_PAGE: Final = 50  # SQLite's other writers wait meanwhile


class LifecycleDuty:
    """Looks at what time has brought."""

    def __init__(self, database: Database, store: ContentStore) -> None:
        self._database = database
        self._store = store

    async def run_once(self, now: datetime) -> int:
        """Look at what is due; return how much was done."""
        return await self._referrals(now) + await self._idle(now) + await self._sweep(now)

    async def _referrals(self, now: datetime) -> int:
        async with self._database.reading() as session:
            if not await referrals.due_for_a_look(session, now, 1):
                return 0
        async with self._database.transaction() as session:
            rules = rules_of(await self._store.current(session))
            due = await referrals.due_for_a_look(session, now, _PAGE)
            for referral_id in due:
                await look(session, rules, referral_id, now)
        return len(due)

    async def _idle(self, now: datetime) -> int:
        async with self._database.reading() as session:
            if not await queries.due_for_a_look(session, now, 1):
                return 0
        async with self._database.transaction() as session:
            rules = rules_of(await self._store.current(session))
            due = await queries.due_for_a_look(session, now, _PAGE)
            for contact_id in due:
                present = await queries.lock(session, contact_id)
                if present is not None:
                    await _judge(session, rules, present, now)
        return len(due)

    async def _sweep(self, now: datetime) -> int:
        async with self._database.reading() as session:
            rules = rules_of(await self._store.current(session))
            known = await queries.sweep(session)
            if not rules.configured or (
                known is not None and known.rules == rules.fingerprint and known.done_at
            ):
                return 0
        async with self._database.transaction() as session:
            return await _page(session, rules, now)


async def _page(session: AsyncSession, rules: Rules, now: datetime) -> int:
    known = await queries.sweep(session)
    after = known.after if known is not None and known.rules == rules.fingerprint else None
    page = await queries.contacts_after(session, after, _PAGE)
    for contact_id in page:
        await settle(session, rules, contact_id, Cause(NEW_RULES), now)
    done = now if len(page) < _PAGE else None
    last = page[-1] if page else after
    await queries.save_sweep(session, rules.fingerprint, last, done)
    return len(page)


async def _judge(session: AsyncSession, rules: Rules, present: Present, now: datetime) -> None:
    verdict = judge_idle(rules, idle_of(present), now)
    match verdict.action:
        case str(action) if action == WARN:
            await _warn(session, rules, present, now)
        case str(action) if action == HIDE:
            await queries.save(session, present.contact_id, decay_hidden_at=now)
            await _tell(session, DECAYED, present, now)
            hidden = present._replace(decay_hidden_at=now)
            await plan_look(session, rules, hidden, now)
        case str(action) if action == CHURN:
            await change(session, rules, present, CHURNED, Cause(INACTIVE), now)
        case _:
            await queries.save(session, present.contact_id, check_at=verdict.again_at)


async def _warn(session: AsyncSession, rules: Rules, present: Present, now: datetime) -> None:
    await queries.save(session, present.contact_id, decay_warned_at=now)
    await _tell(session, WARNED, present, now)
    address = await address_of(session, present.contact_id)
    if address is not None:
        message = rules.decay.message if rules.decay else None
        await send(session, address, message or WARNING, now)
    await plan_look(session, rules, present._replace(decay_warned_at=now), now)


async def _tell(session: AsyncSession, name: str, present: Present, now: datetime) -> None:
    data = {"state": present.state, "last_active_at": present.last_active_at.isoformat()}
    source_id = f"{name}:{present.contact_id.hex}:{present.last_active_at.isoformat()}"
    await append(session, NewEvent(name, present.contact_id, "lifecycle", source_id, now, data))
