"""When a message is due: pure functions over values."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = timedelta(days=1)
_DAY_MINUTES = 1440


class Delay(Protocol):
    """The timing of a message, as content has it."""

    @property
    def days(self) -> int:
        """Days after the base."""
        ...

    @property
    def hours(self) -> int:
        """Hours after the base."""
        ...

    @property
    def minutes(self) -> int:
        """Minutes after the base."""
        ...

    @property
    def at(self) -> time | None:
        """A local time of day."""
        ...

    @property
    def weekdays(self) -> Sequence[int]:
        """The weekdays it may be due on, 1 (Monday) to 7; empty: any."""
        ...


@lru_cache(maxsize=1024)
def _span(days: int, hours: int, minutes: int) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes)


def due_at(delay: Delay, base: datetime, timezone: str | None) -> datetime:
    """Return when a message with this delay is due, counted from `base`, in UTC.

    With a time of day, days are calendar days where the contact is ("one day, at 09:00" is
    tomorrow at nine), and the moment is always after the base. With weekdays, it moves on to the
    first of them.
    """
    if delay.at is None and not delay.weekdays:
        return base + _span(delay.days, delay.hours, delay.minutes)
    moment = base + _span(0, delay.hours, delay.minutes)
    zone = zone_of(timezone)
    local = moment.astimezone(zone)
    day = local.date() + delay.days * _DAY
    clock_time = local.time() if delay.at is None else delay.at
    due = datetime.combine(day, clock_time, zone)
    if delay.at is not None and due.astimezone(UTC) <= base:
        day += _DAY
    while delay.weekdays and day.isoweekday() not in delay.weekdays:
        day += _DAY
    return datetime.combine(day, clock_time, zone).astimezone(UTC)


def days_apart(delay: Delay) -> bool:
    """Return whether a message comes a day or more later, at no hour of its own."""
    return delay.at is None and (delay.days > 0 or delay.hours * 60 + delay.minutes >= _DAY_MINUTES)


def at_once(delay: Delay) -> bool:
    """Return whether a message follows without a delay."""
    return delay.at is None and not (delay.days or delay.hours or delay.minutes)


def zone_of(name: str | None) -> ZoneInfo:
    """Return the timezone of this name; UTC until a contact's is known."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
