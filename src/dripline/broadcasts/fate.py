"""Where a broadcast's message goes to one contact, and when: pure, over values.

An announcement keeps to quiet hours and weekdays. One that a full day holds back comes the next
day; when the week is full as well the contact is left out, for days later it is news no more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dripline.deliveries.cap import CAPPED, Counted, Spent
from dripline.deliveries.choice import Choice
from dripline.deliveries.routing import Route
from dripline.deliveries.windows import Habits, hold

_NEXT_DAY: Final = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Leave:
    """It goes out now."""

    choice: Choice | None


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits until a moment."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """The contact does not get it."""

    reason: str


def fate(
    route: Route | None,
    asked: str | None,
    habits: Habits,
    spent: Spent | None,
    this: Counted,
    now: datetime,
) -> Leave | Hold | LeaveOut:
    """Return what becomes of a message that is meant for a contact and due at `now`.

    Without a `route` there is one channel, and it reaches them.
    """
    choice = None if route is None else route.choose(this.message_id, asked)
    if choice is not None and not choice.ways:
        return LeaveOut(choice.reason)
    if route is not None and route.trail.failures:
        return Leave(choice)  # it was under way already, on another channel
    held = hold(now, habits)
    if held is not None:
        return Hold(held.until, held.reason)
    later = None if spent is None else spent.room_at(now, this, habits.timezone)
    if later is None:
        return Leave(choice)
    return Hold(later, CAPPED) if later - now < _NEXT_DAY else LeaveOut(CAPPED)
