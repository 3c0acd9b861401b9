"""Claim what is due: one short transaction, before the network.

1. Look at the head of each pace key and priority; with nothing due, that is all (no write). Under
   load, when something is sure to be due, this is done within the transaction.
2. Lock the pace of all keys and work out the slots of each.
3. Take that many rows out of the queue, replies first.
4. Let their origins decide. What is not to be sent now is settled right here.
5. Keep each chat to one message a second, and hand each message its slot.
6. Put the rows in flight under a lease, and move the pace on by the slots used.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import to_us
from dripline.database import Database
from dripline.database.failures import will_pass
from dripline.deliveries import pace, queries, queue
from dripline.deliveries.identity import name_emails
from dripline.deliveries.passed import Place
from dripline.deliveries.protocols import AddressRef, Claimed, Origin, Ready
from dripline.deliveries.rests import Rests

log = structlog.get_logger()
# A chat that is busy for longer than this gives its place to others.
_LONGEST_CHAT_WAIT_US = 3_000_000
# A row that breaks its origin (a bug, a broken record) is looked at again after this long.
_POISONED_US = 600_000_000


@dataclass(slots=True)
class Flight:
    """A message on its way: what to send, under which claim, from which moment of real time."""

    ready: Ready
    claim: int
    slot_us: int

    @property
    def held_as(self) -> tuple[uuid.UUID, int]:
        """The row, and the claim that holds it."""
        return self.ready.claimed.id, self.claim


@dataclass(frozen=True, slots=True)
class Terms:
    """On whose behalf, how many, and until when a claim holds. Times in real microseconds.

    `sure` says that something is due, most likely: then it is not looked for beforehand. `chat_us`
    is how long a chat rests between two messages; with `rests`, the caller knows which do.
    """

    worker: str
    room: int
    real_us: int
    lease_until_us: int
    sure: bool = False
    chat_us: int = pace.CHAT_INTERVAL_US
    passed: Mapping[Place, int] = field(default_factory=dict)  # where to begin to look, if sure
    rests: Rests | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought: messages to send, how many rows it took, and whether more are due.

    `paced`: more may be due, and wait for a slot. When it took none, `next_due_us` is the domain's
    moment of the earliest row, if there is one. `rests`: until when chats rest now, by address.
    """

    flights: list[Flight]
    taken: int
    more: bool = False
    next_due_us: int | None = None
    paced: bool = False
    passed: Mapping[Place, int] = field(default_factory=dict)  # the last moments that were taken
    rests: Mapping[uuid.UUID, int] = field(default_factory=dict)


async def next_due_us(database: Database) -> int | None:
    """Return the domain's moment of the earliest row that may leave, or None."""
    return _earliest(await queries.glance_at_heads(database))


def _earliest(heads: Sequence[queries.Head]) -> int | None:
    return min((head.due_us for head in heads if head.due_us is not None), default=None)


async def claim(
    database: Database,
    origins: Mapping[str, Origin],
    terms: Terms,
    now: datetime,
    *,
    one_by_one: bool = False,
) -> Claim:
    """Claim due rows and return those that are to be sent now, each with its slot.

    With `one_by_one`, each row is decided in a savepoint of its own, and one that breaks its origin
    is put off: the way on after a claim has failed.
    """
    now_us = to_us(now)
    if not terms.sure:
        heads = await queries.glance_at_heads(database)
        if not _due_heads(heads, now_us, terms.real_us):
            return Claim([], 0, next_due_us=_earliest(heads))
    # A server's death must not undo a claim whose worker lives on: another would claim and send the
    # same. A file's database dies with its worker, and what the claim took is due again.
    async with database.transaction(lasts=not database.is_sqlite) as session:
        heads = await queries.heads(session, terms.passed)
        due = _due_heads(heads, now_us, terms.real_us)
        if not due:
            return Claim([], 0, next_due_us=_earliest(heads))
        number = random.getrandbits(62)
        flights: list[Flight] = []
        moved: list[tuple[int, str]] = []
        passed: dict[Place, int] = {}
        rests: dict[uuid.UUID, int] = {}
        taken, more, paced = 0, False, False
        for key in await queries.lock_pace(session):
            if key.key not in due:
                continue
            granted = pace.slots(
                tat_us=key.tat_us,
                hold_until_us=key.hold_until_us,
                interval_us=key.interval_us,
                now_us=terms.real_us,
                most=terms.room - len(flights),
            )
            rows = await _take(session, key.key, due[key.key], now_us, granted.count, terms.passed)
            passed |= {(row.pace_key, row.priority): row.due_us for row in rows}
            taken += len(rows)
            more = more or (bool(rows) and len(rows) == granted.most)
            paced = paced or len(rows) == granted.count
            if one_by_one:
                ready = await _decide_each(session, origins, rows, now)
            else:
                ready = await _decide(session, origins, rows, now)
            leaving = await _keep_chats_apart(session, ready, granted, terms, now_us, rests)
            flights += [Flight(item, number, slot) for item, slot in leaving]
            if leaving:
                name_emails(leaving)
                moved.append((granted.tat_after(len(leaving)), key.key))
        await queries.insert_inflight(
            session,
            [f.ready.claimed for f in flights],
            number,
            terms.worker,
            terms.lease_until_us,
        )
        await queries.move_pace(session, moved)
    return Claim(flights, taken, more, paced=paced, passed=passed, rests=rests)


def _due_heads(heads: Sequence[queries.Head], now_us: int, real_us: int) -> dict[str, list[int]]:
    due: dict[str, list[int]] = {}
    for head in heads:
        if head.due_us is not None and head.due_us <= now_us and head.hold_until_us <= real_us:
            due.setdefault(head.pace_key, []).append(head.priority)
    return due


async def _take(
    session: AsyncSession,
    key: str,
    priorities: Sequence[int],
    now_us: int,
    most: int,
    passed: Mapping[Place, int],
) -> list[Claimed]:
    rows: list[Claimed] = []
    for priority in sorted(priorities):
        if len(rows) < most:
            begin_us = passed.get((key, priority), 0)
            left = most - len(rows)
            rows += await queries.take_due(session, key, priority, now_us, left, begin_us)
    return rows


async def _decide(
    session: AsyncSession, origins: Mapping[str, Origin], rows: Sequence[Claimed], now: datetime
) -> list[Ready]:
    ready: list[Ready] = []
    groups: dict[str, list[Claimed]] = {}
    for row in rows:
        groups.setdefault(row.origin, []).append(row)
    # Where room is scarce (a cap), what is more urgent takes it first.
    for name in sorted(groups, key=lambda one: min(row.priority for row in groups[one])):
        ready += await origins[name].prepare(session, groups[name], now)
    # Origins may answer in any order; messages leave in the order they were due.
    ready.sort(key=lambda item: (item.claimed.priority, item.claimed.due_us))
    return ready


async def _decide_each(
    session: AsyncSession, origins: Mapping[str, Origin], rows: Sequence[Claimed], now: datetime
) -> list[Ready]:
    ready: list[Ready] = []
    for row in rows:
        try:
            async with session.begin_nested():
                ready += await _decide(session, origins, [row], now)
        except Exception as error:
            if will_pass(error):
                raise
            log.error(
                "decision.failed", origin=row.origin, ref=row.ref.hex, error=repr(error)[:500]
            )
            later = entry_again(row, to_us(now) + _POISONED_US)
            await queue.push(session, [later], now_us=to_us(now))
    return ready


async def _keep_chats_apart(
    session: AsyncSession,
    ready: Sequence[Ready],
    granted: pace.Slots,
    terms: Terms,
    now_us: int,
    free: dict[uuid.UUID, int],
) -> list[tuple[Ready, int]]:
    """Give each message its slot, not before its chat is free; a long wait goes to the queue.

    `free` is told from when on each chat takes another message.
    """
    leaving: list[tuple[Ready, int]] = []
    later: list[queue.Entry] = []
    for item in ready:
        address = item.address
        free_us = free.get(address.id) or _free_us(address, terms)
        slot = max(granted.at(len(leaving)), free_us)
        if slot - terms.real_us > _LONGEST_CHAT_WAIT_US:
            later.append(entry_again(item.claimed, now_us + slot - terms.real_us))
            continue
        free[address.id] = slot + terms.chat_us
        leaving.append((item, slot))
    if terms.rests is None:
        await queries.set_next_send(
            session, [(free[item.address.id], item.address.id) for item, _slot in leaving]
        )
    await queue.push(session, later, now_us=now_us)
    return leaving


def _free_us(address: AddressRef, terms: Terms) -> int:
    if terms.rests is None:
        return address.next_send_us
    return max(address.next_send_us, terms.rests.until(address.id))


def entry_again(
    claimed: Claimed,
    due_us: int,
    *,
    attempt: int | None = None,
    outages: int | None = None,
    detail: str | None = None,
) -> queue.Entry:
    """Return the queue entry that offers a claimed row once more, at another time."""
    return queue.Entry(
        queue.Key(claimed.pace_key, claimed.priority, due_us, claimed.id),
        claimed.origin,
        claimed.ref,
        claimed.turn,
        claimed.attempt if attempt is None else attempt,
        claimed.outages if outages is None else outages,
        claimed.detail if detail is None else detail,
    )
