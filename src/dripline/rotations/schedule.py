"""When a rotation posts: pure functions over moments.

A slot is a moment of the schedule. After a standstill only the latest missed slot is made up for,
and the schedule goes on as if nothing had been: a channel is never flooded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from dripline.deliveries.timing import zone_of

_LOOKED_BACK = timedelta(days=8)  # for the latest slot of a cron schedule that was missed
_FAR = timedelta(days=366 * 4)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every so often, or by cron in a timezone."""

    every: timedelta | None = None
    cron: str = ""
    timezone: str = "UTC"

    @property
    def plan(self) -> str:
        """What it is made of, in one line."""
        if self.every is not None:
            return f"every {int(self.every.total_seconds())} s"
        return f"{self.cron} {self.timezone}"

    @property
    def words(self) -> str:
        """How often, as people say it: `every 4 hours`; a cron line stays one."""
        if self.every is None:
            return self.plan
        seconds = int(self.every.total_seconds())
        for name, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
            if seconds % length == 0 and seconds >= length:
                number = seconds // length
                return f"every {name}" if number == 1 else f"every {number} {name}s"
        return self.plan


def next_after(schedule: Schedule, anchor: datetime, moment: datetime) -> datetime | None:
    """Return the first slot after a moment; None for a cron line that never comes.

    Slots of "every so often" are counted from the anchor.
    """
    if schedule.every is not None:
        passed = (moment - anchor) // schedule.every
        return anchor + (max(passed, 0) + 1) * schedule.every
    found = next(_slots(schedule, moment), None)
    return found if found is not None and found - moment <= _FAR else None


def latest_until(schedule: Schedule, due: datetime, now: datetime) -> datetime:
    """Return the latest slot not after `now`, of a schedule whose next one was `due`."""
    if due >= now:
        return due
    if schedule.every is not None:
        return due + (now - due) // schedule.every * schedule.every
    latest = due
    for slot in _slots(schedule, max(due, now - _LOOKED_BACK)):
        if slot > now:
            break
        latest = slot
    return latest


def problem_with(cron: str) -> str | None:
    """Return what is wrong with a cron line, or None."""
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return str(error)
    return None


def _slots(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Yield the slots of a cron line: local times, so that nine stays nine through summer time."""
    try:
        for slot in CronSim(schedule.cron, after.astimezone(zone_of(schedule.timezone))):
            moment = slot.astimezone(UTC)
            if moment > after:
                yield moment
    except CronSimError:
        return
