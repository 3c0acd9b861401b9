"""Note what brings a contact, as they come: a post's deep link or button, somebody's link.

Called by the bot in the transaction of the update, and only where something brought them: a bare
`/start` costs nothing here.
"""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import after_commit
from dripline.engagement import queries
from dripline.engagement import touch_queries as touches
from dripline.engagement.models import CALLBACK, START, Post
from dripline.engagement.tell import HUMAN, REPEAT
from dripline.ids import new_id

# Kinds of touches: by a post's deep link, by its button, by somebody's link, by a scenario's name.
BY_POST, BY_BUTTON, BY_REFERRAL, BY_LINK = "post", "button", "referral", "link"
_AGAIN: Final = timedelta(hours=1)  # the same way in so soon is one touch
_FOLLOWS: Final = timedelta(minutes=10)  # a press opens the bot: its start is no second click


async def by_deep_link(
    session: AsyncSession, contact_id: uuid.UUID, post: Post, button: int, now: datetime
) -> None:
    """Note that a contact came by a post's deep link: a touch, and a click unless they pressed."""
    await _touch(session, contact_id, BY_POST, _ref(post), post.id, now)
    if not await queries.pressed_since(session, contact_id, post.id, now - _FOLLOWS):
        await _click(session, contact_id, post, button, START, now)


async def by_button(
    session: AsyncSession, contact_id: uuid.UUID, post: Post, button: int, now: datetime
) -> None:
    """Note that a contact pressed a button of a post."""
    await _touch(session, contact_id, BY_BUTTON, _ref(post), post.id, now)
    await _click(session, contact_id, post, button, CALLBACK, now)


async def by(
    session: AsyncSession, contact_id: uuid.UUID, kind: str, ref: str, now: datetime
) -> None:
    """Note that a contact came by a link that is no post's."""
    await _touch(session, contact_id, kind, ref, None, now)


async def _touch(
    session: AsyncSession,
    contact_id: uuid.UUID,
    kind: str,
    ref: str,
    post_id: int | None,
    now: datetime,
) -> None:
    ref = ref[:120]
    if await touches.touched_since(session, contact_id, kind, ref, post_id, now - _AGAIN):
        return
    values = {
        "id": new_id(),
        "contact_id": contact_id,
        "touched_at": now,
        "kind": kind,
        "ref": ref,
        "post_id": post_id,
    }
    await touches.insert_touch(session, values)


async def _click(
    session: AsyncSession,
    contact_id: uuid.UUID,
    post: Post,
    button: int,
    kind: str,
    now: datetime,
) -> None:
    labels = post.labels or []
    pair = (contact_id.hex, f"post:{post.id}:{button}")
    row = {
        "id": new_id(),
        "kind": kind,
        "clicked_at": now,
        "contact_id": contact_id,
        "post_id": post.id,
        "promo": post.promo,
        "chat": post.chat,
        "channel": "telegram",
        "label": str(labels[button])[:200] if button < len(labels) else "",
        "person": pair[0],
        "target": pair[1],
        "human": True,
    }
    known = await queries.clicked_before(session, [pair], now)
    await queries.insert_clicks(session, [row])
    result = REPEAT if known else HUMAN
    after_commit(session, partial(metrics.count_clicks, post.promo, post.chat, result))


def _ref(post: Post) -> str:
    return f"{post.rotation}:{post.promo}"
