"""Clicks as a store: log one, list a user's or a promo's, count them, mark them converted.

Counts are of people: a second click of the same person on the same link counts no more, machines
never do, and a click is converted once.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import dump_json, storable
from dripline.engagement import click_queries as queries
from dripline.engagement.models import CALLBACK, Click
from dripline.errors import Invalid, NotFound
from dripline.ids import new_id

CLICK_NOT_FOUND: Final = "CLICK_NOT_FOUND"
INVALID_CLICK: Final = "INVALID_CLICK"
_LONGEST: Final = {"promo": 64, "chat": 64, "label": 200, "url": 2048}
_LARGEST_META: Final = 16_384


@dataclass(frozen=True, slots=True)
class NewClick:
    """A click that somebody else has seen, such as a bot of your own; `label` is the button."""

    contact_id: uuid.UUID
    promo: str
    label: str = ""
    chat: str | None = None
    url: str | None = None
    meta: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Clicks of a promo: all of people's, those that count, people, converted ones, percent."""

    clicks: int
    unique: int
    people: int
    converted: int
    machines: int

    @property
    def conversion_rate(self) -> float:
        """How many of the clicks that count were converted, in percent with two decimals."""
        return round(100 * self.converted / self.unique, 2) if self.unique else 0.0


async def log_click(session: AsyncSession, click: NewClick, at: datetime) -> Click:
    """Store a click. Raises Invalid (INVALID_CLICK) for what is too long."""
    for name, most in _LONGEST.items():
        if len(getattr(click, name) or "") > most:
            raise Invalid(f"“{name}” has at most {most} characters.", code=INVALID_CLICK)
    if not click.promo.strip():
        raise Invalid("A click names its promo.", code=INVALID_CLICK)
    row = Click(
        id=new_id(),
        kind=CALLBACK,
        clicked_at=at,
        contact_id=click.contact_id,
        promo=storable(click.promo),
        chat=storable(click.chat) if click.chat else None,
        label=storable(click.label),
        url=storable(click.url) if click.url else None,
        person=click.contact_id.hex,
        target=uuid.uuid5(uuid.NAMESPACE_URL, f"{click.promo}|{click.chat}|{click.label}").hex,
        human=True,
        meta=_checked(click.meta) if click.meta else None,
    )
    session.add(row)
    await session.flush()
    return row


async def page(
    session: AsyncSession,
    *,
    contact_id: uuid.UUID | None = None,
    promo: str | None = None,
    behind: uuid.UUID | None = None,
    limit: int = 50,
) -> Sequence[Click]:
    """Return clicks of people, newest first: of a contact, of a promo, or all."""
    return await queries.page(session, contact_id, promo, behind, limit)


async def counts(session: AsyncSession, promo: str | None = None) -> Counts:
    """Count the clicks of a promo, or of all."""
    return Counts(*await queries.counts(session, promo))


async def conversion_rate(session: AsyncSession, promo: str) -> float:
    """Return how many of a promo's clicks were converted, in percent."""
    return (await counts(session, promo)).conversion_rate


async def update_metadata(
    session: AsyncSession, click_id: uuid.UUID, meta: dict[str, Any]
) -> Click:
    """Merge into a click's metadata; null removes a key. Raises NotFound, Invalid."""
    click = await _get(session, click_id)
    merged = {**(click.meta or {}), **meta}
    click.meta = _checked({key: value for key, value in merged.items() if value is not None})
    await session.flush()
    return click


async def mark_converted(session: AsyncSession, click_id: uuid.UUID, at: datetime) -> bool:
    """Note that a click has led to what it should; False when it was noted before.

    Raises NotFound (CLICK_NOT_FOUND).
    """
    await _get(session, click_id)
    return await queries.convert(session, click_id, at)


async def get(session: AsyncSession, click_id: uuid.UUID) -> Click:
    """Return a click. Raises NotFound (CLICK_NOT_FOUND)."""
    return await _get(session, click_id)


async def _get(session: AsyncSession, click_id: uuid.UUID) -> Click:
    found = await session.get(Click, click_id)
    if found is None:
        raise NotFound("There is no such click.", code=CLICK_NOT_FOUND)
    return found


def _checked(meta: dict[str, Any]) -> dict[str, Any]:
    if len(dump_json(meta)) > _LARGEST_META:
        raise Invalid(f"“metadata” has at most {_LARGEST_META} bytes.", code=INVALID_CLICK)
    return meta
