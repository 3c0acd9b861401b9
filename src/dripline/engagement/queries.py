"""Every statement of clicks, opens and the spool's way into the database."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Contact
from dripline.database import insert_new
from dripline.deliveries.models import Delivery
from dripline.engagement.models import CALLBACK, Click, LongLink, Open, Post


class Delivered(NamedTuple):
    """What a click wants to know of its delivery."""

    contact_id: uuid.UUID
    channel: str
    sent_at: datetime | None


async def keep_links(session: AsyncSession, urls: Mapping[uuid.UUID, str], now: datetime) -> None:
    """Store long urls by their names."""
    rows = [{"id": name, "url": url, "created_at": now} for name, url in urls.items()]
    if rows:
        await session.execute(insert_new(session, LongLink).on_conflict_do_nothing(), rows)


async def url_of(session: AsyncSession, name: uuid.UUID) -> str | None:
    """Return a long url by its name."""
    return await session.scalar(select(LongLink.url).where(LongLink.id == name))


async def deliveries_by_id(
    session: AsyncSession, ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Delivered]:
    """Return what is known of these deliveries."""
    statement = select(Delivery.id, Delivery.contact_id, Delivery.channel, Delivery.sent_at).where(
        Delivery.id.in_(set(ids))
    )
    rows = await session.execute(statement)
    return {row.id: Delivered(row.contact_id, row.channel, row.sent_at) for row in rows}


async def existing_contacts(session: AsyncSession, ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these contacts there are."""
    return set((await session.scalars(select(Contact.id).where(Contact.id.in_(set(ids))))).all())


async def posts_by_id(session: AsyncSession, ids: Iterable[int]) -> dict[int, Post]:
    """Return these posts."""
    rows = await session.scalars(select(Post).where(Post.id.in_(set(ids))))
    return {row.id: row for row in rows}


async def insert_clicks(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> set[uuid.UUID]:
    """Insert clicks; return the ids of those that were not there."""
    return await _insert(session, Click, rows)


async def insert_opens(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> set[uuid.UUID]:
    """Insert opens; return the ids of those that were not there."""
    return await _insert(session, Open, rows)


async def _insert(
    session: AsyncSession, model: type[Click] | type[Open], rows: Sequence[Mapping[str, Any]]
) -> set[uuid.UUID]:
    ids = {row["id"] for row in rows}
    known = set((await session.scalars(select(model.id).where(model.id.in_(ids)))).all())
    new = [row for row in rows if row["id"] not in known]
    if new:
        table = cast("Table", model.__table__)  # past the ORM, which looks at each row of a batch
        await session.execute(insert_new(session, table).on_conflict_do_nothing(), new)
    return ids - known


async def clicks_near(
    session: AsyncSession,
    delivery_ids: Iterable[uuid.UUID],
    since: datetime,
    until: datetime,
) -> Sequence[Click]:
    """Return the clicks on the links of these deliveries in a span of time."""
    statement = select(Click).where(
        Click.delivery_id.in_(set(delivery_ids)), Click.clicked_at.between(since, until)
    )
    return (await session.scalars(statement)).all()


async def mark_machine(session: AsyncSession, found: Mapping[uuid.UUID, str]) -> None:
    """Note that these clicks were a machine's, and why."""
    for click_id, why in found.items():
        await session.execute(
            update(Click)
            .where(Click.id == click_id, Click.human.is_(True))
            .values(human=False, machine=why)
        )


async def clicked_before(
    session: AsyncSession, pairs: Iterable[tuple[str, str]], before: datetime
) -> set[tuple[str, str]]:
    """Return which (person, target) of posts had a human click before a moment."""
    wanted = set(pairs)
    statement = (
        select(Click.person, Click.target)
        .distinct()
        .where(
            Click.human.is_(True),
            Click.post_id.is_not(None),
            Click.person.in_({person for person, _ in wanted}),
            Click.target.in_({target for _, target in wanted}),
            Click.clicked_at < before,
        )
    )
    return {(row.person, row.target) for row in await session.execute(statement)} & wanted


async def pressed_since(
    session: AsyncSession, contact_id: uuid.UUID, post_id: int, since: datetime
) -> bool:
    """Whether a contact has pressed a button of a post, no longer ago than `since`."""
    statement = (
        select(Click.id)
        .where(
            Click.contact_id == contact_id,
            Click.post_id == post_id,
            Click.kind == CALLBACK,
            Click.clicked_at >= since,
        )
        .limit(1)
    )
    return await session.scalar(statement) is not None
