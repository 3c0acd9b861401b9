"""What came back, put beside what went out: whose, of which message or post, person or machine."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.engagement import queries
from dripline.engagement.human import Request, why_machine
from dripline.engagement.models import LINK, Post
from dripline.engagement.records import Seen
from dripline.engagement.tokens import Seal

TRAP_TARGET: Final = "trap"


@dataclass(slots=True)
class Came:
    """A request and everything known about it; `machine` says why no person made it."""

    seen: Seen
    contact_id: uuid.UUID | None
    channel: str | None
    post: Post | None
    person: str
    target: str
    machine: str | None

    @property
    def is_open(self) -> bool:
        """Whether it was a pixel."""
        return self.seen.mark.kind == "pixel"

    @property
    def human(self) -> bool:
        """Whether a person did it, as far as anybody can tell."""
        return self.machine is None

    def as_click(self) -> dict[str, Any]:
        """Return the row of a click."""
        mark, post = self.seen.mark, self.post
        return {
            "id": self.seen.id,
            "kind": LINK,
            "clicked_at": self.seen.at,
            "contact_id": self.contact_id,
            "delivery_id": mark.delivery_id,
            "post_id": mark.post,
            "promo": post.promo if post else None,
            "chat": post.chat if post else None,
            "channel": self.channel,
            "label": mark.label,
            "url": mark.url or None,
            "person": self.person,
            "target": self.target,
            "human": self.human,
            "machine": self.machine,
            "ip": self.seen.ip or None,
            "user_agent": self.seen.user_agent or None,
            "device": self.seen.device or None,
        }

    def as_open(self) -> dict[str, Any]:
        """Return the row of an open."""
        return {
            "id": self.seen.id,
            "opened_at": self.seen.at,
            "contact_id": self.contact_id,
            "delivery_id": self.seen.mark.delivery_id,
            "human": self.human,
            "machine": self.machine,
            "ip": self.seen.ip or None,
            "user_agent": self.seen.user_agent or None,
        }


async def came(session: AsyncSession, seal: Seal, seen: Sequence[Seen]) -> list[Came]:
    """Return what is known of these requests: three statements for all of them."""
    marks = [one.mark for one in seen]
    deliveries = await queries.deliveries_by_id(
        session, [mark.delivery_id for mark in marks if mark.delivery_id]
    )
    posts = await queries.posts_by_id(session, [mark.post for mark in marks if mark.post])
    named = {mark.contact_id for mark in marks if mark.contact_id}
    named |= {one.contact_id for one in deliveries.values()}
    people = await queries.existing_contacts(session, named)
    return [_one(seal, one, deliveries, posts, people) for one in seen]


def _one(
    seal: Seal,
    seen: Seen,
    deliveries: Mapping[uuid.UUID, queries.Delivered],
    posts: Mapping[int, Post],
    people: set[uuid.UUID],
) -> Came:
    mark = seen.mark
    delivery = deliveries.get(mark.delivery_id) if mark.delivery_id else None
    contact_id = mark.contact_id or (delivery.contact_id if delivery else None)
    contact_id = contact_id if contact_id in people else None  # it may have been erased meanwhile
    channel = delivery.channel if delivery else None
    request = Request(
        mark.kind,
        seen.method,
        seen.user_agent,
        seen.at,
        channel,
        delivery.sent_at if delivery else None,
    )
    return Came(
        seen,
        contact_id,
        channel,
        posts.get(mark.post) if mark.post else None,
        contact_id.hex if contact_id else seal.digest(_visitor(seen)),
        TRAP_TARGET if mark.kind == "trap" else seal.digest(_target(seen)),
        why_machine(request),
    )


def _visitor(seen: Seen) -> str:
    """Return what tells one unknown visitor from another."""
    return f"device:{seen.device}" if seen.device else f"{seen.ip}|{seen.user_agent}"


def _target(seen: Seen) -> str:
    mark = seen.mark
    whole = mark.delivery_id.hex if mark.delivery_id else f"post {mark.post}"
    return f"{whole}|{mark.stored or mark.url}|{mark.label}"
