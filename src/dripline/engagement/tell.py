"""Tell what people did: statuses of deliveries, events, counters. Machines are left out."""

import uuid
from collections import Counter as Tally
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import after_commit
from dripline.deliveries import status
from dripline.engagement import queries
from dripline.engagement.came import Came
from dripline.events import NewEvent, append_many, append_new

SOURCE: Final = "tracking"
LINK_CLICKED: Final = "link.clicked"
_OPENED, _CLICKED = "message.opened", "message.clicked"
HUMAN, MACHINE, REPEAT = "human", "machine", "repeat"


async def tell(session: AsyncSession, fresh: Sequence[Came]) -> None:
    """Move deliveries on, append events, count; `fresh` are rows that were new."""
    people = [one for one in fresh if one.human]
    clicks = [one for one in people if not one.is_open]
    # A click says that the message was opened, whether or not its pixel was loaded.
    await _advance(session, people, status.OPENED, _OPENED)
    await _advance(session, clicks, status.CLICKED, _CLICKED)
    await append_many(session, [_clicked(one) for one in clicks if one.contact_id])
    await _count(session, fresh)
    tally = Tally(
        ("open" if one.is_open else "click", HUMAN if one.human else MACHINE) for one in fresh
    )
    for labels, number in tally.items():
        after_commit(session, partial(metrics.ENGAGEMENT.labels(*labels).inc, number))


async def _advance(session: AsyncSession, people: Sequence[Came], to: str, event: str) -> None:
    first: dict[uuid.UUID, Came] = {}
    for one in people:
        delivery_id = one.seen.mark.delivery_id
        if one.channel is None:
            continue  # no such delivery: its message was sent anew under another id
        if delivery_id and (delivery_id not in first or one.seen.at < first[delivery_id].seen.at):
            first[delivery_id] = one
    await status.advance_many(session, to, {key: one.seen.at for key, one in first.items()})
    happened = [
        NewEvent(
            event,
            one.contact_id,
            "delivery",
            f"{delivery_id.hex}:{to}",
            one.seen.at,
            {"delivery_id": delivery_id.hex, "channel": one.channel, "human": True},
        )
        for delivery_id, one in first.items()
        if one.contact_id is not None
    ]
    await append_new(session, happened)


def _clicked(one: Came) -> NewEvent:
    seen, mark = one.seen, one.seen.mark
    data: dict[str, Any] = {
        "click_id": seen.id.hex,
        "delivery_id": mark.delivery_id.hex if mark.delivery_id else None,
        "post_id": mark.post,
        "url": mark.url or None,
        "label": mark.label,
        "channel": one.channel,
        "ip": seen.ip,
        "user_agent": seen.user_agent,
        "device": seen.device,
        "human": True,
    }
    return NewEvent(LINK_CLICKED, one.contact_id, SOURCE, seen.id.hex, seen.at, data)


async def _count(session: AsyncSession, fresh: Sequence[Came]) -> None:
    of_posts = [one for one in fresh if one.post is not None]
    if not of_posts:
        return
    earliest = min(one.seen.at for one in of_posts)
    known = await queries.clicked_before(
        session, [(one.person, one.target) for one in of_posts], earliest
    )
    tally: Tally[tuple[str, str, str]] = Tally()
    for one in sorted(of_posts, key=lambda one: one.seen.at):
        if one.post is None:
            continue
        result = MACHINE
        if one.human:
            result = REPEAT if (one.person, one.target) in known else HUMAN
            known.add((one.person, one.target))
        tally[(one.post.promo, one.post.chat, result)] += 1
    for (promo, chat, result), number in tally.items():
        after_commit(session, partial(metrics.count_clicks, promo, chat, result, number))
