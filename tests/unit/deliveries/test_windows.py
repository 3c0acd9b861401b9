"""When a contact may be written to: a row for each rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.deliveries.windows import Habits, hold, inside, on_its_day, weekdays_of, zone_of

NIGHT = (22 * 60, 8 * 60)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "habits", "given", "until", "reason"),
    [
        # 2 March 2026 is a Monday.
        ("2026-03-02T12:00", {}, {}, None, None),
        ("2026-03-02T12:00", {"quiet": NIGHT}, {}, None, None),
        ("2026-03-02T23:00", {"quiet": NIGHT}, {}, "2026-03-03T08:00", "quiet_hours"),
        ("2026-03-02T03:00", {"quiet": NIGHT}, {}, "2026-03-02T08:00", "quiet_hours"),
        ("2026-03-02T08:00", {"quiet": NIGHT}, {}, None, None),  # the end is not quiet any more
        ("2026-03-02T22:00", {"quiet": NIGHT}, {}, "2026-03-03T08:00", "quiet_hours"),
        ("2026-03-02T13:00", {"quiet": (780, 840)}, {}, "2026-03-02T14:00", "quiet_hours"),
        ("2026-03-02T12:00", {"quiet": (600, 600)}, {}, None, None),  # no hours at all
        # It is 23:30 in Berlin.
        (
            "2026-03-02T22:30",
            {"quiet": NIGHT, "timezone": "Europe/Berlin"},
            {},
            "2026-03-03T07:00",
            "quiet_hours",
        ),
        # A zone nobody knows is UTC.
        (
            "2026-03-02T23:00",
            {"quiet": NIGHT, "timezone": "Mars"},
            {},
            "2026-03-03T08:00",
            "quiet_hours",
        ),
        # Days: the contact's, the scenario's, both; where none suits both, the contact's.
        ("2026-03-07T12:00", {"weekdays": {1}}, {}, "2026-03-09T12:00", "weekday"),
        ("2026-03-07T12:00", {}, {"weekdays": (1, 2)}, "2026-03-09T12:00", "weekday"),
        (
            "2026-03-02T12:00",
            {"weekdays": {1, 3}},
            {"weekdays": (3, 4)},
            "2026-03-04T12:00",
            "weekday",
        ),
        ("2026-03-02T12:00", {"weekdays": {1}}, {"weekdays": (3,)}, None, None),
        # A day off, then quiet hours: the first reason is told.
        ("2026-03-07T23:00", {"weekdays": {1}, "quiet": NIGHT}, {}, "2026-03-09T08:00", "weekday"),
        # A preferred time is for messages that are days apart.
        ("2026-03-02T15:00", {"preferred": "morning"}, {}, None, None),
        (
            "2026-03-02T15:00",
            {"preferred": "morning"},
            {"days_apart": True},
            "2026-03-03T08:00",
            "preferred_time",
        ),
        ("2026-03-02T09:00", {"preferred": "morning"}, {"days_apart": True}, None, None),
        (
            "2026-03-02T09:00",
            {"preferred": "evening"},
            {"days_apart": True},
            "2026-03-02T17:00",
            "preferred_time",
        ),
        # The hour learned narrows it, if it lies in it.
        (
            "2026-03-02T08:10",
            {"preferred": "morning", "best_hour": 10},
            {"days_apart": True},
            "2026-03-02T10:00",
            "preferred_time",
        ),
        (
            "2026-03-02T11:00",
            {"preferred": "morning", "best_hour": 10},
            {"days_apart": True},
            None,
            None,
        ),
        (
            "2026-03-02T09:00",
            {"preferred": "morning", "best_hour": 20},
            {"days_apart": True},
            None,
            None,
        ),
        (
            "2026-03-02T12:00",
            {"best_hour": 19},
            {"days_apart": True},
            "2026-03-02T19:00",
            "best_hour",
        ),
        ("2026-03-02T20:30", {"best_hour": 19}, {"days_apart": True}, None, None),
        ("2026-03-03T00:30", {"best_hour": 23}, {"days_apart": True}, None, None),  # past midnight
        # A preferred time within quiet hours gives way to them.
        (
            "2026-03-02T09:00",
            {"preferred": "evening", "quiet": (960, 1320)},
            {"days_apart": True},
            None,
            None,
        ),
    ],
)
def test_a_message_waits(
    at: str, habits: dict[str, Any], given: dict[str, Any], until: str | None, reason: str | None
) -> None:
    if "weekdays" in habits:
        habits = {**habits, "weekdays": frozenset(habits["weekdays"])}
    held = hold(moment(at), Habits(**habits), **given)
    if held is None:
        assert until is None
    else:
        assert (held.until, held.reason) == (moment(until or at), reason)


_minutes = st.integers(0, 1439)


@given(
    at=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from([None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    quiet=st.none() | st.tuples(_minutes, _minutes),
    preferred=st.sampled_from([None, "morning", "afternoon", "evening"]),
    best=st.none() | st.integers(0, 23),
    weekdays=st.frozensets(st.integers(1, 7)),
    scenarios=st.frozensets(st.integers(1, 7)),
    apart=st.booleans(),
)
def test_a_hold_ends_outside_of_quiet_hours_on_a_day_that_suits(
    at: datetime,
    zone: str | None,
    quiet: tuple[int, int] | None,
    preferred: str | None,
    best: int | None,
    weekdays: frozenset[int],
    scenarios: frozenset[int],
    apart: bool,
) -> None:
    habits = Habits(zone, quiet, preferred, best, weekdays)
    held = hold(at, habits, days_apart=apart, weekdays=scenarios)
    until = at if held is None else held.until
    assert at <= until <= at + timedelta(days=16)
    local = until.astimezone(zone_of(zone))
    if quiet is not None:
        assert not inside(local.hour * 60 + local.minute, quiet)
    if weekdays and quiet is None:
        assert local.isoweekday() in weekdays


@pytest.mark.parametrize(
    ("due", "habits", "expected"),
    [
        ("2026-03-03T14:00", Habits(), "2026-03-03T14:00"),
        ("2026-03-03T14:00", Habits(preferred="morning"), "2026-03-03T08:00"),
        ("2026-03-03T09:30", Habits(preferred="morning"), "2026-03-03T09:30"),
        ("2026-03-03T14:00", Habits("Asia/Tokyo", preferred="morning"), "2026-03-02T23:00"),
        ("2026-03-03T14:00", Habits(best_hour=19), "2026-03-03T19:00"),
    ],
)
def test_days_apart_means_at_the_preferred_time_of_that_day(
    due: str, habits: Habits, expected: str
) -> None:
    assert on_its_day(moment(due), habits) == moment(expected)


def test_weekdays_are_read_as_they_are_written() -> None:
    assert weekdays_of("1,2,7") == {1, 2, 7}
    assert weekdays_of(None) == weekdays_of("") == frozenset()
