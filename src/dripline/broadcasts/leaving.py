"""What leaves of a broadcast, row by row: to count, as a test, or as a second copy."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dripline.broadcasts.fate import Hold, Leave, LeaveOut, fate
from dripline.broadcasts.models import Broadcast
from dripline.broadcasts.queries import ORIGIN, RUN
from dripline.clock import to_us
from dripline.contacts.models import REACHABLE, Contact
from dripline.database import dump_json, load_json
from dripline.deliveries import queue
from dripline.deliveries.cap import Counted, Spent
from dripline.deliveries.choice import BOTH, Choice, Way
from dripline.deliveries.claim import entry_again
from dripline.deliveries.decisions import decision
from dripline.deliveries.models import LOW, Decision
from dripline.deliveries.protocols import AddressRef, Claimed, Ready, RenderCall, Result, Source
from dripline.deliveries.routing import Reach, Route, on_another_channel, trail_of
from dripline.deliveries.windows import Habits
from dripline.ids import new_id

Person = tuple[Contact, AddressRef, str]


@dataclass(frozen=True, slots=True)
class Leaving:
    """A message that goes out now, to the address that was chosen."""

    row: Claimed
    person: Person
    choice: Choice | None = None

    def ready(self, broadcast: Broadcast, render: RenderCall) -> Ready:
        """Return it as the engine sends it."""
        contact, address, _reachability = self.person
        test, copy, trail = test_of(self.row), of_copy(self.row), trail_of(self.row)
        why: dict[str, Any] = {"reason": "broadcast_test" if test else "broadcast", **trail.told}
        if copy is not None:
            why |= {"reason": copy.get("why", BOTH), "beside": copy["beside"]}
        if self.choice is not None:
            why["channel"] = self.choice.reason
        return Ready(
            self.row,
            contact.id,
            address,
            render,
            Source(broadcast.id, 0 if test else RUN, None, broadcast.key, test),
            why,
            choice=self.choice,
            trail=trail,
            counts=copy is None,
        )


@dataclass(slots=True)
class Fates:
    """What becomes of a batch: it leaves, is queued again, or is left out."""

    broadcast: Broadcast
    now: datetime
    leaving: list[Leaving] = field(default_factory=list)
    again: list[queue.Entry] = field(default_factory=list)
    waits: list[Decision] = field(default_factory=list)
    left_out: list[tuple[uuid.UUID, str]] = field(default_factory=list)

    def add(
        self,
        row: Claimed,
        person: Person,
        reach: Reach | None,
        asked: str | None,
        spent: Spent | None,
    ) -> None:
        """Decide about a row that is meant for a person."""
        contact, address, reachability = person
        habits, route = Habits(contact.timezone), None
        if reach is not None:
            habits = reach.habits(contact.timezone)
            route = Route(reach, Way(address, reachability), "announcements", trail_of(row))
        this = Counted(self.broadcast.id, RUN, self.broadcast.key)
        match fate(route, asked, habits, spent, this, self.now):
            case LeaveOut(reason):
                self.left_out.append((contact.id, reason))
            case Hold(until, reason):
                self.again.append(entry_again(row, to_us(until)))
                self.waits.append(self._wait(contact, until, reason))
            case Leave(choice):
                self._leave(row, person, choice)

    def _leave(self, row: Claimed, person: Person, choice: Choice | None) -> None:
        """Let it go, or send its row to the key of the channel that was chosen."""
        if choice is None:
            self.leaving.append(Leaving(row, person))
            return
        chosen = choice.ways[0]
        key = queue.pace_key(chosen.channel, chosen.bot)
        if key == row.pace_key:
            self.leaving.append(Leaving(row, (person[0], chosen, REACHABLE), choice))
        else:
            self.again.append(on_another_channel(row, key, attempt=row.attempt))

    def _wait(self, contact: Contact, until: datetime, reason: str) -> Decision:
        return decision(
            contact_id=contact.id,
            origin_id=self.broadcast.id,
            kind="wait",
            reason=reason,
            now=self.now,
            message_id=self.broadcast.key,
            until=until,
        )


def test_of(row: Claimed) -> int:
    """Return what tells a test from others, or 0 for a row that counts."""
    return int(load_json(row.detail).get("test", 0)) if row.detail else 0


def of_copy(row: Claimed) -> dict[str, Any] | None:
    """Return what a second copy tells of itself, or None for any other row."""
    if not row.detail or '"beside"' not in row.detail:
        return None
    found: dict[str, Any] = load_json(row.detail)
    return found


def copy_beside(result: Result, now: datetime) -> queue.Entry | None:
    """Return the second copy of a message that goes out on both channels, to be queued."""
    ready = result.ready
    way = ready.next_way
    if way is None or ready.choice is None or not ready.choice.both:
        return None
    detail = {"to": way.channel, "beside": result.delivery_id.hex, "why": BOTH}
    return copy_entry(way.id, queue.pace_key(way.channel, way.bot), detail, ready.claimed.turn, now)


def copy_entry(
    address_id: uuid.UUID, pace_key: str, detail: dict[str, Any], number: int, now: datetime
) -> queue.Entry:
    """Return a row that sends a broadcast's message once more, beside what counts."""
    key = queue.Key(pace_key, LOW, to_us(now), new_id())
    return queue.Entry(key, ORIGIN, address_id, number, detail=dump_json(detail))
