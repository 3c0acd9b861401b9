"""When a message is due."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.deliveries.timing import due_at, zone_of

MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Delay:
    days: int = 0
    hours: int = 0
    minutes: int = 0
    at: time | None = None
    weekdays: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("delay", "zone", "expected"),
    [
        (Delay(), None, "2026-03-02T12:00"),  # at once
        (Delay(hours=1, minutes=30), None, "2026-03-02T13:30"),
        (Delay(days=1), "Europe/Berlin", "2026-03-03T12:00"),  # 24 hours, wherever one is
        (Delay(days=1, at=time(9)), None, "2026-03-03T09:00"),  # tomorrow at nine
        (Delay(at=time(9)), None, "2026-03-03T09:00"),  # nine has passed today
        (Delay(at=time(18)), None, "2026-03-02T18:00"),
        (Delay(days=1, at=time(9)), "Europe/Moscow", "2026-03-03T06:00"),  # nine where they are
        (Delay(days=1, at=time(1)), "Asia/Tokyo", "2026-03-02T16:00"),  # their tomorrow
        (Delay(weekdays=(6, 7)), None, "2026-03-07T12:00"),  # the weekend, same time of day
        (Delay(weekdays=(1,)), None, "2026-03-02T12:00"),  # today is one of them
        (Delay(at=time(9), weekdays=(1,)), None, "2026-03-09T09:00"),
        (Delay(hours=20, at=time(9)), None, "2026-03-03T09:00"),
        # Clocks go forward on 29 March in Berlin: nine there is seven in UTC from then on.
        (Delay(days=27, at=time(9)), "Europe/Berlin", "2026-03-29T07:00"),
        (Delay(days=26, at=time(9)), "Europe/Berlin", "2026-03-28T08:00"),
    ],
)
def test_due_times(delay: Delay, zone: str | None, expected: str) -> None:
    assert due_at(delay, MONDAY_NOON, zone).isoformat().startswith(expected)


@pytest.mark.parametrize("name", [None, "", "Nowhere/At_All", "../etc/passwd", "\x00", "a" * 500])
def test_an_unknown_timezone_is_utc(name: str | None) -> None:
    assert zone_of(name).key == "UTC"


@given(
    st.builds(
        Delay,
        days=st.integers(0, 60),
        hours=st.integers(0, 48),
        minutes=st.integers(0, 120),
        at=st.none() | st.times(),
        weekdays=st.sets(st.integers(1, 7), max_size=3).map(tuple),
    ),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from([None, "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]),
)
def test_never_before_the_base_and_always_on_an_allowed_day(
    delay: Delay, base: datetime, zone: str | None
) -> None:
    base = base.replace(tzinfo=UTC)
    due = due_at(delay, base, zone)
    assert due >= base or delay.at is None
    assert due - base <= timedelta(days=delay.days + 13)
    if delay.weekdays and (delay.at is None or delay.at.hour > 4):  # no clock changes then
        assert due.astimezone(zone_of(zone)).isoweekday() in delay.weekdays
