"""How many messages a contact gets in a day and in a week, across everything: pure, over values.

Days and weeks are the contact's own; a week begins on Monday. A message that would be too many
comes at the same time of the next day that has room.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from dripline.deliveries.timing import zone_of

CAPPED = "capped"
_DAY = timedelta(days=1)
KEPT = timedelta(days=9)  # a week, and what timezones may add to it


class Cap(NamedTuple):
    """The most messages a day and a week; None: no limit."""

    day: int | None = None
    week: int | None = None


class Counted(NamedTuple):
    """What makes a message one, whichever channels it goes by: enrollment or broadcast, run, id."""

    origin_id: uuid.UUID
    run: int
    message_id: str


@dataclass(slots=True)
class Spent:
    """What a contact has been sent lately, and the most they get; shared by a batch."""

    cap: Cap
    sent: dict[Counted, datetime]

    def room_at(self, moment: datetime, this: Counted, timezone: str | None) -> datetime | None:
        """Return when there is room for a message; None: at once. It never stands in its own way.

        Room that is there at once is taken.
        """
        later = room_at(
            moment, (at for one, at in self.sent.items() if one != this), self.cap, timezone
        )
        if later is None:
            self.sent.setdefault(this, moment)
        return later


def room_at(
    moment: datetime, sent: Iterable[datetime], cap: Cap, timezone: str | None
) -> datetime | None:
    """Return when a contact has room for one more message; None: at once, at `moment`."""
    zone = zone_of(timezone)
    days = [at.astimezone(zone).date() for at in sent]
    local = moment.astimezone(zone)
    today = day = local.date()
    while not _has_room(day, days, cap):
        day += _DAY
    if day == today:
        return None
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def _has_room(day: date, sent: list[date], cap: Cap) -> bool:
    if cap.day is not None and sent.count(day) >= max(cap.day, 1):
        return False
    monday = day - timedelta(days=day.weekday())
    in_week = sum(monday <= one < monday + 7 * _DAY for one in sent)
    return cap.week is None or in_week < max(cap.week, 1)
