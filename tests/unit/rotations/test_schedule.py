"""When a rotation posts: a line a case."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dripline.rotations.schedule import Schedule, latest_until, next_after, problem_with

DAY = datetime(2026, 3, 10, tzinfo=UTC)
FOUR = Schedule(every=timedelta(hours=4))
NINE = Schedule(cron="0 9 * * *", timezone="Europe/Berlin")


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return DAY.replace(day=day, hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("schedule", "anchor", "moment", "expected", "because"),
    [
        (FOUR, at(0), at(0), at(4), "the first slot comes after the start"),
        (FOUR, at(0), at(3, 59), at(4), "slots are counted from the start"),
        (FOUR, at(0), at(4), at(8), "a slot that is now is not the next one"),
        (FOUR, at(0, 30), at(9), at(12, 30), "whatever the hour"),
        (FOUR, at(6), at(2), at(10), "a clock that was set back plans the first slot"),
        (NINE, at(0), at(7), at(8), "nine in Berlin is eight in winter"),
        (NINE, at(0), at(7, day=28), at(8, day=28), "the day before summer time"),
        (NINE, at(0), at(8, day=28), at(7, day=29), "nine stays nine: seven in summer"),
        (Schedule(cron="0 9 * * 1-5"), at(0), at(9, day=13), at(9, day=16), "over a weekend"),
        (Schedule(cron="0 0 30 2 *"), at(0), at(0), None, "a day that never comes"),
        (Schedule(cron="not a line"), at(0), at(0), None, "nonsense never comes"),
    ],
)
def test_the_next_slot(
    schedule: Schedule, anchor: datetime, moment: datetime, expected: datetime, because: str
) -> None:
    assert next_after(schedule, anchor, moment) == expected, because


@pytest.mark.parametrize(
    ("schedule", "due", "now", "expected", "because"),
    [
        (FOUR, at(4), at(4), at(4), "on time"),
        (FOUR, at(4), at(4, 30), at(4), "late by half an hour"),
        (FOUR, at(4), at(13), at(12), "three slots missed: the latest"),
        (NINE, at(8), at(10, day=13), at(8, day=13), "days missed: the latest"),
        (NINE, at(8), at(7, day=11), at(8), "not yet the next"),
    ],
)
def test_of_missed_slots_the_latest_is_made_up_for(
    schedule: Schedule, due: datetime, now: datetime, expected: datetime, because: str
) -> None:
    assert latest_until(schedule, due, now) == expected, because


@given(
    st.integers(60, 10**6),
    st.integers(-(10**6), 10**8),
    st.integers(0, 10**8),
)
def test_slots_of_hours_stand_on_their_grid(every: int, anchor: int, moment: int) -> None:
    schedule = Schedule(every=timedelta(seconds=every))
    start, now = DAY + timedelta(seconds=anchor), DAY + timedelta(seconds=moment)
    following = next_after(schedule, start, now)
    assert following is not None
    assert following > now
    assert (following - start) % timedelta(seconds=every) == timedelta()
    later = now + timedelta(seconds=every * 3.5)
    missed = latest_until(schedule, following, later)
    assert following <= missed <= max(later, following)
    assert (missed - following) % timedelta(seconds=every) == timedelta()


@pytest.mark.parametrize("line", ["", "* * * *", "61 * * * *", "0 9 * * 9", "@daily please"])
def test_a_wrong_cron_line_is_told(line: str) -> None:
    assert problem_with(line)


def test_a_right_one_is_not() -> None:
    assert problem_with("*/15 9-18 * * 1-5") is None


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (timedelta(hours=4), "every 4 hours"),
        (timedelta(hours=1), "every hour"),
        (timedelta(days=1), "every day"),
        (timedelta(hours=36), "every 36 hours"),
        (timedelta(minutes=90), "every 90 minutes"),
        (timedelta(seconds=61), "every 61 seconds"),
    ],
)
def test_how_often_is_said_in_words(every: timedelta, words: str) -> None:
    assert Schedule(every=every).words == words
    assert NINE.words == "0 9 * * * Europe/Berlin"
