"""What the engine needs of others: channels that send, and origins that decide.

`deliveries` stands below both. Channels live in `channels/`, origins in `scenarios/` and its
neighbours; `wiring` joins them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.content.rendered import Rendered
from dripline.deliveries.windows import NO_HABITS, Habits

if TYPE_CHECKING:
    from dripline.deliveries.choice import Choice
    from dripline.deliveries.routing import Trail


class AddressRef(NamedTuple):
    """Where a message goes: a chat of one bot, or an email address."""

    id: uuid.UUID
    contact_id: uuid.UUID
    channel: str
    bot: str
    value: str
    next_send_us: int = 0


@dataclass(slots=True)
class Outgoing:
    """One message on its way to one address.

    A message may take several requests (an album, then its buttons). `parts_done` counts those that
    were answered, so that a retry goes on where the last attempt broke off.
    """

    delivery_id: uuid.UUID
    address: AddressRef
    message: Rendered
    parts_done: int = 0
    provider_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sent:
    """What a channel answered: its ids of the messages, in order."""

    provider_ids: tuple[str, ...]


class Channel(Protocol):
    """A way to people."""

    @property
    def name(self) -> str:
        """The channel's name in rows and settings, such as `telegram`."""
        ...

    async def send(self, outgoing: Outgoing) -> Sent:
        """Send one message.

        Raises a `SendFailure`: its type decides whether, when and where it is tried again.
        """
        ...

    def requests_for(self, message: Rendered) -> int:
        """Return how many requests a message takes, one right after the other."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class LinkTracker(Protocol):
    """Makes links whose clicks we hear of, and pixels whose loading we hear of."""

    def link(
        self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None, url: str, label: str
    ) -> str:
        """Return the tracked form of a link; `label` is what the contact reads on it.

        What cannot or must not be tracked comes back as it is.
        """
        ...

    def pixel(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> str | None:
        """Return the address of an email's open pixel; None where nothing is tracked."""
        ...

    def trap(self, delivery_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> str | None:
        """Return a link for machines: an email hides it, and whoever follows it is no person."""
        ...

    async def keep(self) -> None:
        """Store what links need (a target too long for one); await it before the message goes."""
        ...


class Claimed(NamedTuple):
    """A row of the queue that this worker holds: due, under a pace key, for an origin."""

    pace_key: str
    priority: int
    due_us: int
    id: uuid.UUID
    origin: str
    ref: uuid.UUID
    turn: int
    attempt: int
    outages: int
    detail: str | None


@dataclass(slots=True)
class Ready:
    """What an origin decided to send now: everything that rendering and the log need.

    `choice` has the channels it may fall back to, `trail` those on which it has failed. One that
    does not count is the second copy of a message that goes out on both channels: nothing follows
    from it.
    `kept` is for the origin: what it knew when it decided, for when the message has ended.
    """

    claimed: Claimed
    contact_id: uuid.UUID
    address: AddressRef
    render: "RenderCall"
    source: "Source"
    decision: Mapping[str, Any]
    habits: Habits = NO_HABITS
    choice: "Choice | None" = None
    trail: "Trail | None" = None
    counts: bool = True
    kept: Any = None
    counted: bool = False  # towards the contact's cap

    @property
    def next_way(self) -> AddressRef | None:
        """Where the message goes when this address fails it for good; None: nowhere."""
        if self.choice is None or len(self.choice.ways) < 2:
            return None
        return self.choice.ways[1]


class RenderCall(Protocol):
    """Makes the message's final form; called outside of any transaction."""

    def __call__(self) -> Rendered:
        """Return the message; raises PermanentFailure when its template fails."""
        ...


class Source(NamedTuple):
    """Where a delivery comes from: what makes it unique, and what the log says of it."""

    origin_id: uuid.UUID
    run: int
    scenario_id: str | None
    message_id: str
    resend: int = 0  # 0: the message itself; anything else: a repeat that was asked for


@dataclass(slots=True)
class Result:
    """How a message ended: sent, failed for good, or unreachable on every channel.

    `falls_back` is where it goes next; then its origin hears nothing of this failure.
    """

    ready: Ready
    delivery_id: uuid.UUID
    status: str  # sent | failed
    at: datetime
    content: str | None = None
    provider_ids: tuple[str, ...] = ()
    failure: str | None = None
    failure_code: str | None = None
    reachability: str | None = None
    falls_back: AddressRef | None = None

    @property
    def waits_for_contact(self) -> bool:
        """Whether nothing reaches the contact any more: the message goes out when they are back."""
        trail = self.ready.trail
        return self.failure_code == "unreachable" and not (trail is not None and trail.refused)


class Origin(Protocol):
    """A room that messages come from."""

    async def prepare(
        self, session: AsyncSession, claimed: Sequence[Claimed], now: datetime
    ) -> list[Ready]:
        """Decide about claimed rows, in the claim's transaction; return what is to be sent now.

        Everything else (wait, skip, complete, park) is applied here; its rows are already gone
        from the queue.
        """
        ...

    async def settled(
        self, session: AsyncSession, results: Sequence[Result], now: datetime
    ) -> None:
        """Go on after messages have ended, in the transaction that records them."""
        ...
