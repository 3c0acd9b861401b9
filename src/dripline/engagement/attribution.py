"""What brought a contact, and what came of it: post ─▶ press or start ─▶ scenario ─▶ goal.

bot.started, callback.pressed  ─▶ a touch, and for a post a click whose person we know
scenario.completed             ─▶ a goal, credited to the first and the last touch in the window
payment.succeeded              ─▶ the same, with its amount

Both credits are kept, for each answers a question of its own: what finds people, what convinces
them.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import after_commit
from dripline.engagement import post_queries as posts
from dripline.engagement import queries
from dripline.engagement import touch_queries as touches
from dripline.engagement.models import CALLBACK, START, Post
from dripline.engagement.tell import HUMAN, REPEAT
from dripline.events import Happened, subscribe

CONSUMER: Final = "attribution"
STARTED: Final = "bot.started"
PRESSED: Final = "callback.pressed"
COMPLETED: Final = "scenario.completed"
PAID: Final = "payment.succeeded"
# Kinds of touches: by a post's deep link, by its button, by somebody's link, by a scenario's name.
BY_POST, BY_BUTTON, BY_REFERRAL, BY_LINK = "post", "button", "referral", "link"
COMPLETION, PAYMENT = "completion", "payment"
_AGAIN: Final = timedelta(hours=1)  # the same way in so soon is one touch
_FOLLOWS: Final = timedelta(minutes=10)  # a press opens the bot: its start is no second click

subscribe(CONSUMER, {STARTED, PRESSED, COMPLETED, PAID})


class Attribution:
    """Reacts to events: keeps touches, credits goals. `window` is how long a touch counts."""

    def __init__(self, window: timedelta) -> None:
        self._window = window

    async def __call__(self, session: AsyncSession, event: Happened, now: datetime) -> None:
        """React to one event."""
        if event.contact_id is None:
            return
        on: dict[str, Callable[[AsyncSession, uuid.UUID, Happened], Awaitable[None]]] = {
            STARTED: _started,
            PRESSED: _pressed,
            COMPLETED: self._completed,
            PAID: self._paid,
        }
        react = on.get(event.name)
        if react is not None:
            await react(session, event.contact_id, event)

    async def _completed(
        self, session: AsyncSession, contact_id: uuid.UUID, event: Happened
    ) -> None:
        values = {"kind": COMPLETION, "reached_at": event.occurred_at}
        await self._credit(session, contact_id, event, values)

    async def _paid(self, session: AsyncSession, contact_id: uuid.UUID, event: Happened) -> None:
        values = {
            "kind": PAYMENT,
            "reached_at": _moment(event.data.get("paid_at")) or event.occurred_at,
            "amount": event.data.get("amount"),
            "currency": event.data.get("currency"),
        }
        await self._credit(session, contact_id, event, values)

    async def _credit(
        self, session: AsyncSession, contact_id: uuid.UUID, event: Happened, values: dict[str, Any]
    ) -> None:
        until = values["reached_at"]
        first, last = await touches.ends(session, contact_id, until - self._window, until)
        if first is None or last is None:
            return
        values |= {f"first_{name}": getattr(first, name) for name in ("kind", "ref", "post_id")}
        values |= {f"last_{name}": getattr(last, name) for name in ("kind", "ref", "post_id")}
        values |= {"contact_id": contact_id, "scenario_id": event.data.get("scenario_id")}
        await touches.insert_goal(session, {"event_id": event.id, **values})


async def _started(session: AsyncSession, contact_id: uuid.UUID, event: Happened) -> None:
    data = event.data
    code = data.get("code") or {}
    post = await _post(session, code.get("post_id"))
    if post is not None:
        await _touch(session, contact_id, event, BY_POST, _ref(post), post.id)
        since = event.occurred_at - _FOLLOWS
        if not await queries.pressed_since(session, contact_id, post.id, since):
            await _click(session, contact_id, event, post, START, int(code.get("button") or 0))
    elif code.get("kind") == "referral":
        await _touch(session, contact_id, event, BY_REFERRAL, str(code.get("value") or ""))
    elif data.get("scenario_id") and data.get("payload"):
        await _touch(session, contact_id, event, BY_LINK, str(data["payload"]))


async def _pressed(session: AsyncSession, contact_id: uuid.UUID, event: Happened) -> None:
    post = await _post(session, event.data.get("post_id"))
    if post is not None:
        await _touch(session, contact_id, event, BY_BUTTON, _ref(post), post.id)
        button = int(event.data.get("button") or 0)
        await _click(session, contact_id, event, post, CALLBACK, button)


async def _touch(
    session: AsyncSession,
    contact_id: uuid.UUID,
    event: Happened,
    kind: str,
    ref: str,
    post_id: int | None = None,
) -> None:
    since, ref = event.occurred_at - _AGAIN, ref[:120]
    if await touches.touched_since(session, contact_id, kind, ref, post_id, since):
        return
    values = {
        "id": event.id,
        "contact_id": contact_id,
        "touched_at": event.occurred_at,
        "kind": kind,
        "ref": ref,
        "post_id": post_id,
    }
    await touches.insert_touch(session, values)


async def _click(
    session: AsyncSession,
    contact_id: uuid.UUID,
    event: Happened,
    post: Post,
    kind: str,
    button: int,
) -> None:
    labels = post.labels or []
    pair = (contact_id.hex, f"post:{post.id}:{button}")
    row = {
        "id": event.id,
        "kind": kind,
        "clicked_at": event.occurred_at,
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
    known = await queries.clicked_before(session, [pair], event.occurred_at)
    if await queries.insert_clicks(session, [row]):
        result = REPEAT if known else HUMAN
        after_commit(session, partial(metrics.count_clicks, post.promo, post.chat, result))


async def _post(session: AsyncSession, number: Any) -> Post | None:
    return await posts.post(session, number) if isinstance(number, int) and number > 0 else None


def _ref(post: Post) -> str:
    return f"{post.rotation}:{post.promo}"


def _moment(written: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return found if found.tzinfo else None
