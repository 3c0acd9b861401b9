"""The broadcast origin: a claimed row becomes a message, unless it must not go any more.

A row is skipped when its contact cannot be reached, has got the broadcast already, or, with a live
audience, is not meant any more. Rows of a paused broadcast are put aside, those of a cancelled one
dropped: whatever the launch has not yet taken out of the queue.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries
from dripline.broadcasts.models import LIVE, PAUSED, RUNNING, Broadcast
from dripline.broadcasts.pinned import Pinned, Shelf
from dripline.broadcasts.queries import RUN
from dripline.broadcasts.render import Renderer
from dripline.contacts import segments
from dripline.contacts.models import REACHABLE, Contact
from dripline.database import load_json
from dripline.deliveries import queries as deliveries
from dripline.deliveries.decisions import decision
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, Result, Source

Person = tuple[Contact, AddressRef, str]


class BroadcastOrigin:
    """Sends what the launch queued, and tests."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
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
        tests = [row for row in rows if test_of(row)]
        real = await _allowed(session, broadcast, [row for row in rows if not test_of(row)])
        if not tests and not real:
            return []
        pinned = self._shelf.of(broadcast)
        people = await queries.people(session, {row.ref for row in (*tests, *real)})
        leaving = await _fit(session, broadcast, pinned, real, people, now)
        leaving += [row for row in tests if row.ref in people]
        renders = await self._renderer.calls(
            session,
            pinned,
            [people[row.ref][0] for row in leaving],
            [people[row.ref][1].channel for row in leaving],
        )
        return [
            _ready(broadcast, row, people[row.ref], render)
            for row, render in zip(leaving, renders, strict=True)
        ]

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


def test_of(row: Claimed) -> int:
    """Return what tells a test from others, or 0 for a row that counts."""
    return int(load_json(row.detail).get("test", 0)) if row.detail else 0


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
) -> list[Claimed]:
    """Return the rows that may go; note the others with the reason."""
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
        reason = _reason(contact.id, reachability, had, meant)
        had.add(contact.id)
        if reason is None:
            leaving.append(row)
        else:
            skipped.append((contact.id, reason))
    await _note(session, broadcast, skipped, now)
    await queries.count_up(session, broadcast.number, skipped=len(skipped) + gone)
    return leaving


def _reason(
    contact_id: uuid.UUID, reachability: str, had: set[uuid.UUID], meant: set[uuid.UUID]
) -> str | None:
    if contact_id in had:
        return "already_got"
    if reachability != REACHABLE:
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


def _ready(broadcast: Broadcast, row: Claimed, person: Person, render: Any) -> Ready:
    contact, address, _reachability = person
    test = test_of(row)
    return Ready(
        row,
        contact.id,
        address,
        render,
        Source(broadcast.id, 0 if test else RUN, None, broadcast.key, test),
        {"reason": "broadcast_test" if test else "broadcast"},
    )
