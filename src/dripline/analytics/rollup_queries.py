"""Every statement that keeps the numbers: folding tallies into days, counting what there is."""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, literal_column, not_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.analytics.models import Count, DeliveryDay
from dripline.clock import to_us
from dripline.contacts.models import Address, Contact
from dripline.database import Database, bulk, insert_new
from dripline.database.bulk import Statement
from dripline.deliveries.models import Delivery, DeliveryTally
from dripline.deliveries.tallies import COUNTED
from dripline.engagement.models import EngagementScore as Score
from dripline.engagement.score import LEVELS, points_for
from dripline.events.models import Event
from dripline.payments.models import Payment
from dripline.scenarios.models import COMPLETED, Enrollment

_FAILED = ("failed", "bounced")  # as the index of what failed says it
_CLEARED = "failed_cleared"
_ANY_TALLY = bulk.same("SELECT 1 FROM delivery_tallies LIMIT 1")
_NEWEST = bulk.same(
    """
    SELECT (SELECT id FROM events ORDER BY id DESC LIMIT 1),
           (SELECT id FROM contacts ORDER BY id DESC LIMIT 1),
           (SELECT version FROM content_state WHERE id = 1)
    """
)
KIND = ("day", "channel", "origin", "scenario_id", "message_id")
_TALLIES = f"SELECT id, {', '.join((*KIND, *COUNTED))} FROM delivery_tallies ORDER BY id LIMIT"  # noqa: S608
_OPEN = Statement(sqlite=f"{_TALLIES} ?", postgresql=f"{_TALLIES} $1 FOR UPDATE SKIP LOCKED")
_DELETE = Statement(
    sqlite="DELETE FROM delivery_tallies WHERE id IN ({keys})",
    postgresql="DELETE FROM delivery_tallies WHERE id = ANY($1::uuid[])",
)


async def newest(database: Database) -> tuple[Any, ...]:
    """Return what differs as soon as something has happened that may be counted."""
    return tuple((await database.glance(_NEWEST))[0])


async def open_tallies_exist(database: Database) -> bool:
    """Whether there is anything to fold."""
    return bool(await database.glance(_ANY_TALLY))


async def open_tallies(session: AsyncSession, limit: int) -> Sequence[Any]:
    """Return tallies to fold, oldest first, ours until the transaction ends.

    Each is its id (as the driver reads it), its kind, and its counts.
    """
    return await bulk.run(session, _OPEN, limit)


async def delete_tallies(session: AsyncSession, ids: Iterable[uuid.UUID | bytes]) -> None:
    """Delete tallies that are folded in."""
    await bulk.read(session, _DELETE, ids)


async def add_to_days(session: AsyncSession, sums: Mapping[tuple[str, ...], Sequence[int]]) -> None:
    """Add to the counts of days; in one order, so that no two workers block each other."""
    for kind in sorted(sums):
        values = dict(zip(KIND, kind, strict=True)) | dict(zip(COUNTED, sums[kind], strict=True))
        statement = insert_new(session, DeliveryDay).values(values)
        more = {name: getattr(DeliveryDay, name) + statement.excluded[name] for name in COUNTED}
        await session.execute(statement.on_conflict_do_update(index_elements=list(KIND), set_=more))


async def replace_counts(
    session: AsyncSession, name: str, values: Mapping[str, int], now: datetime, only: str = ""
) -> None:
    """Put fresh counts in the place of those of this name; `only` of keys that begin so."""
    old = delete(Count).where(Count.name == name)
    if only:
        old = old.where(Count.key.startswith(only, autoescape=True))
    await session.execute(old)
    rows = [
        {"name": name, "key": key[:160], "value": value, "counted_at": now}
        for key, value in values.items()
    ]
    if rows:
        await session.execute(insert_new(session, Count), rows)


async def contacts_by_state(session: AsyncSession) -> dict[str, int]:
    """Return how many contacts are in each state."""
    rows = await session.execute(select(Contact.state, func.count()).group_by(Contact.state))
    return {row[0]: row[1] for row in rows}


async def addresses_by_reachability(session: AsyncSession) -> dict[str, int]:
    """Return how many addresses there are, by `channel:reachability`."""
    rows = await session.execute(
        select(Address.channel, Address.reachability, func.count()).group_by(
            Address.channel, Address.reachability
        )
    )
    return {f"{row[0]}:{row[1]}": row[2] for row in rows}


async def enrollments_by_status(session: AsyncSession) -> dict[str, int]:
    """Return how many enrollments there are, by `scenario:status`; from an index alone."""
    rows = await session.execute(
        select(Enrollment.scenario_id, Enrollment.status, func.count()).group_by(
            Enrollment.scenario_id, Enrollment.status
        )
    )
    return {f"{row[0]}:{row[1]}": row[2] for row in rows}


async def scores_by_level(
    session: AsyncSession, now: datetime, levels: Mapping[str, float] = LEVELS
) -> dict[str, int]:
    """Return how many contacts' scores are on each level, by `type:level`; in one walk."""
    at = to_us(now)
    higher, columns = None, []
    for level, least in levels.items():
        # One point is left `half_life * log2(points)` after the moment at which there were so many.
        ahead = math.log2(points_for(least)) * 1_000_000 if least else None
        limit = Score.half_life * literal_column(f"{ahead:.3f}") if ahead is not None else None
        reached = Score.fades_at - limit >= at if limit is not None else true()
        here = reached if higher is None else and_(reached, not_(higher))
        columns.append(func.sum(case((here, 1), else_=0)).label(level))
        higher = reached
    rows = await session.execute(select(Score.type, *columns).group_by(Score.type))
    return {
        f"{row[0]}:{level}": int(row[place])
        for row in rows
        for place, level in enumerate(levels, 1)
    }


async def cohort(session: AsyncSession, since: uuid.UUID, until: uuid.UUID) -> dict[str, int]:
    """Return how many contacts came between two ids, and how many of them got how far."""
    ours = (Contact.id >= since, Contact.id < until)
    paid = select(Payment.contact_id).where(Payment.contact_id.between(since, until))
    done = select(Enrollment.contact_id).where(
        Enrollment.contact_id.between(since, until), Enrollment.status == COMPLETED
    )
    row = (
        await session.execute(
            select(
                func.count(),
                func.sum(case((Contact.registered_at.is_not(None), 1), else_=0)),
                func.sum(case((Contact.id.in_(done), 1), else_=0)),
                func.sum(case((Contact.id.in_(paid), 1), else_=0)),
            ).where(*ours)
        )
    ).one()
    names = ("contacts", "registered", "completed", "paid")
    return {name: int(value or 0) for name, value in zip(names, row, strict=True)}


async def counts(session: AsyncSession, *names: str) -> dict[str, dict[str, int]]:
    """Return counts by name and key."""
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    rows = await session.execute(
        select(Count.name, Count.key, Count.value).where(Count.name.in_(names))
    )
    for name, key, value in rows:
        found[name][key] = value
    return found


async def counted_at(session: AsyncSession) -> datetime | None:
    """Return when what there is was counted last."""
    return await session.scalar(select(func.min(Count.counted_at)).where(Count.name == "contacts"))


async def sums(
    session: AsyncSession, by: Sequence[str], since: str, **only: str
) -> list[tuple[Any, ...]]:
    """Return the counts of messages since a day, by these columns; what is not folded in, too.

    Each table is added up by itself, in the order of its key, and both in one statement: between
    two, a tally could be folded in. A few groups are then put together here.
    """
    parts = []
    for model in (DeliveryDay, DeliveryTally):
        groups = [getattr(model, name) for name in by]
        part = select(*groups, *(func.sum(getattr(model, name)) for name in COUNTED)).where(
            model.day >= since, *(getattr(model, name) == value for name, value in only.items())
        )
        parts.append(part.group_by(*groups) if groups else part)
    width = len(by)
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in await session.execute(parts[0].union_all(parts[1])):
        counts = found.setdefault(tuple(row[:width]), [0] * len(COUNTED))
        for place, value in enumerate(row[width:]):
            counts[place] += int(value or 0)
    return [(*kind, *found[kind]) for kind in sorted(found)]


async def count_events(
    session: AsyncSession, names: Sequence[str], since: datetime
) -> dict[str, int]:
    """Return how often something happened since a moment, by name; from an index alone."""
    rows = await session.execute(
        select(Event.name, func.count())
        .where(Event.name.in_(names), Event.occurred_at >= since, Event.source != "delivery")
        .group_by(Event.name)
    )
    return {row[0]: row[1] for row in rows}


async def failed_since(session: AsyncSession, since: uuid.UUID | None, most: int) -> int:
    """Return how many deliveries behind this one failed or bounced, counted up to `most`."""
    inner = select(Delivery.id).where(Delivery.status.in_(_FAILED))
    if since is not None:
        inner = inner.where(Delivery.id > since)
    limited = inner.limit(most).subquery()
    return int(await session.scalar(select(func.count()).select_from(limited)) or 0)


async def cleared(session: AsyncSession) -> uuid.UUID | None:
    """Return the last failed delivery that was cleared, or None."""
    key = await session.scalar(select(Count.key).where(Count.name == _CLEARED))
    return uuid.UUID(hex=key) if key else None


async def clear_failed(session: AsyncSession, now: datetime) -> int:
    """Let failed deliveries up to now be shown no more; return how many those are."""
    before = await cleared(session)
    last = await session.scalar(
        select(Delivery.id)
        .where(Delivery.status.in_(_FAILED))
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    if last is None or last == before:
        return 0
    number = await failed_since(session, before, 2**31)
    await replace_counts(session, _CLEARED, {last.hex: number}, now)
    return number
