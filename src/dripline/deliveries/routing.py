"""What an installation knows of ways to people: gathered for a batch, decided on by its origin.

With one channel set up nobody's other addresses matter, and nothing is looked up for them. Nor are
preferences, as long as nobody has any.
"""

import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import dump_json, load_json
from dripline.deliveries import queries, queue
from dripline.deliveries.cap import KEPT, Cap, Counted, Spent
from dripline.deliveries.choice import CHANNELS, TELEGRAM, Choice, Way, Wishes, choose, home_first
from dripline.deliveries.models import PROMPTED
from dripline.deliveries.protocols import Claimed, Ready
from dripline.deliveries.queries import Preferred
from dripline.deliveries.windows import Habits, weekdays_of

# `service` is what a contact has asked or paid for: it needs no opt-in.
Kind = Literal["sequences", "announcements", "service"]
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Trail:
    """What a queue row tells of attempts to send a message on other channels."""

    message_id: str = ""
    failures: tuple[tuple[str, str], ...] = ()  # channel, and the code of the failure
    delivery: str = ""  # the id of the delivery that failed last
    refused: bool = False  # a channel that does reach the contact would not take it

    @property
    def told(self) -> dict[str, Any]:
        """What the decision on the next delivery, or the next row, says of it."""
        if not self.failures:
            return {}
        return {"tried": [list(one) for one in self.failures], "failed": self.delivery}

    def packed(self) -> dict[str, Any]:
        """Return what the next row carries."""
        return {**self.told, "tried_message": self.message_id, "refused": self.refused}


NO_TRAIL: Final = Trail()


def trail_of(row: Claimed) -> Trail:
    """Return where the message of a row has been tried already."""
    if not row.detail or '"tried"' not in row.detail:
        return NO_TRAIL
    kept = load_json(row.detail)
    failures = tuple((str(channel), str(code)) for channel, code in kept["tried"])
    return Trail(
        kept.get("tried_message", ""), failures, kept.get("failed", ""), kept.get("refused", False)
    )


def on_another_channel(
    row: Claimed, pace_key: str, trail: Trail = NO_TRAIL, *, attempt: int = 0
) -> queue.Entry:
    """Return the row that offers a message under another key, in its old place and turn.

    What it had sent of itself on the channel it leaves is forgotten: it begins anew.
    """
    detail = load_json(row.detail) if row.detail else {}
    detail.pop("parts", None)
    if trail.failures:
        detail |= trail.packed()
    key = queue.Key(pace_key, row.priority, row.due_us, row.id)
    return queue.Entry(
        key, row.origin, row.ref, row.turn, attempt, detail=dump_json(detail) if detail else None
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """How one contact is reached. Without `ways` their own address is all there is to know."""

    ways: tuple[Way, ...] = ()
    preferred: Preferred | None = None
    set_up: frozenset[str] = frozenset({TELEGRAM})
    quiet: tuple[int, int] | None = None

    def habits(self, timezone: str | None) -> Habits:
        """Return when the contact wants messages; their own quiet hours go before the usual."""
        theirs = self.preferred
        if theirs is None:
            return Habits(timezone, self.quiet)
        own = theirs.quiet_from is not None and theirs.quiet_to is not None
        return Habits(
            timezone,
            (theirs.quiet_from or 0, theirs.quiet_to or 0) if own else self.quiet,
            theirs.time,
            theirs.best_hour,
            weekdays_of(theirs.weekdays),
        )

    def choose(
        self,
        home: Way,
        kind: Kind,
        *,
        asked: str | None = None,
        channels: Collection[str] = (),
        tried: Collection[str] = (),
    ) -> Choice:
        """Return where a message of this kind goes.

        `home` is the address it was to go to; `channels` those its scenario may use, all if empty.
        """
        theirs = self.preferred
        wishes = Wishes()
        if theirs is not None:
            wishes = Wishes(theirs.channel, theirs.engaged, bool(getattr(theirs, kind, True)))
        return choose(
            home_first(self.ways, home.address.id) if self.ways else (home,),
            asked=asked,
            wishes=wishes,
            allowed=[one for one in channels or CHANNELS if one in self.set_up],
            tried=tried,
        )


def counted_as(ready: Ready) -> Counted:
    """Return what makes a message one when messages are counted."""
    return Counted(ready.source.origin_id, ready.source.run, ready.source.message_id)


@dataclass(frozen=True, slots=True)
class Route:
    """What a decision about one message asks: the contact's ways, and where it has been."""

    reach: Reach
    home: Way
    kind: Kind
    trail: Trail = NO_TRAIL
    asked: str | None = None  # by whoever started it; goes before what the message says

    def choose(
        self, message_id: str, asked: str | None = None, channels: Collection[str] = ()
    ) -> Choice:
        """Return where a message goes, those channels left out on which it has failed."""
        trail = self.trail if self.trail.message_id == message_id else NO_TRAIL
        return self.reach.choose(
            self.home,
            self.kind,
            asked=self.asked or asked,
            channels=channels,
            tried=[channel for channel, _ in trail.failures],
        )

    def anywhere(self, channels: Collection[str] = ()) -> Choice:
        """Return whether anything reaches the contact at all."""
        return self.reach.choose(self.home, self.kind, channels=channels)


class Routing:
    """What the origins of one engine ask before they decide; built by wiring."""

    def __init__(
        self,
        channels: Iterable[str] = (TELEGRAM,),
        *,
        quiet: tuple[int, int] | None = None,
        cap: Cap | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self.channels = frozenset(channels)
        self._quiet = quiet
        self._cap = cap
        self._look_every_s = look_every_s
        self._anybody = False
        self._look_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether there is more than one channel to choose from."""
        return len(self.channels) > 1

    async def reaches(
        self, session: AsyncSession, contact_ids: Iterable[uuid.UUID]
    ) -> Mapping[uuid.UUID, Reach]:
        """Return how contacts are reached, and when; whoever has no say in it may be missing."""
        wanted = set(contact_ids)
        if self.is_open:
            found = await queries.routes(session, wanted)
            return {
                contact_id: Reach(tuple(ways), theirs, self.channels, self._quiet)
                for contact_id, (ways, theirs) in found.items()
            }
        known: Mapping[uuid.UUID, Preferred] = {}
        if await self._anybody_prefers(session):
            known = await queries.preferred(session, wanted)
        return {
            contact_id: Reach((), known.get(contact_id), self.channels, self._quiet)
            for contact_id in (known if self._quiet is None else wanted)
        }

    async def spent(
        self, session: AsyncSession, contact_ids: Iterable[uuid.UUID], now: datetime
    ) -> Mapping[uuid.UUID, Spent]:
        """Return what counts towards each contact's cap; nothing where there is none.

        Claims take turns at the pace of all keys, so what this reads no other worker adds to
        before this transaction ends.
        """
        if self._cap is None:
            return {}
        wanted = set(contact_ids)
        found = await queries.counted(session, wanted, now - KEPT)
        return {one: Spent(self._cap, found.get(one, {})) for one in wanted}

    async def count(self, session: AsyncSession, leaving: Iterable[Ready], now: datetime) -> None:
        """Let messages that leave now count towards the cap, if there is one."""
        if self._cap is None:
            return
        counting = [ready for ready in leaving if ready.claimed.priority != PROMPTED]
        for ready in counting:
            ready.counted = True
        await queries.forget_counted(session, {r.contact_id for r in counting}, now - KEPT)
        await queries.count(session, [(r.contact_id, counted_as(r), now) for r in counting])

    async def _anybody_prefers(self, session: AsyncSession) -> bool:
        """Return whether there are preferences; while there are none, we look now and then."""
        if not self._anybody and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + self._look_every_s
            self._anybody = await queries.any_preferences(session)
        return self._anybody
