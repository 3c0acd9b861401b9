"""Duty: what only time brings: the end of a hold, decay, churn, and new rules for everybody.

A run costs what is due. Everybody is paged through once after `lifecycle.json` has changed in what
moves people; how far that is, is kept, so that a restart goes on there.
"""

import time
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.store import ContentStore
from dripline.database import Database
from dripline.events import NewEvent, append
from dripline.lifecycle import queries
from dripline.lifecycle import referral_queries as referrals
from dripline.lifecycle.document import WARNING, rules_of
from dripline.lifecycle.move import (
    INACTIVE,
    NEW_RULES,
    Cause,
    change,
    facts_of,
    idle_of,
    plan_look,
    settle,
)
from dripline.lifecycle.queries import Present
from dripline.lifecycle.rules import CHURN, CHURNED, HIDE, WARN, Rules, judge_idle, state_for
from dripline.lifecycle.send import address_of, send
from dripline.lifecycle.verify import look

WARNED, DECAYED = "lifecycle.warned", "lifecycle.decayed"
_PAGE: Final = 50
_SWEPT: Final = 500
_LONGEST_S: Final = 0.03  # SQLite's other writers wait meanwhile


class LifecycleDuty:
    """Looks at what time has brought."""

    def __init__(self, database: Database, store: ContentStore) -> None:
        self._database = database
        self._store = store
        self._swept: int | None = None  # the version of the content under which all is swept

    async def run_once(self, now: datetime) -> int:
        """Look at what is due; return how much was done."""
        return await self._referrals(now) + await self._idle(now) + await self._sweep(now)

    async def _referrals(self, now: datetime) -> int:
        if not await referrals.any_due_for_a_look(self._database, now):
            return 0
        async with self._database.transaction() as session:
            rules = rules_of(await self._store.current(session))
            until, done = time.monotonic() + _LONGEST_S, 0
            for referral_id in await referrals.due_for_a_look(session, now, _PAGE):
                await look(session, rules, referral_id, now)
                done += 1
                if time.monotonic() > until:
                    break
        return done

    async def _idle(self, now: datetime) -> int:
        if not await queries.any_due_for_a_look(self._database, now):
            return 0
        async with self._database.transaction() as session:
            rules = rules_of(await self._store.current(session))
            until, done = time.monotonic() + _LONGEST_S, 0
            for contact_id in await queries.due_for_a_look(session, now, _PAGE):
                present = await queries.lock(session, contact_id)
                if present is not None:
                    await _judge(session, rules, present, now)
                done += 1
                if time.monotonic() > until:
                    break
        return done

    async def _sweep(self, now: datetime) -> int:
        if await self._store.version() == self._swept:
            return 0
        async with self._database.reading() as session:
            library = await self._store.current(session)
            rules = rules_of(library)
            known = await queries.sweep(session)
            if not rules.configured or (
                known is not None and known.rules == rules.fingerprint and known.done_at
            ):
                self._swept = library.version
                return 0
        async with self._database.transaction() as session:
            return await _page(session, rules, now)


async def _page(session: AsyncSession, rules: Rules, now: datetime) -> int:
    known = await queries.sweep(session)
    after = known.after if known is not None and known.rules == rules.fingerprint else None
    page = await queries.present_after(session, after, _SWEPT)
    until, done, last = time.monotonic() + _LONGEST_S, 0, after
    for done, present in enumerate(page, 1):  # noqa: B007 - how many is the answer
        last = present.contact_id
        if _concerns(rules, present, now):
            await settle(session, rules, last, Cause(NEW_RULES), now)
        if time.monotonic() > until:
            break
    is_end = done == len(page) < _SWEPT
    await queries.save_sweep(session, rules.fingerprint, last, now if is_end else None)
    return done


def _concerns(rules: Rules, present: Present, now: datetime) -> bool:
    """Whether the rules have anything for a contact: another state, or a look at inactivity."""
    verdict = judge_idle(rules, idle_of(present), now)
    return (
        state_for(rules, facts_of(present)) != present.state
        or verdict.action is not None
        or verdict.again_at is not None
    )


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
