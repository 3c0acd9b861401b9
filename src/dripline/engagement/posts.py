"""Posts into chats: a small number for each, so that a deep link can carry it.

A rotation asks for a post's `number` before it posts, puts it into the links of that post, and says
afterwards with `posted` that it is out, and to how many people.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement import post_queries as queries


class PostRef(NamedTuple):
    """Which post: of which rotation, at which slot, in which chat, of which promo."""

    rotation: str
    slot: datetime
    chat: str
    promo: str


async def number(
    session: AsyncSession,
    ref: PostRef,
    now: datetime,
    *,
    scenario_id: str | None = None,
    labels: Sequence[str] = (),
) -> int:
    """Return the number of a post, the same whenever it is asked for.

    `scenario_id` is where its deep links lead; without one, to the default scenario. `labels` are
    the texts of its buttons, in the order that codes count them.
    """
    await queries.insert_post(session, ref, scenario_id, list(labels), now)
    return await queries.number_of(session, ref)


async def posted(session: AsyncSession, post: int, at: datetime, reach: int | None) -> None:
    """Note that a post is out; `reach` is the chat's member count just then."""
    await queries.set_posted(session, post, at, reach)
