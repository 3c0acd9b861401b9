"""When a contact may be written to: quiet hours, weekdays, a preferred time. Pure, over values.

All of it is local time where the contact is. What the contact asked for goes before what they
prefer, and that before what was learned: quiet hours hold always, a preferred time only for
messages that are days apart and have no hour of their own.
"""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from dripline.deliveries.timing import zone_of

QUIET_HOURS, WEEKDAY, PREFERRED_TIME, BEST_HOUR = (
    "quiet_hours",
    "weekday",
    "preferred_time",
    "best_hour",
)
# Minutes of the day, the end excluded.
TIMES: Final = {"morning": (480, 720), "afternoon": (720, 1020), "evening": (1020, 1260)}
_AROUND_BEST_HOUR: Final = 120
_DAY: Final = 1440
_STEPS: Final = 24


class Habits(NamedTuple):
    """Where a contact is, and when they want messages; minutes of the local day."""

    timezone: str | None = None
    quiet: tuple[int, int] | None = None
    preferred: str | None = None  # morning, afternoon, evening
    best_hour: int | None = None  # learned
    weekdays: frozenset[int] = frozenset()  # 1 (Monday) to 7; empty: any

    @property
    def window(self) -> tuple[int, int] | None:
        """The preferred part of the day, which may run past midnight; None: any time suits.

        The hour learned narrows the part the contact chose; without one, it stands for it.
        """
        best = None if self.best_hour is None else self.best_hour % 24 * 60
        chosen = TIMES.get(self.preferred or "")
        if chosen is None:
            return None if best is None else (best, (best + _AROUND_BEST_HOUR) % _DAY)
        if best is not None and chosen[0] <= best < chosen[1]:
            return best, chosen[1]
        return chosen


NO_HABITS: Final = Habits()


class Hold(NamedTuple):
    """A message waits until a moment, for a reason."""

    until: datetime
    reason: str


def hold(
    moment: datetime,
    habits: Habits,
    *,
    days_apart: bool = False,
    weekdays: Collection[int] = (),
) -> Hold | None:
    """Return until when a message due at `moment` waits, and why; None: it may go.

    `weekdays` are those of its scenario. With `days_apart`, the preferred time counts as well.
    """
    days = _days(habits.weekdays, weekdays)
    window = habits.window if days_apart else None
    if not days and window is None and habits.quiet is None:
        return None
    rules = _Rules(zone_of(habits.timezone), habits.quiet, days, window, bool(habits.preferred))
    try:
        return _settled(moment, rules)
    except _Contradiction:  # the preferred time lies in quiet hours: it gives way
        return _settled(moment, rules._replace(window=None))


class _Rules(NamedTuple):
    zone: ZoneInfo
    quiet: tuple[int, int] | None
    days: frozenset[int]
    window: tuple[int, int] | None
    is_chosen: bool  # the window, by the contact; else it was learned


class _Contradiction(Exception):
    """No moment pleases all rules."""


def _settled(moment: datetime, rules: _Rules) -> Hold | None:
    """Return the first moment that all rules agree to, with the first reason to wait."""
    at, reason = moment, ""
    for _step in range(_STEPS):
        following = _next(at, rules)
        if following is None:
            return Hold(at, reason) if reason else None
        at, reason = following.until, reason or following.reason
    raise _Contradiction


def _days(theirs: Collection[int], scenarios: Collection[int]) -> frozenset[int]:
    """Return the days that suit both; where none does, the contact's."""
    both = frozenset(theirs) & frozenset(scenarios)
    return both or frozenset(theirs) or frozenset(scenarios)


def _next(at: datetime, rules: _Rules) -> Hold | None:
    """Return the nearest moment that one of the rules asks to wait for; None when all agree."""
    local = at.astimezone(rules.zone)
    minute = local.hour * 60 + local.minute
    quiet, window = rules.quiet, rules.window
    if rules.days and local.isoweekday() not in rules.days:
        # The same time of another day; of one that would be quiet then, its first hour that is not.
        is_quiet = quiet is not None and inside(minute, quiet)
        return Hold(_at_minute(local, quiet[1] if quiet and is_quiet else minute, 1), WEEKDAY)
    if quiet is not None and inside(minute, quiet):
        return Hold(_at_minute(local, quiet[1], int(quiet[1] <= minute)), QUIET_HOURS)
    if window is not None and not inside(minute, window):
        reason = PREFERRED_TIME if rules.is_chosen else BEST_HOUR
        return Hold(_at_minute(local, window[0], int(window[0] <= minute)), reason)
    return None


def inside(minute: int, span: tuple[int, int]) -> bool:
    """Return whether a minute of the day lies in a span; one whose ends meet is empty."""
    start, end = span
    if start <= end:
        return start <= minute < end
    return minute >= start or minute < end


def _at_minute(local: datetime, minute: int, days: int) -> datetime:
    """Return a minute of a local day, in UTC; always after `local`, though clocks may change."""
    day = local.date() + timedelta(days=days)
    there = datetime.combine(day, time(minute // 60, minute % 60), local.tzinfo)
    found = there.astimezone(UTC)
    return max(found, local.astimezone(UTC) + timedelta(minutes=1))


def on_its_day(due: datetime, habits: Habits) -> datetime:
    """Return the preferred time of the day on which a message is due; that moment, if it suits."""
    window = habits.window
    if window is None:
        return due
    local = due.astimezone(zone_of(habits.timezone))
    if inside(local.hour * 60 + local.minute, window):
        return due
    clock_time = time(window[0] // 60, window[0] % 60)
    return datetime.combine(local.date(), clock_time, local.tzinfo).astimezone(UTC)


def weekdays_of(written: str | None) -> frozenset[int]:
    """Return the weekdays that a contact's preference lists, such as `1,2,3`."""
    return frozenset(int(one) for one in written or "" if one in "1234567")
