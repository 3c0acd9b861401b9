"""The broadcast origin: a claimed row becomes a message, unless it must not go any more.

A row is skipped when its contact cannot be reached, has got the broadcast already, or, with a live
audience, is not meant any more. Rows of a paused broadcast are put aside, those of a cancelled one
dropped: whatever the launch has not yet taken out of the queue.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries
from dripline.broadcasts.leaving import (
    Fates,
    Leaving,
    Person,
    copy_beside,
    of_copy,
    test_of,
)
from dripline.broadcasts.models import LIVE, PAUSED, RUNNING, Broadcast
from dripline.broadcasts.pinned import Pinned, Shelf
from dripline.broadcasts.render import Renderer
from dripline.clock import to_us
from dripline.contacts import segments
from dripline.contacts.models import REACHABLE
from dripline.deliveries import queries as deliveries
from dripline.deliveries import queue
from dripline.deliveries.decisions import decision
from dripline.deliveries.protocols import Claimed, Ready, Result
from dripline.deliveries.routing import Routing


class BroadcastOrigin:
    """Sends what the launch queued, and tests."""

    def __init__(self, renderer: Renderer, routing: Routing | None = None) -> None:
        self._renderer = renderer
        self._routing = routing or Routing()
        self._shelf = Shelf()

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Return what is to be sent now; what is not is noted, put aside or dropped."""
        known = await queries.by_numbers(session, {row.turn for row in claimed})
        ready: list[Ready] = []
        for number, rows in groupby(sorted(claimed, key=_number), key=_number):
            broadcast = known.get(number)
            if broadcast is not None:
                ready += await self._of_broadcast(session, broadcast, list(rows), now)
        return ready

    async def _of_broadcast(
        self, session: AsyncSession, broadcast: Broadcast, rows: list[Claimed], now: datetime
    ) -> list[Ready]:
        aside = [row for row in rows if test_of(row) or of_copy(row)]
        real = [row for row in rows if not test_of(row) and not of_copy(row)]
        real = await _allowed(session, broadcast, real)
        if not aside and not real:
            return []
        pinned = self._shelf.of(broadcast)
        people = await queries.people(session, {row.ref for row in (*aside, *real)})
        many_ways = self._routing.is_open
        fitting = await _fit(session, broadcast, pinned, real, people, now, many_ways=many_ways)
        leaving = await self._decide(session, broadcast, pinned, fitting, people, now)
        leaving += [Leaving(row, people[row.ref]) for row in aside if _may_go(row, people)]
        renders = await self._renderer.calls(
            session,
            pinned,
            [one.person[0] for one in leaving],
            [one.person[1].channel for one in leaving],
        )
        ready = [one.ready(broadcast, render) for one, render in zip(leaving, renders, strict=True)]
        counting = [one for one in ready if one.counts and not one.source.resend]
        await self._routing.count(session, counting, now)
        return ready

    async def _decide(
        self,
        session: AsyncSession,
        broadcast: Broadcast,
        pinned: Pinned,
        rows: list[Claimed],
        people: Mapping[uuid.UUID, Person],
        now: datetime,
    ) -> list[Leaving]:
        """Return what leaves now, and where to; queue again or leave out the rest."""
        ids = {people[row.ref][0].id for row in rows}
        reaches = await self._routing.reaches(session, ids)
        spent = await self._routing.spent(session, ids, now)
        fates = Fates(broadcast, now)
        for row in rows:
            contact = people[row.ref][0]
            fates.add(
                row,
                people[row.ref],
                reaches.get(contact.id),
                pinned.message.channel,
                spent.get(contact.id),
            )
        await queue.push(session, fates.again, now_us=to_us(now))
        await deliveries.insert_decisions(session, fates.waits)
        await _note(session, broadcast, fates.left_out, now)
        await queries.count_up(session, broadcast.number, skipped=len(fates.left_out))
        return fates.leaving

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Count what has ended, and note who was missed."""
        real = [result for result in results if not result.ready.source.resend]
        for number, group in groupby(sorted(real, key=_of_result), key=_of_result):
            ended = list(group)
            failed = [result for result in ended if result.status != "sent"]
            await queries.note_missed(session, [_missed(result) for result in failed])
            await queries.count_up(
                session, number, sent=len(ended) - len(failed), failed=len(failed)
            )
        copies = [copy_beside(result, now) for result in real if result.status == "sent"]
        await queue.push(session, [one for one in copies if one is not None], now_us=to_us(now))


def _may_go(row: Claimed, people: Mapping[uuid.UUID, Person]) -> bool:
    known = people.get(row.ref)
    return known is not None and (of_copy(row) is None or known[2] == REACHABLE)


def _number(row: Claimed) -> int:
    return row.turn


def _of_result(result: Result) -> int:
    return result.ready.claimed.turn


async def _allowed(
    session: AsyncSession, broadcast: Broadcast, rows: list[Claimed]
) -> list[Claimed]:
    """Return the rows if the broadcast is running; else put them aside, or drop them."""
    if broadcast.status == RUNNING or not rows:
        return rows
    if broadcast.status == PAUSED:
        await queries.park(session, [parked(broadcast.id, row) for row in rows])
    else:
        await queries.count_up(session, broadcast.number, skipped=len(rows))
    return []


def parked(broadcast_id: uuid.UUID, row: Any) -> dict[str, Any]:
    """Return how a queue row is put aside."""
    return {
        "broadcast_id": broadcast_id,
        "id": row.id,
        "address_id": row.ref,
        "attempt": row.attempt,
        "detail": row.detail,
    }


async def _fit(
    session: AsyncSession,
    broadcast: Broadcast,
    pinned: Pinned,
    rows: list[Claimed],
    people: dict[uuid.UUID, Person],
    now: datetime,
    *,
    many_ways: bool,
) -> list[Claimed]:
    """Return the rows that may go; note the others with the reason.

    With `many_ways`, one address that does not reach a contact is no reason yet.
    """
    ids = {people[row.ref][0].id for row in rows if row.ref in people}
    had = await queries.served(session, broadcast.id, ids) if ids else set()
    meant = ids
    if broadcast.audience == LIVE and ids:
        meant = await segments.members(session, pinned.segment, now, ids)
    leaving: list[Claimed] = []
    skipped: list[tuple[uuid.UUID, str]] = []
    gone = 0
    for row in rows:
        if row.ref not in people:
            gone += 1  # erased meanwhile, with everything we knew
            continue
        contact, _address, reachability = people[row.ref]
        reason = _reason(contact.id, None if many_ways else reachability, had, meant)
        had.add(contact.id)
        if reason is None:
            leaving.append(row)
        else:
            skipped.append((contact.id, reason))
    await _note(session, broadcast, skipped, now)
    await queries.count_up(session, broadcast.number, skipped=len(skipped) + gone)
    return leaving


def _reason(
    contact_id: uuid.UUID, reachability: str | None, had: set[uuid.UUID], meant: set[uuid.UUID]
) -> str | None:
    if contact_id in had:
        return "already_got"
    if reachability not in {None, REACHABLE}:
        return reachability
    return None if contact_id in meant else "not_meant_any_more"


async def _note(
    session: AsyncSession,
    broadcast: Broadcast,
    skipped: list[tuple[uuid.UUID, str]],
    now: datetime,
) -> None:
    missed = [(contact_id, reason) for contact_id, reason in skipped if reason != "already_got"]
    if not missed:
        return
    await queries.note_missed(
        session,
        [
            {
                "broadcast_id": broadcast.id,
                "contact_id": contact_id,
                "code": reason,
                "reason": None,
                "at": now,
            }
            for contact_id, reason in missed
        ],
    )
    await deliveries.insert_decisions(
        session,
        [
            decision(
                contact_id=contact_id,
                origin_id=broadcast.id,
                kind="skip",
                reason=reason,
                now=now,
                message_id=broadcast.key,
            )
            for contact_id, reason in missed
        ],
    )


def _missed(result: Result) -> dict[str, Any]:
    return {
        "broadcast_id": result.ready.source.origin_id,
        "contact_id": result.ready.contact_id,
        "code": (result.failure_code or "failed")[:40],
        "reason": result.failure,
        "at": result.at,
    }
