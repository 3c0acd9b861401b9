"""Every statement on the pace of keys and chats."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, case, cast, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Address
from dripline.database import bulk, insert_new
from dripline.database.bulk import Statement
from dripline.deliveries import pace
from dripline.deliveries.models import (
    Pace,
)

_LOCK_PACE = Statement(
    sqlite="SELECT key, interval_us, tat_us, hold_until_us FROM pace ORDER BY key",
    postgresql="""
        SELECT key, interval_us, tat_us, hold_until_us FROM pace ORDER BY key FOR UPDATE
    """,
)

_MOVE_PACE = Statement(
    sqlite="UPDATE pace SET tat_us = ?1 WHERE key = ?2",
    postgresql="""
        UPDATE pace p SET tat_us = n.tat FROM unnest($1::bigint[], $2::text[]) AS n (tat, key)
        WHERE p.key = n.key
    """,
)

_CLEAR_OUTAGES = Statement(
    sqlite="UPDATE pace SET outages = 0, hold_reason = NULL WHERE key = ? AND outages > 0",
    postgresql="UPDATE pace SET outages = 0, hold_reason = NULL WHERE key = $1 AND outages > 0",
)

# A hold may last a day. But nothing leaves while it does, so the key's next free moment stays about
# where the hold began, and tells both.
_BEGIN_ANEW_TEXT = f"""
    UPDATE pace SET tat_us = 0, hold_until_us = 0, hold_reason = NULL
    WHERE tat_us - $1 > {pace.FURTHEST_US} AND tat_us - $1 > {pace.FURTHEST_SLOTS} * interval_us
    RETURNING key
"""
_BEGIN_ANEW = Statement(sqlite=_BEGIN_ANEW_TEXT.replace("$", "?"), postgresql=_BEGIN_ANEW_TEXT)

_NEXT_SEND = Statement(
    sqlite="UPDATE addresses SET next_send_at = max(next_send_at, ?) WHERE id = ?",
    postgresql="""
        UPDATE addresses a SET next_send_at = greatest(a.next_send_at, n.at)
        FROM unnest($1::bigint[], $2::uuid[]) AS n (at, id) WHERE a.id = n.id
    """,
)


@dataclass(frozen=True, slots=True)
class KeyPace:
    """The pace of a key, locked by this transaction."""

    key: str
    interval_us: float
    tat_us: int
    hold_until_us: int


async def lock_pace(session: AsyncSession) -> list[KeyPace]:
    """Return the pace of all keys, locked until this transaction ends."""
    return [KeyPace(row[0], row[1], row[2], row[3]) for row in await bulk.run(session, _LOCK_PACE)]


async def move_pace(session: AsyncSession, moved: Sequence[tuple[int, str]]) -> None:
    """Set the next free moment of keys, as pairs of moment and key."""
    await bulk.write(session, _MOVE_PACE, moved)


async def ensure_pace(session: AsyncSession, key: str, interval_us: float) -> None:
    """Make a key known with its interval; what holds it is left, for other workers' sake."""
    statement = insert_new(session, Pace).values(key=key, interval_us=interval_us)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"interval_us": interval_us})
    )


async def take_turn(session: AsyncSession, key: str, interval_us: float, first_us: int) -> int:
    """Take the next free moment of a key, `first_us` at the earliest; return it.

    A key that is not known becomes so. Real time, in microseconds.
    """
    step = int(interval_us)
    made = insert_new(session, Pace).values(
        key=key, interval_us=interval_us, tat_us=first_us + step
    )
    at = case((Pace.tat_us > first_us, Pace.tat_us), else_=first_us)
    taken = made.on_conflict_do_update(
        index_elements=["key"], set_={"interval_us": interval_us, "tat_us": at + step}
    ).returning(Pace.tat_us)
    return int((await session.execute(taken)).scalar_one()) - step


async def hold_pace(
    session: AsyncSession, key: str, until_us: int, reason: str, outages: int | None = None
) -> None:
    """Let nothing leave under a key until a moment of real time; never shortens a hold."""
    values: dict[str, Any] = {"hold_until_us": until_us, "hold_reason": reason}
    if outages is not None:
        values["outages"] = outages
    await session.execute(
        update(Pace).where(Pace.key == key, Pace.hold_until_us < until_us).values(values)
    )


async def begin_pace_anew(session: AsyncSession, real_us: int) -> list[str]:
    """Free keys whose pace and hold are of a clock that has been set back since; return them."""
    return [row[0] for row in await bulk.run(session, _BEGIN_ANEW, real_us)]


async def charge_pace(session: AsyncSession, key: str, requests: int) -> None:
    """Count further requests of messages that took more than one."""
    await session.execute(
        update(Pace)
        .where(Pace.key == key)
        .values(tat_us=Pace.tat_us + cast(Pace.interval_us * requests, BigInteger))
    )


async def count_outage(session: AsyncSession, key: str) -> None:
    """Count an outage of a key without holding it yet."""
    await session.execute(update(Pace).where(Pace.key == key).values(outages=Pace.outages + 1))


async def clear_outages(session: AsyncSession, key: str) -> None:
    """The channel answers again."""
    await bulk.run(session, _CLEAR_OUTAGES, key)


async def outages_of(session: AsyncSession, key: str) -> tuple[int, int]:
    """Return how many outages in a row a key has had, and until when it is held."""
    found = await session.execute(select(Pace.outages, Pace.hold_until_us).where(Pace.key == key))
    row = found.one_or_none()
    return (0, 0) if row is None else (row.outages, row.hold_until_us)


async def held_keys(session: AsyncSession, real_us: int) -> list[tuple[str, str | None]]:
    """Return the keys under which nothing may leave now, with the reason."""
    found = await session.execute(
        select(Pace.key, Pace.hold_reason).where(Pace.hold_until_us > real_us)
    )
    return [(row.key, row.hold_reason) for row in found]


async def free_chats(session: AsyncSession) -> None:
    """Let all addresses take their next message at once."""
    await session.execute(
        update(Address).where(Address.next_send_at > 0).values(next_send_at=0),
        execution_options={"synchronize_session": False},
    )


async def set_next_send(session: AsyncSession, moments: Sequence[tuple[int, uuid.UUID]]) -> None:
    """Set from when on addresses take their next message, at the earliest, by address."""
    await bulk.write(session, _NEXT_SEND, moments)
